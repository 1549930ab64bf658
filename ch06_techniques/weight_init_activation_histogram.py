"""*Distribution of Activations in the Hidden Layers* (chapter 6): initial weights decide.

1,000 inputs from a Gaussian distribution pass through five layers of 100 units, each with sigmoid,
tanh or ReLU.  Nothing is trained.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import relu, sigmoid
from dlbasics.initializers import Initializer, he, normal, xavier

NODE_NUM = 100
HIDDEN_LAYER_SIZE = 5
BINS = 30
MOST = 7_000
"""The figure of ReLU cuts bars off here."""

ACTIVATIONS: dict[str, Any] = {"sigmoid": sigmoid, "tanh": np.tanh, "ReLU": relu}
RANGES = {"sigmoid": (0, 1), "tanh": (-1, 1), "ReLU": (0, 1)}
WEIGHTS: dict[str, Initializer] = {
    "std 1": normal(1),
    "std 0.01": normal(0.01),
    "Xavier": xavier,
    "He": he,
}


BOOK_MEANS = (0.0396, 0.00290, 0.000197, 1.32e-5, 9.46e-7)
"""The mean activations of ReLU with std 0.01 in the book."""


@dataclass(frozen=True)
class Result(Record):
    """The activations of each layer, by function and weights, such as "sigmoid, std 1".

    Args:
        counts: The number of activations in each bin of RANGES, (5, BINS).
        means: The mean activations, (5,).
        stds: The standard deviations of the activations, (5,).
        at_the_ends: The share of activations in the lowest or the highest tenth of the range, (5,).
    """

    counts: dict[str, np.ndarray]
    means: dict[str, np.ndarray]
    stds: dict[str, np.ndarray]
    at_the_ends: dict[str, np.ndarray]


def run(rng: Generator) -> Result:
    input_data = rng.standard_normal((1_000, NODE_NUM))
    counts, means, stds, at_the_ends = {}, {}, {}, {}
    for activation in ACTIVATIONS:
        low, high = RANGES[activation]
        margin = (high - low) / 10
        for weights, init in WEIGHTS.items():
            name = f"{activation}, {weights}"
            layers = activations(input_data, ACTIVATIONS[activation], init, rng)
            counts[name] = np.array([np.histogram(z, BINS, (low, high))[0] for z in layers])
            means[name] = layers.mean(axis=(1, 2))
            stds[name] = layers.std(axis=(1, 2))
            ends = (layers < low + margin) | (layers > high - margin)
            at_the_ends[name] = ends.mean(axis=(1, 2))
    return Result(counts, means, stds, at_the_ends)


def activations(x: np.ndarray, activation: Any, init: Initializer, rng: Generator) -> np.ndarray:
    """Return the outputs of all layers, (HIDDEN_LAYER_SIZE, N, NODE_NUM)."""
    layers = []
    for _ in range(HIDDEN_LAYER_SIZE):
        w = init((NODE_NUM, NODE_NUM), rng)
        x = activation(x @ w)
        layers.append(x)
    return np.array(layers)


def plot(result: Result) -> dict[str, Any]:
    return {
        "figure_6_10": histograms(result, ["sigmoid, std 1"]),
        "figure_6_11": histograms(result, ["sigmoid, std 0.01"]),
        "figure_6_12": xavier_drawing(),
        "figure_6_13": histograms(result, ["sigmoid, Xavier"]),
        "tanh": histograms(result, ["tanh, std 1", "tanh, std 0.01", "tanh, Xavier"]),
        "figure_6_14": histograms(result, ["ReLU, std 0.01", "ReLU, Xavier", "ReLU, He"]),
    }


def histograms(result: Result, names: list[str]) -> Any:
    """Return a figure with a row for each name and a panel for each layer."""
    from dlbasics import plotting

    figure, rows = plotting.subplots(
        len(names),
        HIDDEN_LAYER_SIZE,
        width=1.8,
        height=2.2,
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    for name, panels in zip(names, rows, strict=True):
        edges = np.linspace(*RANGES[name.partition(",")[0]], BINS + 1)
        for layer, (axes, counts) in enumerate(zip(panels, result.counts[name], strict=True), 1):
            axes.stairs(counts, edges, fill=True)
            axes.set_title(f"layer {layer}")
            if name.startswith("ReLU"):
                cut(axes, counts, edges)
        panels[0].set(ylabel=f"{name}\ncount", xticks=edges[[0, BINS // 2, BINS]])
        panels[0].set_xlim(edges[0], edges[-1])
        panels[0].yaxis.set_major_formatter("{x:,.0f}")
    figure.supxlabel("activation")
    return figure


def cut(axes: Any, counts: np.ndarray, edges: np.ndarray) -> None:
    """Cut the bars that are higher than MOST, with a break mark; write their counts beside them.

    Uncut, they would make the other bars too low to be seen.
    """
    axes.set_ylim(0, MOST)
    end = edges[1 + np.flatnonzero(counts > MOST)[-1]]
    axes.plot([0, end], [0.86 * MOST, 0.9 * MOST], color="white", linewidth=3)
    texts = [f"{count:,}" for count in counts if count > MOST]
    free = edges[1 + np.flatnonzero(counts > 0.6 * MOST)[-1]]  # lower bars end below the text
    axes.text(free + 0.03, 0.97 * MOST, "\n".join(texts), va="top", fontsize=9)


def xavier_drawing() -> Any:
    """Return figure 6.12: the more units feed a unit, the smaller the weights."""
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=4.5, height=4.0)
    for y in (2, 1, -1, -2):
        axes.plot([0, 1], [y, 0], color="gray", linewidth=1, zorder=1)
        axes.scatter(0, y, 500, color="white", edgecolors="black", zorder=2)
    axes.scatter(1, 0, 500, color="white", edgecolors="black", zorder=2)
    axes.text(0, 0, "⋮", ha="center", va="center", fontsize=18)
    axes.text(-0.2, 0, "n units", ha="right", va="center")
    axes.text(0.62, 1.2, "weights of standard\ndeviation $1/\\sqrt{n}$", ha="left", va="center")
    axes.set(xlim=(-0.7, 1.5), ylim=(-2.6, 2.6))
    axes.set_axis_off()
    return figure


def last_over_first(name: str) -> Any:
    """Return the function that divides the last layer's mean activation by the first layer's."""
    return lambda result: float(result.means[name][-1] / result.means[name][0])


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.between(
            "sigmoid, std 1: share of activations below 0.1 or above 0.9 in the last layer",
            "mainly 0 and 1",
            lambda result: float(result.at_the_ends["sigmoid, std 1"][-1]),
            low=0.5,
            high=1,
            why="'mainly' is more than half",
            digits=3,
        ),
        Claim(
            "sigmoid, std 0.01: mean and standard deviation in the last layer",
            "concentrate around 0.5",
            lambda result: [
                float(of["sigmoid, std 0.01"][-1]) for of in (result.means, result.stds)
            ],
            lambda v: abs(v[0] - 0.5) < 0.05 and 0 < v[1] < 0.05,
            "the first within 0.05 of 0.5, the second above 0 and below 0.05",
            "the text has no numbers; a twentieth of the range is narrow",
            digits=3,
        ),
        Claim.between(
            "sigmoid: standard deviation in the last layer, Xavier divided by std 0.01",
            "spread more widely",
            lambda result: float(
                result.stds["sigmoid, Xavier"][-1] / result.stds["sigmoid, std 0.01"][-1]
            ),
            low=2,
            why="twice as wide can be seen; theory says more",
            digits=3,
        ),
        Claim(
            "mean activation of each layer, ReLU, std 0.01",
            BOOK_MEANS,
            lambda result: [float(mean) for mean in result.means["ReLU, std 0.01"]],
            lambda v: all(
                book / 2 < mean < book * 2 for book, mean in zip(BOOK_MEANS, v, strict=True)
            ),
            "each within a factor of 2",
            "each layer multiplies the differences between two runs' random weights",
            digits=3,
        ),
        Claim.between(
            "ReLU, Xavier: mean activation of the last layer divided by the first layer's",
            "more biased little by little",
            last_over_first("ReLU, Xavier"),
            low=0.1,
            high=0.5,
            why="theory says 0.71⁴ = 0.25; weights are random",
            digits=3,
        ),
        Claim.between(
            "ReLU, He: mean activation of the last layer divided by the first layer's",
            "a similar spread",
            last_over_first("ReLU, He"),
            low=0.5,
            high=2,
            why="theory says 1; weights are random",
            digits=3,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
