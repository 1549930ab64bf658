"""Convolution of stride 1 uses windows.py instead of im2col."""

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
    layer.db = sum_of_pixels(layer, dout)
    dx, layer.dW = windows.backward(layer.x, dout, layer.W, layer.pad)
    return dx


def backward_params(layer: Convolution, dout: Array) -> None:
    layer.db = sum_of_pixels(layer, dout)
    layer.dW = windows.backward_params(layer.x, dout, layer.W, layer.pad)


def sum_of_pixels(layer: Convolution, dout: Array) -> Array | None:
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, len(layer.W))
    # A product with ones sums columns twice as fast as sum(axis=0) does.
    return None if layer.b is None else np.ones(len(rows), rows.dtype) @ rows
