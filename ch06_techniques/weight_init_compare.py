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
        iters_num: The number of training iterations.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate.
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


def last_loss_claim(key: str, book: str, low: float, high: float) -> Claim:
    """Return the claim that the last losses with these initial weights are from low to high."""
    return Claim(
        f"mean loss of the last 100 iterations, {key}",
        book,
        lambda result: float(np.mean(result.train_loss[key][-100:])),
        lambda v: low < v < high,
        digits=3,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        # A network that guesses has the loss log 10 = 2.303.
        last_loss_claim("std 0.01", "does not learn", 2.28, 2.33),
        last_loss_claim("Xavier", "learns", 0, 0.6),
        last_loss_claim("He", "learns", 0, 0.6),
        last_loss_claim("Glorot", "learns", 0, 0.6),
        Claim(
            "mean loss of all iterations, Xavier and He",
            "He learns faster",
            lambda result: [float(np.mean(result.train_loss[key])) for key in ("Xavier", "He")],
            lambda v: v[1] < v[0],
            digits=3,
        ),
    ],
    quick={"iters_num": 30},
)

if __name__ == "__main__":
    experiment.main()
