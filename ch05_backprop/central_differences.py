"""Takahashi, *Playing with MNIST*: backpropagation against central differences.

The same network is trained from the same weights on the same batches with gradients from both.
Central differences get as many iterations as --budget seconds allow, half of them as a plain loop
over the parameters and half column by column; the time for all iterations is extrapolated.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from dlbasics.typing import Array, RngLike

KINDS = {"plain loop": True, "by columns": False}
"""The argument `plain` of Network.numerical_gradient for each."""


@dataclass(frozen=True)
class Config:
    """dx: what a parameter is moved by, up and down;  budget: seconds for central differences."""

    hidden_size: int = 10
    epochs: int = 16
    batch_size: int = 100
    learning_rate: float = 0.1
    dx: float = 1e-2
    budget: float = 60.0


@dataclass(frozen=True)
class Backprop:
    """The whole training.

    seconds: of gradients and updates;  train_acc, test_acc: at first and after each epoch.
    """

    iterations: int
    seconds: float
    train_acc: list[float]
    test_acc: list[float]


@dataclass(frozen=True)
class Differences:
    """As many iterations as the budget allows, and the same ones by backpropagation beside them.

    seconds: of gradients and updates by differences;
    losses: by gradient, "differences" and "backprop", of each batch, before the update;
    param_difference: after each, the largest between parameters of the two networks.
    """

    seconds: float
    losses: dict[str, list[float]]
    param_difference: list[float]


@dataclass(frozen=True)
class Result:
    backprop: Backprop
    differences: dict[str, Differences]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
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
    return Result(backprop, differences)


def all_batches(data: Data, config: Config, seed: int) -> Iterator[tuple[Array, Array]]:
    """The batches of all epochs, x in float64."""
    rng = np.random.default_rng(seed)
    for _ in range(config.epochs):
        for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=rng):
            yield x.astype(np.float64), t


def train(initial: Network, config: Config, data: Data, seed: int, progress: Progress) -> Backprop:
    network, seconds = copy.deepcopy(initial), 0.0
    iter_per_epoch = math.ceil(len(data.x_train) / config.batch_size)
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
    batches: Iterator[tuple[Array, Array]],
    progress: Progress,
) -> Differences:
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
    network: Network, gradient: Callable[..., Any], config: Config, x: Array, t: Array
) -> float:
    """One iteration of gradient descent; returns the seconds that it took."""
    start = time.perf_counter()
    SGD(config.learning_rate).update(network.params, gradient(x, t))
    return time.perf_counter() - start


def largest_difference(one: Network, other: Network) -> float:
    """The largest difference between two parameters at the same place."""
    return max(float(np.abs(one.params[key] - other.params[key]).max()) for key in one.params)


def accuracies_of(network: Network, data: Data) -> tuple[float, float]:
    """The accuracy on training and on test images."""
    return (
        network.accuracy(data.x_train, data.t_train),
        network.accuracy(data.x_test, data.t_test),
    )


def extrapolated(result: Result, kind: str) -> float:
    """Seconds that central differences would take for all iterations."""
    found = result.differences[kind]
    return found.seconds / len(found.param_difference) * result.backprop.iterations


def times_as_long(result: Result, kind: str) -> float:
    """How many times as long as backpropagation they would take."""
    return extrapolated(result, kind) / result.backprop.seconds


def largest_loss_difference(found: Differences) -> float:
    """The largest difference between the losses of the two networks before an iteration."""
    return float(np.abs(np.subtract(found.losses["differences"], found.losses["backprop"])).max())


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.backprop.train_acc, "test": result.backprop.test_acc},
        xlabel="epoch",
        ylabel="accuracy, by backpropagation",
        markers=True,
        ylim=(0, 1.03),
    )
    both, (loss, difference) = plotting.subplots(1, 2, width=5.0)
    columns = result.differences["by columns"]
    loss.plot(columns.losses["backprop"], label="backpropagation", linewidth=4, alpha=0.4)
    loss.plot(columns.losses["differences"], label="central differences by columns", linewidth=1)
    loss.set(xlabel="iteration", ylabel="loss of the batch", ylim=(0, None))
    loss.legend(frameon=False)
    for kind, color, width in (("by columns", "C1", 1), ("plain loop", "C2", 4)):
        found = result.differences[kind].param_difference
        iterations = range(1, len(found) + 1)
        difference.plot(iterations, found, color=color, label=kind, linewidth=width)
    difference.set(xlabel="iteration", ylabel="largest difference of a parameter", ylim=(0, None))
    difference.legend(frameon=False)
    return {"accuracy": accuracy, "both": both}


CLAIMS = [
    Claim(
        "test accuracy after all epochs, by backpropagation",
        "about 0.85",
        lambda result: result.backprop.test_acc[-1],
        lambda v: 0.84 <= v <= 1,
    ),
    Claim(
        "seconds for all iterations, by backpropagation",
        "22.3",
        lambda result: result.backprop.seconds,
        lambda v: 0 < v < 60,
        digits=2,
    ),
    Claim(
        "the same, plain loop over the parameters, extrapolated",
        "41,171.5",
        lambda result: extrapolated(result, "plain loop"),
        lambda v: 1_000 < v < math.inf,
        digits=2,
    ),
    Claim(
        "times as long as by backpropagation",
        1846,
        lambda result: times_as_long(result, "plain loop"),
        lambda v: 500 < v < math.inf,
        digits=2,
    ),
    Claim(
        "the same by columns, extrapolated: seconds and times as long",
        "sooner",
        lambda result: [extrapolated(result, "by columns"), times_as_long(result, "by columns")],
        lambda v: 0 < v[0] < 20_000 and 1 < v[1] < 1_500,
        digits=2,
    ),
    Claim(
        "iterations that were compared, plain loop and by columns",
        "9,600",
        lambda result: [len(found.param_difference) for found in result.differences.values()],
        lambda v: 1 <= v[0] < v[1],
    ),
    Claim(
        "largest difference in them of a parameter and of the loss",
        "the same curves",
        lambda result: [
            max(max(found.param_difference) for found in result.differences.values()),
            max(map(largest_loss_difference, result.differences.values())),
        ],
        lambda v: 0 < v[0] < 1e-3 and 0 < v[1] < 1e-3,
        digits=2,
    ),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"hidden_size": 2, "epochs": 2, "budget": 0.5},
    )
