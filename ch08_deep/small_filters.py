"""*Motivation for a Deeper Network* (chapter 8): two 3 x 3 filters see as much as one 5 x 5.

Three filters of 3 x 3 see as much as one of 7 x 7.  Backpropagation tells what an output pixel
sees: if all weights are 1, the gradient of an input pixel counts the ways from it to the output
pixel.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.layers import Affine, Convolution, Layer, Pooling, Relu
from dlbasics.network import Network
from dlbasics.optimizers import Adam

KINDS = {
    "one 5 x 5": (5,),
    "two 3 x 3": (3, 3),
    "one 7 x 7": (7,),
    "three 3 x 3": (3, 3, 3),
}
"""The filter sizes of the convolutions, one after another."""
SIDE = 9
"""The height and width of the images whose gradient is drawn."""


@dataclass(frozen=True)
class Config:
    """The networks and their training.

    Args:
        filter_num: The number of filters of each convolution.
        train_size: The number of training images.
        epochs: How often each network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
        networks: The number of networks of each kind, each with initial weights of its own.
    """

    filter_num: int = 8
    train_size: int = 10_000
    epochs: int = 3
    batch_size: int = 100
    learning_rate: float = 0.001
    networks: int = 3


@dataclass(frozen=True)
class Result(Record):
    """What each kind of filters costs, sees and learns.

    Args:
        parameters: The number of weights for each pair of channels.
        ways: The number of ways (9, 9) from each pixel to the middle of the output, for the input
            and for the output of each convolution.
        field: The width of the part of the input that the output pixel sees.
        test_acc: The test accuracy after the last epoch, by network.
    """

    parameters: dict[str, int]
    ways: dict[str, list[np.ndarray]]
    field: dict[str, int]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seeds = rng.integers(2**32, size=config.networks)
    ways = {kind: ways_to_the_middle(sizes) for kind, sizes in KINDS.items()}
    test_acc: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for seed in progress(seeds):
        for kind, sizes in KINDS.items():
            test_acc[kind].append(trained_accuracy(sizes, config, seed, data))
    return Result(
        parameters={kind: parameters(sizes, config.filter_num) for kind, sizes in KINDS.items()},
        ways=ways,
        field={kind: width(levels[0]) for kind, levels in ways.items()},
        test_acc=test_acc,
    )


def convolutions(sizes: tuple[int, ...], channels: int, rng: Generator) -> list[Convolution]:
    """Make convolutions that keep the number of channels and the size of the images."""
    return [Convolution.create(channels, channels, size, pad=size // 2, rng=rng) for size in sizes]


def parameters(sizes: tuple[int, ...], channels: int) -> int:
    """Return the number of weights for each pair of channels."""
    layers = convolutions(sizes, channels, np.random.default_rng(0))
    return sum(layer.W.size for layer in layers) // channels**2


def ways_to_the_middle(sizes: tuple[int, ...]) -> list[np.ndarray]:
    """Return the gradients (9, 9) of the middle output pixel; the first is that of the input."""
    layers = convolutions(sizes, 1, np.random.default_rng(0))
    y = np.zeros((1, SIDE, SIDE), np.float32)
    for layer in layers:
        layer.W = np.ones_like(layer.W)
        y = layer.forward(y)
    gradient = np.zeros_like(y)
    gradient[0, SIDE // 2, SIDE // 2] = 1
    levels = [gradient[0]]
    for layer in reversed(layers):
        gradient = layer.backward(gradient)
        levels.append(gradient[0])
    return levels[::-1]


def width(image: np.ndarray) -> int:
    """Return the number of columns from the first to the last that is not all 0."""
    columns = np.flatnonzero(image.any(axis=0))
    return int(columns[-1] - columns[0] + 1)


def trained_accuracy(sizes: tuple[int, ...], config: Config, seed: int, data: Data) -> float:
    """Train a small network with these convolutions, and return its test accuracy."""
    rng = np.random.default_rng(seed)
    C = config.filter_num
    layers: list[Layer] = [Convolution.create(1, C, 3, pad=1, rng=rng), Relu(), Pooling(2, 2, 2)]
    for layer in convolutions(sizes, C, rng):
        layers += [layer, Relu()]
    layers += [Pooling(2, 2, 2), Affine.create(C * 7 * 7, 10, rng=rng)]
    network, optimizer = Network(layers, rng=rng), Adam(config.learning_rate)
    x_train = data.x_train[: config.train_size].reshape(-1, 1, 28, 28)
    t_train = data.t_train[: config.train_size]
    for _ in range(config.epochs):
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
    return network.accuracy(data.x_test.reshape(-1, 1, 28, 28), data.t_test)


def plot(result: Result) -> dict[str, Any]:
    return {
        "figure_8_5": ways_figure(result, ["one 5 x 5"]),
        "figure_8_6": ways_figure(result, ["two 3 x 3"]),
        "seven": ways_figure(result, ["one 7 x 7", "three 3 x 3"]),
        "accuracy": accuracy_figure(result),
    }


def ways_figure(result: Result, kinds: list[str]) -> Any:
    """Draw a row for each kind: the input, and the output of each convolution."""
    from dlbasics import plotting

    columns = max(len(result.ways[kind]) for kind in kinds)
    figure, grid = plotting.subplots(len(kinds), columns, width=2.6, height=3.1, squeeze=False)
    for row, kind in zip(grid, kinds, strict=True):
        for axes in row[len(result.ways[kind]) :]:
            axes.set_axis_off()
        last = len(result.ways[kind]) - 1
        for i, image in enumerate(result.ways[kind]):
            axes = row[i]
            place = {0: f"{kind}: input", last: "output"}.get(i, f"after convolution {i}")
            axes.set_title(f"{place}\n{width(image)} x {width(image)} pixels", fontsize=10)
            axes.imshow(image, cmap="Blues", vmin=0, vmax=1.5 * image.max())
            for y, x in np.argwhere(image):
                axes.text(x, y, f"{image[y, x]:g}", ha="center", va="center", fontsize=8)
            axes.grid(False)
            axes.spines[:].set_visible(True)
            axes.set(xticks=[], yticks=[])
    return figure


def accuracy_figure(result: Result) -> Any:
    """Draw the test accuracy of each network, and the mean of each kind."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    labels = [f"{kind}\n{count} weights" for kind, count in result.parameters.items()]
    for label, accuracies in zip(labels, result.test_acc.values(), strict=True):
        axes.plot([label] * len(accuracies), accuracies, "o", color="tab:blue", alpha=0.6)
    means = [np.mean(accuracies) for accuracies in result.test_acc.values()]
    axes.plot(labels, means, "_", color="black", markersize=30)
    axes.margins(x=0.15)
    axes.set_xlabel("filters, and their weights for each pair of channels")
    axes.set_title("points: networks; lines: means", fontsize=10)
    plotting.accuracy_axis(axes, "test accuracy")
    return figure


