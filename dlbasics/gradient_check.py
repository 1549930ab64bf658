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
from dlbasics._internal.rounding import CLOSE, STEPS, backpropagated, rounding_floors

ANNOUNCED = 2.0
"""The check prints its duration beforehand if it will take more than this number of seconds."""


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
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    kinks: int
    error: float
    where: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True, repr=False)
class GradientReport:
    """The result of `check_gradients`, which is true if there is an array and all arrays pass.

    Attributes:
        checks: The result for each array.
        tolerance: The largest error that passes.
    """

    checks: tuple[ArrayCheck, ...]
    tolerance: float

    def passed(self, check: ArrayCheck) -> bool:
        """Return whether elements of the array were compared and no error exceeds the tolerance."""
        return check.checked > 0 and check.error <= self.tolerance

    def __bool__(self) -> bool:
        return bool(self.checks) and all(map(self.passed, self.checks))

    def __repr__(self) -> str:
        header = ("", "shape", "checked", "kinks", "error", "where", "analytic", "numeric", "")
        rows = [header] + [
            (
                check.name,
                str(check.shape),
                f"{check.checked:,}",
                f"{check.kinks:,}",
                f"{check.error:.1e}",
                str(check.where),
                f"{check.analytic:.9g}",
                f"{check.numeric:.9g}",
                "ok" if self.passed(check) else "WRONG",
            )
            for check in self.checks
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)


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
        A report, which is true if all gradients pass: `assert check_gradients(...)` is a test.

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
        _check(f, centre, name, checked.arrays[name], gradient, floor, elements)
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
    return ArrayCheck(name, array.shape, len(chosen), kinks, *worst)


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
