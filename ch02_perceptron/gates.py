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

AND_SETTINGS = ((0.5, 0.5, 0.7), (0.5, 0.5, 0.8), (1.0, 1.0, 1.0))
"""Three choices of (w1, w2, theta) that make AND (book: *AND Gate*)."""

OR_SETTING = (0.5, 0.5, 0.2)
"""A choice of (w1, w2, theta) that makes OR."""

TAKAHASHIS_OR_SETTING = (0.5, 0.5, 0.4)
"""Another one (Takahashi, *OR Gate*)."""

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
        and_settings: The outputs of a perceptron with each of AND_SETTINGS.
        negated_and_settings: The same with the signs of w1, w2 and theta changed.
        or_setting: The outputs of a perceptron with OR_SETTING.
        takahashis_or_setting: The outputs of a perceptron with TAKAHASHIS_OR_SETTING.
        grid: The number of settings (w1, w2, t) on the grid.
        fulfilled: The number of settings on the grid that fulfill the CONDITIONS of each gate.
        wrong: The number of settings where CONDITIONS and truth table disagree, by gate.
        negated: Of the settings on the grid that make AND: the number of those whose negation makes
            NAND; the number of those with w1 != t, w2 != t and t != 0; the number of those that
            are one but not the other.
    """

    gates: dict[str, list[int]]
    and_settings: list[list[int]]
    negated_and_settings: list[list[int]]
    or_setting: list[int]
    takahashis_or_setting: list[int]
    grid: int
    fulfilled: dict[str, int]
    wrong: dict[str, int]
    negated: tuple[int, int, int]


def run() -> Result:
    x1, x2 = np.array(INPUTS).T

    def by_threshold(w1: float, w2: float, theta: float) -> list[int]:
        return perceptron_by_threshold(x1, x2, w1, w2, theta).tolist()

    return Result(
        gates={gate.__name__: gate(x1, x2).tolist() for gate in (AND, NAND, OR, XOR)},
        and_settings=[by_threshold(*setting) for setting in AND_SETTINGS],
        negated_and_settings=[by_threshold(-w1, -w2, -theta) for w1, w2, theta in AND_SETTINGS],
        or_setting=by_threshold(*OR_SETTING),
        takahashis_or_setting=by_threshold(*TAKAHASHIS_OR_SETTING),
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
        "negated": (int(negated.sum()), int(unequal.sum()), int((negated != unequal).sum())),
    }


experiment = Experiment(
    __doc__,
    run,
    claims=[
        Claim.same(
            "AND at (0, 0), (1, 0), (0, 1), (1, 1)", TABLES["AND"], lambda r: r.gates["AND"]
        ),
        Claim.same("NAND", TABLES["NAND"], lambda r: r.gates["NAND"]),
        Claim.same("OR", TABLES["OR"], lambda r: r.gates["OR"]),
        Claim.same("XOR, by two layers", TABLES["XOR"], lambda r: r.gates["XOR"]),
        Claim.same(
            "AND by (w1, w2, theta) = (0.5, 0.5, 0.7)", TABLES["AND"], lambda r: r.and_settings[0]
        ),
        Claim.same("AND by (0.5, 0.5, 0.8)", TABLES["AND"], lambda r: r.and_settings[1]),
        Claim.same("AND by (1, 1, 1)", TABLES["AND"], lambda r: r.and_settings[2]),
        Claim.same(
            "NAND by (-0.5, -0.5, -0.7)", TABLES["NAND"], lambda r: r.negated_and_settings[0]
        ),
        Claim.same(
            "NAND by (-0.5, -0.5, -0.8)", TABLES["NAND"], lambda r: r.negated_and_settings[1]
        ),
        # At (1, 0) and (0, 1) w1 x1 + w2 x2 equals theta: the output is 0 with either sign.
        Claim(
            "output of (-1, -1, -1)",
            "not NAND",
            lambda r: r.negated_and_settings[2],
            lambda v: v == [1, 0, 0, 0],
        ),
        Claim.same("OR by (0.5, 0.5, 0.2)", TABLES["OR"], lambda r: r.or_setting),
        Claim.same("OR by (0.5, 0.5, 0.4)", TABLES["OR"], lambda r: r.takahashis_or_setting),
        Claim(
            "settings that fulfill the conditions of AND, NAND, OR, XOR",
            "many, many, many, none",
            lambda r: [*r.fulfilled.values()],
            lambda v: min(v[:3]) > 50 and v[3] == 0,
        ),
        Claim.same(
            "settings where the conditions of AND, NAND, OR, XOR and the truth table disagree",
            (0, 0, 0, 0),
            lambda r: [*r.wrong.values()],
        ),
        Claim(
            "settings of AND: those whose negation is NAND, those with w1, w2 != t and t != 0, and "
            "those that are one but not the other",
            "the same",
            lambda r: r.negated,
            lambda v: v[0] == v[1] > 50 and v[2] == 0,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
