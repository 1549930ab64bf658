"""Training Using Backpropagation (chapter 5): a two-layer network learns digits.

The loss of every batch, and the accuracy on training and test images after every epoch.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import TwoLayerNet
from dlbasics.optimizers import SGD
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    hidden_size: int = 50
    weight_init_std: float = 0.01
    iters_num: int = 10_000
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result:
    train_loss: list[float]
    epochs: list[float]
    train_acc: list[float]
    test_acc: list[float]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    network = TwoLayerNet(784, config.hidden_size, 10, config.weight_init_std, rng=rng)
    optimizer = SGD(config.learning_rate)
    train_size = len(data.x_train)
    iter_per_epoch = math.ceil(train_size / config.batch_size)
    result = Result([], [], [], [])

    for i in progress(range(config.iters_num)):
        if i % iter_per_epoch == 0:
            evaluate(network, data, i / iter_per_epoch, result)
        batch_mask = rng.choice(train_size, config.batch_size)
        grads = network.gradient(data.x_train[batch_mask], data.t_train[batch_mask])
        optimizer.update(network.params, grads)
        result.train_loss.append(network.last_loss)

    evaluate(network, data, config.iters_num / iter_per_epoch, result)
    return result


def evaluate(network: TwoLayerNet, data: Data, epoch: float, result: Result) -> None:
    result.epochs.append(epoch)
    result.train_acc.append(network.accuracy(data.x_train, data.t_train))
    result.test_acc.append(network.accuracy(data.x_test, data.t_test))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=result.epochs,
        xlabel="epoch",
        ylabel="accuracy",
        ylim=(0, 1.03),
        markers=True,
    )
    loss = plotting.curves(
        {"loss": smooth_curve(result.train_loss)},
        xlabel="iteration",
        ylabel="loss of the batch, smoothed",
    )
    return {"accuracy": accuracy, "loss": loss}


CLAIMS = [
    Claim("test accuracy", 0.97, lambda result: result.test_acc[-1], lambda v: v >= 0.965),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"iters_num": 200})
