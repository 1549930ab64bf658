"""Takenawa, *Exercise on backpropagation* and *Exercise on the chain rule*, with the answers.

The first exercises ask for the derivatives with respect to X and W of two losses of X W: half the
squared error, and softmax with cross-entropy.  Then come the derivatives of a bias, and six
exercises on the chain rule, which the script draws as computational graphs.  Layers and nodes
compute what the answers say.  One of the six is Takahashi, *Steepest Descent*, eq. 3.15.  We chose
the numbers at which the chain rule is evaluated.

Takenawa, section 3.3, has six exercises: (1) the sigmoid function and (6) an affine function are
layers here; (2) sigmoid with cross-entropy, (3) functions of one variable, (4) softmax of two and
(5) its cross-entropy are graphs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from ch05_backprop.graph import Flow, Graph, Input, Node
from ch05_backprop.graph_drawing import draw
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import Affine, IdentityWithLoss, LossLayer, Sigmoid, SoftmaxWithLoss

SQUARED_ERROR = Graph(
    "z = (ax − y)²",
    [Input("a", 3, (0, 1.4)), Input("x", 2, (0, -0.4)), Input("y", 5, (2.6, -0.9))],
    [
        Node("×", ["a", "x"], ["p"], (2.2, 0.5)),
        Node("−", ["p", "y"], ["e"], (4.4, 0.5)),
        Node("x²", ["e"], ["z"], (6.6, 0.5)),
    ],
    values={"p": "a * x", "e": "a * x - y"},
    derivatives={
        "a": "2 * x * (a * x - y)",
        "x": "2 * a * (a * x - y)",
        "p": "2 * (a * x - y)",
        "y": "-2 * (a * x - y)",
        "e": "2 * (a * x - y)",
    },
)

BRANCHES = Graph(
    "Branches add their derivatives: z = y³ + (x + y)² + 3x",
    [Input("y", 2, (0, 2.4)), Input("x", 1, (0, 0)), Input("3", 3, (3.0, -0.8), constant=True)],
    [
        Node("branch", ["y"], ["y1", "y2"], (1.3, 2.4)),
        Node("branch", ["x"], ["x1", "x2"], (1.3, 0)),
        Node("x³", ["y1"], ["y³"], (3.0, 2.4)),
        Node("+", ["y2", "x1"], ["s"], (3.0, 1.2)),
        Node("x²", ["s"], ["s²"], (4.5, 1.2)),
        Node("×", ["x2", "3"], ["3x"], (3.0, 0)),
        Node("+", ["y³", "s²", "3x"], ["z"], (6.3, 1.2)),
    ],
    values={"s": "x + y"},
    derivatives={"x": "2 * (x + y) + 3", "y": "3 * y**2 + 2 * (x + y)"},
)

FUNCTIONS_OF_ONE = Graph(
    "z(u, v), u = 1 + exp(x), v = 1 + exp(−x); zᵤ and zᵥ come in",
    [
        Input("x", log(2), (0, 0)),
        Input("−1", -1, (4.2, -2.3), constant=True),
        Input("1", 1, (5.6, 0), constant=True),
    ],
    [
        Node("branch", ["x"], ["x1", "x2"], (2.6, 0)),
        Node("exp", ["x1"], ["e"], (4.8, 1.4)),
        Node("×", ["x2", "−1"], ["a"], (4.2, -1.4)),
        Node("exp", ["a"], ["1/e"], (5.6, -1.4)),
        Node("branch", ["1"], ["p", "q"], (7.2, 0)),
        Node("+", ["e", "p"], ["u"], (7.2, 1.4)),
        Node("+", ["1/e", "q"], ["v"], (7.2, -1.4)),
    ],
    upstream={"u": 3, "v": 2},
    values={"u": "1 + exp(x)", "v": "1 + exp(-x)"},
    derivatives={"x": "exp(x) * z_u - exp(-x) * z_v", "u": "z_u", "v": "z_v"},
    symbols={"z_u": 3, "z_v": 2},
)

SOFTMAX_OF_TWO = Graph(
    "Softmax of two, u + v = 1; zᵤ and zᵥ come in",
    [Input("x", log(3), (0, 0)), Input("y", 0, (0, -1.4))],
    [
        Node("exp", ["x"], ["e1"], (1.4, 0)),
        Node("exp", ["y"], ["e2"], (1.4, -1.4)),
        Node("branch", ["e1"], ["p1", "q1"], (2.5, 0)),
        Node("branch", ["e2"], ["p2", "q2"], (2.5, -1.4)),
        Node("+", ["q1", "q2"], ["S"], (4.2, 1.4)),
        Node("/", ["S"], ["r"], (5.4, 1.4)),
        Node("branch", ["r"], ["r1", "r2"], (6.5, 1.4)),
        Node("×", ["p1", "r1"], ["u"], (8.0, 0)),
        Node("×", ["p2", "r2"], ["v"], (8.0, -1.4)),
    ],
    upstream={"u": 4, "v": 8},
    values={"e1": "exp(x)", "e2": "exp(y)", "S": "S", "r": "1 / S", "u": "u", "v": "v"},
    derivatives={
        "x": "u * v * (z_u - z_v)",
        "y": "u * v * (z_v - z_u)",
        "u": "z_u",
        "v": "z_v",
    },
    symbols={"z_u": 4, "z_v": 8},
    via={"u": [(9.0, 0)], "v": [(9.0, -1.4)]},
    label_at={"q2": 0.25, "r2": 0.75},
)

CROSS_ENTROPY_OF_TWO = Graph(
    "Softmax of two and cross-entropy error, L = −(s log u + t log v), s + t = 1",
    [
        Input("x", log(3), (0, 0)),
        Input("y", 0, (0, -0.8)),
        Input("s", 0.25, (2.9, -1.5), constant=True),
        Input("t", 0.75, (2.9, -2.0), constant=True),
    ],
    [
        Node("Softmax", ["x", "y"], ["u", "v"], (2.0, -0.4), height=1.4),
        Node("Cross\nentropy\nerror", ["u", "v", "s", "t"], ["L"], (4.6, -1.0), height=2.6),
    ],
    values={"u": "u", "v": "v", "L": "L"},
    derivatives={"x": "u - s", "y": "v - t", "u": "-s / u", "v": "-t / v"},
    via={"u": [(3.3, 0)], "v": [(3.3, -0.8)]},
)

SIGMOID_WITH_LOSS = Graph(
    "Sigmoid and binary cross-entropy, L = −(y log ŷ + (1 − y) log(1 − ŷ))",
    [
        Input("x", log(4), (0, 0)),
        Input("y", 0.3, (5.0, 0.5)),
        Input("1", 1, (3.5, -0.5), constant=True),
        Input("−1", -1, (9.4, -0.4), constant=True),
    ],
    [
        Node("sigmoid", ["x"], ["ŷ"], (1.2, 0), height=0.6),
        Node("branch", ["ŷ"], ["ŷ1", "ŷ2"], (2.9, 0)),
        Node("branch", ["y"], ["y1", "y2"], (6.4, 0.5)),
        Node("branch", ["1"], ["o1", "o2"], (4.1, -0.5)),
        Node("log", ["ŷ1"], ["l1"], (4.9, 1.6)),
        Node("×", ["l1", "y1"], ["m1"], (6.4, 1.6)),
        Node("−", ["o1", "ŷ2"], ["1 − ŷ"], (4.1, -1.6)),
        Node("log", ["1 − ŷ"], ["l2"], (5.2, -1.6)),
        Node("−", ["o2", "y2"], ["1 − y"], (6.4, -0.5)),
        Node("×", ["l2", "1 − y"], ["m2"], (6.4, -1.6)),
        Node("+", ["m1", "m2"], ["n"], (8.0, 0.5)),
        Node("×", ["n", "−1"], ["L"], (9.4, 0.5)),
    ],
    values={"ŷ": "ŷ", "L": "L"},
    derivatives={"x": "ŷ - y", "y": "-x", "ŷ": "(ŷ - y) / (ŷ * (1 - ŷ))"},
    via={"ŷ2": [(2.9, -1.6)], "L": [(10.4, 0.5)]},
    label_at={"1 − y": 0.25},
)

EXERCISES = {
    "squared_error": SQUARED_ERROR,
    "branches": BRANCHES,
    "functions_of_one": FUNCTIONS_OF_ONE,
    "softmax_of_two": SOFTMAX_OF_TWO,
    "cross_entropy_of_two": CROSS_ENTROPY_OF_TWO,
    "sigmoid_with_loss": SIGMOID_WITH_LOSS,
}


@dataclass(frozen=True)
class Gradients:
    """The derivatives of a loss of X W.

    Args:
        dX: The derivative with respect to X, (3,).
        dW: The derivative with respect to W, (3, 2).
    """

    dX: np.ndarray
    dW: np.ndarray


@dataclass(frozen=True)
class Result(Record):
    """What layers and nodes compute.

    Args:
        Y: The product X W, (2,).
        half_squared_error: The derivatives of half the squared error of X W.
        cross_entropy: The derivatives of the cross-entropy of the softmax of X W.
        db: The derivative with respect to the bias in Y = X + b, (2,).
        dX_of_bias: The derivative with respect to X in Y = X + b, (3, 2).
        dx_of_sigmoid: The derivative with respect to x in z(u), u = sigmoid(x) = 0.8, dz/du = 5.
        dx_of_affine: The derivatives with respect to x0 and x1 in z(y0, y1), (2,).
        flows: The values and derivatives in the graph of each exercise on the chain rule.
    """

    Y: np.ndarray
    half_squared_error: Gradients
    cross_entropy: Gradients
    db: np.ndarray
    dX_of_bias: np.ndarray
    dx_of_sigmoid: float
    dx_of_affine: np.ndarray
    flows: dict[str, Flow]


def run() -> Result:
    X, W = np.array([2.0, -1.0, 1.0]), np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 4.0]])

    # With the identity matrix as W, Affine only adds the bias to each row.
    bias = Affine(np.eye(2), np.zeros(2))
    bias.forward(np.zeros((3, 2)))
    dX_of_bias = bias.backward(np.array([[1.0, 0.0], [0.0, -1.0], [1.0, 1.0]]))

    sigmoid = Sigmoid()
    sigmoid.forward(np.array([[log(4)]]))
    affine = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([7.0, 8.0]))
    affine.forward(np.array([0.5, -0.5]))

    return Result(
        Y=Affine(W, None).forward(X),
        half_squared_error=gradients(X, W, IdentityWithLoss(), np.array([1.0, 2.0])),
        cross_entropy=gradients(X, W, SoftmaxWithLoss(), np.array([1, 0])),
        db=bias.db,
        dX_of_bias=dX_of_bias,
        dx_of_sigmoid=float(sigmoid.backward(np.array([[5.0]]))[0, 0]),
        dx_of_affine=affine.backward(np.array([5.0, 6.0])),
        flows={name: graph.run() for name, graph in EXERCISES.items()},
    )


def gradients(X: np.ndarray, W: np.ndarray, last_layer: LossLayer, t: np.ndarray) -> Gradients:
    """Return the derivatives of the loss of X W."""
    affine = Affine(W, None)
    last_layer.forward(affine.forward(X), t)
    dX = affine.backward(last_layer.backward())
    return Gradients(dX, affine.dW)


def plot(result: Result) -> dict[str, Any]:
    return {name: draw(EXERCISES[name], flow) for name, flow in result.flows.items()}


def answer(text: str, book: Any, value: Callable[[Result], Any], printed: bool = True) -> Claim:
    """Return the claim that our number is the answer.

    If `printed` is False, the text has a formula, and we chose its numbers.
    """
    why = "float64 rounds in the sixteenth digit"
    return Claim.same(text, book, value, atol=1e-12, why=why, printed=printed)


def chain_rule(text: str, book: list[float], exercise: str, edges: str) -> Claim:
    """Return the claim that the derivatives at these edges of a graph are the answer."""

    def value(result: Result) -> list[float]:
        return [float(result.flows[exercise].derivatives[edge]) for edge in edges.split()]

    return answer(text, book, value, printed=False)


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        answer("XW, X = (2, -1, 1), W = ((2, 0), (1, 1), (0, 4))", [3, 3], lambda r: r.Y),
        answer(
            "dX of half the squared error, t = (1, 2)", [4, 3, 4], lambda r: r.half_squared_error.dX
        ),
        answer(
            "dW of half the squared error",
            [[4, 2], [-2, -1], [2, 1]],
            lambda r: r.half_squared_error.dW,
        ),
        answer(
            "dX of softmax with cross-entropy, t = (1, 0)", [-1, 0, 2], lambda r: r.cross_entropy.dX
        ),
        answer(
            "dW of softmax with cross-entropy",
            [[-1, 1], [0.5, -0.5], [-0.5, 0.5]],
            lambda r: r.cross_entropy.dW,
        ),
        answer("db of X + b, dY = ((1, 0), (0, -1), (1, 1))", [2, 0], lambda r: r.db),
        answer("dX of X + b, equal to dY", [[1, 0], [0, -1], [1, 1]], lambda r: r.dX_of_bias),
        answer(
            "z(sigmoid(x)) by x: u(1 - u) z_u at u = 0.8, z_u = 5",
            [0.8],
            lambda r: [r.dx_of_sigmoid],
            printed=False,
        ),
        answer(
            "z(xW + b) by x: W z_y at W = ((1, 2), (3, 4)), z_y = (5, 6)",
            [17, 39],
            lambda r: r.dx_of_affine,
            printed=False,
        ),
        chain_rule(
            "(ax - y)² by a, x, y at (3, 2, 5)",
            [4, 6, -2],
            "squared_error",
            "a x y",
        ),
        chain_rule(
            "Takahashi, eq. 3.15: y³ + (x + y)² + 3x by x, y at (1, 2)",
            [9, 18],
            "branches",
            "x y",
        ),
        chain_rule(
            "z(1 + e^x, 1 + e^-x) by x: e^x z_u - e^-x z_v at e^x = 2, z_u = 3, z_v = 2",
            [5],
            "functions_of_one",
            "x",
        ),
        chain_rule(
            "softmax of two: uv(z_u - z_v), uv(z_v - z_u) at u = 3/4, z_u = 4, z_v = 8",
            [-0.75, 0.75],
            "softmax_of_two",
            "x y",
        ),
        chain_rule(
            "softmax of two with cross-entropy: u - s, v - t at u = 3/4, s = 1/4",
            [0.5, -0.5],
            "cross_entropy_of_two",
            "x y",
        ),
        chain_rule(
            "sigmoid with cross-entropy: ŷ - y, -x at ŷ = 0.8, y = 0.3",
            [0.5, -log(4)],
            "sigmoid_with_loss",
            "x y",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
