"""Nonlinear Function (chapter 3): linear layers, stacked, are one linear layer.

Three Affine layers against the one with the product of their weights, and what networks of one
input draw with and without a nonlinear activation.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics import Affine, Layer, Network, Relu, Sigmoid, experiment
from dlbasics.experiment import Claim
from dlbasics.layers import Identity
from dlbasics.typing import Array, RngLike

ACTIVATIONS: dict[str, type[Layer]] = {"linear": Identity, "sigmoid": Sigmoid, "ReLU": Relu}


@dataclass(frozen=True)
class Config:
    hidden_size: int = 20
    batch_size: int = 100


@dataclass(frozen=True)
class Result:
    """slope: of h(h(h(x))) with h(x) = 2x;  difference: the largest between three layers and one.

    x (N,): the input;  outputs: by the activation between the layers and by their number, (N,);
    bend: by activation, how far the output of three layers is from a straight line.
    """

    slope: float
    difference: float
    x: Array
    outputs: dict[str, dict[str, Array]]
    bend: dict[str, float]


def run(config: Config, rng: RngLike) -> Result:
    rng = np.random.default_rng(rng)
    x = np.linspace(-5.0, 5.0, 201)
    doubling = [Affine(np.array([[2.0]]), None) for _ in range(3)]
    slope = float(np.polyfit(x, output(doubling, "linear", x), deg=1)[0])

    layers = affine_layers([config.hidden_size] * 4, rng)
    batch = rng.standard_normal((config.batch_size, config.hidden_size))
    difference = np.abs(Network(layers).predict(batch) - collapsed(layers).forward(batch)).max()

    one = affine_layers([1, 1], rng)
    two = affine_layers([1, config.hidden_size, 1], rng)
    three = affine_layers([1, config.hidden_size, config.hidden_size, 1], rng)
    outputs = {
        activation: {
            "1 layer": output(one, activation, x),
            "2 layers": output(two, activation, x),
            "3 layers": output(three, activation, x),
        }
        for activation in ACTIVATIONS
    }
    bend = {name: distance_from_line(x, curves["3 layers"]) for name, curves in outputs.items()}
    return Result(slope, float(difference), x, outputs, bend)


def affine_layers(sizes: list[int], rng: np.random.Generator) -> list[Affine]:
    """Layers of these sizes, in float64; weights (n_in, n_out) and biases (n_out,) of std 1."""
    return [
        Affine(rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out))
        for n_in, n_out in pairwise(sizes)
    ]


def collapsed(layers: list[Affine]) -> Affine:
    """The one layer that three are: W = W1 W2 W3, b = (b1 W2 + b2) W3 + b3."""
    first, second, third = layers
    W = first.W @ second.W @ third.W
    return Affine(W, (first.b @ second.W + second.b) @ third.W + third.b)


def output(affine: list[Affine], activation: str, x: Array) -> Array:
    """The output (N,) of a network of one input, x (N,), with `activation` between its layers."""
    layers = [layer for each in affine for layer in (each, ACTIVATIONS[activation]())]
    return Network(layers[:-1]).predict(x[:, np.newaxis])[:, 0]


def distance_from_line(x: Array, y: Array) -> float:
    """The largest distance of y (N,) from the line that fits it best, as a share of y's range."""
    line = np.polyval(np.polyfit(x, y, deg=1), x)
    return float(np.abs(y - line).max() / np.ptp(y))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 3, width=4)
    for axes, (activation, curves) in zip(panels, result.outputs.items(), strict=True):
        plotting.draw_curves(axes, curves, x=result.x)
        axes.set(xlabel="x", title=f"activation: {activation}")
    panels[0].set_ylabel("output of the network")
    return {"one_input": figure}


def bend_claim(activation: str) -> Claim:
    return Claim(
        f"distance from a straight line, {activation}, as a share of the range",
        "not a line",
        lambda result: result.bend[activation],
        lambda v: v > 0.05,
        digits=2,
    )


CLAIMS = [
    Claim.same("slope of h(h(h(x))) for h(x) = c x, c = 2", 8, lambda r: r.slope, atol=1e-12),
    Claim.same(
        "largest difference between three linear layers and one",
        0,
        lambda result: result.difference,
        atol=1e-10,
        digits=2,
    ),
    Claim.same(
        "distance from a straight line, linear, as a share of the range",
        0,
        lambda result: result.bend["linear"],
        atol=1e-12,
        digits=2,
    ),
    bend_claim("sigmoid"),
    bend_claim("ReLU"),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS)
