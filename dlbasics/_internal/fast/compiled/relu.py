"""ReLU computes its mask and its output in one pass."""

from typing import Any

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import layout, relu
from dlbasics._internal.fast.compiled.loops import compiled
from dlbasics.layers.activations import Relu

fits = relu.fits


def forward(layer: Relu, x: Array, train_flg: bool) -> Array:
    found = layout.rows(x)
    if found is None:
        return relu.forward(layer, x, train_flg)
    values, width = found
    y, layer.mask = layout.like(x), layout.like(x, bool)
    positive_part(values, width, in_memory(y), in_memory(layer.mask))
    return y


def backward(layer: Relu, dout: Array) -> Array:
    mask = in_memory(layer.mask)
    found = None if mask is None else layout.rows(layout.in_order_of(layer.mask, dout))
    if found is None:
        return relu.backward(layer, dout)
    values, width = found
    dx = layout.like(layer.mask, dout.dtype)
    masked(values, width, mask, in_memory(dx))
    return dx


backward_params = backward


@compiled
def positive_part(x: Array, width: int, y: Array, mask: Array) -> None:
    zero = x.dtype.type(0)
    for r in range(len(x)):
        for i in range(width):
            mask[r * width + i] = x[r, i] <= zero
            y[r * width + i] = zero if x[r, i] <= zero else x[r, i]


@compiled
def masked(dout: Array, width: int, mask: Array, dx: Array) -> None:
    zero = dout.dtype.type(0)
    for r in range(len(dout)):
        for i in range(width):
            dx[r * width + i] = zero if mask[r * width + i] else dout[r, i]


def in_memory(array: Any) -> Any:
    """Return the elements in the order in which they lie in memory; None if there are gaps."""
    if array.flags.c_contiguous:
        return array.reshape(-1)
    last = array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
    return last.reshape(-1) if last.flags.c_contiguous else None
