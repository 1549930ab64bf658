"""Bias, pooling and ReLU read each pixel once.

Each loop does what the NumPy version of the same name does, and compares the same pixels in the
same order.
"""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast.bias_pool_relu import NOBODY
from dlbasics._internal.fast.compiled.loops import compiled


@compiled
def rectify(z: Array, b: Array, y: Array, mask: Array | None) -> None:
    zero = z.dtype.type(0)
    for r in range(y.shape[0]):
        for w in range(y.shape[1]):
            for c in range(y.shape[2]):
                value = z[r, w, c] + b[c]
                if mask is not None:
                    mask[r, w, c] = value <= zero
                y[r, w, c] = zero if value <= zero else value


@compiled
def rectify_backward(dout: Array, mask: Array, dz: Array) -> Any:
    one = dout.dtype.type(1)
    db = np.zeros(dout.shape[2], dout.dtype)
    for r in range(mask.shape[0]):
        for w in range(mask.shape[1]):
            for c in range(mask.shape[2]):
                d = dout[r, w, c] * (one - mask[r, w, c])
                dz[r, w, c] = d
                db[c] += d
    return db


@compiled
def pool_and_rectify(z: Array, b: Array, y: Array, winner: Array | None) -> None:
    zero, nobody = z.dtype.type(0), np.uint8(NOBODY)
    for r in range(y.shape[0]):
        for w in range(y.shape[1]):
            for c in range(y.shape[2]):
                upper, right = z[2 * r, 2 * w, c], z[2 * r, 2 * w + 1, c]
                lower, last = z[2 * r + 1, 2 * w, c], z[2 * r + 1, 2 * w + 1, c]
                # For `argmax`, NaN is larger than any number, and not smaller than NaN.  With `&`
                # in place of `and`, nothing is skipped, so that vector instructions can compute it.
                upper_right = (not (right <= upper)) & (upper == upper)
                lower_right = (not (last <= lower)) & (lower == lower)
                upper = right if upper_right else upper
                lower = last if lower_right else lower
                below = (not (lower <= upper)) & (upper == upper)
                value = (lower if below else upper) + b[c]
                place = np.uint8(2) + np.uint8(lower_right) if below else np.uint8(upper_right)
                if winner is not None:
                    winner[r, w, c] = nobody if value <= zero else place
                y[r, w, c] = zero if value <= zero else value


@compiled
def pool_and_rectify_backward(dout: Array, winner: Array, dz: Array) -> Any:
    db = np.zeros(dout.shape[2], dout.dtype)
    for r in range(winner.shape[0]):
        for w in range(winner.shape[1]):
            # With one result, the innermost loop is short enough for vector instructions.
            for place in range(4):
                for c in range(winner.shape[2]):
                    wins = dout.dtype.type(winner[r, w, c] == place)
                    dz[2 * r + place // 2, 2 * w + place % 2, c] = dout[r, w, c] * wins
            for c in range(winner.shape[2]):
                db[c] += dout[r, w, c] * dout.dtype.type(winner[r, w, c] != NOBODY)
    return db
