"""Hints for answers that are tried at several inputs, and answers of two parts."""

from collections.abc import Mapping
from typing import Any

from dlbasics._internal.reprs import brief
from dlbasics.exercises.mistakes import is_near
from dlbasics.exercises.verdict import Wrong, check_solved, expect


def mistake_in(got: Any, mistakes: Mapping[str, Any]) -> str:
    """Return the sentence about the mistake that gives what the reader's code gave, else "".

    Args:
        got: What the reader's code gave at all inputs.
        mistakes: What each typical mistake gives there, by the sentence about it.
    """
    return next((sentence for sentence, result in mistakes.items() if is_near(got, result)), "")


def expect_or_hint(got: Any, wanted: Any, what: str, hint: str) -> None:
    """Compare, as `expect` does, and add a hint, if it is not empty, to what is wrong.

    Raises:
        Unsolved, Wrong: As `expect` does.
    """
    try:
        expect(got, wanted, what)
    except Wrong as wrong:
        raise Wrong(f"{wrong}. {hint}" if hint else str(wrong)) from None


def as_pair(answer: Any, what: str, names: str) -> tuple[Any, Any]:
    """Return the two things that the reader's code returned.

    Args:
        answer: What it returned.
        what: What this is; the message begins with it.
        names: The names of the two, such as '(w, b)'.

    Raises:
        Unsolved: If the answer, or a part of it, is None or `...`.
        Wrong: If it is not a tuple or a list of two.
    """
    check_solved(answer)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Wrong(f"{what} must be the pair {names}, got {brief(answer)}")
    first, second = answer
    check_solved(first)
    check_solved(second)
    return first, second
