"""Typical mistakes, and how a check finds out which one a wrong answer holds."""

import dis
from collections.abc import Mapping
from typing import Any

import numpy as np

from dlbasics._internal.reprs import brief
from dlbasics.exercises.verdict import Wrong, as_numbers, expect

NEAR = 1e-3
"""How near a wrong answer must be to what a mistake gives, as numerical slopes are not exact."""


def compare(
    got: Any,
    wanted: Any,
    what: str,
    mistakes: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    *,
    tolerance: float = 1e-6,
) -> None:
    """Compare as `expect` does; if the answer is that of a typical mistake, say which.

    Args:
        got: What the reader's code returned.
        wanted: The right number or array.
        what: What is compared; the message begins with it.
        mistakes: What each mistake gives, by a sentence about the mistake: a number, an array, or a
            list of several of them.
        shapes: The shape of what each further mistake gives, by a sentence about it.
        tolerance: As for `expect`.

    Raises:
        Unsolved, Wrong: As `expect` does.
    """
    try:
        expect(got, wanted, what, tolerance=tolerance)
    except Wrong as wrong:
        for reason, given in mistakes.items():
            if any(is_near(got, each) for each in (given if isinstance(given, list) else [given])):
                raise Wrong(f"{wrong}. {reason}") from None
        numbers = as_numbers(got)
        if numbers is not None and numbers.shape != np.shape(wanted):
            for reason, other in (shapes or {}).items():
                if numbers.shape == other:
                    raise Wrong(f"{wrong}. {reason}") from None
        raise


def is_near(got: Any, wanted: Any) -> bool:
    """Return whether a wrong answer has about these numbers; nan is near nan."""
    wanted, array = np.asarray(wanted, float), as_numbers(got)
    if array is None:
        return False
    atol = NEAR * max(1.0, float(np.abs(wanted).max(initial=0)))
    return array.shape == wanted.shape and np.allclose(array, wanted, 0, atol, equal_nan=True)


def expect_unchanged(array: Any, before: Any, name: str, hint: str = "") -> None:
    """Raise Wrong if the reader's code has changed an array that it was given.

    x[i] += h, x[i] -= 2 * h and x[i] += h may leave x[i] as it was but for rounding.
    """
    if not np.allclose(array, before, rtol=0, atol=1e-12):
        raise Wrong(f"your code changes {name} itself. {hint or 'Make a new array instead.'}")


def expect_own_names(layer: type) -> None:
    """Raise Wrong if a method reads an array of the notebook, where it should read self.x.

    Raise it, too, for an answer that is no class.
    """
    if not callable(layer):
        raise Wrong(f"give the check the class itself, without parentheses, not {brief(layer)}")
    for method in getattr(layer, "__dict__", {}).values():
        if not hasattr(method, "__code__"):
            continue
        for step in dis.get_instructions(method):
            is_global = step.opname == "LOAD_GLOBAL"
            if is_global and isinstance(method.__globals__.get(step.argval), np.ndarray):
                raise Wrong(
                    f"{method.__name__} reads the {step.argval} of another cell; write "
                    f"self.{step.argval}, and keep the right array there"
                )
