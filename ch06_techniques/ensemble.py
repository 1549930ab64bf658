"""Ensembles, not the book's: several networks read an image together.

From Takenawa's lecture *Deep Learning: Part 2*.  Networks that differ in their initial weights and
in the order of their batches alone; what they make of an image is the mean of their probabilities.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.functions import softmax
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    networks: int = 5
    hidden_size: int = 50
    train_size: int = 60_000
    epochs: int = 10
    batch_size: int = 100
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Result:
    """test_acc: for 1, 2, ... networks together, of every choice of so many of them."""

    test_acc: list[list[float]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    probabilities = [
        softmax(train(data, config, rng).predict(data.x_test))
        for _ in progress(range(config.networks))
    ]
    return Result(
        [
            [accuracy(chosen, data.t_test) for chosen in combinations(probabilities, count)]
            for count in range(1, config.networks + 1)
        ]
    )


def train(data: Data, config: Config, rng: np.random.Generator) -> MultiLayerNet:
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    optimizer = Adam(config.learning_rate)
    x_train, t_train = data.x_train[: config.train_size], data.t_train[: config.train_size]
    for _ in range(config.epochs):
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
    return network


def accuracy(probabilities: tuple[Array, ...], t: Array) -> float:
    """Of the mean of the networks' probabilities, each (N, K), against the classes t (N,)."""
    return float(np.mean(np.mean(probabilities, axis=0).argmax(axis=1) == t))


def means(result: Result) -> list[float]:
    """The mean test accuracy of so many networks together."""
    return [float(np.mean(accuracies)) for accuracies in result.test_acc]


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    counts = range(1, len(result.test_acc) + 1)
    for count, accuracies in zip(counts, result.test_acc, strict=True):
        axes.plot([count] * len(accuracies), accuracies, "o", color="C0", alpha=0.4)
    axes.plot(counts, means(result), color="C1", label="mean of all choices")
    axes.set(xlabel="networks that read an image together", ylabel="test accuracy")
    axes.set_xticks(counts)
    axes.legend(frameon=False, loc="lower right")
    return {"accuracy": figure}


CLAIMS = [
    Claim(
        "test accuracy of one network, mean of five, and of the five together",
        "together better",
        lambda result: [means(result)[0], means(result)[-1]],
        lambda v: v[0] + 0.002 < v[1] <= 1,
    ),
    Claim(
        "the best of the five alone, and the five together",
        "better than each",
        lambda result: [max(result.test_acc[0]), means(result)[-1]],
        lambda v: v[0] < v[1] <= 1,
    ),
    Claim(
        "mean test accuracy by networks together, 1 to 5",
        "the second helps most",
        means,
        lambda v: v[0] < v[1] < v[4] and all(v[1] - v[0] > np.diff(v)[1:]),
    ),
]

if __name__ == "__main__":
    quick = {"networks": 3, "train_size": 1_000, "epochs": 2}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
