"""The fully connected layer."""

import math
from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_array,
    as_bias,
    as_count,
    as_float_dtype,
    as_param,
    as_rng,
    quiet,
)
from dlbasics.initializers import Initializer, he, initializer
from dlbasics.layers.base import Layer


class Affine(Layer):
    """Fully connected layer, y = x W + b (book: *Affine Layer*, eq. 3.9 and 5.13).

    x: (N, ...) read as (N, D), or one sample, (D,) or (C, H, W);  W: (D, M);  b: (M,), or None or 0
    for none;  y: (N, M), or (M,).  W and b are kept as they are, never copied or cast.
    dx = dout W^T;  dW = x^T dout;  db = sum of dout over the batch.
    Raises ValueError where x has not D values a sample.
    """

    param_names: ClassVar[tuple[str, ...]] = ("W", "b")
    x: Any = None
    """The last batch, as rows (N, D)."""
    dW: Any = None
    db: Any = None

    def __init__(self, W: Array, b: Array | float | None) -> None:
        self.W = as_param(W, "W", shape=("D", "M"))
        self.b = as_bias(b, W.shape[1])

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
        """A layer with weights drawn by `init` (initializers.py) and a bias of zeros."""
        shape = as_count(n_in, "n_in"), as_count(n_out, "n_out")
        dtype = as_float_dtype(dtype)
        W = initializer(init)(shape, as_rng(rng)).astype(dtype)
        return cls(W, np.zeros(n_out, dtype))

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        return (len(self.W),)

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_array(x)
        self.x = as_rows(x, width=len(self.W), layer=self)
        self._x_shape = x.shape
        y = self.x @ self.W
        if self.b is not None:
            y = np.add(y, self.b, out=y if y.dtype == self.b.dtype else None)
        y = y if is_batch(x, len(self.W)) else y[0]
        self._y_shape = y.shape
        return y

    @quiet
    def backward_params(self, dout: Array) -> None:
        rows = self._checked(dout).reshape(len(self.x), self.W.shape[1])
        self.dW = self.x.T @ rows
        # A product with ones sums columns twice as fast as sum(axis=0) does.
        self.db = None if self.b is None else np.ones(len(rows), rows.dtype) @ rows

    @quiet
    def backward(self, dout: Array) -> Array:
        self.backward_params(dout)
        return (dout @ self.W.T).reshape(self._x_shape)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(x_shape) != len(self.W):
            raise ValueError(f"{self.kind}: a sample must have {len(self.W)} values, got {x_shape}")
        return (self.W.shape[1],)

    def column_shifts(self, name: str) -> Array | None:
        return self.x.T if name == "W" else np.ones((1, len(self.x)), self.x.dtype)

    def column_effect(self, column: int) -> Array | None:
        return self.W[column]


def as_rows(x: Array, width: int, layer: Layer) -> Array:
    """x (N, ...) as (N, width), in the order (C, H, W); one sample as (1, width)."""
    if not is_batch(x, width) and (x.ndim == 0 or x.size != width):
        raise ValueError(
            f"{layer.kind}: x must have {width} values a sample, shape (N, {width}) or ({width},), "
            f"got {x.shape}"
        )
    return x.reshape(len(x) if is_batch(x, width) else 1, width)


def is_batch(x: Array, width: int) -> bool:
    """Whether each x[i] is a sample of `width` values."""
    return x.ndim > 1 and math.prod(x.shape[1:]) == width
