"""*Implementing Hyperparameter Optimization* (chapter 6): random weight decay and learning rate.

The script draws a hundred pairs.  With each pair a network learns 400 images; its score is the
accuracy on 100 validation images.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import train_validation_split
from dlbasics.experiment import Claim, Data, Experiment, Progress, processes
from dlbasics.networks import MultiLayerNet
from dlbasics.search import LogUniform, SearchResult, random_search
from dlbasics.trainer import Trainer

SPACE = {"weight_decay": LogUniform(1e-8, 1e-4), "lr": LogUniform(1e-6, 1e-2)}


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        trials: The number of pairs to try.
        epochs: The number of epochs of each trial.
        train_size: The number of images for training and validation together.
        batch_size: The number of images in a mini-batch.
        halving: If not 0, the factor of successive halving, at least 2, which gives up poor trials
            early; 3 keeps the best third each time.
        processes: The number of processes that run trials at the same time.  It does not change
            the result.
    """

    trials: int = 100
    epochs: int = 50
    train_size: int = 500
    batch_size: int = 100
    halving: int = 0
    processes: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        if self.halving < 0 or self.halving == 1:
            raise ValueError(f"halving must be 0 or at least 2, got {self.halving}")


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> SearchResult:
    x, t = data.x_train[: config.train_size], data.t_train[: config.train_size]
    (x_train, t_train), (x_val, t_val) = train_validation_split(x, t, 0.2, rng)
    objective = partial(train, (x_train, t_train, x_val, t_val), config.batch_size)
    with processes(config.processes) as pool:
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
    data: tuple[np.ndarray, ...],
    batch_size: int,
    params: dict[str, float],
    epochs: int,
    rng: Generator,
) -> dict[str, Any]:
    """Run one trial, and return its score and its accuracies after each epoch.

    The score is the last validation accuracy.
    """
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
    """Draw the validation and training accuracies of the 20 best trials."""
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
    lines = axes[0, 0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside upper center", ncols=2, frameon=False)
    return {"figure_6_24": figure}


def rank_correlation(result: SearchResult, name: str) -> float:
    """Return Spearman's correlation of a hyperparameter with the score.

    It is 1 if a larger value is always better, and near 0 if the value does not matter.
    """
    x = ranks(np.array([trial.params[name] for trial in result.trials]))
    y = ranks(np.array([trial.score for trial in result.trials]))
    length = np.linalg.norm(x) * np.linalg.norm(y)
    return float(x @ y / length) if length > 0 else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of the values minus their mean; equal values share a rank."""
    column = values[:, np.newaxis]
    places = (column > values).sum(axis=1) + (column >= values).sum(axis=1)
    return places - places.mean()


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "best validation accuracy",
            0.83,
            lambda result: result.best.score,
            low=0.7,
            high=1,
            why="100 images judge, and 100 random pairs compete: both differ with the seed",
            digits=2,
        ),
        Claim.between(
            "learning rates of the best five",
            (0.0092, 0.00956, 0.00571, 0.00626, 0.0052),
            lambda result: [trial.params["lr"] for trial in result.trials[:5]],
            low=0.001,
            high=0.01,
            why="the range in which the book says that training goes well",
            digits=3,
        ),
        # Weight decay hardly matters here, as the last claim shows, so these rates are not judged.
        Claim.shown(
            "weight decay rates of the best five",
            (3.86e-07, 6.04e-07, 1.27e-06, 1.43e-05, 8.97e-06),
            lambda result: [trial.params["weight_decay"] for trial in result.trials[:5]],
            digits=3,
        ),
        Claim(
            "rank correlation of validation accuracy with learning rate and with weight decay",
            "0.001 to 0.01 and 10^-8 to 10^-6 go well",
            lambda result: [rank_correlation(result, name) for name in ("lr", "weight_decay")],
            lambda v: v[0] > 0.3 and abs(v[1]) < 0.3,
            "the first above 0.3, the second between -0.3 and 0.3",
            why="0.3 is three standard deviations for 100 random pairs that have nothing in common",
            digits=2,
        ),
    ],
    quick={"trials": 10, "epochs": 3},
)

if __name__ == "__main__":
    experiment.main()
