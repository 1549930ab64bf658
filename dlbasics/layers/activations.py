"""Activation layers: functions of each element of x, which has any shape.

`forward` and `backward` of the base class call the formulas `_forward` and `_backward`.  Relu runs
a faster version of its formulas, but not within `with dlbasics.plain():`.
Sigmoid and Tanh keep their output for `_backward`, so they return a copy: the caller may change
what it gets.
"""

from typing import Any

import numpy as np

from dlbasics import functions
from dlbasics._internal.checks import Array, as_number
from dlbasics.layers.base import Layer


class Relu(Layer):
    """Rectified linear unit.

    y = max(x, 0);  dx = dout where x > 0, else 0.

    Book: *ReLU Layer*, eq. 5.7 and 5.8.
    """

    mask: Any = None
    """True where x <= 0 in the last forward."""

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.mask = x <= 0
        return np.maximum(x, 0)

    def _backward(self, dout: Array) -> Array:
        return np.where(self.mask, 0, dout)


class Sigmoid(Layer):
    """Sigmoid function.

    y = 1 / (1 + exp(-x));  dx = dout * y * (1 - y).

    Book: *Sigmoid Layer*, eq. 5.9 and 5.12.
    """

    out: Any = None
    """The last output."""

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.out = functions.sigmoid(x)
        return self.out.copy()

    def _backward(self, dout: Array) -> Array:
        return dout * (self.out * (1 - self.out))


class Tanh(Layer):
    """Hyperbolic tangent.

    y = tanh(x);  dx = dout * (1 - y^2).
    """

    out: Any = None
    """The last output."""

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.out = np.tanh(x)
        return self.out.copy()

    def _backward(self, dout: Array) -> Array:
        return dout * (1 - self.out * self.out)


class LeakyRelu(Layer):
    """ReLU with a small slope below 0.

    y = x where x > 0, else slope * x;  dx = dout where x > 0, else slope * dout.

    Args:
        slope: The slope where x <= 0, from 0 (ReLU) to 1 (identity).

    Source: Maas et al. 2013.
    """

    mask: Any = None
    """True where x <= 0 in the last forward."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = as_number(slope, "slope", low=0, high=1)

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.mask = x <= 0
        return np.maximum(x, self._times_slope(x))  # slope * x is the larger one where x < 0

    def _backward(self, dout: Array) -> Array:
        return np.where(self.mask, self._times_slope(dout), dout)

    def _times_slope(self, values: Array) -> Array:
        # 0 times infinity would be NaN.
        return self.slope * values if self.slope else np.zeros_like(values)


class Elu(Layer):
    """Exponential linear unit.

    y = x where x > 0, else alpha * (exp(x) - 1);  dx = dout where x > 0, else
    dout * alpha * exp(x).

    Args:
        alpha: The distance from 0 to the lowest output, -alpha.

    Source: Clevert et al. 2015.
    """

    x: Any = None
    """The last input."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = as_number(alpha, "alpha", low=0)

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.x = x
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def _backward(self, dout: Array) -> Array:
        slope = self.alpha * np.exp(np.minimum(self.x, 0))
        return np.where(self.x > 0, dout, dout * slope)


class Identity(Layer):
    """Identity function.

    y = x;  dx = dout.
    """

    def _forward(self, x: Array, train_flg: bool) -> Array:
        return x

    def _backward(self, dout: Array) -> Array:
        return dout
