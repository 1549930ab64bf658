"""*Computational Graphs* (chapter 5, appendix A): values flow forward, derivatives backward.

Each graph is a list of inputs and nodes.  The nodes compute the values and the derivatives of the
edges.  The figures show the values above the edges and the derivatives below.
"""

from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np

from ch05_backprop.graph import Flow, Graph, Input, Node
from ch05_backprop.graph_drawing import draw
from dlbasics.experiment import Claim, Experiment, Record

APPLES = Graph(
    "Buying two apples, tax included",
    [
        Input("apple", 100, (0, 1)),
        Input("number of apples", 2, (0, 0)),
        Input("tax", 1.1, (2.1, -0.4)),
    ],
    [
        Node("×", ["apple", "number of apples"], ["apples"], (1.6, 0.5)),
        Node("×", ["apples", "tax"], ["price"], (3.3, 0.5)),
    ],
)

APPLES_AND_ORANGES = Graph(
    "Buying two apples and three oranges, tax included",
    [
        Input("number of apples", 2, (0, 3)),
        Input("apple", 100, (0, 2)),
        Input("orange", 150, (0, 1)),
        Input("number of oranges", 3, (0, 0)),
        Input("tax", 1.1, (3.8, 0.2)),
    ],
    [
        Node("×", ["number of apples", "apple"], ["apples"], (1.7, 2.5)),
        Node("×", ["orange", "number of oranges"], ["oranges"], (1.7, 0.5)),
        Node("+", ["apples", "oranges"], ["fruit"], (3.3, 1.5)),
        Node("×", ["fruit", "tax"], ["price"], (5.0, 1.5)),
    ],
)

LOCAL = Graph(
    "Each node knows only its own inputs: any calculation may have given the 4,000",
    [
        Input("all other goods", 4000, (0, 1)),
        Input("apples", 200, (0, 0)),
        Input("tax", 1.1, (2.1, -0.4)),
    ],
    [
        Node("+", ["all other goods", "apples"], ["goods"], (1.6, 0.5)),
        Node("×", ["goods", "tax"], ["price"], (3.3, 0.5)),
    ],
)

CHAIN_RULE = Graph(
    "The chain rule: z = t², t = x + y",
    [Input("x", 1, (0, 1)), Input("y", 2, (0, 0))],
    [
        Node("+", ["x", "y"], ["t"], (1.7, 0.5)),
        Node("x²", ["t"], ["z"], (3.6, 0.5)),
    ],
    values={"t": "x + y", "z": "t**2"},
    derivatives={"x": "2 * (x + y)", "y": "2 * (x + y)", "t": "2 * t"},
)

ADDITION = Graph(
    "Addition passes the derivative on",
    [Input("x", 10, (0, 1)), Input("y", 5, (0, 0))],
    [Node("+", ["x", "y"], ["z"], (1.6, 0.5))],
    upstream={"z": 1.3},
)

MULTIPLICATION = Graph(
    "Multiplication swaps the factors",
    [Input("x", 10, (0, 1)), Input("y", 5, (0, 0))],
    [Node("×", ["x", "y"], ["z"], (1.6, 0.5))],
    upstream={"z": 1.3},
    derivatives={"x": "g * y", "y": "g * x"},
)


def relu(x: float) -> Graph:
    """Return the graph of ReLU at x."""
    case = "above 0 it passes the derivative on" if x > 0 else "up to 0 it stops the derivative"
    return Graph(
        f"ReLU: {case}",
        [Input("x", x, (0, 0))],
        [Node("relu", ["x"], ["y"], (1.4, 0))],
        upstream={"y": 1.3},
    )


SIGMOID = Graph(
    "Sigmoid, y = 1 / (1 + exp(−x))",
    [
        Input("x", log(4), (0, 0)),
        Input("−1", -1, (1.9, -1), constant=True),
        Input("1", 1, (5.8, -1), constant=True),
    ],
    [
        Node("×", ["x", "−1"], ["a"], (1.9, 0)),
        Node("exp", ["a"], ["e"], (4.1, 0)),
        Node("+", ["e", "1"], ["s"], (5.8, 0)),
        Node("/", ["s"], ["y"], (7.5, 0)),
    ],
    upstream={"y": 2},
    values={"a": "-x", "e": "exp(-x)", "s": "1 + exp(-x)", "y": "y"},
    derivatives={
        "x": "g * y**2 * exp(-x)",
        "a": "-g * y**2 * exp(-x)",
        "e": "-g * y**2",
        "s": "-g * y**2",
        "y": "g",
    },
)


