"""Convolution, max pooling and ReLU together, on one block of images at a time.

The output of the convolution is the largest array of the three layers.  Here, each block of it
stays in the cache until pooling and ReLU have read it, and no array holds the whole.  On the way
back, the same is true of the gradient that pooling gives to the convolution.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, pair
from dlbasics._internal.fast import bias_pool_relu as passes
from dlbasics._internal.fast import convolution, layout, memory, pooling, windows
from dlbasics._internal.fast.step import is_float, is_ours, without_checks
from dlbasics.layers import Convolution, Layer, Pooling, Relu


class Together:
    """The forward and the backward pass of replicas of these layers.

    Afterwards the convolution has its gradients.  Other attributes, such as `mask`, are not set.
    """

    @staticmethod
    def takes(layers: Sequence[Any]) -> bool:
        """Return whether they are Convolution and Relu, perhaps with Pooling of 2 x 2 between."""
        kinds = [type(layer) for layer in layers]
        if kinds not in ([Convolution, Relu], [Convolution, Pooling, Relu]):
            return False
        sizes = ((pool.pool_h, pool.pool_w, pool.stride, pool.pad) for pool in layers[1:-1])
        return all(map(is_ours, layers)) and all(size == (2, 2, 2, 0) for size in sizes)

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
        FN, _, FH, FW = conv.W.shape
        places = windows.Windows(x, (FH, FW), pair(conv.pad), FN, x.dtype)
        filters = windows.as_matrix(conv.W)
        b = np.zeros(FN, x.dtype) if conv.b is None else np.ascontiguousarray(conv.b)
        OH, OW = places.OH, places.OW
        if self.pool is not None:
            OH, OW = OH // 2, OW // 2
        y = memory.empty((len(x), OH, OW, FN), x.dtype)
        run = passes.rectify if self.pool is None else passes.pool_and_rectify
        self.kept = memory.empty(y.shape, bool if self.pool is None else np.uint8)
        for images in places.blocks():
            kept = as_rows(self.kept[images]) if train_flg else None
            run(places.products(filters), b, as_rows(y[images]), kept)
        self.z_shape, self.y_shape = (len(x), FN, places.OH, places.OW), (len(x), FN, OH, OW)
        return y.transpose(0, 3, 1, 2)

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
        """Return the gradient of a block, (n, C, OH, OW); add its sum to `db`.

        The next block overwrites it.
        """
        _, C, OH, OW = self.shape
        dy: Any = layout.copied_pixels(self.dout[images])
        kept = self.layers.kept[images]
        if images.start == 0:  # the first block is the largest
            self._block = np.empty((len(kept), OH, OW, C), self.dtype)
        dz = self._block[: len(kept)]
        is_pooled = self.layers.pool is not None
        run = passes.pool_and_rectify_backward if is_pooled else passes.rectify_backward
        db = run(dy[0], as_rows(kept), as_rows(dz))
        if self.db is not None:
            self.db += db
        return dz.transpose(0, 3, 1, 2)


def as_rows(image: Array) -> Array:
    """Return images (n, H, W, C) as rows of pixels, (n H, W, C)."""
    return image.reshape(-1, *image.shape[2:])
