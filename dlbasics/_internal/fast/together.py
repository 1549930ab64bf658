"""Convolution, max pooling and ReLU together, on one block of images at a time.

The output of the convolution is the largest array of the three layers.  Here, each block of it
stays in the cache until pooling and ReLU have read it, and no array holds the whole.  On the way
back, the same is true of the gradient that pooling gives to the convolution.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal import table
from dlbasics._internal.checks import Array, pair
from dlbasics._internal.fast import convolution, memory, pooling, windows
from dlbasics._internal.fast.step import is_float, is_ours, without_checks
from dlbasics.layers import Convolution, Layer, Pooling, Relu


def go_together(layers: Sequence[Any]) -> bool:
    """Return whether they are Convolution and Relu, perhaps with Pooling of 2 x 2 in between."""
    kinds = [type(layer) for layer in layers]
    if kinds not in ([Convolution, Relu], [Convolution, Pooling, Relu]):
        return False
    windows = ((pool.pool_h, pool.pool_w, pool.stride, pool.pad) for pool in layers[1:-1])
    return all(map(is_ours, layers)) and all(window == (2, 2, 2, 0) for window in windows)


class Together:
    """The passes of such layers, which are replicas.

    Afterwards, the layers have their gradients, but not all of the other attributes.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.apart = without_checks(layers)
        self.conv: Any = layers[0]
        self.pool: Any = layers[1] if len(layers) == 3 else None
        self.relu: Any = layers[-1]

    def forward(self, x: Any, train_flg: bool) -> Array:
        self.x, self.fits = x, self._fits(x)
        return (self._forward if self.fits else self._forward_apart)(x, train_flg)

    def backward(self, dout: Any) -> Array:
        if self.fits and is_float(dout) and dout.shape == self.y_shape:
            conv, gradient = self.conv, Gradient(self, dout)
            dx, dW = windows.backward(self.x, gradient, conv.W, conv.pad)
            if convolution.is_finite(dW) and convolution.is_finite(conv.W):
                conv.dW, conv.db = dW, gradient.db
                return dx
        return self._backward_apart(dout)

    def backward_params(self, dout: Any) -> None:
        if self.fits and is_float(dout) and dout.shape == self.y_shape:
            conv, gradient = self.conv, Gradient(self, dout)
            dW = windows.backward_params(self.x, gradient, conv.W, conv.pad)
            if convolution.is_finite(dW):
                conv.dW, conv.db = dW, gradient.db
                return
        self._backward_apart(dout)

    def _fits(self, x: Any) -> bool:
        W, b = self.conv.W, self.conv.b
        if not (is_float(x) and self.conv._is_batch(x) and convolution.fits(self.conv, x)):
            return False
        if self.pool is not None:
            z_shape = self.conv.output_shape(x.shape[1:])
            self.pool.output_shape(z_shape)  # raises the ValueError of a wrong size
            if not pooling.tiles(z_shape):
                return False
        # An infinite bias makes all pixels equal, and the first of them wins.
        is_simple = b is None or (b.dtype == x.dtype and math.isfinite(b.sum()))
        return W.dtype == x.dtype and is_simple

    def _forward(self, x: Array, train_flg: bool) -> Array:
        conv = self.conv
        wins: list[tuple[Array, Array]] = []
        FN, _, FH, FW = conv.W.shape
        places = windows.Windows(x, (FH, FW), pair(conv.pad), FN, x.dtype)
        filters = windows.as_matrix(conv.W)
        OH, OW = places.OH, places.OW
        if self.pool is not None:
            OH, OW = OH // 2, OW // 2
        y = memory.empty((len(x), OH, OW, FN), x.dtype)
        mask = np.empty(y.shape if train_flg else 0, bool)
        b = np.zeros(FN, x.dtype) if conv.b is None else conv.b
        biases = np.tile(b, OW)
        for images in places.blocks():
            z = places.products(filters)
            if self.pool is not None:
                # The largest of z + b is the largest z, plus b.
                z = self._pool(z, wins) if train_flg else largest(z)
            rows = y[images].reshape(-1, OH, OW * FN)
            np.add(z.reshape(rows.shape), biases, out=rows)
            if train_flg:
                np.less_equal(y[images], 0, out=mask[images])
            np.maximum(rows, 0, out=rows)
        self.mask, self.wins = mask, [np.concatenate(each) for each in zip(*wins, strict=True)]
        self.z_shape, self.y_shape = (len(x), FN, places.OH, places.OW), (len(x), FN, OH, OW)
        return y.transpose(0, 3, 1, 2)

    def _pool(self, z: Array, wins: list[tuple[Array, Array]]) -> Array:
        y = table.replacement(Pooling).forward(self.pool, z.transpose(0, 3, 1, 2), True)
        wins.append(self.pool._wins)
        return y.transpose(0, 2, 3, 1)

    def _forward_apart(self, x: Any, train_flg: bool) -> Array:
        for layer in self.apart:
            x = layer.forward(x, train_flg)
        return x

    def _backward_apart(self, dout: Any) -> Array:
        if self.fits:
            self._forward_apart(self.x, True)
        for layer in reversed(self.apart):
            dout = layer.backward(dout)
        return dout


class Gradient:
    """The gradient of the convolution's output, computed for the images that somebody asks for."""

    def __init__(self, layers: Together, dout: Array) -> None:
        self.layers, self.dout = layers, dout
        self.shape, self.dtype = layers.z_shape, dout.dtype
        self.db = None if layers.conv.b is None else np.zeros(len(layers.conv.b), dout.dtype)

    def __getitem__(self, images: slice) -> Array:
        """Return the gradient of a block, (n, C, OH, OW); add its sum to `db`."""
        layers = self.layers
        layers.relu.mask = layers.mask[images]
        # Arrays that lie in the same order in memory take less time.
        dy = np.ascontiguousarray(self.dout[images].transpose(0, 2, 3, 1))
        dy = table.replacement(Relu).backward(layers.relu, dy)
        if self.db is not None:
            rows = dy.reshape(-1, len(self.db))
            self.db += np.ones(len(rows), rows.dtype) @ rows
        gradient = dy.transpose(0, 3, 1, 2)
        if layers.pool is None:
            return gradient
        layers.pool._wins = tuple(each[images] for each in layers.wins)
        return table.replacement(Pooling).backward(layers.pool, gradient)


def largest(z: Array) -> Array:
    """Return the largest of each 2 x 2 pixels of images (n, H, W, C)."""
    # NumPy works along rows, so the first comparison is that of whole rows.
    larger = np.maximum(z[:, 0::2], z[:, 1::2])
    return np.maximum(larger[:, :, 0::2], larger[:, :, 1::2])
