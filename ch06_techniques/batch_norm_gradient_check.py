"""*Batch Normalization* (chapter 6): its gradients, compared with numerical gradients.

The script shows the mean absolute difference for each parameter of a network with batch
normalization, in float64, on a batch of images.  The batch must hold several images.  With one
image, each unit minus its mean is 0; no gradient reaches the layers below the normalization, and a
comparison of zeros checks nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Data, Experiment, Record
from dlbasics.networks import MultiLayerNet


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        hidden_size: The number of neurons in each of the two hidden layers.
        batch_size: The number of images in the batch.
    """

    hidden_size: int = 10
    batch_size: int = 10


@dataclass(frozen=True)
class Result(Record):
    """The errors and the sizes of the gradients, by parameter.

    Args:
        mean_error: The mean absolute difference between backpropagated and numerical gradient.
        largest: The largest absolute value of the gradient, with the whole batch.
        largest_of_one_image: The largest absolute value of the gradient, with one image.
    """

    mean_error: dict[str, float]
    largest: dict[str, float]
    largest_of_one_image: dict[str, float]


def run(config: Config, data: Data, rng: Generator) -> Result:
    network = MultiLayerNet(
        784, [config.hidden_size] * 2, 10, use_batchnorm=True, rng=rng, dtype=np.float64
    )
    x, t = data.x_train[: config.batch_size].astype(np.float64), data.t_train[: config.batch_size]
    numerical = network.numerical_gradient(x, t)
    backprop = network.gradient(x, t)
    for layer in network.layers.values():
        layer.freeze()  # otherwise batch normalization refuses one image
    of_one = network.gradient(x[:1], t[:1])
    return Result(
        mean_error={key: float(np.abs(backprop[key] - numerical[key]).mean()) for key in backprop},
        largest={key: float(np.abs(backprop[key]).max()) for key in backprop},
        largest_of_one_image={key: float(np.abs(of_one[key]).max()) for key in of_one},
    )


experiment = Experiment(
    __doc__,
    run,
    config=Config,
    claims=[
        Claim.between(
            "mean error of the gradient of a parameter, the largest of ten",
            None,
            lambda result: float(np.max([*result.mean_error.values()])),
            low=0,
            high=1e-7,
            why="central differences in float64 have errors of about 1e-9",
            digits=2,
            any_data=True,
        ),
        Claim.between(
            "largest gradient of W1, gamma1 and beta1, ten images",
            None,
            lambda result: [result.largest[key] for key in ("W1", "gamma1", "beta1")],
            low=1e-3,
            why="a comparison of zeros would check nothing",
            digits=2,
            any_data=True,
        ),
        Claim.same(
            "largest gradient of W1, gamma1 and beta1, one image",
            (0, 0, 0),
            lambda result: [result.largest_of_one_image[key] for key in ("W1", "gamma1", "beta1")],
            printed=False,
            digits=2,
            any_data=True,
        ),
    ],
    quick={"hidden_size": 3},
)

if __name__ == "__main__":
    experiment.main()