def sigmoid_in_one(title: str, derivative: str) -> Graph:
    """Return the graph of sigmoid as one node, with that formula for its derivative."""
    return Graph(
        title,
        [Input("x", log(4), (0, 0))],
        [Node("sigmoid", ["x"], ["y"], (2.0, 0), height=0.6)],
        upstream={"y": 2},
        values={"y": "y"},
        derivatives={"x": derivative, "y": "g"},
    )


def affine(title: str, X: Any, upstream: Any, dW: str, dB: str) -> Graph:
    """Return the graph of X W + B, with the formulas for dW and dB."""
    return Graph(
        title,
        [
            Input("X", np.array(X), (0, 0.9)),
            Input("W", np.array([[1, 3, 5], [2, 4, 6]]), (0, -0.9)),
            Input("B", np.array([1, 2, 3]), (3.4, -1.3)),
        ],
        [
            Node("dot", ["X", "W"], ["XW"], (2.4, 0)),
            Node("+", ["XW", "B"], ["Y"], (4.6, 0)),
        ],
        upstream={"Y": np.array(upstream)},
        values={"XW": "X @ W", "Y": "Y"},
        derivatives={"X": "g @ W.T", "W": dW, "XW": "g", "B": dB, "Y": "g"},
        via={"Y": [(6.6, 0)]},
    )


AFFINE = affine("Affine, one sample", [1, 2], [1, 2, -1], "outer(X, g)", "g")
AFFINE_BATCH = affine(
    "Affine, a batch of two: B serves both, so its derivatives add up",
    [[1, 2], [3, 4]],
    [[1, 0, -1], [0, 2, 1]],
    "X.T @ g",
    "Σ(g)",
)
DOT = Graph(
    "A derivative has the shape of its value",
    [Input("X", np.array([1, 2]), (0, 0.7)), Input("W", AFFINE.inputs[1].value, (0, -0.7))],
    [Node("dot", ["X", "W"], ["Y"], (2.4, 0))],
    upstream={"Y": np.array([1, 2, -1])},
    values={"Y": "Y"},
    derivatives={"X": "g @ W.T", "W": "outer(X, g)", "Y": "g"},
    via={"Y": [(4.4, 0)]},
)

BATCH_NORM = Graph(
    "Batch normalization of a batch of four numbers",
    [
        Input("x", np.array([8.0, 0.0, 2.0, 2.0]), (0, 0)),
        Input("ε", 1e-7, (6.95, -3.9), constant=True),
        Input("γ", 1.5, (10.4, -1.2)),
        Input("β", 0.6, (10.4, -2.4)),
    ],
    [
        Node("branch", ["x"], ["x1", "x2"], (1.5, 0)),
        Node("mean", ["x1"], ["μ"], (1.5, -1.4)),
        Node("−", ["x2", "μ"], ["xc"], (3.1, 0)),
        Node("branch", ["xc"], ["xc1", "xc2"], (4.75, 0)),
        Node("x²", ["xc2"], ["xc²"], (4.75, -1.5)),
        Node("mean", ["xc²"], ["σ²"], (4.75, -3.0)),
        Node("+", ["σ²", "ε"], ["v"], (6.95, -3.0)),
        Node("√", ["v"], ["σ"], (6.95, -2.0)),
        Node("/", ["σ"], ["r"], (6.95, -1.0)),
        Node("×", ["xc1", "r"], ["xn"], (6.95, 0)),
        Node("×", ["xn", "γ"], ["s"], (9.2, -1.2)),
        Node("+", ["s", "β"], ["y"], (9.2, -2.4)),
    ],
    upstream={"y": np.array([8.0, 2.0, 0.0, -2.0])},
    values={
        "μ": "μ = mean(x)",
        "xc": "x - μ",
        "xc²": "(x - μ)**2",
        "σ²": "σ² = mean((x - μ)**2)",
        "σ": "σ",
        "r": "1 / σ",
        "xn": "xn = (x - μ) / σ",
        "y": "y = γ * xn + β",
    },
    derivatives={"β": "Σ(g)", "γ": "Σ(g * xn)", "xn": "γ * g"},
    via={"μ": [(3.1, -1.4)], "xn": [(9.2, 0)], "y": [(9.2, -3.6)]},
)


