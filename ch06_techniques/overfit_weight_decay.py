"""*Weight Decay* (chapter 6): a large network learns 300 images by heart; this lessens it.

Two networks start from the same weights and learn the same batches, one of them with weight decay.
The script records the accuracy on training and test images after every epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.trainer import Trainer


@dataclass(frozen=True)
class Training:
    """The book's settings that this script and overfit_dropout.py share.

    Args:
        train_size: The number of training images; few are learned by heart.
        epochs: The number of epochs; one draws as many images as there are to learn from.
        batch_size: The number of images in a mini-batch, from which one step learns.
        learning_rate: The learning rate, which says how large a step is.
    """

    train_size: int = 300
    epochs: int = 201
    batch_size: int = 100
    learning_rate: float = 0.01


@dataclass(frozen=True)
class Config(Training):
    """The book's settings.

    Args:
        weight_decay_lambda: The strength of weight decay, lambda; 0 is none.
    """

    weight_decay_lambda: float = 0.1


@dataclass(frozen=True)
class Result(Record):
    """The accuracies of two networks, "without" and "with" what lessens overfitting.

    Args:
        train_acc: The accuracy on the training images after each epoch, by network.
        test_acc: The accuracy on the test images after each epoch, by network.
    """

    train_acc: dict[str, list[float]]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    decay = {"weight_decay_lambda": config.weight_decay_lambda}
    return compare(config, decay, data, rng, progress)


def compare(
    config: Training,
    arguments: Mapping[str, Any],
    data: Data,
    rng: Generator,
    progress: Progress,
) -> Result:
    """Train two networks, and give these arguments of MultiLayerNet to the second."""
    weights_seed, batches_seed = rng.integers(2**32, size=2)
    train_acc, test_acc = {}, {}
    for key, given in (("without", {}), ("with", arguments)):
        network = MultiLayerNet(784, [100] * 6, 10, rng=weights_seed, **given)
        trainer = Trainer(
            network,
            data.x_train[: config.train_size],
            data.t_train[: config.train_size],
            data.x_test,
            data.t_test,
            epochs=config.epochs,
            mini_batch_size=config.batch_size,
            optimizer_param={"lr": config.learning_rate},
            verbose=False,
            rng=batches_seed,
        )
        for _ in progress(range(trainer.max_iter)):
            trainer.train_step()
        train_acc[key] = trainer.train_acc_list
        test_acc[key] = trainer.test_acc_list
    return Result(train_acc, test_acc)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figures = {}
    for name, key in (("figure_6_20", "without"), ("figure_6_21", "with")):
        figures[name], axes = plotting.subplots()
        draw_accuracies(axes, result, key)
        axes.set(ylabel="accuracy", title=f"{key} weight decay")
    return figures


def draw_accuracies(axes: Any, result: Result, key: str) -> None:
    """Draw the training and the test accuracies of one network."""
    from dlbasics import plotting

    series = {"training": result.train_acc[key], "test": result.test_acc[key]}
    plotting.draw_curves(axes, series, x=range(1, len(series["test"]) + 1))
    axes.legend(frameon=False, loc="lower right")
    axes.set(xlabel="epoch", ylim=(0, 1.03))
    axes.xaxis.get_major_locator().set_params(integer=True)


def second_half(accuracies: list[float]) -> float:
    """Return the mean of the second half of the epochs."""
    return float(np.mean(accuracies[len(accuracies) // 2 :]))


def gap(result: Result, key: str) -> float:
    """Return training accuracy minus test accuracy in the second half of the epochs."""
    return second_half(result.train_acc[key]) - second_half(result.test_acc[key])


def claims(name: str) -> list[Claim]:
    """Return the book's claims about overfitting, and about `name`, which lessens it."""
    return [
        Claim.between(
            f"training accuracy after 100 epochs, without {name}",
            "almost 100%",
            lambda result: result.train_acc["without"][:100][-1],
            low=0.95,
            high=1,
            why="'almost' leaves 5 points; one image of 300 is a third of a point",
            printed=True,
            digits=3,
        ),
        Claim(
            f"training and test accuracy, second half of the epochs, without {name}",
            "test far below 100%",
            lambda result: [
                second_half(of["without"]) for of in (result.train_acc, result.test_acc)
            ],
            lambda v: v[1] + 0.2 < v[0] <= 1,
            "the first exceeds the second by more than 0.2, and is at most 1",
            "the text has no number; a margin below what was measured",
            digits=3,
        ),
        Claim(
            f"training minus test accuracy, second half, without and with {name}",
            "the difference is smaller",
            lambda result: [gap(result, "without"), gap(result, "with")],
            lambda v: v[1] < v[0],
            "the second is smaller",
            "the text has no number; one epoch alone varies more",
            digits=3,
        ),
        Claim(
            f"highest training accuracy, with {name}",
            "not 100%",
            lambda result: max(result.train_acc["with"]),
            lambda v: v < 1,
            "below 1",
            "the text says no more",
            printed=True,
            digits=3,
        ),
    ]


experiment = Experiment(__doc__, run, plot, Config, claims=claims("decay"), quick={"epochs": 5})

if __name__ == "__main__":
    experiment.main()
