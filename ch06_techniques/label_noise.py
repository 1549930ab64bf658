"""Takenawa, *Regularization for deep models*: what wrong labels cost, and what helps against them.

The text names noise for output values, that is, label smoothing; the experiment is ours.  A growing
share of the training labels is wrong.  Networks learn them for all epochs or with early stopping,
and with or without label smoothing.  Label smoothing moves a part of each label to all classes, as
if a known share of the labels were wrong.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch06_techniques import early_stopping
from ch06_techniques.early_stopping import with_wrong_labels
from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Progress, Record

KINDS = {
    "labels as they are, all epochs": (False, False),
    "smoothed labels, all epochs": (True, False),
    "labels as they are, early stopping": (False, True),
    "smoothed labels, early stopping": (True, True),
}
"""For each kind of training: whether labels are smoothed, and whether it stops early."""


@dataclass(frozen=True)
class Config(early_stopping.Training):
    """The settings.

    Args:
        shares: The shares of wrong labels to try.
        epsilon: The part of each label that label smoothing moves to all classes, from 0 to 1.
    """

    shares: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8)
    epsilon: float = 0.2


@dataclass(frozen=True)
class Result(Record):
    """The accuracies of the networks.

    Args:
        shares: The shares of wrong labels.
        test_acc: The test accuracy, by kind of training and share; all test labels are right.
    """

    shares: tuple[float, ...]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    test_acc: dict[str, list[float]] = {name: [] for name in KINDS}
    for share in progress(config.shares):
        t = with_wrong_labels(data.t_train[: config.size], share, rng)
        seed = rng.integers(2**32)
        for name, (smooth, stop) in KINDS.items():
            trained = early_stopping.train(
                t,
                data,
                config,
                np.random.default_rng(seed),
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
        accuracy=True,
    )
    axes = figure.axes[0]
    for line, (smooth, stop) in zip(axes.lines, KINDS.values(), strict=True):
        line.set(color="C1" if stop else "C0", linestyle="--" if smooth else "-")
    axes.legend(frameon=False)
    return {"accuracy": figure}


def after_all_epochs(result: Result, share: float) -> Any:
    """Return the test accuracies without and with smoothing, for this share of wrong labels."""
    if share not in result.shares:
        return LEFT_OUT
    i = result.shares.index(share)
    return [
        result.test_acc[name][i]
        for name in ("labels as they are, all epochs", "smoothed labels, all epochs")
    ]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "test accuracy by share of wrong labels from 0 to 0.8, all epochs",
            None,
            lambda result: result.test_acc["labels as they are, all epochs"],
            lambda v: len(v) == 5 and v == sorted(v, reverse=True) and v[0] > v[-1] + 0.5,
            "falls, in all by more than 0.5",
            why="with nine of ten labels wrong only guessing is left; 0.8 are near it",
            digits=3,
        ),
        Claim(
            "test accuracy by share of wrong labels from 0 to 0.8, early stopping",
            "avoids overfitting",
            lambda result: result.test_acc["labels as they are, early stopping"],
            lambda v: len(v) == 5 and v[0] > 0.9 and v[2] > 0.8 and v[3] > 0.75,
            "above 0.9 at share 0, 0.8 at 0.4, 0.75 at 0.6",
            why="far above the network of all epochs; a margin below what was measured",
            digits=3,
        ),
        Claim(
            "test accuracy after all epochs, no label wrong, without and with smoothing",
            "increases robustness",
            lambda result: after_all_epochs(result, 0.0),
            lambda v: v[0] < v[1] <= 1,
            "the second is larger",
            why="smoothing gains little; no text has a number",
            digits=3,
        ),
        Claim(
            "test accuracy after all epochs, 0.4 of the labels wrong, without and with smoothing",
            None,
            lambda result: after_all_epochs(result, 0.4),
            lambda v: v[1] < v[0] + 0.02 < 0.75,
            "the first below 0.73, the second less than 0.02 higher",
            why="smoothing does not help here; another seed may change it by 0.02",
            digits=3,
        ),
    ],
    quick={"shares": (0.0, 0.4), "size": 600, "hidden_size": 50, "epochs": 20, "patience": 3},
)

if __name__ == "__main__":
    experiment.main()
