"""The batch normalization layer."""

from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import (
    Array,
    as_array,
    as_count,
    as_float_dtype,
    as_number,
    as_param,
)
from dlbasics.layers.base import Layer


class BatchNorm(Layer):
    """Normalize each column, or each channel of images, over the batch.

    y = gamma * xn + beta,  xn = (x - mean) / std,  std = sqrt(var + eps),  eps = 1e-7.

    In training, mean and var are those of the batch (var divides by N).  There
    dx = gamma / std * (dout - mean(dout) - xn * mean(xn * dout)).
    In test, they are the running statistics, which do not depend on x, and dx = gamma / std * dout.
    dgamma = sum(xn * dout);  dbeta = sum(dout).
    Means and sums run over the batch, and over the pixels of images.

    The first training batch sets the running statistics.  Each further batch moves them:
    running <- momentum * running + (1 - momentum) * batch.  (PyTorch's momentum is 1 minus this
    one.)  Before the first batch they are None, and test mode uses mean 0 and variance 1.

    x: (N, D), one sample (D,), or images (N, C, H, W);  y: the shape of x.  One image must be a
    batch, (1, C, H, W).  In training, the batch must hold two or more values of each column or
    channel: over one value, x - mean and var are 0, so y would be beta for any x.  A larger batch
    helps, and `train_flg=False` for predictions.  A frozen layer, as in a gradient check, takes one
    value, too, because its running statistics stay as they are.

    Args:
        gamma: The scale, (D,) or (C,).
        beta: The shift, (D,) or (C,).
        momentum: The share of the old running statistics that each batch keeps.  With 0 they are
            those of the last batch; with 1 they stay those of the first.
        running_mean: The running mean to start from, (D,) or (C,).
        running_var: The running variance to start from, (D,) or (C,).

    Raises:
        ValueError: If x has another shape, or is too small a batch in training; if the arrays
            differ in shape, or only one of the running statistics is given.
        TypeError: If a parameter is not a NumPy array, if a running statistic holds integers, or if
            gamma or beta does so in training.

    Book: *Batch Normalization Algorithm*, eq. 6.7 and 6.8, where eps is printed as 10e-7.
    Source: Ioffe and Szegedy 2015.
    """

    param_names: ClassVar[tuple[str, ...]] = ("gamma", "beta")
    state_names: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")
    couples_samples: ClassVar[bool] = True
    eps: ClassVar[float] = 1e-7
    dgamma: Any = None
    dbeta: Any = None

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
    ) -> None:
        self.gamma = as_param(gamma, "gamma", ("D",), create="BatchNorm.create(size)")
        self.beta = as_param(beta, "beta", shape=gamma.shape)
        self.momentum = as_number(momentum, "momentum", low=0, high=1)
        if (running_mean is None) != (running_var is None):
            raise ValueError("running_mean and running_var must be given together")
        for name, value in (("running_mean", running_mean), ("running_var", running_var)):
            if value is not None:
                _check_floating(as_param(value, name, shape=gamma.shape), name)
        self.running_mean = running_mean
        self.running_var = running_var

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """Return y, as `Layer.forward` does; check what training needs."""
        x = as_array(x)
        if train_flg:
            self._check_training(x)
        return super().forward(x, train_flg)

    def _forward(self, x: Array, train_flg: bool) -> Array:
        rows = as_rows(x)
        if train_flg:
            mean, var = rows.mean(axis=0), rows.var(axis=0)
            self._move_running_statistics(mean, var)
        else:
            mean, var = self._running_statistics()
        self._train_flg = train_flg
        self._std = np.sqrt(var + self.eps)
        self._xn = (rows - mean) / self._std
        return as_batch(self.gamma * self._xn + self.beta, x.shape)

    def _backward(self, dout: Array) -> Array:
        rows = as_rows(dout)
        self.dbeta = rows.sum(axis=0)
        self.dgamma = (self._xn * rows).sum(axis=0)
        dxn = rows
        if self._train_flg:
            dxn = rows - rows.mean(axis=0) - self._xn * (self._xn * rows).mean(axis=0)
        return as_batch(self.gamma / self._std * dxn, dout.shape)

    def _move_running_statistics(self, mean: Array, var: Array) -> None:
        if self.frozen:
            return
        mean, var = mean.astype(self.gamma.dtype), var.astype(self.gamma.dtype)
        if self.running_mean is not None and self.running_var is not None:
            mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            var = self.momentum * self.running_var + (1 - self.momentum) * var
        self.running_mean, self.running_var = mean, var

    def _running_statistics(self) -> tuple[Array, Array]:
        if self.running_mean is None or self.running_var is None:
            return np.zeros_like(self.gamma), np.ones_like(self.gamma)
        return self.running_mean, self.running_var

    def _check_training(self, x: Array) -> None:
        # A frozen layer leaves its running statistics, so that one value does them no harm.
        least = 1 if self.frozen else 2
        if x.size < least * len(self.gamma):
            self._is_batch(x)  # raises ValueError for another shape
            raise ValueError(
                f"{self.kind}: x must hold {least} or more values of each channel in training, got "
                f"shape {x.shape}; larger batches help, and train_flg=False for predictions"
            )
        if not self.frozen:
            for name in self.param_names:
                _check_floating(getattr(self, name), name)

    @classmethod
    def create(cls, size: int, *, dtype: Any = np.float32) -> "BatchNorm":
        """Return a layer for `size` columns or channels, with gamma = 1 and beta = 0."""
        size, dtype = as_count(size, "size"), as_float_dtype(dtype)
        return cls(np.ones(size, dtype), np.zeros(size, dtype))

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(x_shape) not in (1, 3) or x_shape[0] != len(self.gamma):
            wanted = f"({len(self.gamma)},) or ({len(self.gamma)}, H, W)"
            raise ValueError(f"{self.kind}: a sample must have shape {wanted}, got {x_shape}")
        return x_shape

    def _is_batch(self, x: Array) -> bool:
        D = len(self.gamma)
        shape = (1, *x.shape) if x.ndim == 1 else x.shape
        if len(shape) not in (2, 4) or shape[1] != D:
            raise ValueError(
                f"{self.kind}: x must have shape (N, {D}) or (N, {D}, H, W), got {x.shape}"
            )
        return x.ndim > 1


BatchNormalization = BatchNorm


def _check_floating(array: Array, name: str) -> None:
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold floating-point numbers to train, got {array.dtype}")


def as_rows(x: Array) -> Array:
    """Return x (N, D) as it is, and images (N, C, H, W) as one row for each pixel, (N H W, C)."""
    return x if x.ndim == 2 else x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def as_batch(rows: Array, shape: tuple[int, ...]) -> Array:
    """Undo `as_rows`: return rows as a batch of the given shape."""
    if len(shape) == 2:
        return rows
    N, C, H, W = shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)
