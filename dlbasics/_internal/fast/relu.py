"""ReLU of large arrays uses memory that was used before."""

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import memory
from dlbasics.layers.activations import Relu


def fits(layer: Relu, x: Array) -> bool:
    return x.nbytes >= memory.SMALLEST


def forward(layer: Relu, x: Array, train_flg: bool) -> Array:
    layer.mask = np.less_equal(x, 0, out=memory.like(x, bool))
    return np.maximum(x, 0, out=memory.like(x))


def backward(layer: Relu, dout: Array) -> Array:
    # A product is many times as fast as dout[mask] = 0.
    kept = np.logical_not(layer.mask, out=memory.like(layer.mask))
    return np.multiply(dout, kept, out=memory.like(dout))


backward_params = backward
