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

LOW = 0.3
"""The script counts the iterations of each optimizer until the smoothed loss is below this."""


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        iters_num: The number of training iterations.
        batch_size: The number of images in a mini-batch.
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

    figure = plotting.curves(
        {key: smooth_curve(losses) for key, losses in result.train_loss.items()},
        xlabel="iteration",
        ylabel="loss of the batch, smoothed",
        ylim=(0, 1),
    )
    return {"figure_6_9": figure}


def last_loss(result: Result, key: str) -> float:
    """Return the mean loss of the last 100 iterations."""
    return float(np.mean(result.train_loss[key][-100:]))


def iterations_to_low(result: Result, key: str) -> int:
    """Return the number of iterations before the smoothed loss is below LOW, or of all."""
    low = np.flatnonzero(smooth_curve(result.train_loss[key]) < LOW)
    return int(low[0]) if len(low) else len(result.train_loss[key])


def faster_claim(key: str) -> Claim:
    """Return the claim that this optimizer needs fewer iterations than SGD."""
    return Claim(
        f"iterations to a loss below {LOW}, SGD and {key}",
        "faster than SGD",
        lambda result: (iterations_to_low(result, "SGD"), iterations_to_low(result, key)),
        lambda v: v[1] < v[0],
    )


def last_loss_claim(key: str) -> Claim:
    """Return the claim that this optimizer has lower last losses than SGD."""
    return Claim(
        f"mean loss of the last 100 iterations, SGD and {key}",
        "lower than SGD's",
        lambda result: (last_loss(result, "SGD"), last_loss(result, key)),
        lambda v: v[1] < v[0],
        digits=3,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        *map(faster_claim, ("Momentum", "AdaGrad", "Adam")),
        *map(last_loss_claim, ("Momentum", "AdaGrad", "Adam", "Nesterov", "RMSprop")),
    ],
    quick={"iters_num": 20},
)

if __name__ == "__main__":
    experiment.main()
