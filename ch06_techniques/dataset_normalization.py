"""Takenawa, *Normalization of datasets*: inputs are shifted and scaled before training.

The book's *Inference for Neural Network* has a note on it, too.  The script brings uniform numbers
to mean 2 and variance 25. Then the same network learns MNIST with four kinds of pixels: from 0 to
255, from 0 to 1, with mean 0 and variance 1, and with mean 2 and variance 25.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches, smooth_curve
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        mean: The mean of the shifted numbers, and of the fourth kind of pixels.
        variance: The variance of the scaled numbers, and of the fourth kind of pixels.
        count: The number of uniform numbers.
        hidden_size: The number of hidden neurons.
        train_size: The number of training images.
        epochs: The number of epochs.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate.
    """

    mean: float = 2.0
    variance: float = 25.0
    count: int = 10_000
    hidden_size: int = 100
    train_size: int = 60_000
    epochs: int = 1
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result(Record):
    """The numbers, and what the networks learned.

    Args:
        numbers: Three arrays: the uniform numbers; the same with mean 0 and variance 1; the same
            with the mean and variance of the settings.
        train_loss: The loss of each mini-batch, by kind of pixels.
        test_acc: The test accuracy after training, by kind of pixels.
    """

    numbers: list[np.ndarray]
    train_loss: dict[str, list[float]]
    test_acc: dict[str, float]


def normalized(
    x: np.ndarray, like: np.ndarray, mean: float = 0.0, variance: float = 1.0
) -> np.ndarray:
    """Return sqrt(variance) (x - m) / s + mean, where m and s^2 are mean and variance of `like`.

    If x is `like`, the result has exactly that mean and variance.  Test inputs must be changed as
    the training inputs were: `normalized(x_test, like=x_train)`.
    """
    return math.sqrt(variance) * (x - like.mean()) / like.std() + mean


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    wanted = {"mean": config.mean, "variance": config.variance}
    uniform = rng.random(config.count)
    numbers = [uniform, normalized(uniform, uniform), normalized(uniform, uniform, **wanted)]

    kinds: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "from 0 to 255": lambda x: 255 * x,
        "from 0 to 1": lambda x: x,
        "mean 0, variance 1": lambda x: normalized(x, data.x_train),
        f"mean {config.mean:g}, variance {config.variance:g}": lambda x: normalized(
            x, data.x_train, **wanted
        ),
    }
    seed = rng.integers(2**32)
    train_loss, test_acc = {}, {}
    for name, change in progress(kinds.items()):
        x_train = change(data.x_train[: config.train_size])
        network, train_loss[name] = train(x_train, data, config, np.random.default_rng(seed))
        test_acc[name] = network.accuracy(change(data.x_test), data.t_test)
    return Result(numbers, train_loss, test_acc)


def train(
    x: np.ndarray, data: Data, config: Config, rng: Generator
) -> tuple[MultiLayerNet, list[float]]:
    """Return a network that has learned the images x, and the loss of each mini-batch."""
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    optimizer, losses = SGD(config.learning_rate), []
    for _ in range(config.epochs):
        for batch in minibatches(x, data.t_train[: len(x)], config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(*batch))
            losses.append(network.last_loss)
    return network, losses


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (histogram, loss) = plotting.subplots(1, 2, width=5.5)
    for numbers in result.numbers:
        mean = round(float(numbers.mean()), 2) + 0.0  # -0.0 + 0.0 is 0.0
        label = f"mean {mean:.2f}, variance {numbers.var():.2f}"
        histogram.hist(numbers, bins=25, density=True, histtype="step", linewidth=2, label=label)
    histogram.set(xlabel="uniform numbers", ylabel="density")
    histogram.legend(frameon=False)
    series = {name: smooth_curve(losses) for name, losses in result.train_loss.items()}
    plotting.draw_curves(loss, series)
    loss.axhline(math.log(10), color="gray", linestyle=":", label="guessing: log 10")
    loss.set(xlabel="iteration", ylabel="loss of the batch, smoothed (cut at 100)", ylim=(0.1, 100))
    plotting.log_axis(loss.yaxis)
    loss.legend(frameon=False, title="pixels")
    return {"numbers_and_loss": figure}


def accuracies(result: Result) -> list[float]:
    """Return the test accuracies in the order of the kinds of pixels."""
    return [*result.test_acc.values()]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "mean and variance of normalized uniform numbers",
            (2, 25),
            lambda result: (result.numbers[-1].mean(), result.numbers[-1].var()),
            rtol=1e-9,
            why="the formula is exact; sums of 10,000 numbers are rounded",
            any_data=True,
        ),
        Claim.between(
            "test accuracy after an epoch, pixels from 0 to 255",
            None,
            lambda result: accuracies(result)[0],
            low=0.05,
            high=0.5,
            why="it hardly learns: guessing is right at about 0.1",
            digits=3,
        ),
        Claim(
            "test accuracy, pixels from 0 to 1, and with mean 0 and variance 1",
            "learns faster normalized",
            lambda result: accuracies(result)[1:3],
            lambda v: 0.9 < v[0] < v[1] - 0.01,
            "both above 0.9, the second by more than 0.01 higher",
            why="more than another seed changes them",
            digits=3,
        ),
        Claim(
            "test accuracy, pixels with mean 0 and variance 1, and with mean 2 and variance 25",
            None,
            lambda result: accuracies(result)[2:],
            lambda v: 0.3 < v[1] < v[0] - 0.02 < 1,
            "the second above 0.3, and by more than 0.02 lower",
            why="large steps make it jump up and down: how far it comes differs with the seed",
            digits=3,
        ),
    ],
    quick={"train_size": 2_000},
)

if __name__ == "__main__":
    experiment.main()
