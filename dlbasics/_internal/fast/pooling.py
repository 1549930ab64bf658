"""Max pooling of 2 x 2 pixels with stride 2 compares two pixels, and then two results.

im2col would copy every pixel.  This code compares the left pixels of all windows with the right
ones, and then the larger pixels above with those below.  In this order the winner among equal
pixels is the one that `argmax` finds: the first from left to right and then from top to bottom.
For `argmax`, NaN is larger than any number.
"""

import math
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import memory


def fits(layer: Any, x: Array) -> bool:
    return (layer.pool_h, layer.pool_w, layer.stride, layer.pad) == (2, 2, 2, 0) and tiles(x.shape)


def tiles(x_shape: tuple[int, ...]) -> bool:
    """Return whether windows of 2 x 2 tile images; with `floor=True` they need not."""
    return x_shape[-2] % 2 == x_shape[-1] % 2 == 0


def forward(layer: Any, x: Array, train_flg: bool) -> Array:
    N, C, H, W = x.shape
    image, OH, OW = x.transpose(0, 2, 3, 1), H // 2, W // 2
    y = memory.empty((N, OH, OW, C), x.dtype)
    right_wins, lower_wins = np.empty((N, H, OW, C), bool), np.empty((N, OH, OW, C), bool)
    for block in memory.blocks(N, 3 * image[:1].nbytes):
        left, right = image[block, :, 0::2], image[block, :, 1::2]
        np.greater(right, left, out=right_wins[block])
        larger = np.maximum(left, right)
        upper, lower = larger[:, 0::2], larger[:, 1::2]
        np.greater(lower, upper, out=lower_wins[block])
        np.maximum(upper, lower, out=y[block])
        if np.isnan(y[block].max()):
            right_wins[block], lower_wins[block] = is_larger(right, left), is_larger(lower, upper)
    layer._wins = right_wins, lower_wins
    return y.transpose(0, 3, 1, 2)


def backward(layer: Any, dout: Array) -> Array:
    """Return dx: dout at the pixel that won its window, 0 at the others."""
    right_wins, lower_wins = layer._wins
    N, H, OW, C = right_wins.shape
    dx = memory.empty((N, H, 2 * OW, C), dout.dtype)
    for block in memory.blocks(N, 3 * dx[:1].nbytes):
        dlarger = np.empty(right_wins[block].shape, dout.dtype)
        dy = np.ascontiguousarray(dout[block].transpose(0, 2, 3, 1))
        give = share if math.isfinite(dy.sum()) else share_infinity
        give(dy, lower_wins[block], dlarger[:, 0::2], dlarger[:, 1::2])
        give(dlarger, right_wins[block], dx[block, :, 0::2], dx[block, :, 1::2])
    return dx.transpose(0, 3, 1, 2)


backward_params = backward


def is_larger(second: Array, first: Array) -> Array:
    """Return where `argmax` chooses the second one."""
    larger: Array = (second > first) | (np.isnan(second) & ~np.isnan(first))
    return larger


def share(dout: Array, second_wins: Array, first: Array, second: Array) -> None:
    """Write dout to `second` where it won, else to `first`, and 0 to the other one."""
    np.multiply(dout, second_wins, out=second)
    np.subtract(dout, second, out=first)


def share_infinity(dout: Array, second_wins: Array, first: Array, second: Array) -> None:
    """Do what `share` does, in more time; 0 times infinity would be NaN."""
    second[...] = np.where(second_wins, dout, 0)
    first[...] = np.where(second_wins, 0, dout)
