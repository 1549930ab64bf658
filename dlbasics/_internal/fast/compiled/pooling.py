"""Max pooling of 2 x 2 pixels with stride 2 reads each pixel once.

The two versions compare the same pixels in the same order.
"""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import layout, memory, pooling
from dlbasics._internal.fast.compiled.loops import compiled

fits = pooling.fits


def forward(layer: Any, x: Array, train_flg: bool) -> Array:
    found = layout.copied_pixels(x)
    if found is None:
        return pooling.forward(layer, x, train_flg)
    (N, C, H, W), (image, _) = x.shape, found
    y = memory.empty((N, H // 2, W // 2, C), x.dtype)
    right_wins, lower_wins = np.empty((N, H, W // 2, C), bool), np.empty(y.shape, bool)
    largest(image, *map(as_pixels, (y, right_wins, lower_wins)))
    layer._wins = right_wins, lower_wins
    return y.transpose(0, 3, 1, 2)


def backward(layer: Any, dout: Array) -> Array:
    """Return dx: dout at the pixel that won its window, 0 at the others."""
    found = layout.copied_pixels(dout)
    if found is None:
        return pooling.backward(layer, dout)
    N, C, OH, OW = dout.shape
    dx = memory.empty((N, OH * 2, OW * 2, C), dout.dtype)
    to_winners(found[0], *map(as_pixels, (*layer._wins, dx)))
    return dx.transpose(0, 3, 1, 2)


backward_params = backward


def as_pixels(image: Array) -> Array:
    """Return images (N, H, W, C) as rows of pixels, (N H, W, C)."""
    return image.reshape(-1, *image.shape[2:])


@compiled
def largest(x: Array, y: Array, right_wins: Array, lower_wins: Array) -> None:
    for r in range(y.shape[0]):
        for w in range(y.shape[1]):
            for c in range(y.shape[2]):
                upper, right = x[2 * r, 2 * w, c], x[2 * r, 2 * w + 1, c]
                lower, last = x[2 * r + 1, 2 * w, c], x[2 * r + 1, 2 * w + 1, c]
                # For `argmax`, NaN is larger than any number, and not smaller than NaN.
                upper_right = not (right <= upper) and upper == upper
                lower_right = not (last <= lower) and lower == lower
                upper = right if upper_right else upper
                lower = last if lower_right else lower
                below = not (lower <= upper) and upper == upper
                y[r, w, c] = lower if below else upper
                right_wins[2 * r, w, c] = upper_right
                right_wins[2 * r + 1, w, c] = lower_right
                lower_wins[r, w, c] = below


@compiled
def to_winners(dout: Array, right_wins: Array, lower_wins: Array, dx: Array) -> None:
    zero = dout.dtype.type(0)
    for r in range(lower_wins.shape[0]):
        for lower in range(2):
            for w in range(lower_wins.shape[1]):
                for right in range(2):
                    # With one result, the innermost loop is short enough for vector instructions.
                    for c in range(lower_wins.shape[2]):
                        is_row = lower_wins[r, w, c] == lower
                        wins = is_row & (right_wins[2 * r + lower, w, c] == right)
                        d = dout[r, w, c]
                        dx[2 * r + lower, 2 * w + right, c] = d if wins else zero
