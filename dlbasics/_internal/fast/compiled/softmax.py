"""Softmax with its loss takes one pass over the scores of each sample."""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast.compiled.loops import compiled
from dlbasics._internal.fast.layout import suit

MOST = 4_096
"""The number of scores above which NumPy is faster: it computes many exponentials at once."""


def forward(layer: Any, x: Array, t: Array) -> tuple[Array, Array]:
    """Return y (N, K) and the loss of each sample (N,), as `_forward` does."""
    t = t.astype(np.int64) if t.ndim == 1 else t
    if x.size > MOST or not suit(x, *([t] if t.ndim == 2 else [])):
        y, losses = layer._forward(x, t)
        return y, losses
    y, losses = np.empty_like(x), np.empty(len(x), x.dtype)
    probabilities(x, t, y, losses)
    return y, losses


def backward(layer: Any, y: Array, t: Array) -> Array:
    """Return y - t, as `_backward` does."""
    if t.ndim != 1 or not suit(y):
        dx: Array = layer._backward(y, t)
        return dx
    dx = np.empty_like(y)
    differences(y, t.astype(np.int64), dx)
    return dx


@compiled
def probabilities(x: Array, t: Array, y: Array, losses: Array) -> None:
    for n in range(x.shape[0]):
        top = x[n, 0]
        for k in range(x.shape[1]):
            top = max(top, x[n, k])
        total = x.dtype.type(0)
        for k in range(x.shape[1]):
            y[n, k] = np.exp(x[n, k] - top)
            total += y[n, k]
        for k in range(x.shape[1]):
            y[n, k] /= total
        log_total = np.log(total)
        if t.ndim == 1:
            losses[n] = log_total - (x[n, t[n]] - top)
        else:
            losses[n] = 0
            for k in range(x.shape[1]):
                if t[n, k] != 0:  # 0 times infinity would be NaN
                    losses[n] += t[n, k] * (log_total - (x[n, k] - top))


@compiled
def differences(y: Array, t: Array, dx: Array) -> None:
    one = y.dtype.type(1)
    for n in range(y.shape[0]):
        for k in range(y.shape[1]):
            dx[n, k] = y[n, k]
        dx[n, t[n]] -= one
