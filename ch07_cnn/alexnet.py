"""*AlexNet* (chapter 7): what it changes in LeNet, and what each change brings on digits.

AlexNet has the convolutions, pooling and Affine layers of LeNet, and more of them.  Its activation
is ReLU, it has local response normalization, and it is trained with dropout.  The script trains
LeNet with sigmoid and with ReLU, and a small AlexNet, once whole and once without each of the two
others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch07_cnn.cost import Cost, Training, draw, train
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.layers import LocalResponseNorm
from dlbasics.network import Network
from dlbasics.networks import AlexNet, LeNet

NETWORKS: dict[str, Callable[..., Network]] = {
    "LeNet": LeNet,
    "LeNet with ReLU": lambda rng: LeNet(modern=True, rng=rng),
    "AlexNet": AlexNet,
    "without LRN": lambda rng: AlexNet(normalize=False, rng=rng),
    "without dropout": lambda rng: AlexNet(dropout_ratio=0, rng=rng),
}


@dataclass(frozen=True)
class Config(Training):
    """A short training of each network."""


@dataclass(frozen=True)
class Result(Record):
    """The networks, and what local response normalization does.

    Args:
        costs: What each network costs and learns, by name.
        strength: The numbers by which a pixel of 1 is multiplied, if the pixels at its place in
            the other four channels of its neighborhood are all 0, 1, 10 or 100.
    """

    costs: dict[str, Cost]
    strength: list[float]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seed = int(rng.integers(2**32))
    costs = {
        name: train(NETWORKS[name](rng=seed), config, data, seed) for name in progress(NETWORKS)
    }
    return Result(costs, [strength(neighbor) for neighbor in (0, 1, 10, 100)])


def strength(neighbor: float) -> float:
    """Return what local response normalization makes of a 1 among such neighbors."""
    x = np.full((1, 5, 1, 1), float(neighbor))
    x[0, 2] = 1
    return float(LocalResponseNorm().forward(x)[0, 2, 0, 0])


def plot(result: Result) -> dict[str, Any]:
    return {"networks": draw(result.costs)}


def last(result: Result, *names: str) -> list[float]:
    """Return the test accuracies of these networks after training."""
    return [result.costs[name].test_acc[-1] for name in names]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "parameters: LeNet, AlexNet",
            [61_706, 96_250],
            lambda result: [result.costs[name].parameters for name in ("LeNet", "AlexNet")],
            printed=False,
            any_data=True,
        ),
        Claim.same(
            "multiplications for an image: LeNet, AlexNet",
            [416_520, 3_097_152],
            lambda result: [result.costs[name].multiplications for name in ("LeNet", "AlexNet")],
            printed=False,
            any_data=True,
        ),
        Claim(
            "test accuracy after an epoch: LeNet with sigmoid, with ReLU",
            "ReLU has replaced sigmoid",
            lambda result: [
                result.costs[name].test_acc[0] for name in ("LeNet", "LeNet with ReLU")
            ],
            lambda v: v[0] + 0.1 < v[1],
            condition="the second is more than 0.1 higher",
            why="one image in ten is more than a seed changes",
        ),
        Claim(
            "test accuracy: LeNet with sigmoid, with ReLU, AlexNet",
            None,
            lambda result: last(result, "LeNet", "LeNet with ReLU", "AlexNet"),
            lambda v: v[0] < min(v[1:]),
            condition="the first is the lowest",
            why="which of the other two is ahead depends on the seed",
        ),
        Claim.between(
            "test accuracy: AlexNet, without LRN, without dropout",
            None,
            lambda result: last(result, "AlexNet", "without LRN", "without dropout"),
            0.9,
            1,
            why="a short training; a margin of some points below what was measured",
        ),
        Claim.same(
            "LRN: factor of a pixel of 1 whose neighbors are 0, 1, 10, 100",
            [0.5946, 0.5945, 0.5858, 0.2608],
            lambda result: result.strength,
            atol=1e-4,
            why="the formula by hand, in four digits",
            printed=False,
            any_data=True,
        ),
        Claim.shown(
            "seconds of training: AlexNet, without LRN",
            None,
            lambda result: [result.costs[name].seconds for name in ("AlexNet", "without LRN")],
            digits=2,
        ),
    ],
    quick={"train_size": 300, "epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
