"""Numerical derivatives, and gradient descent with them (book: *Numerical Differentiation*)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_count, as_float, as_number, quiet
from dlbasics.gradient_check import check_gradients

__all__ = ["check_gradients", "gradient_descent", "np", "numerical_diff", "numerical_gradient"]


H = 1e-4
"""The book's step of central differences."""
LEAST_H = 1e-300
"""A bound above 0 that keeps a division by 2 h finite."""


def numerical_diff(f: Callable[[Any], Any], x: Any) -> Any:
    """Return df/dx at x by central differences: (f(x + h) - f(x - h)) / 2h, h = 1e-4.

    Args:
        f: A function of one number, which works element by element on an array.
        x: A number, or a list or an array of numbers.

    Raises:
        TypeError: If x is float32 or float16, whose rounding is larger than the differences, or f
            does not return numbers.

    Book: *Derivative*.

    >>> round(numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5), 9)
    0.2
    """
    if not isinstance(x, int | float):
        x = as_array(x)
        if x.dtype.kind == "f" and x.dtype != np.float64:
            raise TypeError(f"x must be float64 (x.astype(np.float64) makes it so), got {x.dtype}")
        x = x.astype(np.float64)[()]
    above, below = f(x + H), f(x - H)
    if not (isinstance(above, int | float) and isinstance(below, int | float)):
        above, below = as_float(above, "f(x)"), as_float(below, "f(x)")
    return _slope(above, below)


def numerical_gradient(f: Callable[[Array], Any], x: Array, *, h: float = H) -> Array:
    """Return the gradient of f at x by central differences, in the shape of x.

    The function changes x in place, one element at a time by +h and -h, so f may read x itself and
    ignore its argument.  In the end x is as it was, even if f raises an error.

    Args:
        f: A function that returns one number.
        x: A float64 array of any shape.
        h: The step.

    Raises:
        TypeError: If x has another dtype, as the rounding of float32 is larger than the
            differences, or a mask; if f does not return a number.
        ValueError: If x is read-only, or f returns several numbers.

    Book: *Gradient*.

    >>> x = np.array([3.0, 4.0])
    >>> print(numerical_gradient(lambda x: np.sum(x**2), x).round(6))
    [6. 8.]
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        found = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"x must be a float64 array (x.astype(np.float64) makes one), got {found}")
    as_array(x)  # refuses a mask
    if not x.flags.writeable:
        raise ValueError("x must be writable, got a read-only array")
    h = as_number(h, "h", low=LEAST_H)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        value = x[index]
        try:
            x[index] = value + h
            above = _number(f(x))
            x[index] = value - h
            below = _number(f(x))
        finally:
            x[index] = value
        gradient[index] = _slope(above, below, h)
    return gradient


def gradient_descent(
    f: Callable[[Array], Any], init_x: Any, lr: float = 0.01, step_num: int = 100
) -> Array:
    """Minimize f by gradient descent: x <- x - lr df/dx, `step_num` times.

    Unlike the book's function, this one leaves `init_x` as it is.

    Args:
        f: A function that returns one number.
        init_x: The x at which the descent begins.
        lr: The learning rate.
        step_num: The number of steps.

    Returns:
        The last x.

    Book: *Gradient Method*, eq. 4.7.

    >>> x = gradient_descent(lambda x: np.sum(x**2), np.array([-3.0, 4.0]), lr=0.1)
    >>> print(np.abs(x).max() < 1e-8)
    True
    """
    x = as_array(init_x, "init_x").astype(np.float64)
    lr = as_number(lr, "lr")
    for _ in range(as_count(step_num, "step_num", least=0)):
        x = _step(x, lr, numerical_gradient(f, x))
    return x


@quiet
def _slope(above: Any, below: Any, h: float = H) -> Any:
    return (above - below) / (2 * h)


@quiet
def _step(x: Array, lr: float, gradient: Array) -> Array:
    return np.asarray(x - lr * gradient)  # no number, for an x without dimensions


def _number(value: Any) -> float:
    if not isinstance(value, float):
        value = as_array(value, "the value of f")
        if value.size != 1:
            raise ValueError(f"f must return one number, got shape {value.shape}")
        value = value.item()
    return float(value)
