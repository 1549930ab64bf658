"""Affine and the Relu after it together: one pass adds the bias and applies ReLU.

On the way back, one pass applies ReLU's derivative and adds up db.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast.compiled.bias_pool_relu import rectify, rectify_backward
from dlbasics._internal.fast.step import Step, is_float, remember, without_checks
from dlbasics.layers import Affine, Relu


def in_pairs(layers: Sequence[Any]) -> list[Any]:
    """Return the layers as `without_checks` does, but each such pair as an `AffineRelu`."""
    steps = without_checks(layers)
    for i in range(len(layers) - 1):
        affine, relu = layers[i : i + 2]
        are_steps = type(steps[i]) is type(steps[i + 1]) is Step
        if are_steps and type(affine) is Affine and type(relu) is Relu and affine.b is not None:
            steps[i : i + 2] = AffineRelu(steps[i], steps[i + 1]), None
    return [step for step in steps if step is not None]


class AffineRelu:
    """The forward and the backward pass of an Affine and the Relu after it.

    Afterwards the layers have the same attributes as after their own `forward` and `backward`.
    """

    def __init__(self, affine: Step, relu: Step) -> None:
        self.apart = affine, relu
        self.affine, self.relu = affine.layer, relu.layer

    def forward(self, x: Any, train_flg: bool) -> Array:
        affine, relu = self.affine, self.relu
        W, b = affine.W, affine.b
        self.fits = is_float(x) and affine._is_batch(x) and x.dtype == W.dtype == b.dtype
        if not self.fits:
            return self.apart[1].forward(self.apart[0].forward(x, train_flg), train_flg)
        affine.x = x.reshape(len(x), len(W))
        z = affine.x @ W
        y, relu.mask = np.empty_like(z), np.empty(z.shape, bool)
        rectify(as_pixels(z), b, as_pixels(y), as_pixels(relu.mask))
        remember(affine, x, y)
        remember(relu, y, y)
        return y

    def backward(self, dout: Any) -> Array:
        affine = self.affine
        dz = self._through_relu(dout)
        if dz is None:
            return self.apart[0].backward(self.apart[1].backward(dout))
        affine.dW = affine.x.T @ dz
        return (dz @ affine.W.T).reshape(affine._x_shape)

    def backward_params(self, dout: Any) -> None:
        affine = self.affine
        dz = self._through_relu(dout)
        if dz is None:
            self.apart[0].backward_params(self.apart[1].backward(dout))
        else:
            affine.dW = affine.x.T @ dz

    def _through_relu(self, dout: Any) -> Array | None:
        """Return the gradient of the Affine's output, and set db; None if it must go apart."""
        affine, relu = self.affine, self.relu
        if not (self.fits and is_float(dout) and dout.shape == relu._y_shape):
            return None
        dz = np.empty(dout.shape, dout.dtype)
        dout = np.ascontiguousarray(dout)
        db = rectify_backward(as_pixels(dout), as_pixels(relu.mask), as_pixels(dz))
        if not math.isfinite(db @ db):  # so there may be infinity or NaN in dout
            return None
        affine.db = db
        return dz


def as_pixels(rows: Array) -> Array:
    """Return a batch (N, M) as rows of one pixel, (N, 1, M)."""
    return rows[:, np.newaxis]
