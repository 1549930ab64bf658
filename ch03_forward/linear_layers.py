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
        hidden_size: The number of neurons in each hidden layer.
        batch_size: The number of random inputs for which three layers are compared with one.
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

    figure, panels = plotting.subplots(1, 3, width=3.2, height=3.4)
    for axes, (activation, curves) in zip(panels, result.outputs.items(), strict=True):
        plotting.draw_curves(axes, curves, x=result.x)
        axes.get_legend().remove()
        axes.set(xlabel="x", title=f"activation: {activation}")
    panels[0].set_ylabel("output of the network")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return {"one_input": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "slope of h(h(h(x))) for h(x) = c x, c = 2: c³",
            8,
            lambda r: r.slope,
            atol=1e-12,
            why="a slope fitted to 201 points has rounding errors",
            printed=False,
        ),
        Claim.same(
            "largest difference between three linear layers and one",
            0,
            lambda r: r.difference,
            atol=1e-10,
            why="outputs up to some hundreds, rounded in the 16th digit",
            printed=False,
            digits=2,
        ),
        Claim.same(
            "distance from a straight line, as a share of the range: linear",
            0,
            lambda r: r.bend["linear"],
            atol=1e-10,
            why="rounding errors; they count more if the line happens to be flat",
            printed=False,
            digits=2,
        ),
        Claim.between(
            "distance from a straight line, as a share of the range: sigmoid, ReLU",
            None,
            lambda r: [r.bend["sigmoid"], r.bend["ReLU"]],
            0.001,
            why="far above rounding; how far random networks bend depends on the seed",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
