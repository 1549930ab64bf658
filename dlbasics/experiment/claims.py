"""Claims: the book's numbers, our numbers, and whether ours are as good as the book says."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_count, as_flag, as_function, as_number

LEFT_OUT = "left out"
"""The value of a claim whose number a run lacks, because of its settings or a missing extra."""

WIDTH = 100
"""The number of columns of a report."""

WORDS = {True: "holds", False: "does not hold", None: "not judged"}


MARK = "*"
"""What follows a number, or words, that no text prints as a number."""

NOTE = f"{MARK} No text prints this number: these are a text's words, or what we expect."


@dataclass(frozen=True)
class Claim:
    """A number of the book, with the way to our number and the test that ours must pass.

    Args:
        text: The name of the number.
        book: The number that a text prints, or the text's words.  None if no text says anything:
            then a report shows `condition` in its place.
        value: A function that returns our number, given the result of a run.
        holds: A function that says whether our number is good enough.  None stands for a number
            that is shown and never judged, such as a time, which depends on the machine.
        condition: What `holds` tests, in words, such as 'the second is smaller'.
        why: Why the condition is neither stricter nor looser.
        printed: Whether a text prints `book`.  None stands for yes, unless `book` is None or words.
        digits: The number of significant digits in the report.
        any_data: If True, the claim must hold on other data than MNIST, too.

    Raises:
        TypeError: If an argument is not as above.
        ValueError: If `digits` is below 1.
    """

    text: str
    book: Any
    value: Callable[[Any], Any]
    holds: Callable[[Any], bool] | None
    condition: str = ""
    why: str = ""
    printed: bool | None = None
    digits: int = 4
    any_data: bool = False

    def __post_init__(self) -> None:
        for name in ("text", "condition", "why"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a text, got {getattr(self, name)!r}")
        as_function(self.value, "value")
        if self.holds is not None:
            as_function(self.holds, "holds")
        if self.printed is not None:
            as_flag(self.printed, "printed")
        as_count(self.digits, "digits")
        as_flag(self.any_data, "any_data")

    @classmethod
    def same(
        cls,
        text: str,
        book: Any,
        value: Callable[[Any], Any],
        atol: float = 0,
        rtol: float = 0,
        **options: Any,
    ) -> "Claim":
        """Return a claim that holds if |ours - book| <= atol + rtol |book|.

        Both may be arrays, which must have the same shape.  The options are Claim's: why, printed,
        digits and any_data.
        """
        as_array(book, "book")
        atol, rtol = as_number(atol, "atol", low=0), as_number(rtol, "rtol", low=0)
        within = [f"{atol:g}"] * (atol > 0) + [f"{100 * rtol:g}%"] * (rtol > 0)
        condition = f"within {' + '.join(within)}" if within else "equal"
        return cls(text, book, value, partial(_equal, book, atol, rtol), condition, **options)

    @classmethod
    def between(
        cls,
        text: str,
        book: Any,
        value: Callable[[Any], Any],
        low: float | None = None,
        high: float | None = None,
        **options: Any,
    ) -> "Claim":
        """Return a claim that holds if low <= ours <= high, for each number of an array.

        The options are Claim's: why, printed, digits and any_data.
        """
        if low is None and high is None:
            raise ValueError("low or high must be a number, got None and None")
        least = -math.inf if low is None else as_number(low, "low")
        most = math.inf if high is None else as_number(high, "high", low=least)
        condition = f"from {low:g} to {high:g}" if low is not None and high is not None else ""
        condition = condition or (f"at most {high:g}" if low is None else f"at least {low:g}")
        return cls(text, book, value, partial(_between, least, most), condition, **options)

    @classmethod
    def shown(cls, text: str, book: Any, value: Callable[[Any], Any], **options: Any) -> "Claim":
        """Return a claim that is shown and never judged, such as one about time."""
        return cls(text, book, value, None, **options)

    @property
    def is_printed(self) -> bool:
        """Whether a text prints the number."""
        if self.printed is None:
            return self.book is not None and not isinstance(self.book, str)
        return self.printed

    @property
    def expected(self) -> str:
        """The text's number or words, or what we expect; marked unless a text prints the number."""
        return expected(vars(self) | {"printed": self.is_printed})


