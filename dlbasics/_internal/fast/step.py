"""A layer of a network without the checks that the network makes needless.

`Layer.forward` and `Layer.backward` check their argument and switch NumPy's warnings off.  Within
a network, the argument comes from the layer before, and the warnings are off for the whole pass.
In a small network, the checks take as long as the arithmetic of an activation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal import table
from dlbasics._internal.checks import Array
from dlbasics.layers import Affine, Convolution, Layer, Pooling, Relu

KINDS = frozenset({Affine, Relu, Convolution, Pooling})
"""Layers whose fast formulas need nothing but an array of floating-point numbers."""

FLOATS = np.dtype(np.float32), np.dtype(np.float64)
"""The dtypes that `Layer.forward` takes as they are."""

METHODS = frozenset({"forward", "backward", "backward_params"})
"""What somebody may have exchanged in a class or in one layer, to count or to time its calls."""


def without_checks(layers: Sequence[Layer]) -> list[Any]:
    """Return a `Step` in place of each layer that has exactly our class and our methods."""
    return [Step(layer) if is_ours(layer) else layer for layer in layers]


def is_ours(layer: Layer) -> bool:
    """Return whether a `Step` may do what the layer's methods do."""
    kind = type(layer)
    return (
        kind in KINDS
        and kind.forward is Layer.forward
        and kind.backward is Layer.backward
        and kind.backward_params is Layer.backward_params
        and METHODS.isdisjoint(vars(layer))
    )


def is_float(x: Any) -> bool:
    """Return whether x is an array that `Layer.forward` takes as it is."""
    return type(x) is np.ndarray and x.dtype in FLOATS


class Step:
    """The passes of a layer through its fast formulas.

    The layer has the same attributes afterwards as after its own `forward` and `backward`.  What
    the formulas do not take, the step leaves to the layer's methods.
    """

    def __init__(self, layer: Any) -> None:
        self.layer, self.fast = layer, table.replacement(type(layer))

    def forward(self, x: Any, train_flg: bool) -> Array:
        layer, fast = self.layer, self.fast
        if not (is_float(x) and layer._is_batch(x) and fast.fits(layer, x)):
            y: Array = layer.forward(x, train_flg)
            return y
        y = fast.forward(layer, x, train_flg)
        remember(layer, x, y)
        return y

    def backward(self, dout: Any) -> Array:
        layer = self.layer
        if not self._takes(dout):
            dx: Array = layer.backward(dout)
            return dx
        dx = self.fast.backward(layer, dout)
        return dx.reshape(layer._x_shape)

    def backward_params(self, dout: Any) -> None:
        if self._takes(dout):
            self.fast.backward_params(self.layer, dout)
        else:
            self.layer.backward_params(dout)

    def _takes(self, dout: Any) -> bool:
        layer = self.layer
        is_known = layer._is_fast and not layer._is_single and is_float(dout)
        return is_known and dout.shape == layer._y_shape


def remember(layer: Any, x: Array, y: Array) -> None:
    """Set what `Layer.backward` reads of a forward pass through the fast formulas."""
    layer._is_single, layer._is_fast = False, True
    layer._x_shape, layer._x_dtype, layer._y_shape = x.shape, x.dtype, y.shape
