"""Takenawa, *Regularization for deep models*: early stopping, when accuracy no longer rises.

The text names early stopping; the experiment is ours.  A fifth of the labels of the
training and validation images is wrong; the labels of the test images are right.  A network that
trains for all epochs learns the wrong labels by heart.  A second network stops when its validation
accuracy has not risen for some epochs, and goes back to its best weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import label_smoothing, train_validation_split
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam
from dlbasics.trainer import Trainer


@dataclass(frozen=True)
class Training:
    """The settings that this script and label_noise.py share.

    Args:
        patience: The training stops after so many epochs without a better validation accuracy.
        size: The number of images for training and validation together.
        validation_rate: The share of them that is for validation.
        hidden_size: The number of hidden neurons.
        epochs: The largest number of epochs.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate of Adam.
    """

    patience: int = 8
    size: int = 6_000
    validation_rate: float = 1 / 6
    hidden_size: int = 200
    epochs: int = 60
    batch_size: int = 100
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Config(Training):
    """The settings.

    Args:
        wrong: The share of the training and validation labels that is wrong.
    """

    wrong: float = 0.2


@dataclass(frozen=True)
class Trained:
    """The accuracies of one training.

    Args:
        train_acc: The accuracy on the training images after each epoch; some labels are wrong.
        validation_acc: The accuracy on the validation images after each epoch; some labels are
            wrong.
        test_acc: The accuracy on the test images after each epoch; all labels are right.
        final_acc: The accuracy of the final network on the test images.
    """

    train_acc: list[float]
    validation_acc: list[float]
    test_acc: list[float]
    final_acc: float


@dataclass(frozen=True)
class Result(Record):
    """Two trainings from the same initial weights on the same batches.

    Args:
        without_stop: The training for all epochs.
        stopped: The training with early stopping.
    """

    without_stop: Trained
    stopped: Trained


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    t = with_wrong_labels(data.t_train[: config.size], config.wrong, rng)
    seed = rng.integers(2**32)
    trained = [
        train(t, data, config, np.random.default_rng(seed), patience)
        for patience in progress([None, config.patience])
    ]
    return Result(*trained)


def with_wrong_labels(t: np.ndarray, share: float, rng: Generator) -> np.ndarray:
    """Return a copy of t (N,) in which about `share` of the labels are one of the other classes."""
    shift = rng.integers(1, 10, len(t)) * (rng.random(len(t)) < share)
    return ((t + shift) % 10).astype(t.dtype)


def train(
    t: np.ndarray,
    data: Data,
    config: Training,
    rng: Generator,
    patience: int | None,
    smoothing: float = 0.0,
) -> Trained:
    """Train a network on the first training images, which get the labels t.

    Args:
        t: The labels, (N,).  A part of the images and labels is for validation.
        data: The images.
        config: The settings; `patience` below takes the place of config.patience.
        rng: The random generator.
        patience: As in Trainer; None trains for all epochs.
        smoothing: The epsilon of `label_smoothing`, for the training labels.
    """
    (x_train, t_train), (x_validation, t_validation) = train_validation_split(
        data.x_train[: len(t)], t, config.validation_rate, rng
    )
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    test_acc: list[float] = []
    history = Trainer(
        network,
        x_train,
        label_smoothing(t_train, epsilon=smoothing),
        x_validation,
        t_validation,
        epochs=config.epochs,
        mini_batch_size=config.batch_size,
        optimizer=Adam(config.learning_rate),
        verbose=False,
        sampling="epoch",
        patience=patience,
        callbacks=[lambda _: test_acc.append(network.accuracy(data.x_test, data.t_test))],
        rng=rng,
    ).train()
    final_acc = network.accuracy(data.x_test, data.t_test)
    return Trained(history.train_acc, history.test_acc, test_acc, final_acc)


def best_epoch(stopped: Trained) -> int:
    """Return the first epoch, from 1, with the best validation accuracy.

    The stopped network has the weights of that epoch.
    """
    return stopped.validation_acc.index(max(stopped.validation_acc)) + 1


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    trained = result.without_stop
    figure, axes = plotting.subplots(height=4.6)
    series = {
        "training, some labels wrong": trained.train_acc,
        "validation, some labels wrong": trained.validation_acc,
        "test, labels right": trained.test_acc,
    }
    for name, accuracies in series.items():
        axes.plot(range(1, len(accuracies) + 1), accuracies, label=name)
    for epoch, label, style in (
        (best_epoch(result.stopped), "best validation", "-"),
        (len(result.stopped.test_acc), "early stopping", ":"),
    ):
        axes.axvline(epoch, color="gray", linestyle=style, label=f"{label}: epoch {epoch}")
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    plotting.accuracy_axis(axes)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return {"accuracy": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "training accuracy after all epochs, a fifth of the labels wrong",
            None,
            lambda result: result.without_stop.train_acc[-1],
            low=0.9,
            high=1,
            why="above 0.8, a network has learned wrong labels; at 0.9, half of them",
            digits=3,
        ),
        Claim(
            "highest test accuracy, and test accuracy after all epochs",
            "deep models overfit",
            lambda result: [max(result.without_stop.test_acc), result.without_stop.test_acc[-1]],
            lambda v: v[1] < v[0] - 0.05,
            "the second by more than 0.05 lower",
            why="far more than an epoch changes it by chance; no text has a number",
            digits=3,
        ),
        Claim(
            "epochs until early stopping, and the epoch of the best validation accuracy",
            None,
            lambda result: [len(result.stopped.test_acc), best_epoch(result.stopped)],
            lambda v: 1 <= v[1] < v[0] < 30,
            "the first below 30, the second smaller",
            why="it saves more than half of the 60 epochs",
        ),
        Claim(
            "test accuracy after all epochs and with early stopping",
            "avoids overfitting",
            lambda result: [result.without_stop.final_acc, result.stopped.final_acc],
            lambda v: v[0] + 0.05 < v[1] <= 1,
            "the second by more than 0.05 higher",
            why="far more than an epoch changes it by chance; no text has a number",
            digits=3,
        ),
    ],
    quick={"size": 600, "hidden_size": 50, "epochs": 20, "patience": 3},
)

if __name__ == "__main__":
    experiment.main()
