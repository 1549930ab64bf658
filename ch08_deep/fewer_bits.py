"""*Reducing the Bit Number for Arithmetic Precision* (chapter 8): from 64 bits down to 2.

SimpleConvNet and DeepConvNet, trained, read the test images with fewer and fewer bits.  In float64,
float32, float16 and bfloat16, the weights and what each layer returns have that format.  The layers
multiply numbers of 16 bits in float32 and round the result.  In 8 to 2 bits, only the weights have
few bits; the rest is float32.

A weight of few bits is an integer q times a step s: W' = s q.  q is W / s, rounded, and
|q| <= 2^(bits - 1) - 1.  With s = max|W| / (2^(bits - 1) - 1), the largest weight stays as it is.
Each channel has its own step: each filter of a convolution, each column of an Affine layer.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np

from ch07_cnn.train_convnet import trained_network as trained_convnet
from ch08_deep.train_deepnet import trained_network as trained_deepnet
from dlbasics import Layer, Network
from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Progress, Record
from dlbasics.regularizers import is_weight

BITS = (8, 6, 5, 4, 3, 2)

LAYER, CHANNEL, BEST = CHOICES = (
    "one step for the layer",
    "one for each channel",
    "the best for each channel",
)

SHARES = np.linspace(0.1, 1, 19)
"""The parts of the largest step among which the best one is sought."""

PART = 500
"""The number of images whose time is measured at once."""


@dataclass(frozen=True)
class Config:
    """The images.

    Args:
        images: The number of test images that the networks read.
    """

    images: int = 10_000


@dataclass(frozen=True)
class Reading:
    """How a network with fewer bits reads the images.

    Args:
        accuracy: The accuracy.
        seconds: The time for an image, in the fastest part of the images.
        megabytes: The memory that the parameters need, if weights of few bits are packed.
        error: What rounding changes in the weights, |W' - W| / |W|.
        zeros: The share of the weights that are 0.
    """

    accuracy: float
    seconds: float
    megabytes: float
    error: float
    zeros: float


@dataclass(frozen=True)
class Result(Record):
    """Both networks with fewer and fewer bits.

    Args:
        formats: The readings by network and format.  bfloat16 is there if ml_dtypes is installed.
        weights: The readings by network, choice of the steps, and bits of the weights.
    """

    formats: dict[str, dict[str, Reading]]
    weights: dict[str, dict[str, dict[str, Reading]]]

    def by_format(self, network: str) -> dict[str, Reading]:
        """Return the readings of a network in all formats, those with a step for each channel."""
        return self.formats[network] | self.weights[network][CHANNEL]


def run(config: Config, data: Data, progress: Progress) -> Result:
    x = data.x_test[: config.images].reshape(-1, 1, 28, 28)
    t = data.t_test[: config.images]
    networks = {"SimpleConvNet": trained_convnet(), "DeepConvNet": trained_deepnet()}

    formats: dict[str, Any] = {name: {} for name in networks}
    for name, dtype in progress([*product(networks, dtypes())]):
        network = in_format(networks[name], dtype)
        nbytes = sum(param.size for param in network.params.values()) * dtype.itemsize
        formats[name][dtype.name] = read(network, networks[name], nbytes, x, t)

    weights: dict[str, Any] = {name: {choice: {} for choice in CHOICES} for name in networks}
    for name, choice, bits in progress([*product(networks, CHOICES, BITS)]):
        network, nbytes = with_few_bits(networks[name], bits, choice)
        weights[name][choice][f"{bits} bits"] = read(network, networks[name], nbytes, x, t)
    return Result(formats, weights)


def read(network: Network, exact: Network, nbytes: float, x: np.ndarray, t: np.ndarray) -> Reading:
    """Let a network read the images, and compare its weights with the exact ones."""
    x = x.astype(network.params["W1"].dtype)  # else layers of float16 would return float32
    classes, seconds = [], []
    for i in range(0, len(x), PART):
        start = time.perf_counter()
        scores = network.predict(x[i : i + PART])
        seconds.append((time.perf_counter() - start) / len(scores))
        classes += [*scores.argmax(axis=1)]
    keys = [key for key in exact.params if is_weight(key)]
    W = np.concatenate([exact.params[key].ravel() for key in keys])
    rounded = np.concatenate([network.params[key].ravel() for key in keys])
    return Reading(
        accuracy=float(np.mean(classes == t)),
        seconds=min(seconds),
        megabytes=nbytes / 1e6,
        error=float(np.linalg.norm(rounded - W) / np.linalg.norm(W)),
        zeros=float(np.mean(rounded == 0)),
    )


def dtypes() -> list[np.dtype[Any]]:
    """Return NumPy's formats, and bfloat16 if the package ml_dtypes is installed."""
    found = [np.dtype(name) for name in ("float64", "float32", "float16")]
    if find_spec("ml_dtypes"):
        import ml_dtypes

        found.append(np.dtype(ml_dtypes.bfloat16))
    else:
        print('Without ml_dtypes there is no bfloat16: pip install -e ".[bits]"', flush=True)
    return found


