"""Activation layers: functions of one element, with their derivatives beside them."""

from typing import Any, ClassVar

import numpy as np

from dlbasics import functions
from dlbasics._internal.checks import Array, as_array, as_float, as_number, quiet
from dlbasics._internal.fast import memory
from dlbasics.layers.base import Layer


class Identity(Layer):
    """y = x;  dx = dout.  Any shape."""

    elementwise: ClassVar[bool] = True

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_array(x)
        self._y_shape = x.shape
        return x.copy()

    def backward(self, dout: Array) -> Array:
        return self._checked(dout).copy()


class Relu(Layer):
    """y = max(x, 0);  dx = dout where x > 0, else 0 (book: *ReLU Layer*, eq. 5.7 and 5.8)."""

    elementwise: ClassVar[bool] = True

    _positive: Any = None

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_array(x)
        self._y_shape = x.shape
        self._positive = np.greater(x, 0, out=memory.like(x, bool))
        return np.maximum(x, 0, out=None if x.dtype == bool else memory.like(x))

    @quiet
    def backward(self, dout: Array) -> Array:
        # A product is many times as fast as dout[mask] = 0; only inf * 0 would differ.
        dout = self._checked(dout)
        return np.multiply(dout, self._positive, out=memory.like(dout))

    @property
    def mask(self) -> Array | None:
        """The book's mask: True where x <= 0 in the last forward, None before it."""
        return None if self._positive is None else ~self._positive


class LeakyRelu(Layer):
    """y = x where x > 0, else slope x;  dx = dout, or slope dout (Maas et al. 2013).

    slope: from 0 (ReLU) to 1 (identity).
    """

    elementwise: ClassVar[bool] = True

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = as_number(slope, "slope", low=0, high=1)

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_float(x)
        self._y_shape = x.shape
        self._positive = x > 0
        return np.maximum(x, self.slope * x)

    @quiet
    def backward(self, dout: Array) -> Array:
        dout = self._checked(dout)
        return np.where(self._positive, dout, self.slope * dout)


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x));  dx = dout y (1 - y) (book: *Sigmoid Layer*, eq. 5.9 and 5.12)."""

    elementwise: ClassVar[bool] = True
    out: Any = None
    """The last output."""

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        self.out = functions.sigmoid(x)
        self._y_shape = self.out.shape
        return self.out.copy()

    @quiet
    def backward(self, dout: Array) -> Array:
        return self._checked(dout) * (self.out * (1 - self.out))


class Tanh(Layer):
    """y = tanh(x);  dx = dout (1 - y^2)."""

    elementwise: ClassVar[bool] = True
    out: Any = None
    """The last output."""

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        self.out = np.tanh(as_float(x))
        self._y_shape = self.out.shape
        return self.out.copy()

    @quiet
    def backward(self, dout: Array) -> Array:
        return self._checked(dout) * (1 - self.out * self.out)
