"""The rounding errors of a gradient check, and how small a derivative may be to be judged."""

import math
import sys
from collections.abc import Sequence

import numpy as np

from dlbasics._internal.check_targets import Checked
from dlbasics._internal.checks import Array, quiet

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)
"""The steps h that the check tries in turn.  The first has the smallest rounding error; the last is
the least likely to step across a kink."""

CLOSE = 1e-6
"""After a relative error below this, the check tries no smaller step.  A difference that rounding
can explain has this relative error."""

NUDGES = 4
"""The number of times that the check measures the rounding error of the function."""

JUMP = 1e-9
"""The share of its size by which rounding can change f or a gradient.  A larger change comes from
a kink or a jump: last digits decide, for instance, which of two equal pixels max pooling takes."""


def backpropagated(checked: Checked) -> list[Array]:
    """Return copies of the gradients by backpropagation."""
    given = [array.copy() for array in checked.arrays.values()]
    rng = np.random.default_rng(0)
    # A gradient that the pass before has left behind must not look right, so that pass is another.
    for array, values in zip(checked.arrays.values(), given, strict=True):
        array[...] = values * rng.uniform(0.9, 1, values.shape)
    checked.gradients()
    for array, values in zip(checked.arrays.values(), given, strict=True):
        array[...] = values
    return _copies(checked.gradients())


def _copies(gradients: list[Array]) -> list[Array]:
    return [np.array(gradient, dtype=np.float64) for gradient in gradients]


def rounding_floors(checked: Checked, centre: float, analytic: list[Array]) -> list[float]:
    """Return for each array the derivative below which errors are relative to the floor."""
    given = [array.copy() for array in checked.arrays.values()]
    largest = [float(np.abs(gradient).max(initial=0)) for gradient in analytic]
    # The share of f that each number stands for, to first order.
    shares = [
        np.abs(a * b).sum() for a, b in zip(given, analytic, strict=True) if a.shape == b.shape
    ]
    most, most_own = JUMP * (abs(centre) + sum(shares)), JUMP * max(largest, default=0)
    rounding, roundings = math.ulp(centre) if math.isfinite(centre) else 0.0, [0.0] * len(given)
    # If gradients are added up from pass to pass, their differences are not those of rounding.
    is_stable = _differences(_copies(checked.gradients()), analytic) == roundings
    rng = np.random.default_rng(0)
    for _ in range(NUDGES):
        # The last digits of the arrays change.  Rounding changes f and its gradients as much.  This
        # is more than f's own last digit if large terms cancel out, as in batch normalization.
        for array, values in zip(checked.arrays.values(), given, strict=True):
            array[...] = values * (1 + sys.float_info.epsilon * rng.choice([-1, 1], values.shape))
        change = abs(checked.f() - centre)
        rounding = max(rounding, change if change <= most else 0.0)
        if is_stable:
            changes = _differences(_copies(checked.gradients()), analytic)
            changes = [change if change <= most_own else 0.0 for change in changes]
            roundings = [*map(max, roundings, changes)]
    for array, values in zip(checked.arrays.values(), given, strict=True):
        array[...] = values
    return [
        max(1e-3 * size, (rounding / STEPS[0] + own) / CLOSE, sys.float_info.min)
        for size, own in zip(largest, roundings, strict=True)
    ]


def is_measurable(pairs: Sequence[tuple[float, float]], least: float) -> bool:
    """Return whether an array has a derivative that rounding does not hide.

    Args:
        pairs: The analytic and the numeric derivative of each element.
        least: The derivative that passes the check whatever the other one is.
    """
    if all(numeric == 0 for _, numeric in pairs):
        # No step moves f.  A loss that is 0 up to rounding hides derivatives that f would show.
        least = max(least, sys.float_info.epsilon / STEPS[0])
    is_hidden = all(abs(derivative) <= least for pair in pairs for derivative in pair)
    return not (is_hidden and math.isfinite(least))


@quiet
def _differences(some: list[Array], others: list[Array]) -> list[float]:
    """Return the largest difference of each two arrays; 0 if they are not finite or not alike."""
    pairs = zip(some, others, strict=True)
    found = [np.abs(a - b).max(initial=0) if a.shape == b.shape else 0 for a, b in pairs]
    return [float(difference) if np.isfinite(difference) else 0.0 for difference in found]
