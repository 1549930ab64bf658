"""Batch normalization reads x three times and dout twice.

The sums have 64 bits: one loop adds up all values of a channel, one after the other.
"""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import batch_norm, layout, memory
from dlbasics._internal.fast.compiled.loops import compiled
from dlbasics.layers.batch_norm import BatchNorm

FEWEST = 8
"""The number of channels of an image below which the innermost loop is too short to save time."""

fits = batch_norm.fits


def forward(layer: BatchNorm, x: Array, train_flg: bool) -> Array:
    found = layout.copied_pixels(x)
    given = [layer.gamma, layer.beta, *(() if train_flg else layer._running_statistics())]
    alike = x.dtype == layer.gamma.dtype and layout.suit(*given)
    if found is None or not alike or has_few_channels(x):
        return batch_norm.forward(layer, x, train_flg)
    pixels, W = found
    if train_flg:
        n = x.size // len(layer.gamma)
        mean = (sums(pixels, W) / n).astype(x.dtype)
        var = (squares(pixels, W, mean) / n).astype(x.dtype)
        layer._move_running_statistics(mean, var)
    else:
        mean, var = layer._running_statistics()
    layer._train_flg = train_flg
    layer._std = np.sqrt(var + layer.eps)
    shape = len(pixels), W, pixels.shape[2]
    xn, y = memory.empty(shape, x.dtype), memory.empty(shape, x.dtype)
    normalized(pixels, mean, layer._std, layer.gamma, layer.beta, xn, y)
    layer._xn = xn.reshape(len(xn), -1)
    return layout.images(y, x.shape)


def backward(layer: BatchNorm, dout: Array) -> Array:
    found = layout.copied_pixels(dout)
    alike = dout.dtype == layer._xn.dtype and layout.suit(layer._xn, layer._std, layer.gamma)
    if found is None or not alike or has_few_channels(dout) or not layer._train_flg:
        return batch_norm.backward(layer, dout)
    pixels, W = found
    n, dtype = dout.size // len(layer.gamma), dout.dtype
    xn = layer._xn.reshape(len(pixels), W, -1)
    dbeta, dgamma = sums_of_gradients(pixels, xn)
    layer.dbeta, layer.dgamma = dbeta.astype(dtype), dgamma.astype(dtype)
    dx = memory.empty(xn.shape, dtype)
    slope = layer.gamma / layer._std
    gradients(pixels, xn, (dbeta / n).astype(dtype), (dgamma / n).astype(dtype), slope, dx)
    return layout.images(dx, dout.shape)


backward_params = backward


def has_few_channels(x: Array) -> bool:
    return x.ndim == 4 and x.shape[1] < FEWEST


@compiled
def sums(x: Array, W: int) -> Any:
    total = np.zeros(x.shape[2])
    for r in range(x.shape[0]):
        for w in range(W):
            for c in range(x.shape[2]):
                total[c] += x[r, w, c]
    return total


@compiled
def squares(x: Array, W: int, mean: Array) -> Any:
    total = np.zeros(x.shape[2])
    for r in range(x.shape[0]):
        for w in range(W):
            for c in range(x.shape[2]):
                total[c] += (x[r, w, c] - mean[c]) ** 2
    return total


@compiled
def normalized(
    x: Array, mean: Array, std: Array, gamma: Array, beta: Array, xn: Array, y: Array
) -> None:
    for r in range(xn.shape[0]):
        for w in range(xn.shape[1]):
            for c in range(xn.shape[2]):
                xn[r, w, c] = (x[r, w, c] - mean[c]) / std[c]
                y[r, w, c] = gamma[c] * xn[r, w, c] + beta[c]


@compiled
def sums_of_gradients(dout: Array, xn: Array) -> Any:
    dbeta, dgamma = np.zeros(xn.shape[2]), np.zeros(xn.shape[2])
    for r in range(xn.shape[0]):
        for w in range(xn.shape[1]):
            for c in range(xn.shape[2]):
                dbeta[c] += dout[r, w, c]
                dgamma[c] += dout[r, w, c] * xn[r, w, c]
    return dbeta, dgamma


@compiled
def gradients(dout: Array, xn: Array, mean: Array, mean_xn: Array, slope: Array, dx: Array) -> None:
    for r in range(xn.shape[0]):
        for w in range(xn.shape[1]):
            for c in range(xn.shape[2]):
                dx[r, w, c] = slope[c] * (dout[r, w, c] - mean[c] - xn[r, w, c] * mean_xn[c])
