"""Batch normalization."""

from typing import Any, ClassVar

import numpy as np

from dlbasics.arrays import Array, as_count, as_float, as_float_dtype, as_number, as_param, quiet
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
        self._train = train_flg
        if train_flg:
            centred, var = self._centre_on_batch(x)
        else:
            mean, var = self._running_statistics()
            centred = x - _per_channel(mean, x)
        self._std = np.sqrt(var + self.eps).astype(x.dtype, copy=False)
        self._xn = centred / _per_channel(self._std, x)
        y = _per_channel(self.gamma, x) * self._xn + _per_channel(self.beta, x)
        self._y_shape = shape
        return y.reshape(shape)

    @quiet
    def backward(self, dout: Array) -> Array:
        dout = self._checked(dout)
        xn = self._xn
        dout = dout.reshape(xn.shape)
        axes = _all_but_channel(xn)
        self.dbeta = dout.sum(axis=axes)
        self.dgamma = (xn * dout).sum(axis=axes)
        dx = dout
        if self._train:
            n = xn.size // len(self.gamma)
            dx = dout - _per_channel(self.dbeta / n, xn) - xn * _per_channel(self.dgamma / n, xn)
        return (_per_channel(self.gamma / self._std, xn) * dx).reshape(self._y_shape)

    def _centre_on_batch(self, x: Array) -> tuple[Array, Array]:
        if x.size == 0:
            raise ValueError(f"{self.kind}: x must hold a sample in training, got {x.shape}")
        axes = _all_but_channel(x)
        mean = x.mean(axis=axes)
        centred = x - _per_channel(mean, x)
        # Half precision would overflow at 256.
        var = np.square(centred, dtype=np.result_type(x, np.float32)).mean(axis=axes)
        if not self.frozen:
            self._move_running(mean.astype(self.gamma.dtype), var.astype(self.gamma.dtype))
        return centred, var

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


def _all_but_channel(x: Array) -> tuple[int, ...]:
    return (0,) if x.ndim == 2 else (0, 2, 3)


def _per_channel(values: Array, x: Array) -> Array:
    """`values`, one a column or channel, in a shape that broadcasts against x."""
    return values if x.ndim == 2 else values.reshape(-1, 1, 1)
