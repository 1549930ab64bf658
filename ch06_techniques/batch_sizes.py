"""Huang, *Math Behind Digital Handwritten Recognition*: batch, mini-batch and stochastic descent.

Batch gradient descent computes the gradient from all images before each update, mini-batch gradient
descent from some of them, and stochastic gradient descent from a single one.  The script trains the
same network in the three ways for the same number of epochs, and compares how fast they learn, how
much the loss goes up and down, and how much memory a step takes.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

WAYS = ("batch", "mini-batch", "stochastic")


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        train_size: The number of training images.
        epochs: The number of epochs.
        batch_size: The number of images in a mini-batch.
        hidden_size: The number of hidden neurons.
        learning_rate: The learning rate of all three ways.
        parts: How often in an epoch the loss is computed, if there are as many updates.
    """

    train_size: int = 1_000
    epochs: int = 10
    batch_size: int = 50
    hidden_size: int = 50
    learning_rate: float = 0.1
    parts: int = 5


@dataclass(frozen=True)
class Course:
    """How a network learns.

    Args:
        epochs: The epochs at which it was evaluated, such as 0.2.
        loss: The loss of all training images then.
        test_acc: The accuracy on the first 1,000 test images after the last epoch.
        updates: The number of updates.
        megabytes: The memory of the images of an update and of what the layers make of them.
        seconds: The processor time of the updates.
    """

    epochs: list[float]
    loss: list[float]
    test_acc: float
    updates: int
    megabytes: float
    seconds: float


@dataclass(frozen=True)
class Result(Record):
    """The three ways.

    Args:
        courses: How a network learns, by way.
    """

    courses: dict[str, Course]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seed = rng.integers(2**32)
    sizes = (config.train_size, config.batch_size, 1)
    ways = progress([*zip(WAYS, sizes, strict=True)])
    return Result({way: learn(size, config, data, seed) for way, size in ways})


def learn(batch_size: int, config: Config, data: Data, seed: int) -> Course:
    """Train a network with batches of this size."""
    rng = np.random.default_rng(seed)
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    x, t = data.x_train[: config.train_size], data.t_train[: config.train_size]
    optimizer, epochs, losses, seconds = SGD(config.learning_rate), [0.0], [network.loss(x, t)], 0.0
    per_epoch = -(-len(x) // batch_size)
    every = max(per_epoch // config.parts, 1)
    updates = 0
    for _ in range(config.epochs):
        for batch in minibatches(x, t, batch_size, rng=rng):
            start = time.process_time()
            optimizer.update(network.params, network.gradient(*batch))
            seconds += time.process_time() - start
            updates += 1
            if updates % every == 0:
                epochs.append(updates / per_epoch)
                losses.append(network.loss(x, t))
    numbers = batch_size * (784 + 2 * config.hidden_size + 10)
    return Course(
        epochs=epochs,
        loss=losses,
        test_acc=network.accuracy(data.x_test[:1_000], data.t_test[:1_000]),
        updates=updates,
        megabytes=4e-6 * numbers,
        seconds=seconds,
    )


def rises(course: Course) -> float:
    """Return the sum of all rises of the loss from one evaluation to the next."""
    return float(np.maximum(np.diff(course.loss), 0).sum())


def of_all(result: Result, value: Any) -> list[Any]:
    """Return this number of batch, mini-batch and stochastic descent."""
    return [value(result.courses[way]) for way in WAYS]


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    for way, course in result.courses.items():
        axes.plot(course.epochs, course.loss, label=f"{way}, {course.updates:,} updates")
    axes.set(xlabel="epoch", ylabel="loss of all training images", ylim=(0, None))
    axes.legend(frameon=False)
    return {"loss": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "updates in all epochs: batch, mini-batch, stochastic",
            [10, 200, 10_000],
            lambda result: of_all(result, lambda course: course.updates),
            printed=False,
        ),
        Claim(
            "loss after the last epoch",
            "slow, fast, fast",
            lambda result: of_all(result, lambda course: course.loss[-1]),
            lambda v: 0 < max(v[1], v[2]) < 0.5 * v[0] < 1,
            "the first below 2, the others below half of it",
            why="guessing has a loss of 2.3; 'fast' and 'slow' differ by half at least",
            digits=2,
        ),
        Claim(
            "test accuracy",
            None,
            lambda result: of_all(result, lambda course: course.test_acc),
            lambda v: 0.2 < v[0] < min(v[1], v[2]) <= max(v) <= 1,
            "the first above 0.2, the others higher",
            why="guessing is right at 0.1; who learns fast has learned more",
            digits=3,
        ),
        Claim(
            "sum of all rises of the loss between evaluations",
            "the stochastic one could be choppy",
            lambda result: of_all(result, rises),
            lambda v: 0 <= v[0] <= v[1] < v[2],
            "the first is smallest, the third is largest",
            why="the text gives an order and no number",
            digits=2,
        ),
        Claim(
            "megabytes of a batch and of what the layers make of it",
            "large, -, small memory",
            lambda result: of_all(result, lambda course: course.megabytes),
            lambda v: v[0] > 10 * v[1] > 100 * v[2] > 0,
            "each below a tenth of the one before",
            why="there are 1,000 images, 50 and one in a batch",
            digits=2,
        ),
        Claim.shown(
            "seconds of all updates",
            "mini-batches are vectorized",
            lambda result: of_all(result, lambda course: course.seconds),
            digits=2,
        ),
    ],
    quick={"train_size": 200, "epochs": 2},
)

if __name__ == "__main__":
    experiment.main()
