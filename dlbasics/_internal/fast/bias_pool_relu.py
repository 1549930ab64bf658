"""The bias, max pooling of 2 x 2 pixels and ReLU together, and their gradients.

The functions work on rows of pixels, (rows, pixels, C), with the channels of a pixel side by side.
z and dout may have more pixels in a row than y; nobody reads those.  All arrays lie in C order, and
all numbers have one dtype.  Where dout is infinite, dz may be NaN, because 0 times infinity is NaN;
the callers look for that.
"""

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast.pooling import is_larger
from dlbasics._internal.table import replaceable

NOBODY = 4
"""The number in `winner` where ReLU lets no gradient through.

Elsewhere `winner` holds the number of the largest pixel of a window: 0 or 1 in its upper row, 2 or
3 in its lower row.
"""


def rectify_by_numpy(z: Array, b: Array, y: Array, mask: Array | None) -> None:
    """Set y = max(z + b, 0), and mask = z + b <= 0 if it is given."""
    add_bias(z[:, : y.shape[1]], b, y)
    if mask is not None:
        np.less_equal(y, 0, out=mask)
    np.maximum(y, 0, out=y)


def rectify_backward_by_numpy(dout: Array, mask: Array, dz: Array) -> Array:
    """Set dz, given dout = dL/dy; return dL/db."""
    return sum_of_pixels(np.multiply(dout[:, : mask.shape[1]], ~mask, out=dz))


def pool_and_rectify_by_numpy(z: Array, b: Array, y: Array, winner: Array | None) -> None:
    """Set y = max(p + b, 0), where p are the largest of 2 x 2 pixels of z, and perhaps `winner`."""
    if winner is None:
        # NumPy works along rows, so the first comparison is that of whole rows.
        larger = np.maximum(z[0::2, : 2 * y.shape[1]], z[1::2, : 2 * y.shape[1]])
        np.maximum(larger[:, 0::2], larger[:, 1::2], out=y)
        rectify_by_numpy(y, b, y, None)
        return
    left, right = z[:, 0 : 2 * y.shape[1] : 2], z[:, 1 : 2 * y.shape[1] : 2]
    right_wins, larger = right > left, np.maximum(left, right)
    upper, lower = larger[0::2], larger[1::2]
    lower_wins = lower > upper
    np.maximum(upper, lower, out=y)
    if np.isnan(y.max()):
        right_wins, lower_wins = is_larger(right, left), is_larger(lower, upper)
    upper_right, lower_right = right_wins[0::2], right_wins[1::2]
    is_right = upper_right ^ (lower_wins & (upper_right ^ lower_right))
    np.add(is_right, lower_wins.view(np.uint8) * np.uint8(2), out=winner)
    mask = np.empty(y.shape, bool)
    rectify_by_numpy(y, b, y, mask)  # the largest of z + b is the largest z, plus b
    np.maximum(winner, mask.view(np.uint8) * np.uint8(NOBODY), out=winner)


def pool_and_rectify_backward_by_numpy(dout: Array, winner: Array, dz: Array) -> Array:
    """Set dz to dout at the pixels that won, and to 0 at the others; return dL/db."""
    dout = dout[:, : winner.shape[1]]
    for place in range(4):
        np.multiply(dout, winner == place, out=dz[place // 2 :: 2, place % 2 :: 2])
    return sum_of_pixels(dout * (winner != NOBODY))


def add_bias(z: Array, b: Array, out: Array) -> None:
    # The code adds them to a whole row of pixels: with C values at a time, NumPy takes twice as
    # long.
    rows = out.reshape(len(out), -1)
    np.add(z.reshape(rows.shape), np.tile(b, out.shape[1]), out=rows)


def sum_of_pixels(dz: Array) -> Array:
    rows = dz.reshape(-1, dz.shape[2])
    # A product with ones sums columns twice as fast as sum(axis=0) does.
    total: Array = np.ones(len(rows), rows.dtype) @ rows
    return total


rectify = replaceable(rectify_by_numpy)
rectify_backward = replaceable(rectify_backward_by_numpy)
pool_and_rectify = replaceable(pool_and_rectify_by_numpy)
pool_and_rectify_backward = replaceable(pool_and_rectify_backward_by_numpy)
