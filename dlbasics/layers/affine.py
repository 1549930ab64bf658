"""The fully connected layer.

`Layer.forward` and `Layer.backward` (base.py) check their argument and make a batch of it.  Then
they compute the formulas, `_forward` and `_backward`, or a faster version of them.  If you change a
formula, compute within `with dlbasics.plain():`; otherwise the faster version runs.
"""

import math
from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_bias,
    as_count,
    as_float_dtype,
    as_param,
)
from dlbasics.initializers import Initializer, he, weights
from dlbasics.layers.base import Layer


class Affine(Layer):
    """Fully connected layer.

    y = x W + b;  dx = dout W^T;  dW = x^T dout;  db = the sum of dout over the batch.
    x: (N, ...), read as (N, D), or one sample, (D,) or (C, H, W);  y: (N, M), or (M,).  If
    H W = D, an x of shape (1, H, W) is a batch of one sample.

    Args:
        W: The weights, (D, M).  The layer uses this very array, not a copy.
        b: The bias, (M,).  None and 0 stand for no bias.

    Raises:
        ValueError: If a sample of x does not have D values, or W and b do not have these shapes.
        TypeError: If W or b is not a NumPy array.

    Book: *Affine Layer*, eq. 5.13, and *Batch-Based Affine Layer*.
    """

    param_names: ClassVar[tuple[str, ...]] = ("W", "b")
    x: Any = None
    """The last batch, as rows (N, D)."""
    dW: Any = None
    db: Any = None

    def __init__(self, W: Array, b: Array | float | None) -> None:
        self.W = as_param(W, "W", ("D", "M"), create="Affine.create(n_in, n_out)")
        self.b = as_bias(b, W.shape[1])

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.x = x.reshape(len(x), len(self.W))
        y: Array = self.x @ self.W
        return y if self.b is None else y + self.b

    def _backward(self, dout: Array) -> Array:
        self.dW = self.x.T @ dout
        self.db = None if self.b is None else dout.sum(axis=0)
        return dout @ self.W.T

    @classmethod
    def create(
        cls,
        n_in: int,
        n_out: int,
        init: Initializer | float | str = he,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> "Affine":
        """Return a layer with random weights and a bias of zeros.

        Args:
            n_in: The number D of inputs.
            n_out: The number M of outputs.
            init: 'he', 'xavier', 'glorot', a standard deviation, or an initializer
                (initializers.py).
            rng: The random generator of the weights, or its seed.
            dtype: The dtype of W and b.

        Raises:
            ValueError: If a number is below 1, or the weights are not finite in that dtype.
            TypeError: If a number is not an integer, or dtype is not a floating-point one.
        """
        shape = as_count(n_in, "n_in"), as_count(n_out, "n_out")
        dtype = as_float_dtype(dtype)
        W = weights(init, shape, rng, dtype)
        return cls(W, np.zeros(W.shape[1], dtype))

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (len(self.W),)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(x_shape) != len(self.W):
            raise ValueError(f"{self.kind}: a sample must have {len(self.W)} values, got {x_shape}")
        return (self.W.shape[1],)

    def _is_batch(self, x: Array) -> bool:
        D = len(self.W)
        if x.ndim > 1 and math.prod(x.shape[1:]) == D:
            return True
        if x.ndim and x.size == D:
            return False
        raise ValueError(
            f"{self.kind}: x must have {D} values a sample, shape (N, {D}) or ({D},), got {x.shape}"
        )
