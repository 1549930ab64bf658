"""*Implementing a CNN* (chapter 7): its gradients, compared with numerical differentiation.

The script compares the two for each parameter of a small SimpleConvNet, in float64, on random
images.  The network is small for a reason: numerical differentiation is wrong where its step
crosses the kink of a ReLU, or changes which pixel of a window is the largest.  The more units a
network has, the more often that happens.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.networks import SimpleConvNet


@dataclass(frozen=True)
class Config:
    """The size of the network.

    Args:
        image_size: The height and width of the images in pixels.
        filter_num: The number of filters of the convolution.
        filter_size: The height and width of each filter in pixels.
        hidden_size: The number of neurons in the hidden layer.
        batch_size: The number of random images.
    """

    image_size: int = 10
    filter_num: int = 5
    filter_size: int = 3
    hidden_size: int = 10
    batch_size: int = 2


@dataclass(frozen=True)
class Result(Record):
    """The comparison, by parameter.

    Args:
        mean_error: The mean absolute difference between the two gradients.
        mean_gradient: The mean absolute numerical gradient.
    """

    mean_error: dict[str, float]
    mean_gradient: dict[str, float]


def run(config: Config, rng: Generator) -> Result:
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


def mean_size(array: np.ndarray) -> float:
    """Return the mean absolute value."""
    return float(np.abs(array).mean())


experiment = Experiment(
    __doc__,
    run,
    config=Config,
    claims=[
        Claim.between(
            "largest mean error of W1, b1, W2, b2, W3, b3",
            None,
            lambda result: max(result.mean_error.values()),
            0,
            1e-8,
            why="numerical differentiation itself errs by up to about 1e-9",
            digits=2,
        ),
        Claim.between(
            "smallest mean gradient of a parameter",
            None,
            lambda result: min(result.mean_gradient.values()),
            1e-3,
            why="far above the errors: two gradients of 0 would agree, too",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
