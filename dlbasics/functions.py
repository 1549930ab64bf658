"""The functions of chapters 3 and 4: activations, softmax and losses.

Each takes a number, a list or an array.  Floating-point numbers keep their dtype; all others are
computed in float64.  Sums of float16 are computed in float32.  `@quiet` silences NumPy's warnings,
and its errors after `np.seterr(all="raise")`, about numbers that are infinite or too small.
"""

from typing import Any

import numpy as np

from dlbasics._internal import hints
from dlbasics._internal.checks import (
    Array,
    as_array,
    as_batch,
    as_float,
    as_labels,
    computed_in,
    quiet,
)

__all__ = [
    "cross_entropy_error", "identity_function", "log_softmax", "np", "relu", "relu_grad",
    "sigmoid", "sigmoid_grad", "softmax", "softmax_loss", "step_function", "sum_squared_error",
]  # fmt: skip


def identity_function(x: Any) -> Any:
    """Return x: y = x, the output function of a regression.

    Book: *Identity Function and Softmax Function*.
    """
    return x


@quiet
def step_function(x: Any) -> Any:
    """Return 1 where x > 0, else 0, as integers.

    Book: *Implementing a Step Function*, eq. 3.3.
    """
    return (as_array(x) > 0).astype(int)


@quiet
def sigmoid(x: Any) -> Any:
    """Return the sigmoid function, y = 1 / (1 + exp(-x)).

    All exponents are at most 0, so that nothing overflows and small values keep all their digits.

    Book: *Sigmoid Function*, eq. 3.6.

    >>> [float(y) for y in sigmoid([-1000, 0, 1000])]
    [0.0, 0.5, 1.0]
    """
    x = as_float(x)
    y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    return y.astype(x.dtype, copy=False)


@quiet
def sigmoid_grad(x: Any) -> Any:
    """Return the derivative of the sigmoid function, dy/dx = y (1 - y).

    The code uses sigmoid(-x) for 1 - y, because 1 - y loses its digits where y is near 1.

    Book: *Sigmoid Layer*, eq. 5.12.
    """
    x = as_float(x)
    return sigmoid(x) * sigmoid(-x)


@quiet
def relu(x: Any) -> Any:
    """Return the rectified linear unit, y = max(0, x).

    Book: *ReLU Function*, eq. 3.7.
    """
    x = as_float(x)
    return np.maximum(x, 0).astype(x.dtype, copy=False)


@quiet
def relu_grad(x: Any) -> Any:
    """Return the derivative of ReLU: dy/dx = 1 where x > 0, else 0.

    Book: *ReLU Layer*, eq. 5.8.
    """
    x = as_float(x)
    return (x > 0).astype(x.dtype)


@quiet
def softmax(x: Any) -> Any:
    """Return the softmax function along the last axis, y_k = exp(x_k) / sum_i exp(x_i).

    The function first subtracts the largest score.  That does not change y, but prevents overflow.

    Args:
        x: Scores, (..., K).

    Returns:
        Probabilities, (..., K), which add up to 1 along the last axis.

    Raises:
        ValueError: If the last axis holds no score.

    Book: *Identity Function and Softmax Function*, eq. 3.10 and 3.11.

    >>> print(softmax([0.3, 2.9, 4.0]).round(4))
    [0.0182 0.2452 0.7366]
    """
    x = as_float(x)
    exp = np.exp(_below_largest(x))
    exp /= exp.sum(axis=0)
    return exp.T.astype(x.dtype, copy=False)


@quiet
def log_softmax(x: Any) -> Any:
    """Return the logarithm of softmax(x) along the last axis, finite for all finite scores.

    Raises:
        ValueError: If the last axis holds no score.

    >>> print(log_softmax([0.0, -1000.0]))
    [    0. -1000.]
    """
    x = as_float(x)
    log_y = _below_largest(x)
    log_y -= np.log(np.exp(log_y).sum(axis=0))
    return log_y.T.astype(x.dtype, copy=False)


def _below_largest(x: Array) -> Array:
    """Return x minus its largest score, transposed, in float32 or wider.

    NumPy is twice as fast along the first axis.
    """
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must hold at least one score on its last axis, got shape {x.shape}")
    transposed = x.T.astype(computed_in(x.dtype), order="C")
    transposed -= transposed.max(axis=0)
    return transposed


@quiet
def sum_squared_error(y: Any, t: Any) -> float:
    """Return the sum of squared errors, E = 1/2 sum_k (y_k - t_k)^2, over all elements.

    Raises:
        ValueError: If y and t differ in shape.

    Book: *Sum of Squared Errors*, eq. 4.1.
    """
    y, t = as_float(y, "y"), as_float(t, "t")
    if y.shape != t.shape:
        cure = hints.for_outputs(t.shape, y.shape)
        raise ValueError(f"t must have the shape of y, {y.shape}, got {t.shape}{cure}")
    return float(0.5 * np.sum(np.subtract(y, t, dtype=np.float64) ** 2))


@quiet
def cross_entropy_error(y: Any, t: Any) -> float:
    """Return the mean cross-entropy error of a batch, E = -1/N sum_n sum_k t_nk log y_nk.

    The smallest positive number of its dtype, about 1e-38 in float32, replaces a probability of 0,
    so that the error stays finite.

    Args:
        y: Probabilities, (N, K), or (K,) for a single sample.
        t: Integer classes, (N,) or (N, 1), or rows, (N, K).  For a single sample, its class or its
            row, (K,).

    Raises:
        ValueError: If y holds a number that is no probability, or of one class only, or t has a
            shape or a class that does not fit y.

    Book: *Cross-Entropy Error*, eq. 4.2, and *Mini-Batch Learning*, eq. 4.3.

    >>> round(cross_entropy_error([0.1, 0.6, 0.3], 1), 6)
    0.510826
    """
    batch = as_batch(y, "y")
    if batch.min() < 0 or 1.001 < batch.max() < np.inf:  # rounding may bring one above 1
        raise ValueError(f"y must hold probabilities, got {batch.min()} to {batch.max()}")
    positive = np.maximum(batch, np.finfo(batch.dtype).tiny)
    log_y = np.log(positive.astype(computed_in(batch.dtype), copy=False))
    labels = as_labels(t, log_y, single=np.ndim(y) == 1, name="y")
    return float(cross_entropies(log_y, labels).mean())


@quiet
def softmax_loss(X: Any, t: Any) -> float:
    """Return the cross-entropy error of softmax(X).

    The function computes it from the scores X, so that no logarithm of 0 occurs.

    Args:
        X: Scores, (N, K), or (K,) for a single sample.
        t: Labels, as for `cross_entropy_error`.

    Raises:
        ValueError: If t has a shape or a class that does not fit X, or X has scores of one class
            only, whose softmax is always 1.

    >>> softmax_loss([0.0, -1000.0], 1)
    1000.0
    """
    scores = as_batch(X, "X")
    scores = scores.astype(computed_in(scores.dtype), copy=False)
    labels = as_labels(t, scores, single=np.ndim(X) == 1, name="X")
    return float(cross_entropies(log_softmax(scores), labels).mean())


def cross_entropies(log_y: Array, labels: Array) -> Array:
    """Return -sum_k t_k log y_k of each row, (N,).

    A term with t_k = 0 is 0, even if log y_k = -inf.
    """
    if labels.ndim == 1:
        return -log_y[np.arange(len(labels), like=labels), labels]
    return -np.where(labels == 0, 0, labels * log_y).sum(axis=1)
