"""ReLU passes the gradient on by the bits of its numbers, and uses memory that was used before."""

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import memory
from dlbasics.layers.activations import Relu

INTEGERS = {"f": np.int32, "d": np.int64}
"""For each floating-point type, the integers that have as many bits."""


def fits(layer: Relu, x: Array) -> bool:
    return x.ndim > 0


def forward(layer: Relu, x: Array, train_flg: bool) -> Array:
    layer.mask = np.less_equal(x, 0, out=memory.like(x, bool))
    return np.maximum(x, 0, out=memory.like(x))


def backward(layer: Relu, dout: Array) -> Array:
    # np.where takes many times as long, and a product with the mask makes NaN of infinity.
    integer = INTEGERS.get(dout.dtype.char)
    if integer is None:
        return np.where(layer.mask, 0, dout)
    # 0, without a bit, where the mask is True; -1, which has all bits, where it is False.
    passes = np.subtract(layer.mask.view(np.int8), 1)
    bits = np.bitwise_and(dout.view(integer), passes, out=memory.like(dout, integer))
    return bits.view(dout.dtype)


backward_params = backward
