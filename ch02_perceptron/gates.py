"""*Simple Logic Circuits* (chapter 2): AND, NAND and OR as perceptrons, and XOR by two layers.

Each gate takes two numbers, or two arrays element by element.  It returns 1 where it fires, and 0
elsewhere.  The inputs may be any numbers, not only 0 and 1: `regions.py` draws what a perceptron
makes of them.

Takahashi, *Logic Gate*, gives the conditions on w1, w2 and the threshold t under which a perceptron
is a gate: eq. 2.5 to 2.23.  The script compares them with the truth tables of perceptrons
on a grid of such numbers.
"""

# ruff: noqa: N802 - the book's names for the gates

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import step_function

INPUTS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""(x1, x2), in the order of the book's truth tables."""

TABLES = {"AND": (0, 0, 0, 1), "NAND": (1, 1, 1, 0), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}
"""The truth tables of figures 2.2 to 2.5: the outputs at the four INPUTS."""

SETTINGS = (
    ("AND", (0.5, 0.5, 0.7)),
    ("AND", (0.5, 0.5, 0.8)),
    ("AND", (1.0, 1.0, 1.0)),
    ("NAND", (-0.5, -0.5, -0.7)),
    ("NAND", (-0.5, -0.5, -0.8)),
    ("OR", (0.5, 0.5, 0.2)),
    ("OR", (0.5, 0.5, 0.4)),
)
"""Gates, and choices of (w1, w2, theta) that make them (book: *AND Gate*; Takahashi, *OR Gate*).

Those of NAND are the first two of AND with all signs changed.
"""

CONDITIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "AND": lambda w1, w2, t: (w1 + w2 > t) & (w1 <= t) & (w2 <= t) & (t >= 0),
    "NAND": lambda w1, w2, t: (w1 + w2 <= t) & (w1 > t) & (w2 > t) & (t < 0),
    "OR": lambda w1, w2, t: (w1 + w2 > t) & (w1 > t) & (w2 > t) & (t >= 0),
    "XOR": lambda w1, w2, t: (w1 + w2 <= t) & (w1 > t) & (w2 > t) & (t >= 0),
}
"""When a perceptron is this gate (Takahashi, eq. 2.5 to 2.12 and 2.16 to 2.23)."""


def perceptron_by_threshold(x1: Any, x2: Any, w1: float, w2: float, theta: float) -> Any:
    """Return 1 where w1 x1 + w2 x2 > theta, else 0 (book: *What Is a Perceptron?*, eq. 2.1)."""
    return (w1 * np.asarray(x1, float) + w2 * np.asarray(x2, float) > theta).astype(int)


def perceptron(x1: Any, x2: Any, w: np.ndarray, b: float) -> Any:
    """Return 1 where b + w1 x1 + w2 x2 > 0, else 0.

    w: (2,);  x1, x2 and the output: numbers, or arrays of one shape.

    Book: *Introducing Weights and Bias*, eq. 2.2.
    """
    x = np.stack(np.broadcast_arrays(x1, x2), axis=-1)
    return step_function(x @ w + b)


def AND(x1: Any, x2: Any) -> Any:
    """Return 1 where both inputs are 1 (book: *Implementation with Weights and Bias*).

    >>> print(AND(1, 1), AND(1, 0))
    1 0
    """
    return perceptron(x1, x2, w=np.array([0.5, 0.5]), b=-0.7)


def NAND(x1: Any, x2: Any) -> Any:
    """Return 0 where both inputs are 1.  All parameters are those of AND with the other sign."""
    return perceptron(x1, x2, w=np.array([-0.5, -0.5]), b=0.7)


def OR(x1: Any, x2: Any) -> Any:
    """Return 1 where at least one input is 1.  It differs from AND in the bias alone."""
    return perceptron(x1, x2, w=np.array([0.5, 0.5]), b=-0.2)


def XOR(x1: Any, x2: Any) -> Any:
    """Return 1 where exactly one input is 1 (book: *Implementing an XOR Gate*, figure 2.13)."""
    s1 = NAND(x1, x2)
    s2 = OR(x1, x2)
    return AND(s1, s2)


