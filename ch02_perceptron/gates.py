"""Simple Logic Circuits, and XOR by two layers (chapter 2): AND, NAND, OR and XOR as perceptrons.

Each takes two numbers, or two arrays element by element, and gives 1 where it fires, else 0.
Inputs need not be 0 and 1: a perceptron is defined for all numbers, and `regions.py` draws that.
"""

# ruff: noqa: N802 - the book's names for the gates

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics._internal.checks import as_float
from dlbasics.experiment import Claim
from dlbasics.functions import step_function
from dlbasics.typing import Array

INPUTS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""(x1, x2), in the order of the book's truth tables."""

AND_SETTINGS = ((0.5, 0.5, 0.7), (0.5, 0.5, 0.8), (1.0, 1.0, 1.0))
"""Choices of (w1, w2, theta) that make AND (book: *AND Gate*)."""

OR_SETTING = (0.5, 0.5, 0.2)


def perceptron_by_threshold(x1: Any, x2: Any, w1: float, w2: float, theta: float) -> Any:
    """y = 1 where w1 x1 + w2 x2 > theta, else 0 (book: *What Is a Perceptron?*, eq. 2.1)."""
    return (w1 * as_float(x1, "x1") + w2 * as_float(x2, "x2") > theta).astype(int)


def perceptron(x1: Any, x2: Any, w: Array, b: float) -> Any:
    """y = 1 where b + w1 x1 + w2 x2 > 0, else 0 (book: *Introducing Weights and Bias*, eq. 2.2).

    w: (2,);  x1, x2 and y: numbers, or arrays of one shape.
    """
    x = np.stack(np.broadcast_arrays(as_float(x1, "x1"), as_float(x2, "x2")), axis=-1)
    return step_function(x @ w + b)


def AND(x1: Any, x2: Any) -> Any:
    """1 where both are 1 (book: *Implementation with Weights and Bias*).

    >>> print(AND(1, 1), AND(1, 0))
    1 0
    """
    return perceptron(x1, x2, w=np.array([0.5, 0.5]), b=-0.7)


def NAND(x1: Any, x2: Any) -> Any:
    """0 where both are 1: all signs of AND turned round."""
    return perceptron(x1, x2, w=np.array([-0.5, -0.5]), b=0.7)


def OR(x1: Any, x2: Any) -> Any:
    """1 where at least one is 1: AND with a smaller hurdle."""
    return perceptron(x1, x2, w=np.array([0.5, 0.5]), b=-0.2)


def XOR(x1: Any, x2: Any) -> Any:
    """1 where exactly one is 1, by two layers (book: *Implementing an XOR Gate*, figure 2.13)."""
    s1 = NAND(x1, x2)
    s2 = OR(x1, x2)
    return AND(s1, s2)


@dataclass(frozen=True)
class Result:
    """Outputs at the four INPUTS: of the gates, and of perceptrons by threshold."""

    gates: dict[str, list[int]]
    and_settings: list[list[int]]
    negated_and_settings: list[list[int]]
    or_setting: list[int]


def run() -> Result:
    x1, x2 = np.array(INPUTS).T

    def by_threshold(w1: float, w2: float, theta: float) -> list[int]:
        return perceptron_by_threshold(x1, x2, w1, w2, theta).tolist()

    return Result(
        gates={gate.__name__: gate(x1, x2).tolist() for gate in (AND, NAND, OR, XOR)},
        and_settings=[by_threshold(*setting) for setting in AND_SETTINGS],
        negated_and_settings=[by_threshold(-w1, -w2, -theta) for w1, w2, theta in AND_SETTINGS],
        or_setting=by_threshold(*OR_SETTING),
    )


TABLES = {"AND": (0, 0, 0, 1), "NAND": (1, 1, 1, 0), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}
"""The truth tables of figures 2.2 to 2.5."""

CLAIMS = [
    Claim.same("AND at (0, 0), (1, 0), (0, 1), (1, 1)", TABLES["AND"], lambda r: r.gates["AND"]),
    Claim.same("NAND", TABLES["NAND"], lambda r: r.gates["NAND"]),
    Claim.same("OR", TABLES["OR"], lambda r: r.gates["OR"]),
    Claim.same("XOR, by two layers", TABLES["XOR"], lambda r: r.gates["XOR"]),
    Claim.same(
        "AND by (w1, w2, theta) = (0.5, 0.5, 0.7)", TABLES["AND"], lambda r: r.and_settings[0]
    ),
    Claim.same("AND by (0.5, 0.5, 0.8)", TABLES["AND"], lambda r: r.and_settings[1]),
    Claim.same("AND by (1, 1, 1)", TABLES["AND"], lambda r: r.and_settings[2]),
    Claim.same("NAND by (-0.5, -0.5, -0.7)", TABLES["NAND"], lambda r: r.negated_and_settings[0]),
    Claim.same("NAND by (-0.5, -0.5, -0.8)", TABLES["NAND"], lambda r: r.negated_and_settings[1]),
    # At (1, 0) and (0, 1) w1 x1 + w2 x2 equals theta, which gives 0 whatever the signs.
    Claim(
        "by (-1, -1, -1)",
        "not NAND",
        lambda r: r.negated_and_settings[2],
        lambda v: v == [1, 0, 0, 0],
    ),
    Claim.same("OR by (0.5, 0.5, 0.2)", TABLES["OR"], lambda r: r.or_setting),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, claims=CLAIMS)
