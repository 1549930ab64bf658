"""Hyperparameter Optimization (chapter 6): weight decay and learning rate, drawn at random.

A hundred pairs, each tried on 400 training images and judged by 100 others.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import train_validation_split
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.search import LogUniform, SearchResult, random_search
from dlbasics.trainer import Trainer
from dlbasics.typing import Array, RngLike

SPACE = {"weight_decay": LogUniform(1e-8, 1e-4), "lr": LogUniform(1e-6, 1e-2)}


@dataclass(frozen=True)
class Config:
    """halving: abandon hopeless trials early, by this factor; 0 for none.

    processes: how many trials are under way at once, which changes no number.
    """

    trials: int = 100
    epochs: int = 50
    train_size: int = 500
    batch_size: int = 100
    halving: int = 0
    processes: int = field(default=1, compare=False)


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> SearchResult:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    x, t = data.x_train[: config.train_size], data.t_train[: config.train_size]
    (x_train, t_train), (x_val, t_val) = train_validation_split(x, t, 0.2, rng)
    objective = partial(train, (x_train, t_train, x_val, t_val), config.batch_size)
    with experiment.processes(config.processes) as pool:
        return random_search(
            objective,
            SPACE,
            config.trials,
            pool,
            rng,
            budget=config.epochs,
            halving=config.halving or None,
            progress=progress,
        )


def train(
    data: tuple[Array, ...],
    batch_size: int,
    params: dict[str, float],
    epochs: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """One trial: accuracies after each epoch; its score is the last one on validation images."""
    network = MultiLayerNet(784, [100] * 6, 10, weight_decay_lambda=params["weight_decay"], rng=rng)
    trainer = Trainer(
        network,
        *data,
        epochs=epochs,
        mini_batch_size=batch_size,
        optimizer="SGD",
        optimizer_param={"lr": params["lr"]},
        verbose=False,
        rng=rng,
    )
    for _ in range(trainer.max_iter):
        trainer.train_step()
    return {
        "score": trainer.test_acc_list[-1],
        "train_acc": trainer.train_acc_list,
        "val_acc": trainer.test_acc_list,
    }


def plot(result: SearchResult) -> dict[str, Any]:
    """Validation and training accuracy against epochs, of the 20 best trials."""
    from dlbasics import plotting

    figure, axes = plotting.subplots(4, 5, width=2, height=1.7, sharex=True, sharey=True)
    for rank, (panel, trial) in enumerate(zip(axes.flat, result.trials, strict=False), start=1):
        for key, label, line in (("val_acc", "validation", "-"), ("train_acc", "training", "--")):
            accuracies = trial.extra.get(key, [])
            panel.plot(range(1, len(accuracies) + 1), accuracies, line, label=label)
        panel.set_title(f"{rank}: {trial.score:.2f}, lr {trial.params['lr']:.2g}", fontsize=9)
    for panel in axes.flat[len(result.trials) :]:
        panel.set_visible(False)
    axes[0, 0].set_ylim(0, 1.03)
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    figure.supylabel("accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return {"figure_6_24": figure}


def rank_correlation(result: SearchResult, name: str) -> float:
    """Spearman's: 1 where a larger value is always better, 0 where it says nothing."""
    x = ranks(np.array([trial.params[name] for trial in result.trials]))
    y = ranks(np.array([trial.score for trial in result.trials]))
    length = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / length) if length > 0 else 0.0


def ranks(values: Array) -> Array:
    """The place of each value in ascending order, from the middle; equal ones share theirs."""
    column = values[:, np.newaxis]
    places = (column > values).sum(axis=1) + (column >= values).sum(axis=1)
    return places - places.mean()


CLAIMS = [
    Claim(
        "best validation accuracy",
        0.83,
        lambda result: result.best.score,
        lambda v: 0.7 <= v <= 1,
        digits=2,
    ),
    Claim(
        "learning rates of the best five",
        (0.0092, 0.00956, 0.00571, 0.00626, 0.0052),
        lambda result: [trial.params["lr"] for trial in result.trials[:5]],
        lambda v: all(0.001 <= lr <= 0.01 for lr in v),
        digits=3,
    ),
    Claim(
        "rank correlation of validation accuracy with learning rate and with weight decay",
        "0.001 to 0.01 and 10^-8 to 10^-6 go well",
        lambda result: [rank_correlation(result, name) for name in ("lr", "weight_decay")],
        lambda v: v[0] > 0.5 and abs(v[1]) < 0.3,
        digits=2,
    ),
]

if __name__ == "__main__":
    experiment.main(
        __doc__, run, plot, config=Config, claims=CLAIMS, quick={"trials": 20, "epochs": 3}
    )
