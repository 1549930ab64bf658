"""Handwritten Digit Recognition and Batch Processing (chapter 3): inference with trained weights.

The accuracy on the test images, one at a time and in batches, and what batches gain.  The weights
are those of train_weights.py.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ch03_forward.matrix_products import shape_claim
from ch03_forward.show_mnist import img_show
from dlbasics import experiment
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.functions import sigmoid, softmax
from dlbasics.storage import load_arrays
from dlbasics.typing import Array

WEIGHTS = Path(__file__).with_name("sample_weight.npz")


@dataclass(frozen=True)
class Config:
    batch_size: int = 100
    repeats: int = 9


@dataclass(frozen=True)
class Samples:
    """Images (N, 784), labels (N,), the classes the network gives, and with what probability."""

    images: Array
    labels: Array
    predicted: Array
    probability: Array


@dataclass(frozen=True)
class Result:
    """What the network makes of the test images, one at a time and in batches.

    unlike: how many images get another class in a batch than alone;  seconds: what an image takes,
    by the size of its batch, the median of the repeats;  gain: of the batches over single images.
    """

    shapes: dict[str, tuple[int, ...]]
    accuracy: float
    batch_accuracy: float
    unlike: int
    seconds: dict[int, float]
    gain: float
    first: Samples
    wrong: Samples


def init_network() -> dict[str, Array]:
    """The trained weights W1 (784, 50), W2 (50, 100), W3 (100, 10) and biases b1, b2, b3."""
    return load_arrays(WEIGHTS)


def predict(network: dict[str, Array], x: Array) -> Array:
    """The probabilities (10,) of an image x (784,), or (N, 10) of a batch (N, 784)."""
    a1 = np.dot(x, network["W1"]) + network["b1"]
    z1 = sigmoid(a1)
    a2 = np.dot(z1, network["W2"]) + network["b2"]
    z2 = sigmoid(a2)
    a3 = np.dot(z2, network["W3"]) + network["b3"]
    return softmax(a3)


def classify(network: dict[str, Array], x: Array) -> Array:
    """The classes (N,) of x (N, 784), one image at a time."""
    return np.array([np.argmax(predict(network, x[i])) for i in range(len(x))])


def classify_batches(network: dict[str, Array], x: Array, batch_size: int) -> Array:
    """The classes (N,) of x (N, 784), `batch_size` images at a time."""
    classes = []
    for i in range(0, len(x), batch_size):
        y = predict(network, x[i : i + batch_size])
        classes.append(np.argmax(y, axis=1))
    return np.concatenate(classes)


def run(config: Config, data: Data | None = None, progress: Progress = iter) -> Result:
    data = data or experiment.load_data()
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


def shapes(network: dict[str, Array], x: Array, batch_size: int) -> dict[str, tuple[int, ...]]:
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
    network: dict[str, Array], x: Array, config: Config, progress: Progress
) -> dict[int, float]:
    """The median seconds that an image of x takes, by batch size.

    Every repeat tries all sizes in turn, so that whatever else the machine does meets all alike.
    """
    sizes = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, config.batch_size}
    times: dict[int, list[float]] = {size: [] for size in sorted({min(n, len(x)) for n in sizes})}
    for _ in progress(range(config.repeats)):
        for size, measured in times.items():
            start = time.perf_counter()
            classify_batches(network, x, size)
            measured.append((time.perf_counter() - start) / len(x))
    return {size: statistics.median(measured) for size, measured in times.items()}


def samples(network: dict[str, Array], images: Array, labels: Array) -> Samples:
    y = predict(network, images)
    return Samples(images, labels, np.argmax(y, axis=1), np.max(y, axis=1))


def plot(result: Result) -> dict[str, Any]:
    return {"batches": batches_figure(result), "samples": samples_figure(result)}


def batches_figure(result: Result) -> Any:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    microseconds = [1e6 * seconds for seconds in result.seconds.values()]
    axes.plot([*result.seconds], microseconds, marker="o", markersize=4)
    axes.set_xscale("log")
    axes.set_yscale("log", subs=(2, 5))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set(xlabel="images in a batch", ylabel="microseconds an image")
    return figure


def samples_figure(result: Result) -> Any:
    """The first test images above, the first ones that are classified wrongly below."""
    from dlbasics import plotting

    figure, grid = plotting.subplots(2, 5, width=1.9, height=2.4)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, some in zip(grid, (result.first, result.wrong), strict=True):
        for i, img in enumerate(some.images):
            predicted = f"predicted {some.predicted[i]}, {some.probability[i]:.0%}"
            img_show(row[i], img, f"label {some.labels[i]}\n{predicted}")
    return figure


CLAIMS = [
    Claim(
        "accuracy, one image at a time",
        0.9352,
        lambda result: result.accuracy,
        lambda v: v >= 0.9352,
    ),
    shape_claim("X, one image", (784,)),
    shape_claim("W1", (784, 50)),
    shape_claim("W2", (50, 100)),
    shape_claim("W3", (100, 10)),
    shape_claim("Y, one image", (10,)),
    shape_claim("X, a batch", (100, 784)),
    shape_claim("Y, a batch", (100, 10)),
    Claim(
        "accuracy in batches",
        0.9352,
        lambda result: result.batch_accuracy,
        lambda v: v >= 0.9352,
    ),
    Claim.same(
        "images with another class in a batch than alone", 0, lambda r: r.unlike, any_data=True
    ),
    Claim(
        "batches against single images: times as fast",
        "faster",
        lambda result: result.gain,
        lambda v: v > 1,
        digits=2,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"repeats": 1})
