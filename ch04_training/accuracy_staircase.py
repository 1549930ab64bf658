"""Why Do We Set a Loss Function? (chapter 4): accuracy is a staircase, the loss is smooth.

A network is trained for a while.  Then one weight, the largest of its second layer, is moved, and
the accuracy and the loss of 100 test images are followed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch04_training.two_layer_net import TwoLayerNet
from dlbasics import experiment
from dlbasics.experiment import Claim, Data
from dlbasics.gradient import numerical_diff
from dlbasics.optimizers import SGD
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    hidden_size: int = 20
    iters_num: int = 300
    batch_size: int = 100
    learning_rate: float = 1.0
    images: int = 100
    reach: float = 10.0
    points: int = 501

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError(f"points must be at least 2, to have neighbours, got {self.points}")


@dataclass(frozen=True)
class Result:
    """weight (N,): the places of the weight, around `trained`, where training left it.

    accuracy, loss (N,): of the images, there;  their slopes (N,): numerical derivatives.
    """

    trained: float
    weight: Array
    accuracy: Array
    loss: Array
    accuracy_slope: Array
    loss_slope: Array


def run(config: Config, rng: RngLike, data: Data | None = None) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    network = trained_network(config, rng, data)
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


def trained_network(config: Config, rng: np.random.Generator, data: Data) -> TwoLayerNet:
    network = TwoLayerNet(784, config.hidden_size, 10, rng=rng)
    optimizer = SGD(config.learning_rate)
    for _ in range(config.iters_num):
        batch_mask = rng.choice(len(data.x_train), config.batch_size)
        grads = network.gradient(data.x_train[batch_mask], data.t_train[batch_mask])
        optimizer.update(network.params, grads)
    return network


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


CLAIMS = [
    # Of 100 images 0 to 100 can be right: 101 values, where the loss takes one for each place.
    Claim(
        "different values of the accuracy",
        "few",
        lambda result: len(np.unique(result.accuracy)),
        lambda v: 3 <= v <= 101,
    ),
    Claim(
        "share of places where the slope of the accuracy is exactly 0",
        "almost all",
        lambda result: np.mean(result.accuracy_slope == 0),
        lambda v: v >= 0.98,
    ),
    Claim(
        "share of places where the slope of the loss is exactly 0",
        "none",
        lambda result: np.mean(result.loss_slope == 0),
        lambda v: v == 0,
    ),
    Claim(
        "share of neighbouring places with the same loss",
        "none",
        lambda result: np.mean(np.diff(result.loss) == 0),
        lambda v: v == 0,
    ),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"iters_num": 100, "points": 101},
    )