def claims(one: str, several: str, counts: list[int], side: int) -> list[Claim]:
    """Return the book's claims about one large filter and several small ones."""

    def both(values: dict[str, Any]) -> list[Any]:
        return [values[one], values[several]]

    return [
        Claim.same(
            f"weights for each pair of channels: {one}, {several}",
            counts,
            lambda result: both(result.parameters),
            any_data=True,
        ),
        Claim.same(
            f"pixels in a row that an output pixel sees: {one}, {several}",
            [side, side],
            lambda result: both(result.field),
            any_data=True,
        ),
        Claim(
            f"test accuracy, mean of three networks: {one}, {several}",
            "similar or higher with small filters",
            lambda result: [float(np.mean(accuracies)) for accuracies in both(result.test_acc)],
            lambda v: v[0] > 0.9 and v[1] > v[0] - 0.03,
            condition="the first is above 0.9, the second less than 0.03 lower",
            why="networks of one kind differ by 0.02 with the seed",
        ),
    ]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        *claims("one 5 x 5", "two 3 x 3", [25, 18], 5),
        *claims("one 7 x 7", "three 3 x 3", [49, 27], 7),
    ],
    quick={"train_size": 500, "epochs": 1, "networks": 1},
)

if __name__ == "__main__":
    experiment.main()
