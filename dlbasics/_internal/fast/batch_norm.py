"""Batch normalization works on long rows, in blocks that stay in the processor's cache."""

from collections.abc import Iterator

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import memory
from dlbasics.layers.batch_norm import BatchNorm


def fits(layer: BatchNorm, x: Array) -> bool:
    return x.size > 0


def forward(layer: BatchNorm, x: Array, train_flg: bool) -> Array:
    rows = as_rows(x)
    if train_flg:
        layer._xn, var = centre_on_batch(layer, rows)
    else:
        mean, var = layer._running_statistics()
        dtype = np.result_type(rows, mean, var + layer.eps)
        layer._xn = np.subtract(rows, across(mean, rows), dtype=dtype)
    layer._train_flg = train_flg
    layer._std = np.sqrt(var + layer.eps)
    std, gamma, beta = (across(v, rows) for v in (layer._std, layer.gamma, layer.beta))
    y = memory.empty(rows.shape, np.result_type(layer._xn, gamma, beta))
    for block in blocks(rows):
        xn = layer._xn[block]
        xn /= std
        np.multiply(xn, gamma, out=y[block])
        y[block] += beta
    return from_rows(y, x.shape)


def backward(layer: BatchNorm, dout: Array) -> Array:
    shape, rows = dout.shape, as_rows(dout)
    dtype = np.result_type(layer._xn, rows)
    dgamma = dbeta = np.zeros(len(layer.gamma), dtype)
    for block in blocks(rows):
        dout, xn = rows[block], layer._xn[block]
        dbeta = dbeta + sum_of_rows(layer, dout)
        dgamma = dgamma + sum_of_rows(layer, np.multiply(xn, dout, out=memory.like(dout, dtype)))
    layer.dbeta, layer.dgamma = dbeta.astype(rows.dtype), dgamma
    n = rows.size // len(layer.gamma)
    mean = across((dbeta / n).astype(rows.dtype), rows)
    mean_xn = across(dgamma / n, rows)
    slope = across(layer.gamma / layer._std, rows)
    dx = memory.empty(rows.shape, np.result_type(dtype if layer._train_flg else rows, slope))
    if layer._train_flg:
        for block in blocks(rows):
            dout, xn = rows[block], layer._xn[block]
            np.subtract(dout, mean, out=dx[block])
            dx[block] -= np.multiply(xn, mean_xn, out=memory.like(dout, dtype))
            dx[block] *= slope
    else:
        np.multiply(rows, slope, out=dx)
    return from_rows(dx, shape)


backward_params = backward


def centre_on_batch(layer: BatchNorm, rows: Array) -> tuple[Array, Array]:
    """Return the rows minus their mean, and the variance; move the running statistics."""
    n = rows.size // len(layer.gamma)
    mean = sum_of_rows(layer, rows) / n
    means, centred = across(mean, rows), memory.empty(rows.shape, rows.dtype)
    squares = np.zeros(len(layer.gamma), rows.dtype)
    for block in blocks(rows):
        part = np.subtract(rows[block], means, out=centred[block])
        squares = squares + sum_of_rows(layer, np.square(part, out=memory.like(part)))
    var = squares / n
    layer._move_running_statistics(mean, var)
    return centred, var


def sum_of_rows(layer: BatchNorm, rows: Array) -> Array:
    """Return the sum of all values of each channel."""
    # A product with ones sums columns several times as fast as sum(axis=0) does.
    ones = np.ones(len(rows), rows.dtype)
    sums: Array = (ones @ rows).reshape(-1, len(layer.gamma)).sum(axis=0)
    return sums


def blocks(rows: Array) -> Iterator[slice]:
    """Return slices of the rows that stay in the cache from one operation to the next."""
    return memory.blocks(len(rows), 3 * rows[:1].nbytes)


def as_rows(x: Array) -> Array:
    """Return x (N, D) itself, and images (N, C, H, W) as rows of pixels, (N H, W C).

    A row of pixels is long, but a pixel has few values, C.  With one row for each pixel, NumPy
    spends more time on the way from one pixel to the next than on the arithmetic.
    """
    if x.ndim == 2:
        return x
    N, C, H, W = x.shape
    return x.transpose(0, 2, 3, 1).reshape(N * H, W * C)


def from_rows(rows: Array, shape: tuple[int, ...]) -> Array:
    """Undo `as_rows`: return rows as an array of the given shape."""
    if len(shape) == 2:
        return rows
    N, C, H, W = shape
    return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def across(values: Array, rows: Array) -> Array:
    """Repeat `values`, one for each channel, for each column of `rows`."""
    return np.tile(values, rows.shape[1] // len(values))
