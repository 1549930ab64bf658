"""What a check says about a reader's answer, and how a check is written."""

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.reprs import brief

OWN = str(Path(__file__).parents[1])
"""The folder of dlbasics; what lies elsewhere, but for NumPy, is the reader's code."""

NUMPY = str(Path(np.__file__).parent)


class Wrong(Exception):  # noqa: N818
    """Raised by a check: the answer is wrong.  The message says why."""


class Unsolved(Exception):  # noqa: N818
    """Raised by a check: the answer still holds `...`, or its function returns None."""


@dataclass(frozen=True)
class Verdict:
    """What a checking cell shows.  It is true if the answer is right.

    Attributes:
        right: True, False, or None if the exercise is not solved yet.
        reason: What the check found.
    """

    right: bool | None
    reason: str

    def __bool__(self) -> bool:
        return self.right is True

    @property
    def word(self) -> str:
        """The first word of the verdict."""
        return {True: "Right", False: "Not right", None: "Not solved yet"}[self.right]

    def __repr__(self) -> str:
        return f"{self.word}: {self.reason}"

    def _repr_html_(self) -> str:
        color = {True: "#2e7d32", False: "#c62828", None: "#777777"}[self.right]
        style = f"border-left: 4px solid {color}; padding: 0.3em 0.8em; white-space: pre-wrap"
        return f'<div style="{style}"><b>{self.word}</b>: {escape(self.reason)}</div>'


def exercise(check: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check of a function, as a decorator.

    Args:
        check: A function of the reader's answer.  It raises `Wrong` if the answer is wrong, and
            returns a sentence that says what is right about it.

    Returns:
        A function that takes the same answer and returns a `Verdict`.  If the reader's code raises
        an exception, the verdict names it and its line; Ctrl-C still ends the cell.
    """

    @functools.wraps(check)
    def checked(*answer: Any) -> Verdict:
        try:
            for each in answer:
                check_solved(each)
            return Verdict(True, check(*answer))
        except Unsolved as unsolved:
            return Verdict(None, str(unsolved))
        except Wrong as wrong:
            return Verdict(False, str(wrong))
        except Exception as error:
            return Verdict(False, _describe(error))

    return checked


def expect(got: Any, wanted: Any, what: str, *, tolerance: float = 1e-6) -> None:
    """Compare what the reader's code returned with what it should return.

    Args:
        got: A number or an array.
        wanted: The right number or array.
        what: What is compared, such as 'NAND(1, 0)'; the message begins with it.
        tolerance: The largest difference allowed, relative to the largest number in `wanted`, or
            to 1 if that is larger.

    Raises:
        Unsolved: If `got` is None or `...`.
        Wrong: If it is not a number or an array, has another shape, or differs.
    """
    check_solved(got)
    wanted, numbers = np.asarray(wanted), as_numbers(got)
    if numbers is None:
        kind = type(got).__name__
        raise Wrong(f"{what} must be {_shown(wanted)}, got {brief(got)} ({kind})")
    if numbers.shape != wanted.shape:
        raise Wrong(f"{what} must have shape {wanted.shape}, got {numbers.shape}")
    allowed = tolerance * max(1.0, float(np.abs(wanted).max(initial=0)))
    # Not "differs by more", which is false for nan.
    far = ~(np.abs(numbers - wanted) <= allowed)
    if far.any():
        where = tuple(map(int, np.argwhere(far)[0]))
        place = f"[{', '.join(map(str, where))}]" if where else ""
        raise Wrong(
            f"{what}{place} must be {brief(wanted[where])}, got {brief(np.asarray(got)[where])}"
        )


def as_numbers(answer: Any) -> np.ndarray | None:
    """Return an array of the reader's real numbers, or None if the answer is anything else."""
    try:
        array = np.asarray(answer)
        has_none = array.dtype.kind == "O" and None in array.ravel().tolist()
        return array.astype(float) if array.dtype.kind in "biufO" and not has_none else None
    except (TypeError, ValueError, OverflowError):  # a ragged list, for example
        return None


def check_solved(answer: Any) -> None:
    """Raise `Unsolved` if the answer is `...` or None, which a function without `return` gives."""
    if answer is ...:
        raise Unsolved("write your code where the three dots stand, and run both cells again")
    if answer is None:
        raise Unsolved("it is None so far. A function gives None if it ends without `return`")


def _shown(wanted: Any) -> str:
    return brief(wanted[()]) if wanted.ndim == 0 else f"an array of shape {wanted.shape}"


def _describe(error: Exception) -> str:
    """Say what the reader's code raised, and in which of its lines.

    A check itself fails if an answer is of another kind than it expects, such as a number in place
    of a function.
    """
    frames = traceback.extract_tb(error.__traceback__)
    others = [frame for frame in frames if not frame.filename.startswith(OWN)]
    text = f"{type(error).__name__}: {error}"
    # The reader's cell comes first; NumPy's files may follow.
    if not others or others[0].filename.startswith(NUMPY):
        return f"the check cannot use your answer, {text}"
    cell = [frame for frame in others if frame.filename == others[0].filename]
    line = f"in line {cell[-1].lineno} of your cell, {cell[-1].line!r}"
    return f"your code raises {type(error).__name__} {line}: {error}"
