"""Gradient check of a CNN (chapter 7): backpropagation against numerical differentiation.

The mean absolute difference of the two for each parameter of a small SimpleConvNet, in float64, on
random images.  With some seeds a sum lies so near the kink of a ReLU, or two pixels of a window so
near each other, that numerical differentiation steps across and is wrong there: the more units, the
more often, so there are few.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.networks import SimpleConvNet
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    image_size: int = 10
    filter_num: int = 5
    filter_size: int = 3
    hidden_size: int = 10
    batch_size: int = 2


@dataclass(frozen=True)
class Result:
    """By parameter: the mean absolute difference, and the mean absolute gradient."""

    mean_error: dict[str, float]
    mean_gradient: dict[str, float]


def run(config: Config, rng: RngLike) -> Result:
    rng = np.random.default_rng(rng)
    input_dim = (1, config.image_size, config.image_size)
    x = rng.standard_normal((config.batch_size, *input_dim))
    t = rng.integers(10, size=config.batch_size)
    network = SimpleConvNet(
        input_dim,
        {"filter_num": config.filter_num, "filter_size": config.filter_size},
        config.hidden_size,
        weight_init_std="he",
        rng=rng,
        dtype=np.float64,
    )
    numerical = network.numerical_gradient(x, t)
    backprop = network.gradient(x, t)
    return Result(
        {key: mean_size(backprop[key] - numerical[key]) for key in backprop},
        {key: mean_size(gradient) for key, gradient in numerical.items()},
    )


def mean_size(array: Array) -> float:
    return float(np.abs(array).mean())


def error_claim(key: str) -> Claim:
    return Claim(
        f"mean error of {key}",
        "near 0",
        lambda result: result.mean_error[key],
        lambda v: v < 1e-8,
        digits=2,
    )


CLAIMS = [
    *(error_claim(key) for key in ("W1", "b1", "W2", "b2", "W3", "b3")),
    Claim(
        "smallest mean gradient of a parameter",
        "not 0",
        lambda result: min(result.mean_gradient.values()),
        lambda v: v > 1e-3,
        digits=2,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, config=Config, claims=CLAIMS)