@dataclass(frozen=True)
class Verdict:
    """A claim and our number; `holds` is None if the claim was not judged."""

    text: str
    book: Any
    ours: Any
    holds: bool | None
    condition: str = ""
    why: str = ""
    printed: bool = True
    digits: int = 4

    @property
    def expected(self) -> str:
        """As `Claim.expected`."""
        return expected(vars(self))


def expected(verdict: Mapping[str, Any]) -> str:
    """Return `Verdict.expected`, given a verdict as a file of results holds it."""
    book, digits = verdict["book"], verdict["digits"]
    text = verdict["condition"] if book is None else shown(book, digits)
    return text if verdict["printed"] or not text else f"{text} {MARK}"


def _equal(book: Any, atol: float, rtol: float, ours: Any) -> bool:
    return np.shape(book) == np.shape(ours) and np.allclose(ours, book, rtol=rtol, atol=atol)


def _between(low: float, high: float, ours: Any) -> bool:
    numbers = np.asarray(ours)
    return numbers.size > 0 and bool(((low <= numbers) & (numbers <= high)).all())


def judge(
    claims: Sequence[Claim], result: Any, *, judged: bool = True, on_mnist: bool = True
) -> list[Verdict]:
    """Return our number for each claim, and whether the claim holds.

    A claim whose number is `LEFT_OUT` is not judged.  One with a NaN does not hold, unless the
    book's number is NaN, too.

    Args:
        claims: The claims.
        result: The result of a run.
        judged: If False, no claim is judged.
        on_mnist: If False, only claims about any data are judged.

    Raises:
        TypeError: If an argument is not as above.
    """
    as_flag(judged, "judged")
    as_flag(on_mnist, "on_mnist")
    verdicts = []
    for claim in as_claims(claims):
        ours = claim.value(result)
        known = judged and ours is not LEFT_OUT and (on_mnist or claim.any_data)
        holds = None if claim.holds is None or not known else _holds(claim, ours)
        copied = {key: getattr(claim, key) for key in ("condition", "why", "digits")}
        verdict = Verdict(claim.text, claim.book, ours, holds, printed=claim.is_printed, **copied)
        verdicts.append(verdict)
    return verdicts


def as_claims(claims: Any) -> list[Claim]:
    """Return `claims` as a list; raise TypeError unless it is one of claims."""
    if not isinstance(claims, list | tuple) or not all(isinstance(c, Claim) for c in claims):
        raise TypeError(f"claims must be a list of Claim, got {claims!r}")
    return [*claims]


def _holds(claim: Claim, ours: Any) -> bool:
    # Comparisons with NaN are false, so `not any(v > limit)` or `sorted` may take it for good.
    if any_number(ours, np.isnan) and not any_number(claim.book, np.isnan):
        return False
    return claim.holds is not None and bool(claim.holds(ours))


def any_number(value: Any, test: Callable[[Array], Array]) -> bool:
    """Return whether a floating-point number in a value of any kind passes the test."""
    if isinstance(value, float | complex | np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind in "fc":
            return bool(test(array).any())
        value = array.tolist() if array.dtype.hasobject else ()
    if is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, Mapping):
        value = [*value.values()]
    return isinstance(value, list | tuple) and any(any_number(item, test) for item in value)


def report(verdicts: Sequence[Verdict]) -> str:
    """Return a table of the verdicts, at most 100 columns wide."""
    rows = [("", "book or expected", "ours", "")] + [
        (v.text, v.expected, shown(v.ours, v.digits), WORDS[v.holds]) for v in verdicts
    ]
    text, book, ours, word = (max(map(len, column)) for column in zip(*rows, strict=True))
    room = WIDTH - word - 3 * len("  ")
    if text + book + ours > room:
        book, ours = min(book, room // 4), min(ours, room // 4)
        text = min(text, room - book - ours)
    lines = []
    for row in rows:
        cells = map(textwrap.wrap, row, (text, book, ours, word))
        for parts in zip_longest(*cells, fillvalue=""):
            padded = map(str.ljust, parts, (text, book, ours, word))
            lines.append("  ".join(padded).rstrip())
    if any(v.expected.endswith(MARK) for v in verdicts):
        lines.append(NOTE)
    return "\n".join(lines)


def shown(value: Any, digits: int = 4) -> str:
    """Return `value` as text; each number, in arrays too, has that many significant digits."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}g}"
    if isinstance(value, list | tuple | np.ndarray):
        return f"({', '.join(shown(item, digits) for item in value)}{',' * (len(value) == 1)})"
    return str(value)
