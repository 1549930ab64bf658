"""Gradient Check (chapter 5): backpropagation against numerical differentiation.

The mean absolute difference of the two for each parameter of the two-layer network, in float64, on
the first training images.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim, Data
from dlbasics.networks import TwoLayerNet
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    hidden_size: int = 50
    weight_init_std: float = 0.01
    batch_size: int = 3


@dataclass(frozen=True)
class Result:
    mean_error: dict[str, float]


def run(config: Config, rng: RngLike, data: Data | None = None) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    x, t = data.x_train[: config.batch_size], data.t_train[: config.batch_size]
    network = TwoLayerNet(
        784, config.hidden_size, 10, config.weight_init_std, rng=rng, dtype=np.float64
    )
    numerical = network.numerical_gradient(x, t)
    backprop = network.gradient(x.astype(np.float64), t)
    errors = {key: float(np.abs(backprop[key] - numerical[key]).mean()) for key in backprop}
    return Result(errors)


def error_claim(key: str, book: float) -> Claim:
    return Claim(
        f"mean error of {key}", book, lambda result: result.mean_error[key], lambda v: v < 1e-9
    )


CLAIMS = [
    error_claim("b1", 9.7e-13),
    error_claim("W2", 8.4e-13),
    error_claim("b2", 1.2e-10),
    error_claim("W1", 2.2e-13),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, config=Config, claims=CLAIMS)
