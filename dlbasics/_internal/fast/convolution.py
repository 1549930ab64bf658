"""Convolution of stride 1 uses windows.py instead of im2col.

windows.py multiplies more numbers than the formula: zeros, by pixels and filters.  That makes no
difference unless one of these is infinite or NaN, as 0 times infinity is NaN.  Then the formula
computes.
"""

import math

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import windows
from dlbasics.layers.convolution import Convolution


def fits(layer: Convolution, x: Array) -> bool:
    return windows.fits(layer.W.shape, layer.stride, layer.pad)


def forward(layer: Convolution, x: Array, train_flg: bool) -> Array:
    layer.x = x
    return windows.forward(x, layer.W, layer.b, layer.pad)


def backward(layer: Convolution, dout: Array) -> Array:
    dx, dW = windows.backward(layer.x, dout, layer.W, layer.pad)
    if not (is_finite(dW) and is_finite(layer.W)):
        return backward_by_formula(layer, dout)
    layer.dW, layer.db = dW, sum_of_pixels(layer, dout)
    return dx


def backward_params(layer: Convolution, dout: Array) -> None:
    dW = windows.backward_params(layer.x, dout, layer.W, layer.pad)
    if not is_finite(dW):
        backward_by_formula(layer, dout)
    else:
        layer.dW, layer.db = dW, sum_of_pixels(layer, dout)


def is_finite(array: Array) -> bool:
    """Return whether the sum is finite; if it is, all numbers are.

    For dW, the answer also says whether x and dout are finite, because each number of x and dout is
    a factor in some element of dW.
    """
    return math.isfinite(array.sum())


def backward_by_formula(layer: Convolution, dout: Array) -> Array:
    formula = layer.replica()
    formula._forward(layer.x, True)
    dx = formula._backward(dout)
    layer.dW, layer.db = formula.dW, formula.db
    return dx


def sum_of_pixels(layer: Convolution, dout: Array) -> Array | None:
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, len(layer.W))
    # A product with ones sums columns twice as fast as sum(axis=0) does.
    return None if layer.b is None else np.ones(len(rows), rows.dtype) @ rows
