"""Huang, *Back Propagation Verification*, tables 4, A-1 and A-2: an update by Adam.

The text shows, for each layer, a corner of the weights and the biases: the numbers before the
update, their gradients, learning rate times gradient, and the numbers after it.  The script
computes these tables with the loops of `by_hand.py`, and compares each printed digit with
PyTorch's, if that is installed.  Its random weights are not the text's, so the numbers differ; what
they do is the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.random import Generator

from ch05_backprop.by_hand import (
    LR,
    Params,
    adam,
    backward,
    forward,
    output_error,
    updates_by_pytorch,
)
from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Record
from dlbasics.networks import MultiLayerNet

TABLES = {"table_4": ("W3", "b3"), "table_A_1": ("W2", "b2"), "table_A_2": ("W1", "b1")}
"""The parameters in each table of the text."""

CORNER = [0, 1, 2, 3, -1]
"""The rows and columns that a table shows: the first four and the last."""

PARTS = ("before", "gradient", "step", "after")

Table = dict[str, list[list[str]]]
"""For each of PARTS, five rows of numbers as they are printed; the last column is the bias."""


@dataclass(frozen=True)
class Result(Record):
    """The tables, as printed.

    Args:
        by_hand: The tables by the loops, by name.
        pytorch: The same by PyTorch; None without it.
        steps: The absolute values of all different steps in the tables that are not 0.
        changed: The share of the weights W1, W2 and W3 that the update changes.
        first_step: The step of one parameter with t = 2, as in the text.
    """

    by_hand: dict[str, Table]
    pytorch: dict[str, Table] | None
    steps: list[float]
    changed: list[float]
    first_step: float


def run(data: Data, rng: Generator) -> Result:
    image, label = data.x_train[0].astype(np.float64), int(data.t_train[0])
    network = MultiLayerNet(784, [128, 64], 10, rng=rng, dtype=np.float64)
    before = {key: param.tolist() for key, param in network.params.items()}

    values = forward(before, image.tolist())
    grads = backward(before, image.tolist(), values, output_error(values["a3"], label))
    arrays = {key: np.array(grad) for key, grad in grads.items()}
    steps = {key: first_steps(grad) for key, grad in arrays.items()}
    after = {key: np.array(before[key]) - step for key, step in steps.items()}
    pytorch = None
    if find_spec("torch"):
        pytorch = tables_of(before, *first_update(updates_by_pytorch(before, image, label)))
    shown = np.concatenate([corner(steps[W], steps[b]).ravel() for W, b in TABLES.values()])
    return Result(
        by_hand=tables_of(before, arrays, after),
        pytorch=pytorch,
        steps=np.unique(np.abs(shown[shown != 0]).round(9)).tolist(),
        changed=[float(np.mean(steps[key] != 0)) for key in ("W1", "W2", "W3")],
        first_step=abs(adam(grads["b3"][label], 0, 0, t=2)[0]),
    )


def first_steps(grad: np.ndarray) -> np.ndarray:
    """Return the steps of Adam's first update, which it subtracts."""
    return np.reshape([adam(g, 0, 0, t=1)[0] for g in grad.ravel().tolist()], grad.shape)


def first_update(updates: Iterator[Any]) -> tuple[Any, Any]:
    """Return the gradients and the new parameters of the first update."""
    first = next(updates)
    return (
        {key: np.array(grad) for key, grad in first["gradients"].items()},
        {key: np.array(param) for key, param in first["parameters"].items()},
    )


def tables_of(before: Params, grads: Params, after: Params) -> dict[str, Table]:
    """Return all tables, given the parameters before and after, and the gradients."""
    tables = {}
    for name, (W, b) in TABLES.items():
        old, new = (corner(np.array(params[W]), np.array(params[b])) for params in (before, after))
        grad = corner(grads[W], grads[b])
        tables[name] = {
            "before": printed(old, "{:.3f}"),
            "gradient": printed(grad, "{:.3f}"),
            "step": printed(old - new, "{:.3e}"),
            "after": printed(new, "{:.3f}"),
        }
    return tables


def corner(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the numbers of W in CORNER, with those of b as the last column, (5, 6)."""
    return np.column_stack([W[np.ix_(CORNER, CORNER)], b[CORNER]])


def printed(numbers: np.ndarray, form: str) -> list[list[str]]:
    """Return each number as text: a step of 0 as "0", and a weight of -0.0001 as "0.000"."""
    texts = [[form.format(number) for number in row] for row in numbers]
    zeros = {form.format(0.0): "0" if "e" in form else "0.000", "-0.000": "0.000"}
    return [[zeros.get(text, text) for text in row] for row in texts]


def different_cells(result: Result) -> Any:
    """Return how many cells PyTorch prints otherwise, in each table."""
    if result.pytorch is None:
        return LEFT_OUT
    return [
        int(
            sum(
                np.sum(np.array(table[part]) != np.array(result.pytorch[name][part]))
                for part in PARTS
            )
        )
        for name, table in result.by_hand.items()
    ]


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figures = {}
    for name, table in result.by_hand.items():
        W, b = TABLES[name]
        figure, panels = plotting.subplots(4, 1, width=7.5, height=1.6)
        titles = (f"{W}, {b}", "gradient", "learning rate times gradient", f"new {W}, {b}")
        for axes, part, title in zip(panels, PARTS, titles, strict=True):
            axes.axis("off")
            axes.set_title(title, fontsize=10, loc="left")
            columns = [*(f"{W}[:, {i}]" for i in CORNER), b]
            rows = [f"row {i}" for i in CORNER]
            cells = axes.table(table[part], rowLabels=rows, colLabels=columns, loc="center")
            cells.auto_set_font_size(False)
            cells.set_fontsize(8)
        figures[name] = figure
    return figures


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "cells, of 120, that PyTorch prints otherwise: Huang, tables 4, A-1, A-2",
            [0, 0, 0],
            different_cells,
            printed=False,
            any_data=True,
        ),
        Claim(
            "smallest and largest step in the tables that is not 0",
            [7.441e-4, 7.441e-4],
            lambda result: [min(result.steps), max(result.steps)],
            lambda v: 0 < v[0] <= v[1] and 0.99 * LR <= v[1] <= LR,
            f"the second from {0.99 * LR:g} to {LR:g}, the first above 0 and not larger",
            "at t = 1 a step is the learning rate, and less if its gradient is tiny",
        ),
        Claim.same(
            "the step with t = 2",
            7.441e-4,
            lambda result: result.first_step,
            atol=5e-8,
            why="the text prints four digits",
        ),
        Claim(
            "share of W1, W2 and W3 that the update changes",
            "mostly 0 for W1",
            lambda result: result.changed,
            lambda v: 0 < v[0] <= 0.3 and v[0] < v[2] < 1 and 0 < v[1] < 1,
            "from 0 to 1, the first at most 0.3 and smaller than the third",
            "most pixels are 0, and a weight with an input of 0 stays",
            digits=2,
        ),
        Claim.same(
            "steps of W1 in Huang, table A-2, that are not 0",
            0,
            lambda result: sum(
                text != "0" for row in result.by_hand["table_A_2"]["step"] for text in row[:-1]
            ),
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
