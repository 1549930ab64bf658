"""*Gradient Check* (chapter 5): backpropagation against numerical differentiation.

The script computes the gradients of a two-layer network in both ways, in float64, on the first
training images.  For each parameter it prints the mean absolute difference between the two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ch05_backprop.two_layer_net import TwoLayerNet
from dlbasics.experiment import Claim, Data, Experiment, Record


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        hidden_size: The number of hidden neurons.
        weight_init_std: The standard deviation of the initial weights, which are random.
        batch_size: The number of images on which the gradients are computed.
    """

    hidden_size: int = 50
    weight_init_std: float = 0.01
    batch_size: int = 3


@dataclass(frozen=True)
class Result(Record):
    """How far the two gradients are apart.

    Args:
        mean_error: The mean absolute difference between the two gradients, by parameter.
    """

    mean_error: dict[str, float]


def run(config: Config, data: Data, rng: Generator) -> Result:
    x, t = data.x_train[: config.batch_size], data.t_train[: config.batch_size]
    network = TwoLayerNet(784, config.hidden_size, 10, config.weight_init_std, rng=rng)
    numerical = network.numerical_gradient(x, t)
    backprop = network.gradient(x.astype(np.float64), t)
    errors = {key: float(np.abs(backprop[key] - numerical[key]).mean()) for key in backprop}
    return Result(errors)


experiment = Experiment(
    __doc__,
    run,
    config=Config,
    claims=[
        Claim(
            "mean errors of b1, W2, b2 and W1",
            [9.7e-13, 8.4e-13, 1.2e-10, 2.2e-13],
            lambda result: [result.mean_error[key] for key in ("b1", "W2", "b2", "W1")],
            lambda v: 0 < min(v) and max(v[1:3]) <= 1e-9 and v[0] <= 2e-4 and v[3] <= 2e-5,
            "above 0, W2 and b2 at most 1e-09, b1 at most 2e-04, W1 at most 2e-05",
            "where an input of ReLU is nearer to 0 than h, its numerical slope is wrong",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
