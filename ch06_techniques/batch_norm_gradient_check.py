"""Batch Normalization (chapter 6): its gradients against numerical ones.

The mean absolute difference for each parameter of a network with batch normalization, in float64,
on a batch of images.  Of one image alone every unit minus its mean is 0: then no gradient gets
below the normalization, and comparing zeros checks nothing.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim, Data
from dlbasics.networks import MultiLayerNet
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    hidden_size: int = 10
    batch_size: int = 10


@dataclass(frozen=True)
class Result:
    """By parameter; `largest` is the largest absolute gradient of the batch and of one image."""

    mean_error: dict[str, float]
    largest: dict[str, float]
    largest_of_one_image: dict[str, float]


def run(config: Config, rng: RngLike, data: Data | None = None) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    network = MultiLayerNet(
        784, [config.hidden_size] * 2, 10, use_batchnorm=True, rng=rng, dtype=np.float64
    )
    x, t = data.x_train[: config.batch_size].astype(np.float64), data.t_train[: config.batch_size]
    numerical = network.numerical_gradient(x, t)
    backprop = network.gradient(x, t)
    of_one = network.gradient(x[:1], t[:1])
    return Result(
        mean_error={key: float(np.abs(backprop[key] - numerical[key]).mean()) for key in backprop},
        largest={key: float(np.abs(backprop[key]).max()) for key in backprop},
        largest_of_one_image={key: float(np.abs(of_one[key]).max()) for key in of_one},
    )


def error_claim(key: str) -> Claim:
    return Claim(
        f"mean error of {key}",
        "near 0",
        lambda result: result.mean_error[key],
        lambda v: v < 1e-7,
        digits=2,
        any_data=True,
    )


CLAIMS = [
    *(error_claim(key) for key in "W1 b1 gamma1 beta1 W2 b2 gamma2 beta2 W3 b3".split()),
    Claim(
        "largest gradient of W1, gamma1 and beta1, ten images",
        "not 0",
        lambda result: [result.largest[key] for key in ("W1", "gamma1", "beta1")],
        lambda v: min(v) > 1e-3,
        digits=2,
        any_data=True,
    ),
    Claim(
        "the same, one image",
        "0: nothing is checked",
        lambda result: [result.largest_of_one_image[key] for key in ("W1", "gamma1", "beta1")],
        lambda v: all(largest == 0 for largest in v),
        digits=2,
        any_data=True,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, config=Config, claims=CLAIMS)
