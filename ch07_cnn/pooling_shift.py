"""*Characteristics of a Pooling Layer* (chapter 7): small shifts matter less after pooling.

Three networks with about the same number of parameters learn images that are not shifted.  One has
two Affine layers, one a convolution with stride 2, and one is SimpleConvNet: a convolution with
stride 1, and pooling.  Then the networks read test images that are shifted by up to 3 pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch03_forward.show_mnist import img_show
from ch07_cnn.train_convnet import as_images, train
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.layers import Affine, Convolution, Relu
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet, SimpleConvNet

SHIFTS = range(4)
DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""(down, right) for shifts to the right, down, to the left, and up."""

AFFINE, STRIDE, POOLING = "Affine layers", "convolution, no pooling", "convolution and pooling"


@dataclass(frozen=True)
class Config:
    """The settings of the training.

    Args:
        epochs: How often each network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
        train_size: The number of training images.
        test_size: The number of test images.
    """

    epochs: int = 3
    batch_size: int = 100
    learning_rate: float = 0.001
    train_size: int = 60_000
    test_size: int = 10_000


@dataclass(frozen=True)
class Result(Record):
    """What shifts cost the networks.

    Args:
        parameters: The number of parameters, by network.
        accuracy: The accuracies (4,) on images shifted by 0 to 3 pixels, by network.  Each is the
            mean of four directions.
        change: How much a shift of 1 pixel changes the images in SimpleConvNet before pooling, and
            after it, relative to their size.
        images: A test image, shifted by 0 to 3 pixels to the right; (4, 28, 28).
    """

    parameters: dict[str, int]
    accuracy: dict[str, np.ndarray]
    change: list[float]
    images: np.ndarray


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    images = as_images(data, config.train_size)
    x, t = images[2][: config.test_size], images[3][: config.test_size]
    parameters, accuracy = {}, {}
    trained = networks(rng)
    for key, network in trained.items():
        train(network, images, config, rng, progress)
        parameters[key] = sum(param.size for param in network.params.values())
        accuracy[key] = np.array([mean_accuracy(network, x, t, n) for n in SHIFTS])
    return Result(
        parameters,
        accuracy,
        change=changes(trained[POOLING], x[:100]),
        images=np.stack([shift(x[0, 0], 0, n) for n in SHIFTS]),
    )


def networks(rng: Generator) -> dict[str, Network]:
    """Return three networks of about 434,000 parameters each."""
    stride = [
        Convolution.create(1, 30, 6, stride=2, init=0.01, rng=rng),
        Relu(),
        Affine.create(30 * 12 * 12, 100, 0.01, rng=rng),
        Relu(),
        Affine.create(100, 10, 0.01, rng=rng),
    ]
    return {
        AFFINE: MultiLayerNet(784, [546], 10, weight_init_std=0.01, rng=rng),
        STRIDE: Network(stride, rng=rng),
        POOLING: SimpleConvNet(rng=rng),
    }


def mean_accuracy(network: Network, x: np.ndarray, t: np.ndarray, pixels: int) -> float:
    """Return the mean accuracy on images that are shifted by so many pixels in four directions."""
    directions = DIRECTIONS if pixels else DIRECTIONS[:1]
    shifted = (shift(x, pixels * down, pixels * right) for down, right in directions)
    return float(np.mean([network.accuracy(images, t) for images in shifted]))


def shift(x: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return images (..., H, W) moved down and to the right; the free pixels are 0."""
    H, W = x.shape[-2:]
    moved = np.zeros_like(x)
    moved[..., max(down, 0) : H + down, max(right, 0) : W + right] = x[
        ..., max(-down, 0) : H - down, max(-right, 0) : W - right
    ]
    return moved


def changes(network: Network, x: np.ndarray) -> list[float]:
    """Return the relative changes of the outputs of Relu1 and Pool1 by a shift of 1 pixel."""
    moved, found = shift(x, 0, 1), []
    for name in ("Conv1", "Relu1", "Pool1"):
        layer = network.layers[name]
        x, moved = layer.forward(x, False), layer.forward(moved, False)
        found.append(float(np.linalg.norm(moved - x) / np.linalg.norm(x)))
    return found[1:]


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        result.accuracy,
        xlabel="pixels by which test images are shifted",
        ylabel="test accuracy",
        title="means of shifts in four directions",
        markers=True,
        accuracy=True,
    )
    images, panels = plotting.subplots(1, len(result.images), width=1.8, height=2.1)
    for n, (axes, image) in enumerate(zip(panels, result.images, strict=True)):
        img_show(axes, image, f"shifted by {n}" if n else "not shifted")
        # The same line in each image: where the unshifted digit begins.
        left = result.images[0].any(axis=0).argmax()
        axes.axvline(left - 0.5, color="tab:orange", linewidth=1)
    return {"accuracy": accuracy, "images": images}


def lost(result: Result, pixels: int) -> list[float]:
    """Return the accuracy that a shift costs, by network."""
    return [float(curve[0] - curve[pixels]) for curve in result.accuracy.values()]


def lost_claim(pixels: int) -> Claim:
    """Return the claim that a shift costs the convolutional networks less."""
    return Claim(
        f"accuracy lost by a shift of {pixels}: Affine, convolution without, with pooling",
        "pooling is robust to tiny shifts" if pixels == 1 else None,
        lambda result: lost(result, pixels),
        lambda v: 0 < min(v) <= max(v[1:]) < v[0],
        condition="the first is the largest, all are above 0",
        why="which convolutional network loses least depends on the seed",
        digits=3,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "accuracy without a shift: Affine, convolution without, with pooling",
            None,
            lambda result: [float(curve[0]) for curve in result.accuracy.values()],
            0.965,
            1,
            why="all three have learned; a point below what was measured",
        ),
        *(lost_claim(pixels) for pixels in (1, 2, 3)),
        Claim(
            "change of a layer's output by a shift of 1: before, after pooling",
            "pooling absorbs the shift",
            lambda result: result.change,
            lambda v: 0 < v[1] < 0.9 * v[0],
            condition="the second is above 0 and below 0.9 of the first",
            why="the text's example loses all of it; real images, a visible part",
            digits=2,
        ),
    ],
    quick={"epochs": 1, "train_size": 1_000, "test_size": 300},
)

if __name__ == "__main__":
    experiment.main()
