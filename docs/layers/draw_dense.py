"""Draw the pictures of affine, activations, losses, dropout and batch_norm.md into figures/.

python docs/layers/draw_dense.py
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ch05_backprop.computational_graphs import AFFINE_BATCH, BATCH_NORM, SIGMOID
from ch05_backprop.graph import Graph, Input, Node
from ch05_backprop.graph_drawing import draw
from dlbasics import BatchNorm, Elu, Identity, LeakyRelu, Relu, Sigmoid, Tanh, plotting
from dlbasics.experiment.figures import shrink

FOLDER = Path(__file__).parent / "figures"
DOUT = np.array([5.0, 6.0])


def relu() -> Graph:
    return Graph(
        "Relu of three numbers",
        [Input("x", np.array([2.0, -1.0, 3.0]), (0, 0))],
        [Node("relu", ["x"], ["y"], (1.9, 0))],
        upstream={"y": np.array([5.0, 6.0, 7.0])},
        values={"y": "y"},
        derivatives={"x": "g * (x > 0)", "y": "g"},
        via={"y": [(3.6, 0)]},
    )


def leaky_relu() -> Graph:
    return Graph(
        "LeakyRelu with slope 0.1: the larger one of x and 0.1 x",
        [
            Input("x", np.array([2.0, -1.0]), (0, 0)),
            Input("slope", 0.1, (3.9, -2.1), constant=True),
        ],
        [
            Node("branch", ["x"], ["x1", "x2"], (1.5, 0)),
            Node("×", ["x2", "slope"], ["s"], (3.9, -1.2)),
            Node("max", ["x1", "s"], ["y"], (6.0, 0)),
        ],
        upstream={"y": DOUT},
        values={"s": "slope * x", "y": "y"},
        derivatives={"x2": "slope * g * (x < 0)", "x1": "g * (x > 0)", "y": "g"},
        via={"x2": [(1.5, -1.2)], "s": [(6.0, -1.2)], "y": [(7.6, 0)]},
    )


def elu() -> Graph:
    return Graph(
        "Elu with alpha 1: each x goes one of two ways",
        [
            Input("x", np.array([2.0, -log(2)]), (0, 0)),
            Input("0", 0, (1.6, -2.4), constant=True),
            Input("1", 1, (5.2, -2.4), constant=True),
            Input("alpha", 1.0, (7.0, -2.4), constant=True),
        ],
        [
            Node("branch", ["x"], ["x1", "x2"], (1.6, 0)),
            Node("relu", ["x1"], ["r"], (5.2, 0)),
            Node("min", ["x2", "0"], ["m"], (1.6, -1.4)),
            Node("exp", ["m"], ["e"], (3.4, -1.4)),
            Node("−", ["e", "1"], ["d"], (5.2, -1.4)),
            Node("×", ["d", "alpha"], ["s"], (7.0, -1.4)),
            Node("+", ["r", "s"], ["y"], (8.8, 0)),
        ],
        upstream={"y": DOUT},
        values={"e": "exp(m)", "d": "exp(m) - 1", "y": "y"},
        derivatives={"y": "g"},
        via={"s": [(8.8, -1.4)], "y": [(10.2, 0)]},
    )


def tanh() -> Graph:
    return Graph(
        "Tanh is a sigmoid function that is stretched: y = 2 sigmoid(2 x) − 1",
        [
            Input("x", log(2), (0, 0)),
            Input("2", 2, (1.5, -1), constant=True),
            Input("2 ", 2, (5.6, -1), constant=True),
            Input("1", 1, (7.2, -1), constant=True),
        ],
        [
            Node("×", ["x", "2"], ["a"], (1.5, 0)),
            Node("sigmoid", ["a"], ["s"], (3.9, 0), height=0.6),
            Node("×", ["s", "2 "], ["d"], (5.6, 0)),
            Node("−", ["d", "1"], ["y"], (7.2, 0)),
        ],
        upstream={"y": 2},
        values={"a": "2 * x", "s": "s", "d": "2 * s", "y": "y"},
        derivatives={"x": "g * (1 - y**2)", "a": "2 * g * s * (1 - s)", "s": "2 * g", "y": "g"},
        via={"y": [(8.7, 0)]},
    )


def identity() -> Graph:
    return Graph(
        "Identity",
        [Input("x", np.array([2.0, -1.0]), (0, 0))],
        [Node("identity", ["x"], ["y"], (1.9, 0), height=0.6)],
        upstream={"y": DOUT},
        values={"y": "y"},
        derivatives={"x": "g", "y": "g"},
        via={"y": [(3.8, 0)]},
    )


def softmax_with_loss() -> Graph:
    """Return the graph of the loss of one sample as the layer computes it, from the scores."""
    return Graph(
        "SoftmaxWithLoss of one sample: L = log(Σ exp(x)) − Σ t x",
        [
            Input("x", np.log([3.0, 2.0, 5.0]), (0, 0)),
            Input("t", np.array([0.0, 1.0, 0.0]), (3.4, -2.4), constant=True),
        ],
        [
            Node("branch", ["x"], ["x1", "x2"], (2.0, 0)),
            Node("exp", ["x1"], ["e"], (4.0, 0)),
            Node("Σ", ["e"], ["S"], (5.6, 0)),
            Node("log", ["S"], ["l"], (7.2, 0)),
            Node("×", ["x2", "t"], ["m"], (3.4, -1.4)),
            Node("Σ", ["m"], ["c"], (5.6, -1.4)),
            Node("−", ["l", "c"], ["L"], (8.9, 0)),
        ],
        values={"e": "exp(x)", "S": "S", "l": "log(S)", "m": "t * x", "L": "L"},
        derivatives={"x": "y - t", "x1": "y = exp(x) / S", "x2": "-t", "S": "1 / S"},
        symbols={"y": np.array([0.3, 0.2, 0.5])},
        via={"x2": [(2.0, -1.4)], "c": [(8.9, -1.4)]},
    )


def sigmoid_with_loss() -> Graph:
    """Return the graph of the loss of one output as the layer computes it, from the score."""
    return Graph(
        "SigmoidWithLoss of one output: L = log(1 + exp(x)) − t x",
        [
            Input("x", log(4), (0, 0)),
            Input("1", 1, (4.2, 1), constant=True),
            Input("t", 1.0, (2.6, -2.3), constant=True),
        ],
        [
            Node("branch", ["x"], ["x1", "x2"], (1.4, 0)),
            Node("exp", ["x1"], ["e"], (2.6, 0)),
            Node("+", ["e", "1"], ["S"], (4.2, 0)),
            Node("log", ["S"], ["l"], (6.0, 0)),
            Node("×", ["x2", "t"], ["m"], (2.6, -1.3)),
            Node("−", ["l", "m"], ["L"], (7.7, 0)),
        ],
        values={"e": "exp(x)", "S": "1 + exp(x)", "l": "log(1 + exp(x))", "m": "t * x", "L": "L"},
        derivatives={"x": "y - t", "x1": "y", "x2": "-t", "S": "1 / (1 + exp(x))"},
        symbols={"y": 0.8},
        via={"x2": [(1.4, -1.3)], "m": [(7.7, -1.3)]},
    )


def identity_with_loss() -> Graph:
    return Graph(
        "IdentityWithLoss of a batch of two, one output each",
        [
            Input("y", np.array([3.0, 1.0]), (0, 0)),
            Input("t", np.array([1.0, 2.0]), (1.7, -1.1), constant=True),
            Input("½", 0.5, (5.3, -1.1), constant=True),
        ],
        [
            Node("−", ["y", "t"], ["d"], (1.7, 0)),
            Node("x²", ["d"], ["q"], (3.5, 0)),
            Node("×", ["q", "½"], ["h"], (5.3, 0)),
            Node("mean", ["h"], ["L"], (7.1, 0)),
        ],
        values={"d": "y - t", "q": "(y - t)**2", "L": "L"},
        derivatives={"y": "(y - t) / N", "d": "(y - t) / N", "q": "1 / (2 * N)", "h": "1 / N"},
        symbols={"N": 2},
    )


def dropout(title: str, name: str, factor: Any) -> Graph:
    """Return the graph of dropout, which multiplies by a factor of that name."""
    return Graph(
        title,
        [
            Input("x", np.array([4.0, -2.0, 1.0, 3.0]), (0, 0)),
            Input(name, factor, (2.2, -1.1), constant=True),
        ],
        [Node("×", ["x", name], ["y"], (2.2, 0))],
        upstream={"y": np.array([5.0, 6.0, 7.0, 8.0])},
        values={"y": "y"},
        derivatives={"y": "g"},
        via={"y": [(4.4, 0)]},
    )


def batch_norm() -> Graph:
    """Return the graph of chapter 5, with a name for each derivative."""
    flow = BATCH_NORM.run()
    found = {"xn": "dxn", "xc": "dxc", "r": "dr", "σ": "dσ", "v": "dv", "μ": "dμ"}
    places = {"γ": (10.8, -1.2), "β": (10.8, -2.4)}  # farther away, for longer labels
    return replace(
        BATCH_NORM,
        inputs=[replace(edge, at=places.get(edge.name, edge.at)) for edge in BATCH_NORM.inputs],
        values={
            "μ": "μ = mean(x)",
            "xc": "xc = x - μ",
            "xc²": "xc**2",
            "σ²": "var = mean(xc**2)",
            "σ": "σ",
            "r": "r = 1 / σ",
            "xn": "xn = xc * r",
            "y": "y = γ * xn + β",
        },
        derivatives={
            "y": "dout",
            "β": "dβ = Σ(dout)",
            "γ": "dγ = Σ(xn * dout)",
            "xn": "dxn = γ * dout",
            "xc1": "dxn * r",
            "r": "dr = Σ(xc * dxn)",
            "σ": "dσ = -dr / σ**2",
            "v": "dv = dσ / (2 * σ)",
            "xc²": "dv / N",
            "xc2": "2 * xc * dv / N",
            "xc": "dxc",
            "x2": "dxc",
            "μ": "dμ = -Σ(dxc)",
            "x1": "dμ / N",
            "x": "dx = dxc + dμ / N",
        },
        symbols={
            "N": 4,
            "dout": flow.derivatives["y"],
            **{name: flow.derivatives[edge] for edge, name in found.items()},
        },
    )


GRAPHS = {
    "affine": AFFINE_BATCH,
    "relu": relu(),
    "leaky_relu": leaky_relu(),
    "elu": elu(),
    "sigmoid": SIGMOID,
    "tanh": tanh(),
    "identity": identity(),
    "softmax_with_loss": softmax_with_loss(),
    "sigmoid_with_loss": sigmoid_with_loss(),
    "identity_with_loss": identity_with_loss(),
    "dropout": dropout("Dropout in training", "mask", np.array([1, 0, 1, 0])),
    "dropout_test": dropout("Dropout in test", "1 − dropout_ratio", 0.5),
    "batch_norm": batch_norm(),
}
"""The graphs that are drawn, by the names of their files."""


def draw_activations() -> Any:
    """Return a figure of the activation functions, and of their derivatives."""
    figure, (left, right) = plotting.subplots(1, 2, width=4.5, height=3.4)
    x = np.linspace(-3, 3, 601)
    layers = [Relu(), LeakyRelu(0.1), Elu(), Sigmoid(), Tanh(), Identity()]
    for layer, style in zip(layers, ["-", "--", "-.", "-", "--", ":"], strict=True):
        left.plot(x, layer.forward(x), style, label=str(layer))
        right.plot(x, layer.backward(np.ones_like(x)), style)
    left.set(title="y", xlabel="x", ylim=(-1.5, 3))
    right.set(title="dy/dx", xlabel="x", ylim=(-0.1, 1.2))
    left.legend()
    return figure


def draw_batch_norm_parts() -> Any:
    """Return a figure of the two parts of dout that batch normalization takes away."""
    x, dout = BATCH_NORM.inputs[0].value[:, np.newaxis], BATCH_NORM.upstream["y"]
    xn = BatchNorm(np.ones(1), np.zeros(1)).forward(x)[:, 0]
    shift, stretch = np.full(4, dout.mean()), xn * (xn * dout).mean()
    parts = {
        "dout": dout,
        "mean(dout)\nmoves all y alike": shift,
        "xn · mean(xn · dout)\nstretches all y": stretch,
        "what is left\ndx · σ / γ": dout - shift - stretch,
    }
    figure, axes = plotting.subplots(1, 4, width=2.2, height=2.6, sharey=True)
    for each, (title, values), sign in zip(axes, parts.items(), ["", "−", "−", "="], strict=True):
        each.bar(range(1, 5), values)
        each.axhline(0, color="black", lw=0.8)
        each.set(title=f"{sign} {title}".strip(), xlabel="sample", xticks=range(1, 5))
    return figure


def draw_graph(graph: Graph) -> Any:
    return draw(graph, graph.run())


PICTURES: dict[str, Callable[[], Any]] = {
    **{name: partial(draw_graph, graph) for name, graph in GRAPHS.items()},
    "activations": draw_activations,
    "batch_norm_parts": draw_batch_norm_parts,
}
"""What draws each picture, by the name of its file."""


def draw_all(folder: Path = FOLDER) -> list[Path]:
    """Draw all pictures into a folder, as small PNG files, and return their paths."""
    with TemporaryDirectory() as large:
        paths = [Path(large) / f"{name}.png" for name in PICTURES]
        for path, drawn in zip(paths, PICTURES.values(), strict=True):
            drawn().savefig(path)
        lines = [path for path in paths if path.stem in GRAPHS]
        curves = [path for path in paths if path.stem not in GRAPHS]  # these have more colors
        return shrink(lines, folder, colors=(16,)) + shrink(curves, folder)


if __name__ == "__main__":
    draw_all()
