"""Batch normalization."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import (
    Array,
    as_count,
    as_float,
    as_float_dtype,
    as_number,
    as_param,
    quiet,
)
from dlbasics._internal.fast import memory
from dlbasics.layers.base import Layer


class BatchNorm(Layer):
    """Normalize each column, or each channel of images, over the batch (book: *Batch
    Normalization*, eq. 6.7 and 6.8; Ioffe and Szegedy 2015).

    y = gamma xn + beta,  xn = (x - mean) / sqrt(var + eps),  eps = 1e-7.
    dx = gamma / std (dout - mean(dout) - xn mean(xn dout)) in training; in test mean and variance
    are constants, and dx = gamma / std dout.

    x: (N, D), one sample (D,), or images (N, C, H, W);  gamma, beta: (D,) or (C,).
    The first training batch sets running_mean and running_var, which test mode uses; each further
    one moves them, running = momentum running + (1 - momentum) batch (PyTorch's momentum is one
    minus this).  The variance is the batch's own, divided by N.  Before the first batch both are
    None and count as 0 and 1.
    """

    param_names: ClassVar[tuple[str, ...]] = ("gamma", "beta")
    state_names: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")
    couples_samples: ClassVar[bool] = True
    eps: ClassVar[float] = 1e-7

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
    ) -> None:
        self.gamma = as_param(gamma, "gamma", shape=("D",))
        self.beta = as_param(beta, "beta", shape=gamma.shape)
        self.momentum = as_number(momentum, "momentum", low=0, high=1)
        if (running_mean is None) != (running_var is None):
            raise ValueError("running_mean and running_var must be given together")
        for name, value in (("running_mean", running_mean), ("running_var", running_var)):
            if value is not None:
                as_param(value, name, shape=gamma.shape)
        self.running_mean = running_mean
        self.running_var = running_var

    @classmethod
    def create(cls, size: int, *, dtype: Any = np.float32) -> "BatchNorm":
        """A layer for `size` columns or channels: gamma 1, beta 0."""
        size, dtype = as_count(size, "size"), as_float_dtype(dtype)
        return cls(np.ones(size, dtype), np.zeros(size, dtype))

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_float(x)
        shape = x.shape
        x = x[np.newaxis] if x.ndim == 1 else x
        if x.ndim not in (2, 4) or x.shape[1] != len(self.gamma):
            d = len(self.gamma)
            wanted = f"(N, {d}) or (N, {d}, H, W)"
            raise ValueError(f"{self.kind}: x must have shape {wanted}, got {shape}")
        if train_flg and x.size == 0:
            raise ValueError(f"{self.kind}: x must hold a sample in training, got {shape}")
        self._train, self._y_shape = train_flg, shape
        rows = as_rows(x)
        if train_flg:
            self._xn, var = self._centre_on_batch(rows)
        else:
            mean, var = self._running_statistics()
            self._xn = rows - across(mean, rows)
        self._std = np.sqrt(var + self.eps).astype(x.dtype, copy=False)
        std, gamma, beta = (across(v, rows) for v in (self._std, self.gamma, self.beta))
        y = memory.empty(rows.shape, np.result_type(self._xn, gamma))
        for block in blocks(rows):
            xn = self._xn[block]
            xn /= std
            np.multiply(xn, gamma, out=y[block])
            y[block] += beta
        return from_rows(y, x.shape).reshape(shape)

    @quiet
    def backward(self, dout: Array) -> Array:
        dout = self._checked(dout)
        x_shape = dout.shape if dout.ndim > 1 else (1, *dout.shape)
        rows = as_rows(dout.reshape(x_shape))
        dtype = np.result_type(self._xn, rows)
        dgamma = dbeta = self._zeros(dtype)
        for block in blocks(rows):
            dout, xn = rows[block], self._xn[block]
            dbeta = dbeta + self._sum(dout)
            dgamma = dgamma + self._sum(np.multiply(xn, dout, out=memory.like(dout, dtype)))
        self.dbeta, self.dgamma = dbeta.astype(rows.dtype), dgamma.astype(dtype)
        n = rows.size // len(self.gamma)
        mean = across((dbeta / n).astype(rows.dtype), rows)
        mean_xn = across((dgamma / n).astype(dtype), rows)
        slope = across(self.gamma / self._std, rows)
        dx = memory.empty(rows.shape, np.result_type(dtype, slope))
        if self._train:
            for block in blocks(rows):
                dout, xn = rows[block], self._xn[block]
                np.subtract(dout, mean, out=dx[block])
                dx[block] -= np.multiply(xn, mean_xn, out=memory.like(dout, dtype))
                dx[block] *= slope
        else:
            np.multiply(rows, slope, out=dx)
        return from_rows(dx, x_shape).reshape(self._y_shape)

    def _centre_on_batch(self, rows: Array) -> tuple[Array, Array]:
        """The rows less their mean, and the variance."""
        n = rows.size // len(self.gamma)
        mean = (self._sum(rows) / n).astype(rows.dtype, copy=False)
        means, centred = across(mean, rows), memory.empty(rows.shape, rows.dtype)
        wide = as_wide(rows.dtype)
        squares = self._zeros(wide)
        for block in blocks(rows):
            part = np.subtract(rows[block], means, out=centred[block])
            squares = squares + self._sum(np.square(part, out=memory.like(part, wide), dtype=wide))
        var = squares / n
        if not self.frozen:
            self._move_running(mean.astype(self.gamma.dtype), var.astype(self.gamma.dtype))
        return centred, var

    def _sum(self, rows: Array) -> Array:
        """The sum of all values of each channel, for half precision in single."""
        # A product with ones sums columns several times as fast as sum(axis=0) does.
        ones = np.ones(len(rows), as_wide(rows.dtype))
        return (ones @ rows).reshape(-1, len(self.gamma)).sum(axis=0)

    def _zeros(self, dtype: Any) -> Array:
        return np.zeros(len(self.gamma), as_wide(dtype))

    def _running_statistics(self) -> tuple[Array, Array]:
        if self.running_mean is None or self.running_var is None:
            return np.zeros_like(self.gamma), np.ones_like(self.gamma)
        return self.running_mean, self.running_var

    def _move_running(self, mean: Array, var: Array) -> None:
        if self.running_mean is None or self.running_var is None:
            self.running_mean, self.running_var = mean.copy(), var.copy()
            return
        kept, new = self.momentum, 1 - self.momentum
        self.running_mean = kept * self.running_mean + new * mean
        self.running_var = kept * self.running_var + new * var


BatchNormalization = BatchNorm


def as_wide(dtype: Any) -> np.dtype[Any]:
    """The dtype of sums: single precision for half, which overflows at 65,504."""
    return np.result_type(dtype, np.float32)


def blocks(rows: Array) -> Iterator[slice]:
    """Slices that stay in the cache from one operation to the next."""
    return memory.blocks(len(rows), rows[:1].nbytes)


def as_rows(x: Array) -> Array:
    """x (N, D) itself; images (N, C, H, W) as (N H, W C), channels last.

    A row of pixels is long, where the C values of a pixel are few: then NumPy would spend more time
    on the way from one pixel to the next than on the arithmetic.
    """
    if x.ndim == 2:
        return x
    N, C, H, W = x.shape
    return x.transpose(0, 2, 3, 1).reshape(N * H, W * C)


def from_rows(rows: Array, shape: tuple[int, ...]) -> Array:
    """What `as_rows` made of an array of that shape, in that shape again."""
    if len(shape) == 2:
        return rows
    N, C, H, W = shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def across(values: Array, rows: Array) -> Array:
    """`values`, one a channel, for each column of `rows`."""
    return np.tile(values, rows.shape[1] // len(values))
