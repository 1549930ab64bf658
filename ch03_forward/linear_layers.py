"""*Nonlinear Function* (chapter 3): several linear layers are no more than one linear layer.

The script compares three Affine layers with the single layer that has the product of their weights.
It draws the outputs of networks with one input, with and without a nonlinear activation function.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics import Affine, Layer, Network, Relu, Sigmoid
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import Identity

ACTIVATIONS: dict[str, type[Layer]] = {"linear": Identity, "sigmoid": Sigmoid, "ReLU": Relu}


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        hidden_size: The number of neurons in a hidden layer.
        batch_size: The number of inputs for which three layers are compared with one.
    """

    hidden_size: int = 20
    batch_size: int = 100


@dataclass(frozen=True)
class Result(Record):
    """The comparison of three layers with one, and the outputs of small networks.

    Args:
        slope: The slope of h(h(h(x))) with h(x) = 2x.
        difference: The largest difference between the outputs of three layers and of one.
        x: The inputs of the networks, (N,).
        outputs: The outputs, (N,), by the activation function and by the number of layers.
        bend: The distance of the output of three layers from a straight line, by activation
            function, as in `distance_from_line`.
    """

    slope: float
    difference: float
    x: np.ndarray
    outputs: dict[str, dict[str, np.ndarray]]
    bend: dict[str, float]


def run(config: Config, rng: Generator) -> Result:
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


def affine_layers(sizes: list[int], rng: Generator) -> list[Affine]:
    """Return layers of these sizes, with weights and biases drawn from a standard normal."""
    return [
        Affine(rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out))
        for n_in, n_out in pairwise(sizes)
    ]


def collapsed(layers: list[Affine]) -> Affine:
    """Return the layer that equals three: W = W1 W2 W3, b = (b1 W2 + b2) W3 + b3."""
    first, second, third = layers
    W = first.W @ second.W @ third.W
    return Affine(W, (first.b @ second.W + second.b) @ third.W + third.b)


def output(affine: list[Affine], activation: str, x: np.ndarray) -> np.ndarray:
    """Return the outputs (N,) of a network for the inputs x (N,).

    The activation function stands between the layers, and not after the last one.
    """
    layers = [layer for each in affine for layer in (each, ACTIVATIONS[activation]())]
    return Network(layers[:-1]).predict(x[:, np.newaxis])[:, 0]


def distance_from_line(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest distance of y (N,) from its best line, as a share of the range of y.

    A constant y is a line.
    """
    line = np.polyval(np.polyfit(x, y, deg=1), x)
    return float(np.abs(y - line).max() / np.ptp(y)) if np.ptp(y) else 0.0


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 3, width=4)
    for axes, (activation, curves) in zip(panels, result.outputs.items(), strict=True):
        plotting.draw_curves(axes, curves, x=result.x)
        axes.set(xlabel="x", title=f"activation: {activation}")
    panels[0].set_ylabel("output of the network")
    return {"one_input": figure}


def bend_claim(activation: str) -> Claim:
    """Return the claim that three layers with this activation function give no straight line."""
    return Claim(
        f"distance from a straight line, {activation}, as a share of the range",
        "not a line",
        lambda result: result.bend[activation],
        lambda v: v > 0.05,
        digits=2,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
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
    ],
)

if __name__ == "__main__":
    experiment.main()
