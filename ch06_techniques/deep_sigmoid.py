"""Takenawa, *Challenges in neural network optimization*: deep networks fail, and remedies help.

Networks of many sigmoid
layers with small initial weights do not learn with SGD.  He's initial weights, batch normalization
and Adam are tried alone, then all three together.  The last network has He's weights and, in place
of the sigmoid, ReLU, for which He's weights are made.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD, Adam


@dataclass(frozen=True)
class Kind:
    """A kind of network and optimizer.

    Args:
        activation: The name of the activation function.
        weight_init_std: The standard deviation of the initial weights, or "he" for He's.
        use_batchnorm: Whether the network has batch normalization.
        adam: Whether the optimizer is Adam, not SGD.
    """

    activation: str = "sigmoid"
    weight_init_std: float | str = 0.01
    use_batchnorm: bool = False
    adam: bool = False


PLAIN = "sigmoid, std 0.01, SGD"
KINDS = {
    PLAIN: Kind(),
    "He": Kind(weight_init_std="he"),
    "batch normalization": Kind(use_batchnorm=True),
    "Adam": Kind(adam=True),
    "all three": Kind(weight_init_std="he", use_batchnorm=True, adam=True),
    "He and ReLU": Kind(activation="relu", weight_init_std="he"),
}


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        depths: The numbers of hidden layers to try.
        hidden_size: The number of neurons in each hidden layer.
        train_size: The number of training images.
        epochs: The number of epochs.
        batch_size: The number of images in a mini-batch.
        sgd_lr: The learning rate of SGD.
        adam_lr: The learning rate of Adam.
    """

    depths: tuple[int, ...] = (1, 2, 3, 5, 10, 20)
    hidden_size: int = 50
    train_size: int = 3_000
    epochs: int = 15
    batch_size: int = 100
    sgd_lr: float = 0.1
    adam_lr: float = 0.001


@dataclass(frozen=True)
class Result(Record):
    """The accuracies of the networks.

    Args:
        depths: The numbers of hidden layers.
        test_acc: The accuracy on the first 1,000 test images, by kind and depth.
    """

    depths: list[int]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seed = rng.integers(2**32)
    test_acc: dict[str, list[float]] = {name: [] for name in KINDS}
    for depth in progress(config.depths):
        for name, kind in KINDS.items():
            network = train(kind, depth, config, data, np.random.default_rng(seed))
            test_acc[name].append(network.accuracy(data.x_test[:1_000], data.t_test[:1_000]))
    return Result([*config.depths], test_acc)


def train(kind: Kind, depth: int, config: Config, data: Data, rng: Generator) -> MultiLayerNet:
    """Return a trained network of this kind with `depth` hidden layers."""
    network = MultiLayerNet(
        784,
        [config.hidden_size] * depth,
        10,
        kind.activation,
        kind.weight_init_std,
        use_batchnorm=kind.use_batchnorm,
        rng=rng,
    )
    optimizer = Adam(config.adam_lr) if kind.adam else SGD(config.sgd_lr)
    x_train, t_train = data.x_train[: config.train_size], data.t_train[: config.train_size]
    for _ in range(config.epochs):
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
    return network


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=7.5, height=4.2)
    plotting.draw_curves(axes, result.test_acc, x=result.depths, markers=True)
    axes.lines[0].set(linestyle="--", zorder=3)  # it stays visible where another line covers it
    axes.set(xlabel="hidden layers", ylabel="test accuracy", xscale="log", ylim=(0, 1))
    axes.set_xticks(result.depths, result.depths)
    axes.minorticks_off()
    axes.axhline(0.1, color="gray", linestyle=":", label="guessing")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return {"accuracy": figure}


def deepest_that_learns(result: Result, kind: str) -> int:
    """Return the largest number of hidden layers with a test accuracy above 0.5, or 0."""
    learns = zip(result.depths, result.test_acc[kind], strict=True)
    return max((depth for depth, accuracy in learns if accuracy > 0.5), default=0)


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "test accuracy with 1 and with 20 hidden layers, sigmoid, std 0.01, SGD",
            "learning fails from 5 layers on",
            lambda result: [result.test_acc[PLAIN][i] for i in (0, -1)],
            lambda v: v[0] > 0.5 and v[1] < 0.2,
            "the first above 0.5, the second below 0.2",
            why="guessing is right at 0.1; a network that is right at half has learned",
            digits=3,
        ),
        Claim(
            "most layers with accuracy above 0.5: "
            "plain, He, batch norm, Adam, all three, He and ReLU",
            "how deep can it go?",
            lambda result: [deepest_that_learns(result, kind) for kind in KINDS],
            lambda v: v[0] == 1 < min(v[1:4]) and max(v[1:4]) < 20 == v[4] and v[5] >= 5,
            "1; then three from 2 to 19; 20; at least 5",
            why="each remedy alone helps and does not suffice; the seed moves the depth a little",
        ),
        Claim.between(
            "test accuracy with 20 hidden layers, all three",
            None,
            lambda result: result.test_acc["all three"][-1],
            low=0.75,
            high=1,
            why="guessing is right at 0.1; a margin below what was measured",
            digits=3,
        ),
    ],
    quick={"depths": (1, 3), "train_size": 500, "epochs": 2},
)

if __name__ == "__main__":
    experiment.main()
