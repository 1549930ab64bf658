"""*Using the MNIST Dataset to Compare the Weight Initializers* (chapter 6): 0.01, Xavier, He.

Three networks learn MNIST on the same batches.  They differ only in the standard deviation of
their initial weights.  Takahashi, *Playing with MNIST*, compares four initializations (figure A.2),
whose names the text does not print; a fourth network here has Glorot's weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

WEIGHT_INIT: dict[str, float | str] = {"std 0.01": 0.01, "Xavier": "sigmoid", "He": "relu"}
"""The book's three."""


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        iters_num: The number of training iterations, each a step on one mini-batch.
        batch_size: The number of images in a mini-batch, from which one step learns.
        learning_rate: The learning rate, which says how large a step is.
    """

    iters_num: int = 2_000
    batch_size: int = 128
    learning_rate: float = 0.01


@dataclass(frozen=True)
class Result(Record):
    """The losses of the networks.

    Args:
        train_loss: The loss of each mini-batch, by initial weights.
    """

    train_loss: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    networks = {
        key: MultiLayerNet(784, [100] * 4, 10, weight_init_std=std, rng=rng)
        for key, std in WEIGHT_INIT.items()
    }
    # A generator of its own leaves the numbers of the other three as they are.
    networks["Glorot"] = MultiLayerNet(
        784, [100] * 4, 10, weight_init_std="glorot", rng=rng.spawn(1)[0]
    )
    optimizer = SGD(config.learning_rate)
    train_loss: dict[str, list[float]] = {key: [] for key in networks}

    for _ in progress(range(config.iters_num)):
        batch_mask = rng.choice(len(data.x_train), config.batch_size)
        x_batch, t_batch = data.x_train[batch_mask], data.t_train[batch_mask]
        for key, network in networks.items():
            grads = network.gradient(x_batch, t_batch)
            optimizer.update(network.params, grads)
            train_loss[key].append(network.last_loss)
    return Result(train_loss)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    curves = {key: smooth_curve(losses) for key, losses in result.train_loss.items()}
    books = {key: curves[key] for key in WEIGHT_INIT}
    labels = {"xlabel": "iteration", "ylabel": "loss of the batch, smoothed"}
    return {
        "figure_6_15": plotting.curves(books, ylim=(0, 2.5), **labels),
        "four": plotting.curves(curves, ylim=(0, 2.5), **labels),
    }


def last_loss(result: Result, key: str) -> float:
    """Return the mean loss of the last 100 iterations."""
    return float(np.mean(result.train_loss[key][-100:]))


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "mean loss of the last 100 iterations, std 0.01",
            "no learning",
            lambda result: last_loss(result, "std 0.01"),
            low=2.28,
            high=2.33,
            why="a network that guesses has the loss log 10 = 2.303; batches differ a little",
            digits=3,
        ),
        Claim.between(
            "mean loss of the last 100 iterations: Xavier, He",
            "trained smoothly",
            lambda result: [last_loss(result, key) for key in ("Xavier", "He")],
            low=0,
            high=0.6,
            why="about a quarter of the loss of guessing",
            digits=3,
        ),
        Claim.between(
            "mean loss of the last 100 iterations, Glorot",
            None,
            lambda result: last_loss(result, "Glorot"),
            low=0,
            high=0.6,
            why="as for Xavier and He",
            digits=3,
        ),
        Claim(
            "mean loss of all iterations: Xavier, He",
            "He advances fast",
            lambda result: [float(np.mean(result.train_loss[key])) for key in ("Xavier", "He")],
            lambda v: v[1] < v[0],
            "the second is smaller",
            "the loss that falls first has the smaller mean",
            digits=3,
        ),
    ],
    quick={"iters_num": 30},
)

if __name__ == "__main__":
    experiment.main()
