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
            any_data=True,
        ),
        Claim.same(
            "millions of multiplications for an image: LeNet, AlexNet",
            [0.4165, 3.097],
            lambda result: [
                result.costs[name].multiplications / 1e6 for name in ("LeNet", "AlexNet")
            ],
            rtol=1e-3,
            any_data=True,
        ),
        Claim(
            "test accuracy after the first epoch: LeNet with sigmoid, with ReLU",
            "ReLU is used now",
            lambda result: [
                result.costs[name].test_acc[0] for name in ("LeNet", "LeNet with ReLU")
            ],
            lambda v: v[0] + 0.1 < v[1] <= 1,
        ),
        Claim(
            "test accuracy: LeNet with sigmoid, with ReLU, AlexNet",
            "AlexNet is better",
            lambda result: last(result, "LeNet", "LeNet with ReLU", "AlexNet"),
            lambda v: 0.5 < v[0] < v[1] < v[2] <= 1,
        ),
        Claim(
            "test accuracy: AlexNet, without LRN, without dropout",
            "not given",
            lambda result: last(result, "AlexNet", "without LRN", "without dropout"),
            lambda v: 0.92 < min(v) <= max(v) <= 1,
        ),
        Claim(
            "LRN: factor of a pixel of 1 whose neighbors are 0, 1, 10, 100",
            "strong neighbors weaken it",
            lambda result: result.strength,
            lambda v: 0.59 < v[0] < 0.6 and v[0] > v[1] > v[2] > v[3] > 0,
            any_data=True,
        ),
        Claim.shown(
            "seconds of training: AlexNet, without LRN",
            "not given",
            lambda result: [result.costs[name].seconds for name in ("AlexNet", "without LRN")],
            digits=2,
        ),
    ],
    quick={"train_size": 300, "epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
