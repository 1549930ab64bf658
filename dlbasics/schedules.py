"""Schedules: changes of the learning rate in the course of training.

A schedule is a function of the epoch, which grows by a fraction with every iteration, and of the
number of epochs.  It returns a factor for the optimizer's learning rate.  A function of your own,
such as `lambda epoch, epochs: 1 - epoch / epochs`, is also a schedule.

The schedules in this file raise ValueError if `epoch` is below 0, or `epochs` is not above 0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from dlbasics._internal.checks import TINY, as_number

__all__ = ["CosineDecay", "ExponentialDecay", "Schedule", "StepDecay", "Warmup"]

Schedule = Callable[[float, float], float]


@dataclass(frozen=True)
class StepDecay:
    """Decay in steps: factor^floor(epoch / every).

    Args:
        every: The number of epochs between two steps.
        factor: The factor of each step, at least 0.

    >>> [StepDecay(every=10)(epoch, 30) for epoch in (0, 9.9, 10)]
    [1.0, 1.0, 0.1]
    """

    every: float
    factor: float = 0.1

    def __post_init__(self) -> None:
        as_number(self.every, "every", low=TINY)
        as_number(self.factor, "factor", low=0)

    def __call__(self, epoch: float, epochs: float) -> float:
        epoch, _ = _as_epochs(epoch, epochs)
        steps = epoch / self.every
        # 0.3 / 0.1 is 2.9999999999999996.
        if math.isfinite(steps):
            steps = round(steps) if math.isclose(steps, round(steps)) else math.floor(steps)
        return _power(self.factor, steps)


@dataclass(frozen=True)
class ExponentialDecay:
    """Exponential decay: factor^epoch.

    Args:
        factor: The factor of each epoch, at least 0.

    >>> ExponentialDecay(0.9)(2, 20)
    0.81
    """

    factor: float

    def __post_init__(self) -> None:
        as_number(self.factor, "factor", low=0)

    def __call__(self, epoch: float, epochs: float) -> float:
        epoch, _ = _as_epochs(epoch, epochs)
        return _power(self.factor, epoch)


@dataclass(frozen=True)
class CosineDecay:
    """Half a cosine from 1 to `floor`: floor + (1 - floor) (1 + cos(pi epoch / epochs)) / 2.

    After the last epoch, the factor stays at `floor`.

    Args:
        floor: The factor at the end, from 0 to 1.

    Source: Loshchilov and Hutter 2017, eq. 5, without restarts.
    """

    floor: float = 0.0

    def __post_init__(self) -> None:
        as_number(self.floor, "floor", low=0, high=1)

    def __call__(self, epoch: float, epochs: float) -> float:
        epoch, epochs = _as_epochs(epoch, epochs)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(epoch / epochs, 1))) / 2


@dataclass(frozen=True)
class Warmup:
    """A linear rise from `start` to 1 within the first epochs, before another schedule.

    Args:
        epochs: The number of epochs of the rise.
        then: The schedule of the remaining epochs; None keeps the factor 1.
        start: The factor at the beginning, from 0 to 1.

    Source: Goyal et al. 2017, section 2.2.
    """

    epochs: float
    then: Schedule | None = None
    start: float = 0.1

    def __post_init__(self) -> None:
        as_number(self.epochs, "epochs", low=TINY)
        as_number(self.start, "start", low=0, high=1)
        if not (self.then is None or callable(self.then)):
            raise TypeError(f"then must be a schedule such as CosineDecay(), got {self.then!r}")

    def __call__(self, epoch: float, epochs: float) -> float:
        epoch, epochs = _as_epochs(epoch, epochs)
        if epoch < self.epochs:
            return self.start + (1 - self.start) * epoch / self.epochs
        if self.then is None or epochs <= self.epochs:
            return 1.0
        return self.then(epoch - self.epochs, epochs - self.epochs)


def _as_epochs(epoch: float, epochs: float) -> tuple[float, float]:
    epochs = as_number(epochs, "epochs", low=TINY)
    return as_number(epoch, "epoch", low=0), epochs


def _power(factor: float, exponent: float) -> float:
    try:
        return float(factor**exponent)
    except OverflowError:
        return math.inf