def in_format(network: Network, dtype: np.dtype[Any]) -> Network:
    """Return a copy whose weights have a format, and whose layers return numbers of it."""
    # NumPy does not count bfloat16 among the floating-point dtypes, and our layers do not take it.
    return network.astype(dtype) if dtype.kind == "f" else rounded_after_each_layer(network, dtype)


class Rounding(Layer):
    """Round x to the nearest numbers of a format; they stay in the dtype of x.

    y = x, rounded;  dx = dout.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def _forward(self, x: np.ndarray, train_flg: bool) -> np.ndarray:
        return x.astype(self.dtype).astype(x.dtype)

    def _backward(self, dout: np.ndarray) -> np.ndarray:
        return dout


def rounded_after_each_layer(network: Network, dtype: np.dtype[Any]) -> Network:
    """Return a copy in float32 that rounds its parameters, x and what each layer returns."""
    twin = network.astype(np.float32)
    for param in twin.params.values():
        param[...] = param.astype(dtype)
    layers: list[Layer] = [Rounding(dtype)]
    for layer in twin.layers.values():
        layers += [layer, Rounding(dtype)]
    return Network(layers, twin.last_layer)


def with_few_bits(network: Network, bits: int, choice: str) -> tuple[Network, float]:
    """Return a copy with weights of few bits, and the number of bytes that its parameters need.

    The biases and the steps have 32 bits.
    """
    twin, number_of_bits = copy.deepcopy(network), 0
    for key, param in twin.params.items():
        if is_weight(key):
            q, s = quantize(param, bits, choice)
            param[...] = s * q
            number_of_bits += bits * q.size + 32 * s.size
        else:
            number_of_bits += 32 * param.size
    return twin, number_of_bits / 8


def quantize(W: np.ndarray, bits: int, choice: str = CHANNEL) -> tuple[np.ndarray, np.ndarray]:
    """Return integers q of few bits and steps s, with which s q is nearest to W.

    Args:
        W: The weights of an Affine layer, (D, M), or of a convolution, (FN, C, FH, FW).
        bits: The number of bits, at least 2; with b bits, |q| <= 2^(b - 1) - 1.
        choice: The choice of the steps: LAYER, CHANNEL or BEST.

    Returns:
        q in the shape of W, and s, of shape (1, M) or (FN, 1, 1, 1), or with a single number.
    """
    top = 2 ** (bits - 1) - 1
    axes = 0 if W.ndim == 2 else (1, 2, 3)

    def integers(s: np.ndarray) -> np.ndarray:
        return np.clip(np.round(W / s), -top, top)

    def error(s: np.ndarray) -> np.ndarray:
        return np.square(s * integers(s) - W).sum(axis=axes, keepdims=True)

    s = np.abs(W).max(axis=None if choice == LAYER else axes, keepdims=True) / top
    s = np.maximum(s, np.finfo(W.dtype).tiny)  # all weights of a channel may be 0
    if choice == BEST:
        steps = np.stack([s * share for share in SHARES.astype(W.dtype)])
        least = np.argmin([error(step) for step in steps], axis=0)
        s = np.take_along_axis(steps, least[np.newaxis], axis=0)[0]
    return integers(s), s


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    networks = [*result.formats]
    labels = [*result.by_format(networks[0])]
    formats, panels = plotting.subplots(1, 3, width=3.4, height=5.0, sharey=True)
    shown: dict[str, Callable[[Reading], float]] = {
        "accuracy": lambda reading: reading.accuracy,
        "megabytes of parameters, log axis": lambda reading: reading.megabytes,
        "milliseconds an image, log axis": lambda reading: 1e3 * reading.seconds,
    }
    for axes, (title, value) in zip(panels, shown.items(), strict=True):
        for i, name in enumerate(networks):
            values = [value(reading) for reading in result.by_format(name).values()]
            drawn = axes.barh(np.arange(len(labels)) + 0.4 * (i - 0.5), values, 0.4, label=name)
            digits = "{:.4f}" if title == "accuracy" else "{:.3g}"
            axes.bar_label(drawn, fmt=digits, padding=2, fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.margins(x=0.25)
        if "log" in title:
            plotting.log_axis(axes.xaxis)
    panels[0].set(yticks=range(len(labels)), yticklabels=labels, xlim=(0, 1.3))
    panels[0].set_xticks([0, 0.5, 1])
    panels[0].invert_yaxis()
    panels[0].legend(frameon=False, loc="lower right")

    steps, panels = plotting.subplots(2, 2, width=4.4, height=2.8, sharex=True, sharey="row")
    for column, name in zip(panels.T, networks, strict=True):
        column[0].set_title(name, fontsize=10)
        for choice, readings in result.weights[name].items():
            wrong = [1 - reading.accuracy for reading in readings.values()]
            changes = [reading.error for reading in readings.values()]
            column[0].plot(BITS, wrong, "o-", label=choice, markersize=4)
            column[1].plot(BITS, changes, "o-", label=choice, markersize=4)
        column[1].set(xlabel="bits of a weight", xticks=BITS)
    panels[0, 0].legend(frameon=False, fontsize=9)
    for axes, label in zip(panels[:, 0], ("share of errors", "|W' − W| / |W|"), strict=True):
        plotting.log_axis(axes.yaxis)
        axes.set_ylabel(f"{label}, log axis")
    return {"formats": formats, "steps": steps}


def accuracies(*labels: str) -> Callable[[Result], Any]:
    """Return a function that tells the accuracies of both networks in these formats."""

    def value(result: Result) -> Any:
        readings = [result.by_format(name) for name in result.formats]
        if any(label not in readings[0] for label in labels):
            return LEFT_OUT
        return [[reading[label].accuracy for label in labels] for reading in readings]

    return value


def by_choice(what: str, bits: int) -> Callable[[Result], list[list[float]]]:
    """Return a function that tells a value of both networks for the three choices of the steps."""
    return lambda result: [
        [getattr(readings[f"{bits} bits"], what) for readings in choices.values()]
        for choices in result.weights.values()
    ]


def loses(most: list[float]) -> Callable[[Any], bool]:
    """Return whether the first accuracies are from 0.975 to 1, and the others at most so lower."""

    def holds(v: Any) -> bool:
        first, *others = np.transpose(v)
        losses = [abs(first - other).max() for other in others]
        return bool(0.975 <= first.min() <= first.max() <= 1 and np.all(losses <= np.array(most)))

    return holds


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "both networks: accuracy in float64, float32, float16",
            "half floats do not reduce it",
            accuracies("float64", "float32", "float16"),
            loses([0, 0.001]),
            condition="from 0.975 to 1, the second is equal, the third differs by at most 0.001",
            why="float16 has three digits: a few images in doubt may tip over",
        ),
        Claim(
            "both networks: accuracy in float32, bfloat16",
            None,
            accuracies("float32", "bfloat16"),
            loses([0.003]),
            condition="the first is from 0.975 to 1, the second differs by at most 0.003",
            why="bfloat16 has two to three digits: more images tip over than with float16",
        ),
        Claim(
            "both networks: accuracy in float32, with weights of 8 and of 4 bits",
            None,
            accuracies("float32", "8 bits", "4 bits"),
            loses([0.001, 0.01]),
            condition="the first is from 0.975 to 1, the others differ by at most 0.001 and 0.01",
            why="a step of 8 bits is 1/127 of the largest weight, one of 4 bits is 1/7",
        ),
        Claim(
            "both networks: accuracy with weights of 2 bits: steps for layer, for channels, best",
            None,
            by_choice("accuracy", 2),
            lambda v: (np.array(v) >= 0).all() and (np.diff([[0, *row, 1] for row in v]) > 0).all(),
            condition="from 0 to 1, each is above the one before",
            why="the better the step, the fewer weights become 0",
        ),
        Claim(
            "both networks: accuracy with weights of 3 bits: steps for layer, for channels",
            None,
            lambda result: [row[:2] for row in by_choice("accuracy", 3)(result)],
            lambda v: (np.diff([[0.9, *row, 1] for row in v]) > 0).all(),
            condition="from 0.9 to 1, the second is above the first",
            why="with 4 bits and more both are good, and chance decides which is better",
        ),
        Claim(
            "both networks: change of the weights by 4 bits: steps for layer, for channels, best",
            None,
            by_choice("error", 4),
            lambda v: (np.diff([[1, *row, 0.01] for row in v]) < 0).all(),
            condition="from 1 to 0.01, each is below the one before",
            why="weights of 4 bits have seven sizes, so that errors are a tenth or two",
            digits=2,
            any_data=True,
        ),
        Claim(
            "both networks: weights that are 0 with 2 bits: steps for layer, for channels, best",
            None,
            by_choice("zeros", 2),
            lambda v: (np.diff([[1, *row, 0.1] for row in v]) < 0).all(),
            condition="from 1 to 0.1, each is below the one before",
            why="a weight below half a step becomes 0, and the largest weight is one step",
            digits=3,
            any_data=True,
        ),
        Claim.same(
            "both networks: megabytes in float32, with weights of 8, 4 and 2 bits",
            [[1.736, 0.435, 0.218, 0.11], [0.494, 0.126, 0.064, 0.033]],
            lambda result: [
                [
                    round(result.by_format(name)[label].megabytes, 3)
                    for label in ("float32", "8 bits", "4 bits", "2 bits")
                ]
                for name in result.formats
            ],
            printed=False,
            any_data=True,
        ),
    ],
    quick={"images": 200},
)

if __name__ == "__main__":
    experiment.main()
