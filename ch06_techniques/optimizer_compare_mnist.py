"""*Using the MNIST Dataset to Compare the Update Techniques* (chapter 6): six optimizers.

Each optimizer trains the same network from the same weights on the same batches, with its usual
learning rate.  The book's text has SGD, Momentum, AdaGrad and Adam; Nesterov and RMSprop are added.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

BOOKS = ("SGD", "Momentum", "AdaGrad", "Adam")
"""The optimizers of the book's figure."""
LOW = 0.3
"""The script counts the iterations of each optimizer until the smoothed loss is below this."""
WINDOW = 50
"""The curves show the mean loss of so many iterations."""


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        iters_num: The number of training iterations, each a step on one mini-batch.
        batch_size: The number of images in a mini-batch, from which one step learns.
    """

    iters_num: int = 2_000
    batch_size: int = 128


@dataclass(frozen=True)
class Result(Record):
    """The losses of the networks.

    Args:
        train_loss: The loss of each mini-batch, by optimizer.
    """

    train_loss: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    optimizers = {
        "SGD": SGD(),
        "Momentum": Momentum(),
        "AdaGrad": AdaGrad(),
        "Adam": Adam(),
        "Nesterov": Nesterov(),
        "RMSprop": RMSprop(),
    }
    initial = MultiLayerNet(784, [100] * 4, 10, weight_init_std="relu", rng=rng)
    networks = {key: copy.deepcopy(initial) for key in optimizers}
    train_loss: dict[str, list[float]] = {key: [] for key in optimizers}

    for _ in progress(range(config.iters_num)):
        batch_mask = rng.choice(len(data.x_train), config.batch_size)
        x_batch, t_batch = data.x_train[batch_mask], data.t_train[batch_mask]
        for key, network in networks.items():
            grads = network.gradient(x_batch, t_batch)
            optimizers[key].update(network.params, grads)
            train_loss[key].append(network.last_loss)
    return Result(train_loss)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(height=4.5)
    window = min(WINDOW, -(-len(result.train_loss["SGD"]) // 2))
    styles = ("-", "-", "-", "-", "--", "-")  # Nesterov's curve lies on that of Momentum
    for (key, losses), style in zip(result.train_loss.items(), styles, strict=True):
        means = np.convolve(losses, np.ones(window) / window, mode="valid")
        axes.plot(range(window, len(losses) + 1), means, style, label=key)
    axes.set(yscale="log", xlabel="iteration", ylabel=f"mean loss of the last {window} batches")
    axes.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_ylim(top=2.5)  # RMSprop begins far above
    axes.legend(frameon=False, ncols=2)
    return {"figure_6_9": figure}


def last_loss(result: Result, key: str) -> float:
    """Return the mean loss of the last 100 iterations."""
    return float(np.mean(result.train_loss[key][-100:]))


def iterations_to_low(result: Result, key: str) -> int:
    """Return the number of iterations before the smoothed loss is below LOW, or of all."""
    low = np.flatnonzero(smooth_curve(result.train_loss[key]) < LOW)
    return int(low[0]) if len(low) else len(result.train_loss[key])


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            f"iterations to a loss below {LOW}: SGD, Momentum, AdaGrad, Adam",
            "others are faster than SGD",
            lambda result: [iterations_to_low(result, key) for key in BOOKS],
            lambda v: max(v[1:]) < v[0],
            "the first is the largest",
            "the text shows curves and no numbers; 'faster' is fewer iterations",
        ),
        Claim(
            "mean loss of the last 100 iterations: SGD, Momentum, AdaGrad, Adam, Nesterov, RMSprop",
            None,
            lambda result: [last_loss(result, key) for key in result.train_loss],
            lambda v: max(v[1:]) < v[0],
            "the first is the largest",
            "no text has these numbers; the slowest rule should end highest",
            digits=3,
        ),
    ],
    quick={"iters_num": 20},
)

if __name__ == "__main__":
    experiment.main()
