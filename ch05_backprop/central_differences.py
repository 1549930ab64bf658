"""Takahashi, *Backpropagation vs Central Difference*, table 4.1: which is faster, and by how much.

The script trains the same network with both kinds of gradient, from the same weights and on the
same batches.  Backpropagation trains it to the end.  Central differences take as many iterations as
--budget seconds allow: half of the time goes to a plain loop over the parameters, half to the fast
way, which works on whole columns of the weights.  The script extrapolates the time that all
iterations would take.  For the first batch it also compares the two gradients themselves.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import batch_count, minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

KINDS = {"plain loop": True, "by columns": False}
"""The two ways to compute central differences: the argument `plain` of numerical_gradient."""

Batch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Config:
    """The text's settings, and a budget.

    Args:
        hidden_size: The number of hidden neurons.
        epochs: The number of epochs, passes over all training images.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate, the factor of the gradient in an update.
        dx: The distance by which central differences move a parameter up and down.
        budget: The time for central differences, in seconds.
    """

    hidden_size: int = 10
    epochs: int = 16
    batch_size: int = 100
    learning_rate: float = 0.1
    dx: float = 1e-2
    budget: float = 60.0

    def __post_init__(self) -> None:
        if self.dx == 0:
            raise ValueError("dx must be above 0, got 0")


@dataclass(frozen=True)
class Backprop:
    """The whole training by backpropagation.

    Args:
        iterations: The number of iterations.
        seconds: The time that all gradients and updates took.
        train_acc: The accuracy on the training images before training and after each epoch.
        test_acc: The accuracy on the test images before training and after each epoch.
    """

    iterations: int
    seconds: float
    train_acc: list[float]
    test_acc: list[float]


@dataclass(frozen=True)
class Differences:
    """Training by central differences, and the same iterations by backpropagation.

    Args:
        seconds: The time that all gradients and updates by central differences took.
        losses: The loss of each mini-batch before its update, of the networks that train with
            "differences" and with "backprop".
        param_difference: The largest difference between a parameter of the one network and the
            same parameter of the other, after each iteration.
    """

    seconds: float
    losses: dict[str, list[float]]
    param_difference: list[float]


@dataclass(frozen=True)
class Result(Record):
    """Both ways to train.

    Args:
        relative_error: |g - g'| / |g'| for each parameter before the training, where g is its
            gradient by central differences, and g' by backpropagation.
        backprop: The training by backpropagation.
        differences: The training by central differences, as a "plain loop" and "by columns".
    """

    relative_error: dict[str, float]
    backprop: Backprop
    differences: dict[str, Differences]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    initial = MultiLayerNet(
        784, [config.hidden_size], 10, "sigmoid", "sigmoid", rng=rng, dtype=np.float64
    )
    # All trainings see the batches of one seed.
    seed = rng.integers(2**32)
    backprop = train(initial, config, data, seed, progress)
    differences = {
        kind: train_both(initial, config, plain, all_batches(data, config, seed), progress)
        for kind, plain in KINDS.items()
    }
    errors = relative_errors(initial, config, *next(all_batches(data, config, seed)))
    return Result(errors, backprop, differences)


def relative_errors(
    network: Network, config: Config, x: np.ndarray, t: np.ndarray
) -> dict[str, float]:
    """Return how far central differences are from backpropagation, for each parameter."""
    grads, numerical = network.gradient(x, t), network.numerical_gradient(x, t, h=config.dx)
    return {
        key: float(np.linalg.norm(numerical[key] - grad) / np.linalg.norm(grad))
        for key, grad in grads.items()
    }


def all_batches(data: Data, config: Config, seed: int) -> Iterator[Batch]:
    """Yield the mini-batches of all epochs, with x in float64."""
    rng = np.random.default_rng(seed)
    for _ in range(config.epochs):
        for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=rng):
            yield x.astype(np.float64), t


def train(initial: Network, config: Config, data: Data, seed: int, progress: Progress) -> Backprop:
    """Train a copy of the network by backpropagation."""
    network, seconds = copy.deepcopy(initial), 0.0
    iter_per_epoch = batch_count(len(data.x_train), config.batch_size, "epoch")
    iterations = config.epochs * iter_per_epoch
    accuracies = []
    batches = all_batches(data, config, seed)
    for i in progress(range(iterations)):
        if i % iter_per_epoch == 0:
            accuracies.append(accuracies_of(network, data))
        seconds += timed_step(network, network.gradient, config, *next(batches))
    accuracies.append(accuracies_of(network, data))
    train_acc, test_acc = zip(*accuracies, strict=True)
    return Backprop(iterations, seconds, [*train_acc], [*test_acc])


def train_both(
    initial: Network,
    config: Config,
    plain: bool,
    batches: Iterator[Batch],
    progress: Progress,
) -> Differences:
    """Train two copies of the network side by side, until the budget is spent."""
    networks = {"differences": copy.deepcopy(initial), "backprop": copy.deepcopy(initial)}
    gradients = {
        "differences": partial(
            networks["differences"].numerical_gradient, plain=plain, h=config.dx
        ),
        "backprop": networks["backprop"].gradient,
    }
    seconds = {"differences": 0.0, "backprop": 0.0}
    losses: dict[str, list[float]] = {key: [] for key in networks}
    param_difference = []
    for x, t in progress(batches):
        for key, network in networks.items():
            losses[key].append(network.loss(x, t))
            seconds[key] += timed_step(network, gradients[key], config, x, t)
        param_difference.append(largest_difference(*networks.values()))
        if seconds["differences"] >= config.budget / len(KINDS):
            break
    return Differences(seconds["differences"], losses, param_difference)


def timed_step(
    network: Network, gradient: Callable[..., Any], config: Config, x: np.ndarray, t: np.ndarray
) -> float:
    """Take one step of gradient descent, and return the seconds that it took."""
    start = time.perf_counter()
    SGD(config.learning_rate).update(network.params, gradient(x, t))
    return time.perf_counter() - start


def largest_difference(one: Network, other: Network) -> float:
    """Return the largest difference between parameters at the same place in two networks."""
    return max(float(np.abs(one.params[key] - other.params[key]).max()) for key in one.params)


def accuracies_of(network: Network, data: Data) -> tuple[float, float]:
    """Return the accuracies on training and on test images."""
    return (
        network.accuracy(data.x_train, data.t_train),
        network.accuracy(data.x_test, data.t_test),
    )


def extrapolated(result: Result, kind: str) -> float:
    """Return the seconds that central differences would take for all iterations."""
    found = result.differences[kind]
    return found.seconds / len(found.param_difference) * result.backprop.iterations


def times_as_long(result: Result, kind: str) -> float:
    """Return the time of central differences divided by the time of backpropagation."""
    return extrapolated(result, kind) / result.backprop.seconds


def largest_loss_difference(found: Differences) -> float:
    """Return the largest difference between the losses of both networks in any iteration."""
    return float(np.abs(np.subtract(found.losses["differences"], found.losses["backprop"])).max())


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.backprop.train_acc[1:], "test": result.backprop.test_acc[1:]},
        x=range(1, len(result.backprop.test_acc)),
        xlabel="epoch",
        ylabel=f"accuracy (before training: {result.backprop.test_acc[0]:.2f})",
        title="trained by backpropagation",
        markers=True,
    )
    both, (loss, difference) = plotting.subplots(1, 2, width=5.0)
    columns = result.differences["by columns"]
    loss.plot(columns.losses["backprop"], label="backpropagation", linewidth=4, alpha=0.4)
    loss.plot(columns.losses["differences"], label="central differences by columns", linewidth=1)
    loss.set(xlabel="iteration", ylabel="loss of the batch")
    loss.legend(frameon=False)
    for kind, color, width in (("by columns", "C1", 1), ("plain loop", "C2", 4)):
        found = result.differences[kind].param_difference
        iterations = range(1, len(found) + 1)
        difference.plot(iterations, found, color=color, label=kind, linewidth=width)
    difference.set(xlabel="iteration", ylabel="largest difference of a parameter", ylim=(0, None))
    difference.legend(frameon=False)
    return {"accuracy": accuracy, "both": both}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "test accuracy after all epochs, by backpropagation",
            0.85,
            lambda result: result.backprop.test_acc[-1],
            low=0.84,
            high=1,
            why="the text says around; ours must not be worse",
        ),
        Claim.between(
            "relative error of the gradients of W1, b1, W2 and b2 by central differences",
            None,
            lambda result: [*result.relative_error.values()],
            low=1e-9,
            high=0.002,
            why="a distance of 0.01 leaves an error of the order of its square",
            digits=2,
            any_data=True,
        ),
        Claim.shown(
            "seconds for all iterations, by backpropagation",
            22.299,
            lambda result: result.backprop.seconds,
            digits=3,
        ),
        Claim.shown(
            "the same by a plain loop over the parameters (extrapolated)",
            41_171.548,
            lambda result: extrapolated(result, "plain loop"),
            digits=5,
        ),
        Claim.shown(
            "time of the plain loop divided by the time of backpropagation",
            1850,
            lambda result: times_as_long(result, "plain loop"),
        ),
        Claim.shown(
            "by columns: seconds (extrapolated), and divided by those of backpropagation",
            None,
            lambda result: [
                extrapolated(result, "by columns"),
                times_as_long(result, "by columns"),
            ],
            condition="depends on the machine",
        ),
        Claim.shown(
            "iterations, of 9,600, in the budget: by a plain loop and by columns",
            None,
            lambda result: [len(found.param_difference) for found in result.differences.values()],
            condition="depends on the machine",
        ),
        Claim.between(
            "largest difference of a parameter and of a loss in these iterations",
            "the same result",
            lambda result: [
                max(max(found.param_difference) for found in result.differences.values()),
                max(map(largest_loss_difference, result.differences.values())),
            ],
            low=1e-12,
            high=0.01,
            why="it grows with the iterations, which depend on the machine",
            digits=2,
        ),
    ],
    quick={"hidden_size": 2, "epochs": 2, "budget": 0.5},
)

if __name__ == "__main__":
    experiment.main()
