"""*Dropout* (chapter 6), on ensemble learning: several networks classify an image together.

A note of the book and Takenawa, *Regularization for deep models*, describe it.  The networks differ
only in their initial weights and in the order of their batches.  Together they answer with the
class of the highest mean probability.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.functions import softmax
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        networks: The number of networks.
        hidden_size: The number of hidden neurons of each network.
        train_size: The number of training images.
        epochs: The number of epochs.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate of Adam.
    """

    networks: int = 5
    hidden_size: int = 50
    train_size: int = 60_000
    epochs: int = 10
    batch_size: int = 100
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Result(Record):
    """The accuracies of the ensembles.

    Args:
        test_acc: For each size, from 1 on, the test accuracy of every ensemble of that size.
    """

    test_acc: list[list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    probabilities = [
        softmax(train(data, config, rng).predict(data.x_test))
        for _ in progress(range(config.networks))
    ]
    return Result(
        [
            [accuracy(chosen, data.t_test) for chosen in combinations(probabilities, size)]
            for size in range(1, config.networks + 1)
        ]
    )


def train(data: Data, config: Config, rng: Generator) -> MultiLayerNet:
    """Return a trained network."""
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    optimizer = Adam(config.learning_rate)
    x_train, t_train = data.x_train[: config.train_size], data.t_train[: config.train_size]
    for _ in range(config.epochs):
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
    return network


def accuracy(probabilities: Sequence[np.ndarray], t: np.ndarray) -> float:
    """Return the accuracy of an ensemble, given the probabilities (N, K) of each network."""
    return float(np.mean(np.mean(probabilities, axis=0).argmax(axis=1) == t))


def means(result: Result) -> list[float]:
    """Return the mean test accuracy of the ensembles of each size."""
    return [float(np.mean(accuracies)) for accuracies in result.test_acc]


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    sizes = range(1, len(result.test_acc) + 1)
    for size, accuracies in zip(sizes, result.test_acc, strict=True):
        label = "an ensemble" if size == 1 else None
        axes.plot([size] * len(accuracies), accuracies, "o", color="C0", alpha=0.4, label=label)
    axes.plot(sizes, means(result), color="C1", label="mean of that size")
    axes.set_xlabel("number of networks in the ensemble")
    plotting.accuracy_axis(axes, "test accuracy")
    axes.set_xticks(sizes)
    axes.legend(frameon=False, loc="lower right")
    return {"accuracy": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "test accuracy of one network, on average, and of all five together",
            None,
            lambda result: [means(result)[0], means(result)[-1]],
            lambda v: v[0] + 0.002 < v[1] <= 1,
            "the second by more than 0.002 higher",
            why="the text says several percent; these networks are nearly always right, and have "
            "less to gain",
        ),
        Claim(
            "test accuracy of the best network, and of all five together",
            None,
            lambda result: [max(result.test_acc[0]), means(result)[-1]],
            lambda v: v[0] < v[1] <= 1,
            "the second is larger",
            why="one image of 10,000 is 0.0001; the gain differs with the seed",
        ),
        Claim(
            "mean test accuracy of 1 to 5 networks together",
            None,
            means,
            lambda v: v[0] < v[1] < v[4] and all(v[1] - v[0] > np.diff(v)[1:]),
            "2 above 1, 5 above 2, and the first step is the largest",
            why="later steps are so small that chance may turn one around",
        ),
    ],
    quick={"networks": 3, "train_size": 1_000, "epochs": 2},
)

if __name__ == "__main__":
    experiment.main()
