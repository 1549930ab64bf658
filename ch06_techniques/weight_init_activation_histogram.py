"""Distribution of Activations in the Hidden Layers (chapter 6): what the initial weights do to it.

1,000 Gaussian inputs pass five layers of 100 units, with sigmoid, tanh or ReLU behind each; nothing
is trained.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.functions import relu, sigmoid
from dlbasics.initializers import Initializer, he, normal, xavier
from dlbasics.typing import Array, RngLike

NODE_NUM = 100
HIDDEN_LAYER_SIZE = 5
BINS = 30

ACTIVATIONS: dict[str, Any] = {"sigmoid": sigmoid, "tanh": np.tanh, "ReLU": relu}
RANGES = {"sigmoid": (0, 1), "tanh": (-1, 1), "ReLU": (0, 1)}
WEIGHTS: dict[str, Initializer] = {
    "std 1": normal(1),
    "std 0.01": normal(0.01),
    "Xavier": xavier,
    "He": he,
}


@dataclass(frozen=True)
class Result:
    """By "sigmoid, std 1" and so on, for each layer.

    counts (5, BINS): activations in each bin of RANGES;  means, stds (5,);
    at_the_ends (5,): the share of activations within a tenth of the range from one of its ends.
    """

    counts: dict[str, Array]
    means: dict[str, Array]
    stds: dict[str, Array]
    at_the_ends: dict[str, Array]


def run(rng: RngLike) -> Result:
    rng = np.random.default_rng(rng)
    input_data = rng.standard_normal((1_000, NODE_NUM))
    result = Result({}, {}, {}, {})
    for activation in ACTIVATIONS:
        low, high = RANGES[activation]
        margin = (high - low) / 10
        for weights, init in WEIGHTS.items():
            name = f"{activation}, {weights}"
            layers = activations(input_data, ACTIVATIONS[activation], init, rng)
            result.counts[name] = np.array([np.histogram(z, BINS, (low, high))[0] for z in layers])
            result.means[name] = layers.mean(axis=(1, 2))
            result.stds[name] = layers.std(axis=(1, 2))
            ends = (layers < low + margin) | (layers > high - margin)
            result.at_the_ends[name] = ends.mean(axis=(1, 2))
    return result


def activations(x: Array, activation: Any, init: Initializer, rng: np.random.Generator) -> Array:
    """What comes out of each layer, (HIDDEN_LAYER_SIZE, N, NODE_NUM)."""
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
    """A row of panels for each name, one for each layer."""
    from dlbasics import plotting

    figure, rows = plotting.subplots(
        len(names),
        HIDDEN_LAYER_SIZE,
        width=2.2,
        height=2.6,
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    for name, panels in zip(names, rows, strict=True):
        edges = np.linspace(*RANGES[name.partition(",")[0]], BINS + 1)
        for layer, (axes, counts) in enumerate(zip(panels, result.counts[name], strict=True), 1):
            axes.stairs(counts, edges, fill=True)
            axes.set_title(f"layer {layer}")
        panels[0].set_ylabel(name)
        # One tall bar, where everything is 0, would hide all others.
        if name.startswith("ReLU"):
            panels[0].set_ylim(0, 7_000)
        panels[0].set(xlim=(edges[0], edges[-1]), xticks=edges[[0, BINS // 2, BINS]])
    figure.supxlabel("activation")
    return figure


def xavier_drawing() -> Any:
    """n units that feed one: the more they are, the smaller each weight."""
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


def relu_mean_claim(layer: int, book: float) -> Claim:
    return Claim(
        f"mean activation, ReLU, std 0.01, layer {layer}",
        book,
        lambda result: float(result.means["ReLU, std 0.01"][layer - 1]),
        lambda v: book / 2 < v < book * 2,
        digits=3,
    )


def last_over_first(name: str) -> Any:
    """How much of the first layer's mean activation is left in the last."""
    return lambda result: float(result.means[name][-1] / result.means[name][0])


CLAIMS = [
    Claim(
        "sigmoid, std 1: share below 0.1 or above 0.9 in the last layer",
        "near 0 and 1",
        lambda result: float(result.at_the_ends["sigmoid, std 1"][-1]),
        lambda v: v > 0.6,
        digits=3,
    ),
    Claim(
        "sigmoid, std 0.01: mean and standard deviation in the last layer",
        "all near 0.5",
        lambda result: [float(of["sigmoid, std 0.01"][-1]) for of in (result.means, result.stds)],
        lambda v: abs(v[0] - 0.5) < 0.05 and v[1] < 0.05,
        digits=3,
    ),
    Claim(
        "sigmoid, Xavier: the same standard deviation, in times that of std 0.01",
        "wider",
        lambda result: float(
            result.stds["sigmoid, Xavier"][-1] / result.stds["sigmoid, std 0.01"][-1]
        ),
        lambda v: v > 3,
        digits=3,
    ),
    relu_mean_claim(1, 0.0396),
    relu_mean_claim(2, 0.00290),
    relu_mean_claim(3, 0.000197),
    relu_mean_claim(4, 1.32e-5),
    relu_mean_claim(5, 9.46e-7),
    Claim(
        "ReLU, Xavier: mean of the last layer as a share of the first's",
        "shrinks little by little",
        last_over_first("ReLU, Xavier"),
        lambda v: 0.1 < v < 0.5,
        digits=3,
    ),
    Claim(
        "ReLU, He: mean of the last layer as a share of the first's",
        "the same spread",
        last_over_first("ReLU, He"),
        lambda v: 0.5 < v < 1.5,
        digits=3,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, claims=CLAIMS)