@dataclass(frozen=True)
class Result(Record):
    """The outputs at the four INPUTS.

    Args:
        gates: The outputs of AND, NAND, OR and XOR, by name.
        settings: The outputs of a perceptron with each of SETTINGS.
        negated: The outputs of a perceptron with (-1, -1, -1), the negative of an AND.
        grid: The number of settings (w1, w2, t) on the grid.
        fulfilled: The number of settings on the grid that fulfill the CONDITIONS of each gate.
        wrong: The number of settings where CONDITIONS and truth table disagree, by gate.
        negations: Of the settings on the grid that make AND: the number of those whose negative
            makes NAND; the number of those with w1 != t, w2 != t and t != 0; the number of those
            that are one but not the other.
    """

    gates: dict[str, list[int]]
    settings: list[list[int]]
    negated: list[int]
    grid: int
    fulfilled: dict[str, int]
    wrong: dict[str, int]
    negations: tuple[int, int, int]


def run() -> Result:
    x1, x2 = np.array(INPUTS).T

    def by_threshold(w1: float, w2: float, theta: float) -> list[int]:
        return perceptron_by_threshold(x1, x2, w1, w2, theta).tolist()

    return Result(
        gates={gate.__name__: gate(x1, x2).tolist() for gate in (AND, NAND, OR, XOR)},
        settings=[by_threshold(*setting) for _, setting in SETTINGS],
        negated=by_threshold(-1, -1, -1),
        **on_a_grid(),
    )


def on_a_grid() -> dict[str, Any]:
    """Compare CONDITIONS with the truth tables of perceptrons whose numbers are quarters."""
    w1, w2, t = np.meshgrid(*[np.arange(-8, 9) / 4] * 3)

    def makes(gate: str, w1: Any, w2: Any, t: Any) -> Any:
        """Return where these perceptrons have the truth table of the gate."""
        outputs = [perceptron_by_threshold(*x, w1, w2, t) for x in INPUTS]
        return np.all(
            [y == wanted for y, wanted in zip(outputs, TABLES[gate], strict=True)], axis=0
        )

    fulfilled = {gate: conditions(w1, w2, t) for gate, conditions in CONDITIONS.items()}
    negated = makes("AND", w1, w2, t) & makes("NAND", -w1, -w2, -t)
    unequal = makes("AND", w1, w2, t) & (w1 != t) & (w2 != t) & (t != 0)
    return {
        "grid": t.size,
        "fulfilled": {gate: int(where.sum()) for gate, where in fulfilled.items()},
        "wrong": {
            gate: int((where != makes(gate, w1, w2, t)).sum()) for gate, where in fulfilled.items()
        },
        "negations": (int(negated.sum()), int(unequal.sum()), int((negated != unequal).sum())),
    }


def rows_that_differ(tables: Any, expected: Any) -> int:
    """Return the number of rows in which truth tables differ from those expected."""
    return int(np.sum(np.array(tables) != np.array(expected)))


experiment = Experiment(
    __doc__,
    run,
    claims=[
        Claim.same(
            "truth tables of AND, NAND, OR, and XOR of two layers: rows that differ",
            0,
            lambda r: rows_that_differ([r.gates[gate] for gate in TABLES], [*TABLES.values()]),
            printed=False,
        ),
        Claim.same(
            "truth tables by seven settings (w1, w2, theta): rows that differ",
            0,
            lambda r: rows_that_differ(r.settings, [TABLES[gate] for gate, _ in SETTINGS]),
            printed=False,
        ),
        # At (1, 0) and (0, 1) w1 x1 + w2 x2 equals theta: the output is 0 with either sign.
        Claim.same(
            "outputs of (-1, -1, -1), which is not NAND",
            (1, 0, 0, 0),
            lambda r: r.negated,
            printed=False,
        ),
        Claim(
            "settings that fulfill the conditions of AND, NAND, OR, XOR",
            "infinite ways; none for XOR",
            lambda r: [*r.fulfilled.values()],
            lambda v: min(v[:3]) > 0 and v[3] == 0,
            condition="the first three above 0, the last 0",
            why="how many of the infinite ways are on a grid depends on the grid",
        ),
        Claim.same(
            "settings where these conditions and the truth table disagree",
            (0, 0, 0, 0),
            lambda r: [*r.wrong.values()],
            printed=False,
        ),
        Claim(
            "settings of AND: with NAND as negative, with w1, w2 != t and t != 0, with one of both",
            None,
            lambda r: r.negations,
            lambda v: v[0] == v[1] > 0 and v[2] == 0,
            condition="equal and above 0; then 0",
            why="the same settings have both; how many of them are on a grid depends on the grid",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
