"""*Batch Normalization Algorithm* (chapter 6): higher learning rates, and less overfitting.

The book names three advantages of batch normalization.  `batch_norm_test.py` shows that training
depends less on the initial weights.  This script tests the two others.  Networks with and without
it learn at learning rates from 0.01 to 10; and large networks learn 300 images by heart, with batch
normalization, with dropout, with both and with neither.  There, batch normalization alone does not
lessen overfitting: the network learns the images by heart faster.  Together with dropout, it
learns far better than with dropout alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

KINDS = {
    "neither": {},
    "batch normalization": {"use_batchnorm": True},
    "dropout": {"use_dropout": True, "dropout_ration": 0.15},
    "both": {"use_batchnorm": True, "use_dropout": True, "dropout_ration": 0.15},
}
"""The arguments of MultiLayerNet for the networks that learn 300 images."""


@dataclass(frozen=True)
class Config:
    """The settings of the chapter's experiments on batch normalization and on overfitting.

    Args:
        rates: The number of learning rates, from 0.01 to 10.
        rate_epochs: The number of epochs at each learning rate, with 1,000 images.
        epochs: The number of epochs with 300 images.
        evaluate_every: The number of epochs between two evaluations with 300 images.
        learning_rate: The learning rate with 300 images, which says how large a step is.
        batch_size: The number of images in a mini-batch, from which one step learns.
    """

    rates: int = 7
    rate_epochs: int = 10
    epochs: int = 200
    evaluate_every: int = 10
    learning_rate: float = 0.01
    batch_size: int = 100


@dataclass(frozen=True)
class Result(Record):
    """The accuracies.

    Args:
        rates: The learning rates.
        without_norm: The training accuracy after the last epoch at each learning rate.
        with_norm: The same with batch normalization.
        epochs: The epochs of the evaluations with 300 images.
        train_acc: The accuracy on these images, by kind.
        test_acc: The accuracy on the first 2,000 test images, by kind.
    """

    rates: np.ndarray
    without_norm: list[float]
    with_norm: list[float]
    epochs: list[int]
    train_acc: dict[str, list[float]]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    rates = np.logspace(-2, 1, config.rates)
    seed = rng.integers(2**32)
    x, t = data.x_train[:1_000], data.t_train[:1_000]
    without_norm, with_norm = [], []
    for rate in progress(rates.tolist()):
        for use_batchnorm, found in ((False, without_norm), (True, with_norm)):
            network = MultiLayerNet(784, [100] * 5, 10, use_batchnorm=use_batchnorm, rng=seed)
            batches = np.random.default_rng(seed)
            for _ in range(config.rate_epochs):
                train_epoch(network, x, t, rate, config.batch_size, batches)
            found.append(network.accuracy(x, t))

    train_acc: dict[str, list[float]] = {kind: [] for kind in KINDS}
    test_acc: dict[str, list[float]] = {kind: [] for kind in KINDS}
    epochs = [*range(config.evaluate_every, config.epochs + 1, config.evaluate_every)]
    x, t = x[:300], t[:300]
    for kind, arguments in progress(KINDS.items()):
        network = MultiLayerNet(784, [100] * 6, 10, rng=seed, **arguments)
        batches = np.random.default_rng(seed)
        for epoch in range(1, config.epochs + 1):
            train_epoch(network, x, t, config.learning_rate, config.batch_size, batches)
            if epoch in epochs:
                train_acc[kind].append(network.accuracy(x, t))
                test_acc[kind].append(network.accuracy(data.x_test[:2_000], data.t_test[:2_000]))
    return Result(rates, without_norm, with_norm, epochs, train_acc, test_acc)


def train_epoch(
    network: MultiLayerNet, x: np.ndarray, t: np.ndarray, lr: float, size: int, rng: Generator
) -> None:
    """Train the network by SGD for an epoch."""
    optimizer = SGD(lr)
    for batch in minibatches(x, t, size, rng=rng):
        optimizer.update(network.params, network.gradient(*batch))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    rates, axes = plotting.subplots()
    axes.plot(result.rates, result.with_norm, "o-", label="batch normalization")
    axes.plot(result.rates, result.without_norm, "s--", label="without it")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training accuracy", ylim=(0, 1.03))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False)

    overfitting, panels = plotting.subplots(1, 2, width=4.5, sharey=True)
    for axes, curves, title in (
        (panels[0], result.train_acc, "300 training images"),
        (panels[1], result.test_acc, "test images"),
    ):
        plotting.draw_curves(axes, curves, x=result.epochs)
        axes.set(xlabel="epoch", title=title, ylim=(0, 1.03))
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_ylabel("accuracy")
    panels[1].get_legend().remove()
    return {"learning_rates": rates, "overfitting": overfitting}


def highest_rate(result: Result, accuracies: list[float]) -> float:
    """Return the highest learning rate with a training accuracy above 0.9, or 0."""
    learns = zip(result.rates, accuracies, strict=True)
    return max((float(rate) for rate, accuracy in learns if accuracy > 0.9), default=0.0)


def last_mean(curves: dict[str, list[float]], kind: str) -> float:
    """Return the mean of the last five evaluations."""
    return float(np.mean(curves[kind][-5:]))


def gap(result: Result, kind: str) -> float:
    """Return training accuracy minus test accuracy, mean of the last five evaluations."""
    return last_mean(result.train_acc, kind) - last_mean(result.test_acc, kind)


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "highest learning rate with an accuracy above 0.9, without and with it",
            "can increase the learning rate",
            lambda result: [
                highest_rate(result, acc) for acc in (result.without_norm, result.with_norm)
            ],
            lambda v: 0 < 2 * v[0] < v[1],
            "the first is above 0, the second more than twice it",
            "each rate is 3.2 times the one before, so a higher one is more than twice as high",
            digits=3,
        ),
        Claim(
            "learning rates, of 7, with an accuracy above 0.9, without and with it",
            None,
            lambda result: [
                sum(accuracy > 0.9 for accuracy in acc)
                for acc in (result.without_norm, result.with_norm)
            ],
            lambda v: v[0] < v[1],
            "the second is larger",
            "what a higher rate that learns should bring; one rate more is more",
        ),
        Claim.between(
            "training accuracy, 300 images: neither, batch normalization",
            None,
            lambda result: [last_mean(result.train_acc, kind) for kind in [*KINDS][:2]],
            low=0.9,
            high=1,
            why="learned by heart, but for a tenth",
            digits=3,
        ),
        Claim.shown(
            "test accuracy, 300 images: neither, batch normalization, dropout, both",
            None,
            lambda result: [last_mean(result.test_acc, kind) for kind in KINDS],
            digits=3,
        ),
        Claim.shown(
            "training minus test accuracy, 300 images: neither, batch normalization, dropout, both",
            "reduces overfitting",
            lambda result: [gap(result, kind) for kind in KINDS],
            why="batch normalization alone widens the gap here; see the README",
            digits=3,
        ),
    ],
    quick={"rates": 3, "rate_epochs": 1, "epochs": 4, "evaluate_every": 2},
)

if __name__ == "__main__":
    experiment.main()