ROWS = {1: 0.0, 2: -1.3, 3: -2.6}
TARGETS = {1: 0, 2: 1, 3: 0}
LABEL_AT = {"q1": 0.35, "q2": 0.17, "q3": 0.14, "r1": 0.7, "r2": 0.84, "r3": 0.86}
"""Where the slanted edges of softmax carry their labels: where they are far apart."""


def softmax_parts() -> tuple[list[Input], list[Node]]:
    """Return inputs and nodes of the softmax of three scores that give y = (0.3, 0.2, 0.5)."""
    inputs = [Input(f"a{k}", log(n), (0, ROWS[k])) for k, n in ((1, 3), (2, 2), (3, 5))]
    nodes = [Node("exp", [f"a{k}"], [f"e{k}"], (1.1, y)) for k, y in ROWS.items()]
    nodes += [Node("branch", [f"e{k}"], [f"p{k}", f"q{k}"], (2.7, y)) for k, y in ROWS.items()]
    nodes += [
        Node("+", ["q1", "q2", "q3"], ["S"], (4.3, 1.6)),
        Node("/", ["S"], ["r"], (5.8, 1.6)),
        Node("branch", ["r"], ["r1", "r2", "r3"], (7.2, 1.6)),
    ]
    nodes += [Node("×", [f"p{k}", f"r{k}"], [f"y{k}"], (9.0, y)) for k, y in ROWS.items()]
    return inputs, nodes


def cross_entropy_parts(below: float = 0.0) -> tuple[list[Input], list[Node]]:
    """Return inputs and nodes of the cross-entropy error of y1, y2, y3, so far below softmax."""
    rows = {k: y - below for k, y in ROWS.items()}
    targets = [Input(f"t{k}", t, (3.5, rows[k] - 0.65), constant=True) for k, t in TARGETS.items()]
    nodes = [Node("log", [f"y{k}"], [f"l{k}"], (1.6, y)) for k, y in rows.items()]
    nodes += [Node("×", [f"l{k}", f"t{k}"], [f"m{k}"], (3.5, y)) for k, y in rows.items()]
    nodes += [
        Node("+", ["m1", "m2", "m3"], ["n"], (5.8, rows[2])),
        Node("×", ["n", "−1"], ["L"], (7.3, rows[2])),
    ]
    return [*targets, Input("−1", -1, (7.3, rows[2] - 0.9), constant=True)], nodes


def each_class(formulas: dict[str, str]) -> dict[str, str]:
    """Return each formula three times, once for each class; k stands for 1, 2, 3."""
    return {
        name.replace("k", str(k)): formula.replace("k", str(k))
        for name, formula in formulas.items()
        for k in ROWS
    }


def of_three_classes(title: str, inputs: list[Input], nodes: list[Node], **more: Any) -> Graph:
    """Return a graph of these parts, with the formulas of all its edges."""
    values = {"S": "S", "r": "1 / S", "L": "L"} | each_class(
        {"ek": "exp(ak)", "yk": "yk", "lk": "log(yk)", "mk": "tk * log(yk)"}
    )
    derivatives = {"S": "(t1 + t2 + t3) / S", "r": "-S * (t1 + t2 + t3)"} | each_class(
        {
            "ak": "yk - tk",
            "ek": "1 / S - tk / exp(ak)",
            "pk": "-tk / exp(ak)",
            "qk": "1 / S",
            "rk": "-tk * S",
            "yk": "-tk / yk",
            "lk": "-tk",
        }
    )
    computed = {name for node in nodes for name in node.gives}
    edges = computed | {edge.name for edge in inputs}
    return Graph(
        title,
        inputs,
        nodes,
        values={name: values[name] for name in values if name in computed},
        derivatives={name: derivatives[name] for name in derivatives if name in edges},
        label_at=LABEL_AT if "S" in computed else {},
        **more,
    )


def softmax() -> Graph:
    """Return the graph of softmax; the derivatives of the cross-entropy error flow into it."""
    return of_three_classes(
        "Softmax",
        *softmax_parts(),
        upstream={"y1": 0, "y2": -1 / 0.2, "y3": 0},
        symbols={f"t{k}": t for k, t in TARGETS.items()},
    )


