"""Going Deeper (chapter 8): two filters of 3 x 3 see as much as one of 5 x 5, with fewer weights.

And three as much as one of 7 x 7.  What an output pixel sees is found by backpropagation, with all
weights 1: the gradient of a pixel is then the number of ways from it to the output.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.layers import Affine, Convolution, Layer, Pooling, Relu
from dlbasics.network import Network
from dlbasics.optimizers import Adam
from dlbasics.typing import Array, RngLike

KINDS = {
    "one 5 x 5": (5,),
    "two 3 x 3": (3, 3),
    "one 7 x 7": (7,),
    "three 3 x 3": (3, 3, 3),
}
"""The filter sizes of the convolutions, one after another."""
SIDE = 9
"""Pixels on either side of the images whose gradient is drawn."""


@dataclass(frozen=True)
class Config:
    filter_num: int = 8
    train_size: int = 10_000
    epochs: int = 3
    batch_size: int = 100
    learning_rate: float = 0.001
    # Networks of each kind, from other initial weights.
    networks: int = 3


@dataclass(frozen=True)
class Result:
    """By kind: what it costs, what it sees and what it learns.

    parameters: weights for each pair of channels;  ways: for the input, and what each convolution
    makes of it, the ways (9, 9) from a pixel to the middle of the output;  field: how many pixels
    of a row of the input have such a way;  test_acc: by network, after the last epoch.
    """

    parameters: dict[str, int]
    ways: dict[str, list[Array]]
    field: dict[str, int]
    test_acc: dict[str, list[float]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
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


def convolutions(sizes: tuple[int, ...], channels: int, rng: RngLike) -> list[Convolution]:
    """Convolutions that keep the number of channels and the size of the images."""
    return [Convolution.create(channels, channels, size, pad=size // 2, rng=rng) for size in sizes]


def parameters(sizes: tuple[int, ...], channels: int) -> int:
    layers = convolutions(sizes, channels, rng=0)
    return sum(layer.W.size for layer in layers) // channels**2


def ways_to_the_middle(sizes: tuple[int, ...]) -> list[Array]:
    """The gradients (9, 9) of the pixel in the middle of the output, from the input on."""
    layers = convolutions(sizes, 1, rng=0)
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


def width(image: Array) -> int:
    """The number of columns from the first to the last that is not all 0."""
    columns = np.flatnonzero(image.any(axis=0))
    return int(columns[-1] - columns[0] + 1)


def trained_accuracy(sizes: tuple[int, ...], config: Config, seed: int, data: Data) -> float:
    """Test accuracy of a small network that has these convolutions in its middle."""
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
    """A row for each kind: the input, what each convolution makes of it, the output."""
    from dlbasics import plotting

    columns = max(len(result.ways[kind]) for kind in kinds)
    figure, grid = plotting.subplots(len(kinds), columns, width=2.6, height=3.1, squeeze=False)
    for row, kind in zip(grid, kinds, strict=True):
        for axes in row[len(result.ways[kind]) :]:
            axes.set_axis_off()
        last = len(result.ways[kind]) - 1
        for i, image in enumerate(result.ways[kind]):
            axes = row[i]
            place = {0: f"{kind}: input", last: "output"}.get(i, f"behind convolution {i}")
            axes.set_title(f"{place}\n{width(image)} x {width(image)} pixels", fontsize=10)
            axes.imshow(image, cmap="Blues", vmin=0, vmax=1.5 * image.max())
            for y, x in np.argwhere(image):
                axes.text(x, y, f"{image[y, x]:g}", ha="center", va="center", fontsize=8)
            axes.grid(False)
            axes.spines[:].set_visible(True)
            axes.set(xticks=[], yticks=[])
    return figure


def accuracy_figure(result: Result) -> Any:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    labels = [f"{kind}\n{count} weights" for kind, count in result.parameters.items()]
    for label, accuracies in zip(labels, result.test_acc.values(), strict=True):
        axes.plot([label] * len(accuracies), accuracies, "o", color="tab:blue", alpha=0.6)
    means = [np.mean(accuracies) for accuracies in result.test_acc.values()]
    axes.plot(labels, means, "_", color="black", markersize=30)
    axes.margins(x=0.15)
    axes.set(
        xlabel="filters, and their weights for each pair of channels",
        ylabel="test accuracy of each network; line: mean",
    )
    return figure


def claims(one: str, several: str, counts: list[int], side: int) -> list[Claim]:
    """What the book says of one large filter against several small ones."""

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
            "no worse by more than 0.01",
            lambda result: [float(np.mean(accuracies)) for accuracies in both(result.test_acc)],
            lambda v: 0.9 < v[0] < v[1] + 0.01,
        ),
    ]


CLAIMS = [
    *claims("one 5 x 5", "two 3 x 3", [25, 18], 5),
    *claims("one 7 x 7", "three 3 x 3", [49, 27], 7),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"train_size": 1_000, "epochs": 1, "networks": 1},
    )
