"""*Why Do We Configure a Loss Function?* (chapter 4): accuracy has steps, the loss is smooth.

The script trains a network for a while.  Then it moves one weight, the largest of the second layer,
and computes the accuracy and the loss on 100 test images for each value of the weight.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch04_training.two_layer_net import TwoLayerNet
from dlbasics.experiment import Claim, Data, Experiment, Record
from dlbasics.gradient import numerical_diff
from dlbasics.optimizers import SGD


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        hidden_size: The number of hidden neurons.
        iters_num: The number of training iterations; each is one update of the weights.
        batch_size: The number of images in a mini-batch, from which one update is computed.
        learning_rate: The size of the steps against the gradient.
        images: The number of test images on which accuracy and loss are computed.
        reach: The largest distance to which the weight is moved, in either direction.
        points: The number of values that the weight takes on its way, at least 2.
    """

    hidden_size: int = 20
    iters_num: int = 300
    batch_size: int = 100
    learning_rate: float = 1.0
    images: int = 100
    reach: float = 10.0
    points: int = 501

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError(f"points must be at least 2, got {self.points}")


@dataclass(frozen=True)
class Result(Record):
    """Accuracy and loss for each value of the weight.

    Args:
        trained: The value of the weight after training.
        weight: The values to which the weight is moved, (N,).
        accuracy: The accuracy for each value, (N,).
        loss: The loss for each value, (N,).
        accuracy_slope: The numerical derivative of the accuracy by the weight, (N,).
        loss_slope: The numerical derivative of the loss by the weight, (N,).
    """

    trained: float
    weight: np.ndarray
    accuracy: np.ndarray
    loss: np.ndarray
    accuracy_slope: np.ndarray
    loss_slope: np.ndarray


def run(config: Config, data: Data, rng: Generator) -> Result:
    network = trained_network(config, data, rng)
    x, t = data.x_test[: config.images], data.t_test[: config.images]
    W2 = network.params["W2"]
    index = np.unravel_index(np.abs(W2).argmax(), W2.shape)
    trained = float(W2[index])

    def accuracy(weight: float) -> float:
        W2[index] = weight
        return network.accuracy(x, t)

    def loss(weight: float) -> float:
        W2[index] = weight
        return network.loss(x, t)

    weights = np.linspace(trained - config.reach, trained + config.reach, config.points)
    return Result(
        trained=trained,
        weight=weights,
        accuracy=np.array([accuracy(weight) for weight in weights]),
        loss=np.array([loss(weight) for weight in weights]),
        accuracy_slope=np.array([numerical_diff(accuracy, weight) for weight in weights]),
        loss_slope=np.array([numerical_diff(loss, weight) for weight in weights]),
    )


def trained_network(config: Config, data: Data, rng: Generator) -> TwoLayerNet:
    """Return a network after `iters_num` steps of gradient descent."""
    network = TwoLayerNet(784, config.hidden_size, 10, rng=rng)
    optimizer = SGD(config.learning_rate)
    for _ in range(config.iters_num):
        batch_mask = rng.choice(len(data.x_train), config.batch_size)
        grads = network.gradient(data.x_train[batch_mask], data.t_train[batch_mask])
        optimizer.update(network.params, grads)
    return network


def share_of_zeros(values: np.ndarray) -> float:
    """Return the share of zeros among the values; NaN if there is a NaN among them."""
    return float(np.mean(np.where(np.isnan(values), np.nan, values == 0)))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (above, below) = plotting.subplots(2, 1, height=2.7, sharex=True)
    above.plot(result.weight, result.accuracy, drawstyle="steps-mid")
    above.set_ylabel("accuracy")
    below.plot(result.weight, result.loss)
    below.set(xlabel="one weight of the second layer", ylabel="loss")
    for axes in (above, below):
        axes.axvline(result.trained, color="gray", linestyle="--", label="as trained")
    above.legend(frameon=False)
    return {"accuracy_and_loss": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "different values of the accuracy",
            "jumps, as from 32% to 33%",
            lambda result: len(np.unique(result.accuracy)),
            3,
            101,
            why="100 images have 101 accuracies, and a staircase has some steps",
        ),
        Claim.between(
            "share of places where the slope of the accuracy is exactly 0",
            "almost all positions",
            lambda result: share_of_zeros(result.accuracy_slope),
            0.98,
            1,
            why="few of the places happen to lie on a step",
        ),
        Claim.same(
            "share of places where the slope of the loss is exactly 0",
            0,
            lambda result: share_of_zeros(result.loss_slope),
            printed=False,
        ),
        Claim.same(
            "share of neighbouring places with the same loss",
            0,
            lambda result: share_of_zeros(np.diff(result.loss)),
            printed=False,
        ),
    ],
    quick={"iters_num": 100, "points": 101},
)

if __name__ == "__main__":
    experiment.main()