def cross_entropy() -> Graph:
    """Return the graph of the cross-entropy error of given probabilities."""
    probabilities = [Input(f"y{k}", y, (0, ROWS[k])) for k, y in ((1, 0.3), (2, 0.2), (3, 0.5))]
    inputs, nodes = cross_entropy_parts()
    return of_three_classes("Cross-entropy error", probabilities + inputs, nodes)


def softmax_with_loss() -> Graph:
    """Return the graph of softmax and cross-entropy error, step by step."""
    (scores, first), (targets, then) = softmax_parts(), cross_entropy_parts(below=4.2)
    breaks = {f"y{k}": (0.0, y - 4.2) for k, y in ROWS.items()}
    return of_three_classes("Softmax with loss", scores + targets, first + then, breaks=breaks)


def softmax_with_loss_in_two() -> Graph:
    """Return the graph of softmax and cross-entropy error, each as one node."""
    rows = {1: 0.0, 2: -0.8, 3: -1.6}
    scores = [Input(f"a{k}", log(n), (0, rows[k])) for k, n in ((1, 3), (2, 2), (3, 5))]
    targets = [Input(f"t{k}", t, (2.9, -1.9 - 0.45 * k), constant=True) for k, t in TARGETS.items()]
    return Graph(
        "Softmax with loss",
        scores + targets,
        [
            Node("Softmax", ["a1", "a2", "a3"], ["y1", "y2", "y3"], (2.0, -0.8), height=2.2),
            Node(
                "Cross\nentropy\nerror",
                ["y1", "y2", "y3", "t1", "t2", "t3"],
                ["L"],
                (4.6, -1.6),
                height=3.8,
            ),
        ],
        values=each_class({"yk": "yk"}) | {"L": "L"},
        derivatives=each_class({"ak": "yk - tk", "yk": "-tk / yk"}),
        via={f"y{k}": [(3.3, rows[k])] for k in rows},
    )


@dataclass(frozen=True)
class Figure:
    """A graph, and which part of it is drawn.

    Args:
        graph: The graph.
        note: Text that follows the graph's title.
        shown: The edges with derivatives in the figure; None stands for all.
        blanks: If True, brackets stand in place of what a reader should compute.
    """

    graph: Graph
    note: str = ""
    shown: tuple[str, ...] | None = None
    blanks: bool = False


def back_through_softmax() -> dict[str, Figure]:
    """Return the figures of the six steps; each shows one more step than the one before."""
    found, shown = {}, ()
    for step, edges in enumerate(("yk", "rk", "r S", "qk", "pk", "ek ak"), start=1):
        shown += tuple(each_class(dict.fromkeys(edges.split(), "")))
        note = f": step {step} back, for t = (0, 1, 0)"
        found[f"figure_A_{4 + step}"] = Figure(SOFTMAX, note, shown)
    return found


SOFTMAX, CROSS_ENTROPY = softmax(), cross_entropy()
SOFTMAX_WITH_LOSS, SOFTMAX_WITH_LOSS_IN_TWO = softmax_with_loss(), softmax_with_loss_in_two()

