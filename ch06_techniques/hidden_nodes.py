"""Takahashi, *Backpropagation with More Hidden Nodes*, figure 4.4: their cost and their use.

Networks with one hidden layer of 50 to 300 nodes learn the same batches.  The script measures the
time of their training, and their accuracy on training and test images.
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


@dataclass(frozen=True)
class Config:
    """The settings of the text.

    Args:
        hidden_sizes: The numbers of hidden nodes to try.
        epochs: The number of epochs.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate.
        evaluate_every: The number of epochs between two evaluations.
    """

    hidden_sizes: tuple[int, ...] = (50, 100, 150, 200, 250, 300)
    epochs: int = 50
    batch_size: int = 100
    learning_rate: float = 0.1
    evaluate_every: int = 5


@dataclass(frozen=True)
class Result(Record):
    """The times and accuracies of the networks.

    Args:
        hidden_sizes: The number of hidden nodes of each network.
        seconds: The processor time of each training in seconds, without the evaluations.
        epochs: The epochs after which the networks were evaluated.
        train_acc: The accuracies on the training images, (networks, evaluations).
        test_acc: The accuracies on the test images, (networks, evaluations).
    """

    hidden_sizes: tuple[int, ...]
    seconds: list[float]
    epochs: list[int]
    train_acc: np.ndarray
    test_acc: np.ndarray


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    networks = [
        MultiLayerNet(784, [size], 10, "sigmoid", "sigmoid", rng=rng)
        for size in config.hidden_sizes
    ]
    seconds = [0.0] * len(networks)
    epochs, accuracies = [], []
    for epoch in progress(range(1, config.epochs + 1)):
        seed = rng.integers(2**32)  # the same batches for all networks
        for i, network in enumerate(networks):
            seconds[i] += train_epoch(network, data, config, np.random.default_rng(seed))
        if epoch % config.evaluate_every == 0 or epoch == config.epochs:
            epochs.append(epoch)
            accuracies.append(
                [
                    (
                        network.accuracy(data.x_train, data.t_train),
                        network.accuracy(data.x_test, data.t_test),
                    )
                    for network in networks
                ]
            )
    train_acc, test_acc = np.transpose(accuracies)
    return Result(config.hidden_sizes, seconds, epochs, train_acc, test_acc)


def train_epoch(network: MultiLayerNet, data: Data, config: Config, rng: Generator) -> float:
    """Train for an epoch, and return the processor time, which other programs hardly change."""
    optimizer, start = SGD(config.learning_rate), time.process_time()
    for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=rng):
        optimizer.update(network.params, network.gradient(x, t))
    return time.process_time() - start


def gaps(result: Result) -> np.ndarray:
    """Return training accuracy minus test accuracy, (networks, evaluations)."""
    return result.train_acc - result.test_acc


def line(result: Result) -> tuple[float, float]:
    """Return slope (seconds per node) and intercept (seconds) of the line through the times."""
    slope, intercept = np.polyfit(result.hidden_sizes, result.seconds, 1)
    return float(slope), float(intercept)


def distance_from_line(result: Result) -> float:
    """Return the largest distance of a time from the line, as a share of the longest time."""
    slope, intercept = line(result)
    times = np.array(result.seconds)
    distances = np.abs(times - intercept - slope * np.array(result.hidden_sizes))
    return float(distances.max() / times.max())


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (times, accuracy, gap) = plotting.subplots(1, 3, width=3.8, height=3.8)
    slope, intercept = line(result)
    sizes = np.array([0, *result.hidden_sizes])
    times.plot(sizes, intercept + slope * sizes, color="gray", linewidth=1, label="fitted line")
    times.plot(result.hidden_sizes, result.seconds, "o", label="measured")
    times.set(xlabel="hidden nodes", ylabel="seconds of training", xlim=(0, None), ylim=(0, None))
    times.legend(frameon=False)
    last = {"training": result.train_acc[:, -1], "test": result.test_acc[:, -1]}
    plotting.draw_curves(accuracy, last, x=result.hidden_sizes, markers=True)
    accuracy.set_xlabel("hidden nodes")
    plotting.accuracy_axis(accuracy, f"accuracy after {result.epochs[-1]} epochs")
    series = dict(zip(map("{} nodes".format, result.hidden_sizes), gaps(result), strict=True))
    plotting.draw_curves(gap, series, x=result.epochs, markers=True)
    gap.axhline(0, color="gray", linestyle=":")
    gap.set(xlabel="epoch", ylabel="training accuracy minus test accuracy")
    return {"time_and_accuracy": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.shown(
            "seconds of training, by number of nodes",
            "the time grows linearly",
            lambda result: result.seconds,
            digits=2,
        ),
        Claim.shown(
            "largest distance of a time from a fitted line, as a share of the longest time",
            "the time grows linearly",
            distance_from_line,
            digits=2,
        ),
        Claim.between(
            "test accuracy, by number of nodes",
            0.95,
            lambda result: result.test_acc[:, -1],
            low=0.94,
            high=1,
            why="the text says 'about 95 (%)'; more is no fault",
        ),
        Claim.between(
            "training accuracy, by number of nodes",
            None,
            lambda result: result.train_acc[:, -1],
            low=0.94,
            high=1,
            why="the bound of the test accuracy; no text has a number",
        ),
        Claim(
            "mean of training minus test accuracy, first and last evaluation",
            "overfitting occurs",
            lambda result: gaps(result)[:, [0, -1]].mean(axis=0),
            lambda v: max(v[0], 0) < v[1],
            "the second is larger, and above 0",
            why="the text shows curves and no number",
            digits=2,
        ),
    ],
    quick={"hidden_sizes": (10, 20, 40), "epochs": 2, "evaluate_every": 1},
)

if __name__ == "__main__":
    experiment.main()
