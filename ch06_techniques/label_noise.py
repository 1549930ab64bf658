"""Label noise, not the book's: what wrong labels cost, and what helps against them.

From Takenawa's lecture *Deep Learning: Part 2*.  Of the training labels a growing share is wrong.
Networks learn them to the end or with early stopping, as they are or with label smoothing, which
gives every class a share of each label, as if noise of a known size were in it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch06_techniques import early_stopping
from ch06_techniques.early_stopping import with_wrong_labels
from dlbasics import experiment
from dlbasics.experiment import LEFT_OUT, Claim, Data, Progress
from dlbasics.typing import RngLike

KINDS = {
    "labels as they are, all epochs": (False, False),
    "smoothed labels, all epochs": (True, False),
    "labels as they are, early stopping": (False, True),
    "smoothed labels, early stopping": (True, True),
}
"""Of each kind of training: whether labels are smoothed, and whether it is stopped."""


@dataclass(frozen=True)
class Config(early_stopping.Training):
    """shares: of wrong labels, one after the other;  epsilon: of label smoothing."""

    shares: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8)
    epsilon: float = 0.2


@dataclass(frozen=True)
class Result:
    """shares: of wrong labels;  test_acc: by kind of training and share, all test labels right."""

    shares: tuple[float, ...]
    test_acc: dict[str, list[float]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    test_acc: dict[str, list[float]] = {name: [] for name in KINDS}
    for share in progress(config.shares):
        t = with_wrong_labels(data.t_train[: config.size], share, rng)
        seed = rng.integers(2**32)
        for name, (smooth, stop) in KINDS.items():
            trained = early_stopping.train(
                t,
                data,
                config,
                seed,
                patience=config.patience if stop else None,
                smoothing=config.epsilon if smooth else 0.0,
            )
            test_acc[name].append(trained.final_acc)
    return Result(config.shares, test_acc)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure = plotting.curves(
        result.test_acc,
        x=result.shares,
        xlabel="share of training labels that are wrong",
        ylabel="test accuracy",
        markers=True,
        ylim=(0, 1.03),
    )
    return {"accuracy": figure}


def after_all_epochs(result: Result, share: float) -> Any:
    """The test accuracy at this share of wrong labels: labels as they are, and smoothed."""
    if share not in result.shares:
        return LEFT_OUT
    i = result.shares.index(share)
    names = "labels as they are, all epochs", "smoothed labels, all epochs"
    return [result.test_acc[name][i] for name in names]


CLAIMS = [
    Claim(
        "test accuracy by share of wrong labels from 0 to 0.8, all epochs",
        "falls",
        lambda result: result.test_acc["labels as they are, all epochs"],
        lambda v: len(v) == 5 and v == sorted(v, reverse=True) and v[0] > v[-1] + 0.5,
        digits=3,
    ),
    Claim(
        "the same with early stopping",
        "falls less",
        lambda result: result.test_acc["labels as they are, early stopping"],
        lambda v: len(v) == 5 and v[0] > 0.9 and v[2] > 0.8 and v[3] > 0.75,
        digits=3,
    ),
    Claim(
        "no label wrong, all epochs: as they are, smoothed",
        "smoothing helps",
        lambda result: after_all_epochs(result, 0.0),
        lambda v: v[0] < v[1] <= 1,
        digits=3,
    ),
    Claim(
        "0.4 of the labels wrong, all epochs: as they are, smoothed",
        "does not help",
        lambda result: after_all_epochs(result, 0.4),
        lambda v: v[1] < v[0] + 0.02 < 0.75,
        digits=3,
    ),
]

if __name__ == "__main__":
    quick = {"shares": (0.0, 0.4), "size": 600, "hidden_size": 50, "epochs": 20, "patience": 3}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