FIGURES = {
    "figure_5_2": Figure(APPLES, ": forward", ()),
    "figure_5_3": Figure(APPLES_AND_ORANGES, ": forward", ()),
    "figure_5_4": Figure(LOCAL, "", ()),
    "figure_5_5": Figure(APPLES, ": one apple costs a yen more", ("apple", "apples", "price")),
    "figure_5_8": Figure(CHAIN_RULE),
    "figure_5_11": Figure(ADDITION),
    "figure_5_13": Figure(MULTIPLICATION),
    "figure_5_14": Figure(APPLES, ": all derivatives"),
    "figure_5_15": Figure(APPLES_AND_ORANGES, ": fill in the brackets", blanks=True),
    "figure_5_17": Figure(APPLES_AND_ORANGES, ": all derivatives"),
    "figure_5_18_above_0": Figure(relu(2)),
    "figure_5_18_below_0": Figure(relu(-2)),
    "figure_5_19": Figure(SIGMOID, ": forward", ()),
    "figure_5_20": Figure(SIGMOID, ": step 1 back", ("y", "s")),
    "figure_5_21": Figure(SIGMOID, ": step 2 back", ("y", "s", "e")),
    "figure_5_22": Figure(SIGMOID, ": step 3 back", ("y", "s", "e", "a")),
    "figure_5_23": Figure(SIGMOID, ": step 4 back"),
    "figure_5_24": Figure(sigmoid_in_one("Sigmoid as one node", "g * y**2 * exp(-x)")),
    "figure_5_25": Figure(sigmoid_in_one("Sigmoid, by its output alone", "g * y * (1 - y)")),
    "figure_5_27": Figure(AFFINE, ": forward", ()),
    "figure_5_28": Figure(AFFINE),
    "figure_5_29": Figure(DOT),
    "figure_5_30": Figure(AFFINE_BATCH),
    "figure_5_33": Figure(SOFTMAX_WITH_LOSS_IN_TWO, ": what goes back is y − t"),
    "figure_6_17": Figure(BATCH_NORM),
    "figure_A_11": Figure(SOFTMAX_WITH_LOSS, "; y₁, y₂ and y₃ go on in the lower half"),
    "figure_A_1": Figure(SOFTMAX_WITH_LOSS_IN_TWO, " as two nodes"),
    "figure_A_2": Figure(SOFTMAX, ": forward", ()),
    "figure_A_3": Figure(CROSS_ENTROPY, ": forward", ()),
    "figure_A_4": Figure(CROSS_ENTROPY),
    **back_through_softmax(),
}


@dataclass(frozen=True)
class Config:
    """What is drawn.

    Args:
        only: The figures to draw, such as figure_5_14; without it, all are drawn.
    """

    # The numbers do not depend on which figures are drawn, so the claims are still judged.
    only: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        unknown = set(self.only) - FIGURES.keys()
        if unknown:
            raise ValueError(f"only must name figures, such as figure_5_14, got {sorted(unknown)}")


@dataclass(frozen=True)
class Result(Record):
    """What flows through the graphs.

    Args:
        flows: The values and derivatives in each figure.
        drawn: The names of the figures to draw.
    """

    flows: dict[str, Flow]
    drawn: tuple[str, ...]


def run(config: Config) -> Result:
    flows = {name: figure.graph.run() for name, figure in FIGURES.items()}
    return Result(flows, config.only or tuple(FIGURES))


def plot(result: Result) -> dict[str, Any]:
    drawn = {}
    for name in result.drawn:
        figure = FIGURES[name]
        drawn[name] = draw(
            figure.graph, result.flows[name], figure.shown, note=figure.note, blanks=figure.blanks
        )
    return drawn


ROUNDING = "1.1 and 0.3 are not exact in binary, so that the last digits are rounded"


def value_claim(text: str, book: float, figure: str, edge: str) -> Claim:
    """Return the claim that the value at an edge is the book's."""

    def value(result: Result) -> float:
        return float(result.flows[figure].values[edge])

    return Claim.same(text, book, value, atol=1e-9, why=ROUNDING)


def derivative_claim(text: str, book: list[float], figure: str, edges: str) -> Claim:
    """Return the claim that the derivatives at these edges are the book's."""

    def value(result: Result) -> list[float]:
        return [float(result.flows[figure].derivatives[edge]) for edge in edges.split(", ")]

    return Claim.same(text, book, value, atol=1e-9, why=ROUNDING)


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        value_claim(
            "apples for 200 and other goods for 4,000, with tax", 4620, "figure_5_4", "price"
        ),
        value_claim("two apples with tax", 220, "figure_5_14", "price"),
        derivative_claim(
            "derivatives by apple, number, tax",
            [2.2, 110, 200],
            "figure_5_14",
            "apple, number of apples, tax",
        ),
        value_claim("apples and oranges with tax", 715, "figure_5_17", "price"),
        derivative_claim(
            "derivatives by number of apples, apple, orange, number of oranges, tax",
            [110, 2.2, 3.3, 165, 650],
            "figure_5_17",
            "number of apples, apple, orange, number of oranges, tax",
        ),
        derivative_claim("addition, backward from 1.3", [1.3, 1.3], "figure_5_11", "x, y"),
        derivative_claim("multiplication, backward from 1.3", [6.5, 13], "figure_5_13", "x, y"),
        derivative_claim("softmax with loss, y - t", [0.3, -0.8, 0.5], "figure_A_11", "a1, a2, a3"),
    ],
    quick={"only": ("figure_5_14", "figure_A_11")},
)

if __name__ == "__main__":
    experiment.main()
