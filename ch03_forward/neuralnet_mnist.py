"""*Inference for Neural Network* and *Batch Processing* (chapter 3): trained weights read digits.

The network classifies the test images one at a time and in batches.  The script computes the
accuracy, and measures how much faster batches are.  `train_weights.py` has trained the weights.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ch03_forward.matrix_products import shapes_claim
from ch03_forward.show_mnist import img_show
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.functions import sigmoid, softmax
from dlbasics.storage import load_arrays

WEIGHTS = Path(__file__).with_name("sample_weight.npz")

SHAPES = {
    "X, one image": (784,),
    "W1": (784, 50),
    "W2": (50, 100),
    "W3": (100, 10),
    "Y, one image": (10,),
    "X, a batch": (100, 784),
    "Y, a batch": (100, 10),
}
"""The shapes of figures 3.26 and 3.27."""


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        batch_size: The number of images that the network reads at once, in a batch.
        repeats: The number of times that each batch size is timed; the median counts.
    """

    batch_size: int = 100
    repeats: int = 9


@dataclass(frozen=True)
class Samples:
    """Some images, and what the network makes of them.

    Args:
        images: The images, (N, 784).
        labels: Their classes, (N,).
        predicted: The classes that the network predicts, (N,).
        probability: The probabilities of the predicted classes, (N,).
    """

    images: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Result(Record):
    """What the network makes of the test images, one at a time and in batches.

    Args:
        shapes: The shapes of inputs, weights and outputs, by name.
        accuracy: The accuracy, one image at a time.
        batch_accuracy: The accuracy in batches.
        unlike: The number of images that get another class in a batch than alone.
        seconds: The seconds per image, by batch size; each is the median of the repeats.
        gain: The seconds per image alone, divided by those in batches of `batch_size`.
        first: The first five test images.
        wrong: The first five test images that are classified wrongly.
    """

    shapes: dict[str, tuple[int, ...]]
    accuracy: float
    batch_accuracy: float
    unlike: int
    seconds: dict[int, float]
    gain: float
    first: Samples
    wrong: Samples


def init_network() -> dict[str, np.ndarray]:
    """Return the trained weights W1 (784, 50), W2 (50, 100), W3 (100, 10), and b1, b2, b3."""
    return load_arrays(WEIGHTS)


def predict(network: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the probabilities (10,) of an image x (784,), or (N, 10) of a batch (N, 784)."""
    a1 = np.dot(x, network["W1"]) + network["b1"]
    z1 = sigmoid(a1)
    a2 = np.dot(z1, network["W2"]) + network["b2"]
    z2 = sigmoid(a2)
    a3 = np.dot(z2, network["W3"]) + network["b3"]
    return softmax(a3)


def classify(network: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the classes (N,) of x (N, 784), one image at a time."""
    return np.array([np.argmax(predict(network, x[i])) for i in range(len(x))])


def classify_batches(network: dict[str, np.ndarray], x: np.ndarray, batch_size: int) -> np.ndarray:
    """Return the classes (N,) of x (N, 784), `batch_size` images at a time."""
    classes = []
    for i in range(0, len(x), batch_size):
        y = predict(network, x[i : i + batch_size])
        classes.append(np.argmax(y, axis=1))
    return np.concatenate(classes)


def run(config: Config, data: Data, progress: Progress) -> Result:
    x, t = data.x_test, data.t_test
    network = init_network()
    alone = classify(network, x)
    batches = classify_batches(network, x, config.batch_size)
    seconds = time_batches(network, x, config, progress)
    wrong = np.flatnonzero(alone != t)[:5]
    return Result(
        shapes=shapes(network, x, config.batch_size),
        accuracy=float(np.mean(alone == t)),
        batch_accuracy=float(np.mean(batches == t)),
        unlike=int(np.sum(alone != batches)),
        seconds=seconds,
        gain=seconds[1] / seconds[min(config.batch_size, len(x))],
        first=samples(network, x[:5], t[:5]),
        wrong=samples(network, x[wrong], t[wrong]),
    )


def shapes(
    network: dict[str, np.ndarray], x: np.ndarray, batch_size: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes that the book prints, by name."""
    batch = x[:batch_size]
    return {
        "X, one image": x[0].shape,
        "W1": network["W1"].shape,
        "W2": network["W2"].shape,
        "W3": network["W3"].shape,
        "Y, one image": predict(network, x[0]).shape,
        "X, a batch": batch.shape,
        "Y, a batch": predict(network, batch).shape,
    }


def time_batches(
    network: dict[str, np.ndarray], x: np.ndarray, config: Config, progress: Progress
) -> dict[int, float]:
    """Return the seconds per image of x, by batch size: the median of the repeats.

    Each repeat measures all sizes in turn, so that other work of the machine slows down all alike.
    """
    sizes = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, config.batch_size}
    times: dict[int, list[float]] = {size: [] for size in sorted({min(n, len(x)) for n in sizes})}
    for _ in progress(range(config.repeats)):
        for size, measured in times.items():
            start = time.perf_counter()
            classify_batches(network, x, size)
            measured.append((time.perf_counter() - start) / len(x))
    return {size: statistics.median(measured) for size, measured in times.items()}


def samples(network: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray) -> Samples:
    """Return the images with what the network makes of them."""
    y = predict(network, images)
    return Samples(images, labels, np.argmax(y, axis=1), np.max(y, axis=1))


def plot(result: Result) -> dict[str, Any]:
    return {"batches": batches_figure(result), "samples": samples_figure(result)}


def batches_figure(result: Result) -> Any:
    """Draw the time per image against the batch size."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    microseconds = [1e6 * seconds for seconds in result.seconds.values()]
    axes.plot([*result.seconds], microseconds, marker="o", markersize=4)
    axes.set_xscale("log")
    axes.set_yscale("log", subs=(2, 5))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set(xlabel="images in a batch", ylabel="microseconds per image")
    return figure


def samples_figure(result: Result) -> Any:
    """Draw the first test images, and below the first ones that are classified wrongly."""
    from dlbasics import plotting

    figure, grid = plotting.subplots(2, 5, width=1.9, height=2.4)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, some in zip(grid, (result.first, result.wrong), strict=True):
        for i, img in enumerate(some.images):
            predicted = f"predicted {some.predicted[i]}, {some.probability[i]:.0%}"
            img_show(row[i], img, f"label {some.labels[i]}\n{predicted}")
    return figure


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "accuracy, one image at a time",
            0.9352,
            lambda result: result.accuracy,
            0.9352,
            1,
            why="our weights are others than the book's, and must be no worse",
        ),
        shapes_claim("X, W1, W2, W3 and Y, figures 3.26 and 3.27", SHAPES),
        Claim.same(
            "images that get another class in a batch than alone",
            0,
            lambda r: r.unlike,
            printed=False,
            any_data=True,
        ),
        Claim.shown(
            "time of single images, divided by that of batches",
            "a large array at once is faster",
            lambda r: r.gain,
            digits=2,
        ),
    ],
    quick={"repeats": 1},
)

if __name__ == "__main__":
    experiment.main()
