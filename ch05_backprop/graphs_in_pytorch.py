"""Takenawa, *Deep Learning: Part 2*: the computational graphs of a framework, here PyTorch.

The lecture says that frameworks such as PyTorch and TensorFlow build the computational graph and
apply the chain rule by themselves, and its exercises do so with PyTorch.  If PyTorch is installed,
the script shows the graph that PyTorch builds for (ax - y)^2, compares its derivatives with ours,
for a matrix product with softmax and cross-entropy as well, and shows that the last output must be
a single number.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ch05_backprop.exercises import SQUARED_ERROR
from dlbasics.experiment import LEFT_OUT, Claim, Experiment, Record
from dlbasics.layers import Affine, SoftmaxWithLoss

X = np.array([[2.0, -1.0, 1.0], [0.0, 1.0, 3.0]])
W = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 4.0]])
T = np.array([0, 1])
"""A batch of two samples: the lecture's own, and another one."""


@dataclass(frozen=True)
class Graph:
    """What PyTorch builds and computes.

    Args:
        nodes: The nodes of the graph of (ax - y)^2, from the output back to the inputs.
        arrows: Each arrow of the graph, as a pair of places in `nodes`, backward.
        scalars: The derivatives of (ax - y)^2 with respect to a, x and y.
        dX: The derivative of the loss with respect to X, (2, 3).
        dW: The derivative of the loss with respect to W, (3, 2).
        error: The first line of the error for the derivative of a matrix.
    """

    nodes: list[str]
    arrows: list[tuple[int, int]]
    scalars: list[float]
    dX: np.ndarray
    dW: np.ndarray
    error: str


@dataclass(frozen=True)
class Result(Record):
    """Ours, and PyTorch's.

    Args:
        scalars: The derivatives of (ax - y)^2 with respect to a, x and y, by our graph.
        dX: The derivative of softmax with cross-entropy of X W, by our layers, (2, 3).
        dW: The same with respect to W, (3, 2).
        pytorch: The same by PyTorch; None if it is not installed.
    """

    scalars: list[float]
    dX: np.ndarray
    dW: np.ndarray
    pytorch: Graph | None


def run() -> Result:
    derivatives = SQUARED_ERROR.run().derivatives
    affine, last_layer = Affine(W, None), SoftmaxWithLoss()
    last_layer.forward(affine.forward(X), T)
    dX = affine.backward(last_layer.backward())
    return Result(
        scalars=[float(derivatives[edge]) for edge in "axy"],
        dX=dX,
        dW=affine.dW,
        pytorch=by_pytorch() if find_spec("torch") else None,
    )


def by_pytorch() -> Graph:
    """Let PyTorch build the graphs, and differentiate."""
    import torch

    values = {edge.name: float(edge.value) for edge in SQUARED_ERROR.inputs}
    a, x, y = (torch.tensor(values[name], requires_grad=True) for name in "axy")
    z = (a * x - y) ** 2
    nodes, arrows = nodes_of(z.grad_fn)
    z.backward()

    rows = torch.tensor(X, requires_grad=True)
    weights = torch.tensor(W, requires_grad=True)
    scores = rows @ weights
    torch.nn.functional.cross_entropy(scores, torch.tensor(T)).backward()
    try:
        (rows @ weights).backward()
    except RuntimeError as error:
        message = str(error).partition("\n")[0]
    return Graph(
        nodes=nodes,
        arrows=arrows,
        scalars=[float(leaf.grad) for leaf in (a, x, y)],
        dX=rows.grad.numpy(),
        dW=weights.grad.numpy(),
        error=message,
    )


def nodes_of(last: Any) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the nodes of PyTorch's graph and its arrows, from the last node backward."""
    nodes, arrows, waiting = [last], [], [(0, last)]
    while waiting:
        place, node = waiting.pop(0)
        for before, _ in node.next_functions:
            if before is not None:
                arrows.append((place, len(nodes)))
                waiting.append((len(nodes), before))
                nodes.append(before)
    return [type(node).__name__ for node in nodes], arrows


def plot(result: Result) -> dict[str, Any]:
    if result.pytorch is None:
        return {}
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=7.0, height=2.4)
    axes.axis("off")
    nodes, arrows = result.pytorch.nodes, result.pytorch.arrows
    depth, rows = {0: 0}, {0: 0.0}
    for start, end in arrows:
        depth[end] = depth[start] + 1
        siblings = [other for other_start, other in arrows if other_start == start]
        rows[end] = rows[start] - siblings.index(end)
    boxes = [
        axes.text(
            3 * depth[place] + 0.9,
            rows[place],
            node,
            ha="center",
            va="center",
            bbox={"boxstyle": "round", "facecolor": "white"},
        )
        for place, node in enumerate(nodes)
    ]
    figure.canvas.draw()  # the boxes now have their sizes, between which the arrows run
    for start, end in arrows:
        axes.annotate(
            "",
            boxes[end].get_position(),
            boxes[start].get_position(),
            arrowprops={
                "arrowstyle": "->",
                "patchA": boxes[start].get_bbox_patch(),
                "patchB": boxes[end].get_bbox_patch(),
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    axes.set(xlim=(-0.5, 3 * max(depth.values()) + 2.5), ylim=(min(rows.values()) - 0.5, 0.5))
    axes.set_title("PyTorch's graph of (ax − y)², from the output backward", fontsize=10)
    return {"graph": figure}


def of_pytorch(value: Any) -> Any:
    """Return a function that computes a number from a result, unless PyTorch is missing."""
    return lambda result: LEFT_OUT if result.pytorch is None else value(result, result.pytorch)


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "derivatives of (ax - y)² by our graph", [4, 6, -2], lambda r: r.scalars, printed=False
        ),
        Claim.same(
            "derivatives of (ax - y)² by PyTorch",
            [4, 6, -2],
            of_pytorch(lambda result, pytorch: pytorch.scalars),
            printed=False,
        ),
        Claim(
            "nodes of PyTorch's graph of (ax - y)², backward",
            "a square, a difference, a product",
            of_pytorch(lambda result, pytorch: ", ".join(pytorch.nodes)),
            lambda v: (
                [name[:3] for name in v.split(", ")] == ["Pow", "Sub", "Mul", "Acc", "Acc", "Acc"]
            ),
            "names that begin with Pow, Sub, Mul and three times Acc",
            "the names may end otherwise in another version of PyTorch",
        ),
        Claim.between(
            "softmax with cross-entropy of XW: largest differences of dX and dW",
            None,
            of_pytorch(
                lambda result, pytorch: [
                    float(np.abs(result.dX - pytorch.dX).max()),
                    float(np.abs(result.dW - pytorch.dW).max()),
                ]
            ),
            low=0,
            high=1e-12,
            why="float64 rounds in the sixteenth digit",
            digits=2,
        ),
        Claim(
            "what PyTorch says to the derivative of a matrix",
            "the last output must be 1D",
            of_pytorch(lambda result, pytorch: pytorch.error),
            lambda v: v.startswith("grad can be implicitly created only for scalar outputs"),
            "begins with 'grad can be implicitly created only for scalar outputs'",
            "the message may end otherwise in another version of PyTorch",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
