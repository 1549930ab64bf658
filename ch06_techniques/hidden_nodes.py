"""Takahashi, *Playing with MNIST*: what more hidden nodes cost, and what they bring.

Networks of one hidden layer of 50 to 300 nodes, trained on the same batches: the time of their
training, and the accuracy on training and test images.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    """evaluate_every: epochs from one evaluation to the next."""

    hidden_sizes: tuple[int, ...] = (50, 100, 150, 200, 250, 300)
    epochs: int = 50
    batch_size: int = 100
    learning_rate: float = 0.1
    evaluate_every: int = 5


@dataclass(frozen=True)
class Result:
    """seconds: of the processor for the training, by network, without the evaluations.

    epochs: after which the networks were evaluated;  train_acc, test_acc: (networks, evaluations).
    """

    hidden_sizes: tuple[int, ...]
    seconds: list[float]
    epochs: list[int]
    train_acc: Array
    test_acc: Array


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    networks = [
        MultiLayerNet(784, [size], 10, "sigmoid", "sigmoid", rng=rng)
        for size in config.hidden_sizes
    ]
    seconds = [0.0] * len(networks)
    epochs, accuracies = [], []
    for epoch in progress(range(1, config.epochs + 1)):
        seed = rng.integers(2**32)  # the same batches for all
        for i, network in enumerate(networks):
            seconds[i] += train_epoch(network, data, config, seed)
        if epoch % config.evaluate_every == 0 or epoch == config.epochs:
            epochs.append(epoch)
            accuracies.append([accuracies_of(network, data) for network in networks])
    train_acc, test_acc = np.transpose(accuracies)
    return Result(config.hidden_sizes, seconds, epochs, train_acc, test_acc)


def train_epoch(network: MultiLayerNet, data: Data, config: Config, seed: int) -> float:
    """Returns the seconds of the processor: other programs lengthen them little."""
    optimizer, start = SGD(config.learning_rate), time.process_time()
    for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=seed):
        optimizer.update(network.params, network.gradient(x, t))
    return time.process_time() - start


def accuracies_of(network: MultiLayerNet, data: Data) -> tuple[float, float]:
    """The accuracy on training and on test images."""
    return (
        network.accuracy(data.x_train, data.t_train),
        network.accuracy(data.x_test, data.t_test),
    )


def gaps(result: Result) -> Array:
    """Training accuracy less test accuracy, (networks, evaluations)."""
    return result.train_acc - result.test_acc


def line(result: Result) -> tuple[float, float]:
    """Slope and height at 0 of the line nearest to the times: seconds a node, and seconds."""
    slope, height = np.polyfit(result.hidden_sizes, result.seconds, 1)
    return float(slope), float(height)


def distance_from_line(result: Result) -> float:
    """The largest distance of a time from the line, as a share of the longest time."""
    slope, height = line(result)
    times = np.array(result.seconds)
    distances = np.abs(times - height - slope * np.array(result.hidden_sizes))
    return float(distances.max() / times.max())


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (times, accuracy, gap) = plotting.subplots(1, 3, width=4.5)
    slope, height = line(result)
    sizes = np.array([0, *result.hidden_sizes])
    times.plot(sizes, height + slope * sizes, color="gray", linewidth=1, label="nearest line")
    times.plot(result.hidden_sizes, result.seconds, "o", label="measured")
    times.set(xlabel="hidden nodes", ylabel="seconds of training", xlim=(0, None), ylim=(0, None))
    times.legend(frameon=False)
    last = {"training": result.train_acc[:, -1], "test": result.test_acc[:, -1]}
    plotting.draw_curves(accuracy, last, x=result.hidden_sizes, markers=True)
    accuracy.set(xlabel="hidden nodes", ylabel=f"accuracy after {result.epochs[-1]} epochs")
    series = dict(zip(map("{} nodes".format, result.hidden_sizes), gaps(result), strict=True))
    plotting.draw_curves(gap, series, x=result.epochs, markers=True)
    gap.set(xlabel="epoch", ylabel="training accuracy less test accuracy")
    return {"time_and_accuracy": figure}


CLAIMS = [
    Claim(
        "seconds of training, by nodes",
        "more with each 50",
        lambda result: result.seconds,
        lambda v: v == sorted(v) and len({*v}) == len(v),
        digits=2,
        any_data=True,
    ),
    Claim(
        "largest distance of a time from the nearest line, as a share of the longest",
        "linear",
        distance_from_line,
        lambda v: 0 <= v < 0.05,
        digits=2,
    ),
    Claim(
        "test accuracy, by nodes",
        "about 0.95",
        lambda result: result.test_acc[:, -1],
        lambda v: all(0.94 <= accuracy <= 1 for accuracy in v),
    ),
    Claim(
        "training accuracy, by nodes",
        "about 0.95",
        lambda result: result.train_acc[:, -1],
        lambda v: all(0.94 <= accuracy <= 1 for accuracy in v),
    ),
    Claim(
        "training accuracy less test accuracy at the first evaluation and the last, by nodes",
        "a growing gap",
        lambda result: gaps(result)[:, [0, -1]].T,
        lambda v: all(last > first and last > 0 for first, last in np.transpose(v)),
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
        quick={"hidden_sizes": (10, 20, 40), "epochs": 10},
    )
