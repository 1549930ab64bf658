"""The gradient check compares backpropagation with central differences."""

import copy
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal.check_targets import as_checked
from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_array,
    as_count,
    as_flag,
    as_number,
    as_rng,
    spawn,
)
from dlbasics._internal.reprs import html_table, text_table
from dlbasics._internal.rounding import (
    CLOSE,
    STEPS,
    backpropagated,
    is_measurable,
    rounding_floors,
)

ANNOUNCED = 2.0
"""The check prints its duration beforehand if it will take more than this number of seconds."""


HEADER = ("", "shape", "checked", "kinks", "error", "where", "analytic", "numeric", "")

NO_ARRAYS = "nothing could be checked: there is no parameter"
TOO_SMALL = "nothing could be checked: every derivative is 0, or so small that rounding hides it"


@dataclass(frozen=True)
class ArrayCheck:
    """The result for one array: the element with the largest difference.

    Attributes:
        name: The name of the array: x, W, ...
        shape: Its shape.
        checked: The number of elements that were compared.
        kinks: The number of these elements at which the function has a kink, as ReLU has at 0.
            There the analytic derivative must lie between the two one-sided ones; its error is 0.
        error: The relative error, |analytic - numeric| / max(|analytic|, |numeric|, floor).  The
            floor is a thousandth of the largest analytic derivative in the array.  It is larger if
            the numeric derivatives are less exact: a difference as large as their rounding error
            has the relative error 1e-6.
        where: The index of the element.
        analytic: Its derivative by backpropagation.
        numeric: Its derivative by central differences.
        measurable: False if all derivatives in the array are 0, or so small that rounding hides
            them.  Then the check cannot tell right from wrong.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    kinks: int
    error: float
    where: tuple[int, ...]
    analytic: float
    numeric: float
    measurable: bool = True


@dataclass(frozen=True, repr=False)
class GradientReport:
    """The result of `check_gradients`, which is true if all arrays pass.

    `print` and a notebook show a table.  A failed `assert` in pytest, which prints one line, names
    what is wrong.  An array is "too small" if all its derivatives are 0, or vanish in rounding.  If
    all arrays are, the report is not true: nothing could be checked.

    Attributes:
        checks: The result for each array.
        tolerance: The largest error that passes.
    """

    checks: tuple[ArrayCheck, ...]
    tolerance: float

    def passed(self, check: ArrayCheck) -> bool:
        """Return whether elements were compared, and the check has found no error in them."""
        is_right = check.error <= self.tolerance or not check.measurable
        return check.checked > 0 and is_right

    def __bool__(self) -> bool:
        return not self._nothing and all(map(self.passed, self.checks))

    @property
    def _nothing(self) -> str:
        """The reason why nothing could be checked, else ""."""
        if not self.checks:
            return NO_ARRAYS
        return "" if any(check.measurable for check in self.checks) else TOO_SMALL

    def __str__(self) -> str:
        return f"{text_table([HEADER, *self._cells()], left=len(HEADER))}\n{self._nothing}".rstrip()

    def __repr__(self) -> str:
        words = [self._word(check) for check in self.checks]
        wrong = [check for check in self.checks if not self.passed(check)]
        texts = [
            f"{c.name} WRONG: error {c.error:.1e} at {c.where}, "
            f"analytic {c.analytic:.4g}, numeric {c.numeric:.4g}"
            for c in wrong[:2]
        ]
        if len(wrong) > 2:
            texts.append(f"{len(wrong) - 2} more WRONG")
        texts += [f"{words.count(word)} {word}" for word in ("ok", "too small") if word in words]
        return f"<GradientReport: {self._nothing or '; '.join(texts)}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))  # in a terminal of IPython

    def _repr_html_(self) -> str:
        return html_table(HEADER, self._cells()) + (self._nothing and f"<p>{self._nothing}</p>")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                check.name,
                str(check.shape),
                f"{check.checked:,}",
                f"{check.kinks:,}",
                f"{check.error:.1e}",
                str(check.where),
                f"{check.analytic:.9g}",
                f"{check.numeric:.9g}",
                self._word(check),
            )
            for check in self.checks
        ]

    def _word(self, check: ArrayCheck) -> str:
        if not self.passed(check):
            return "WRONG"
        return "ok" if check.measurable else "too small"


def check_gradients(
    target: Any,
    x: Any,
    t: Any = None,
    *,
    train_flg: bool = True,
    sample: int | None = None,
    tolerance: float = 1e-5,
    rng: RngLike = 0,
    verbose: bool | None = None,
) -> GradientReport:
    """Compare the gradients of a layer or a network with central differences, in float64.

    The check works on a copy of `target`, with frozen random masks and running statistics.

    Args:
        target: A layer, a loss layer or a network, which may be one that you wrote.  For a layer,
            the check compares the derivatives of sum(probe * y), with a random probe, by x and by
            the parameters.  For a loss layer, it compares the derivatives of twice the loss by x.
            If you wrote the loss layer, it also compares those by its parameters.  For a network,
            it compares the derivatives of the loss by the parameters.
        x: A batch of at least two samples, which batch normalization needs in training.
        t: The labels for a loss layer or a network.
        train_flg: The mode of a layer.  A network computes gradients in training mode only.
        sample: The number of elements of each array that the check draws at random and compares.
            None stands for all.
        tolerance: The largest relative error that passes.
        rng: The random generator of the probe and the sample, or its seed.
        verbose: If True, print the number of forward passes and their duration beforehand.  None
            prints them if the check will take more than 2 seconds.

    Returns:
        A report, which is true if all gradients pass: `assert check_gradients(...)` is a test.  It
        is not true if all derivatives are 0 or vanish in rounding, as in a network whose sigmoids
        are saturated: then nothing could be checked.

    Raises:
        TypeError: If `target` is neither a layer nor a network, or a parameter is not float64, or
            may hide where the check cannot find it.
        ValueError: If a layer changes its arguments, two forward passes differ, or a layer that you
            wrote has an array whose gradient the check cannot find.

    >>> from dlbasics.layers import Affine
    >>> report = check_gradients(Affine.create(3, 2, rng=0), np.ones((4, 3)))
    >>> bool(report)
    True
    """
    # Without `spawn`, the probe would equal an x that the caller drew with the same seed.
    (rng,) = spawn(as_rng(rng), 1)
    tolerance = as_number(tolerance, "tolerance", low=0)
    train_flg = as_flag(train_flg, "train_flg")
    verbose = None if verbose is None else as_flag(verbose, "verbose")
    x = as_array(x)
    target = copy.deepcopy(target)
    checked = as_checked(target, x, t, train_flg, rng)
    analytic, f = backpropagated(checked), checked.f
    chosen = [_choose(array.size, sample, rng) for array in checked.arrays.values()]
    start = time.perf_counter()
    centre = f()
    seconds = time.perf_counter() - start
    check_same_loss(centre, f(), type(target).__name__)
    _announce(2 * sum(map(len, chosen)), seconds, verbose)
    floors = rounding_floors(checked, centre, analytic)
    rows = zip(checked.arrays, analytic, floors, chosen, strict=True)
    checks = [
        _check(f, centre, name, checked.arrays[name], gradient, floor, elements, tolerance)
        for name, gradient, floor, elements in rows
    ]
    return GradientReport(tuple(checks), tolerance)


def check_same_loss(first: float, second: float, name: str) -> None:
    """Raise ValueError if two passes of the same x gave different numbers."""
    if first != second and math.isfinite(first):
        raise ValueError(
            f"{name}: two forward passes of the same x differ, for instance because each draws a "
            "random mask; a layer must keep its mask while Layer.frozen is True"
        )


Function = Callable[[], float]


def _choose(size: int, sample: int | None, rng: np.random.Generator) -> Array:
    count = size if sample is None else as_count(sample, "sample")
    if count >= size:
        return np.arange(size)
    return np.sort(rng.choice(size, count, replace=False))


def _announce(passes: int, seconds: float, verbose: bool | None) -> None:
    total = passes * seconds
    if verbose or (verbose is None and total > ANNOUNCED):
        print(
            f"check_gradients: at least {passes:,} forward passes, about {total:.1f} s",
            file=sys.stderr,
        )


def _check(
    f: Function,
    centre: float,
    name: str,
    array: Array,
    analytic: Array,
    floor: float,
    chosen: Array,
    tolerance: float,
) -> ArrayCheck:
    if analytic.shape != array.shape:
        return ArrayCheck(name, array.shape, 0, 0, np.inf, (), np.nan, np.nan)
    compared: list[tuple[float, tuple[int, ...], float, float]] = []
    kinks = 0
    for flat in chosen:
        where = tuple(int(i) for i in np.unravel_index(flat, array.shape))
        derivative = float(analytic[where])
        error, numeric, kink = _compare(f, centre, array, where, derivative, floor)
        kinks += kink
        compared.append((error, where, derivative, numeric))
    worst = max(compared, key=lambda row: row[0], default=(np.inf, (), np.nan, np.nan))
    pairs = [row[2:] for row in compared]
    measurable = is_measurable(pairs, least=tolerance * floor)
    return ArrayCheck(name, array.shape, len(chosen), kinks, *worst, measurable)


def _compare(
    f: Function, centre: float, array: Array, where: tuple[int, ...], analytic: float, floor: float
) -> tuple[float, float, bool]:
    """Return the relative error, the closest numeric derivative, and whether f has a kink."""
    value = array[where]
    tried, slopes = [], []
    for h in STEPS:
        array[where] = value + h
        above = f()
        array[where] = value - h
        below = f()
        array[where] = value
        numeric = (above - below) / (2 * h)
        error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)
        if error < CLOSE:
            return error, numeric, False
        tried.append((np.inf if np.isnan(error) else error, numeric))
        slopes.append(sorted([(centre - below) / h, (above - centre) / h]))
    error, numeric = min(tried)
    if _is_kink(slopes, floor) and all(
        low - 0.01 * floor <= analytic <= high + 0.01 * floor for low, high in slopes[1:]
    ):
        return 0.0, numeric, True
    return error, numeric, False


def _is_kink(slopes: list[list[float]], floor: float) -> bool:
    """Return whether the one-sided slopes stay apart for small h; for a smooth f they do not."""
    gaps = [high - low for low, high in slopes]
    return any(b > 0.5 * a and b > 0.01 * floor for a, b in pairwise(gaps))
