"""*Training Using Backpropagation* (chapter 5): a two-layer network learns digits.

The script records the loss of every batch, and the accuracy on training and test images after every
epoch.
"""

import math
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import TwoLayerNet
from dlbasics.optimizers import SGD


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        hidden_size: The number of hidden neurons.
        weight_init_std: The standard deviation of the initial weights, which are random.
        iters_num: The number of training iterations, each an update from one mini-batch.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate, the factor of the gradient in an update.
    """

    hidden_size: int = 50
    weight_init_std: float = 0.01
    iters_num: int = 10_000
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result(Record):
    """What happened during training.

    Args:
        train_loss: The loss of each mini-batch.
        epochs: The number of epochs before each evaluation.
        train_acc: The accuracy on the training images, by evaluation.
        test_acc: The accuracy on the test images, by evaluation.
    """

    train_loss: list[float]
    epochs: list[float]
    train_acc: list[float]
    test_acc: list[float]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    network = TwoLayerNet(784, config.hidden_size, 10, config.weight_init_std, rng=rng)
    optimizer = SGD(config.learning_rate)
    train_size = len(data.x_train)
    iter_per_epoch = math.ceil(train_size / config.batch_size)
    train_loss, epochs, train_acc, test_acc = [], [], [], []

    def evaluate(epoch: float) -> None:
        epochs.append(epoch)
        train_acc.append(network.accuracy(data.x_train, data.t_train))
        test_acc.append(network.accuracy(data.x_test, data.t_test))

    for i in progress(range(config.iters_num)):
        if i % iter_per_epoch == 0:
            evaluate(i / iter_per_epoch)
        batch_mask = rng.choice(train_size, config.batch_size)
        grads = network.gradient(data.x_train[batch_mask], data.t_train[batch_mask])
        optimizer.update(network.params, grads)
        train_loss.append(network.last_loss)

    evaluate(config.iters_num / iter_per_epoch)
    return Result(train_loss, epochs, train_acc, test_acc)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc[1:], "test": result.test_acc[1:]},
        x=result.epochs[1:],
        xlabel="epoch",
        ylabel=f"accuracy (before training: {result.test_acc[0]:.2f})",
        markers=True,
    )
    loss = plotting.curves(
        {"loss": smooth_curve(result.train_loss)},
        xlabel="iteration",
        ylabel="loss of the batch, smoothed",
    )
    return {"accuracy": accuracy, "loss": loss}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "test accuracy",
            None,
            lambda result: result.test_acc[-1],
            low=0.965,
            high=1,
            why="the book prints no number; a margin below every seed measured",
        ),
    ],
    quick={"iters_num": 200},
)

if __name__ == "__main__":
    experiment.main()
