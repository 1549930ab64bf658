"""What a convolutional network costs, and what it learns for that."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.data import minibatches
from dlbasics.experiment import Data
from dlbasics.layers import Affine, Concatenate, Convolution, Layer
from dlbasics.network import Network
from dlbasics.optimizers import Adam


@dataclass(frozen=True)
class Training:
    """A short training.

    Args:
        train_size: The number of training images.
        epochs: How often the network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
    """

    train_size: int = 5_000
    epochs: int = 5
    batch_size: int = 100
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Cost:
    """What a network costs, and how well it learns.

    Args:
        parameters: The number of parameters.
        multiplications: The number of multiplications for one image, forward, in all convolutions
            and Affine layers.
        seconds: The processor time of the training in seconds.
        test_acc: The accuracy on the first 2,000 test images after each epoch.
    """

    parameters: int
    multiplications: int
    seconds: float
    test_acc: list[float]


def train(network: Network, config: Training, data: Data, seed: int) -> Cost:
    """Train the network for images of 28 x 28 pixels with Adam, and measure it."""
    optimizer, rng, seconds = Adam(config.learning_rate), np.random.default_rng(seed), 0.0
    x_train = data.x_train[: config.train_size].reshape(-1, 1, 28, 28)
    t_train = data.t_train[: config.train_size]
    x_test, t_test = data.x_test[:2_000].reshape(-1, 1, 28, 28), data.t_test[:2_000]
    test_acc = []
    for _ in range(config.epochs):
        start = time.process_time()
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
        seconds += time.process_time() - start
        test_acc.append(network.accuracy(x_test, t_test))
    return Cost(
        parameters=network.summary().total,
        multiplications=multiplications(network.layers.values(), (1, 28, 28)),
        seconds=seconds,
        test_acc=test_acc,
    )


def multiplications(layers: Iterable[Layer], shape: tuple[int, ...]) -> int:
    """Return the number of multiplications that these layers need for one sample of that shape.

    A convolution multiplies each of its weights once for each pixel of its output, and an Affine
    layer each weight once.  The other layers count as nothing.
    """
    total = 0
    for layer in layers:
        y_shape = layer.output_shape(shape)
        if isinstance(layer, Convolution):
            total += layer.W.size * y_shape[1] * y_shape[2]
        elif isinstance(layer, Affine):
            total += layer.W.size
        elif isinstance(layer, Concatenate):
            total += sum(multiplications(branch, shape) for branch in layer.branches)
        shape = y_shape
    return total


def draw(costs: Mapping[str, Cost]) -> Any:
    """Return a figure: the errors of each network by epoch, and bars for what it costs."""
    from dlbasics import plotting

    figure, panels = plotting.subplots(2, 2, width=4.6, height=3.2)
    curves = {name: 100 * (1 - np.array(cost.test_acc)) for name, cost in costs.items()}
    epochs = range(1, len(next(iter(curves.values()))) + 1)
    errors = panels[0, 0]
    plotting.draw_curves(errors, curves, x=epochs, markers=True)
    errors.set(xlabel="epoch", ylabel="test errors in %, log axis", xticks=epochs, yscale="log")
    errors.set_ylim(top=100)
    errors.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    errors.minorticks_off()
    errors.get_legend().remove()  # the bars have the same colors, and the names
    units = {
        "parameters": (1e3, "thousands of parameters"),
        "multiplications": (1e6, "millions of multiplications for an image"),
        "seconds": (1, "seconds of training"),
    }
    for axes, (name, (unit, label)) in zip(panels.flat[1:], units.items(), strict=True):
        values = [getattr(cost, name) / unit for cost in costs.values()]
        bars = axes.barh([*costs], values, color=[f"C{i}" for i in range(len(costs))])
        axes.bar_label(bars, fmt="%.3g", padding=2)
        axes.set(xlabel=label, xlim=(0, 1.2 * max(values)))
        axes.invert_yaxis()
    return figure
