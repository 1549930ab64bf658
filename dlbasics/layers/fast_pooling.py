"""Max pooling of 2 x 2 pixels with stride 2, fast: the larger of two, and again of two.

im2col would copy every pixel; here the left pixels of all windows are compared with the right ones,
then the upper of the larger ones with the lower.  In this order equal pixels are told apart as
`argmax` does it: the first of them wins, from left to right and then from top to bottom.
"""

import numpy as np

from dlbasics import memory
from dlbasics.arrays import Array

Wins = tuple[Array, Array]
"""Where the right pixel is the larger one, (N, C, H, OW), and where the lower, (N, C, OH, OW)."""


def forward(x: Array) -> tuple[Array, Wins]:
    """The maxima, and what `backward` needs to know of them."""
    left, right = x[..., 0::2], x[..., 1::2]
    larger = np.maximum(left, right, out=memory.like(left))
    upper, lower = larger[:, :, 0::2], larger[:, :, 1::2]
    y = np.maximum(upper, lower, out=memory.like(upper))
    return y, (right > left, lower > upper)


def backward(dout: Array, wins: Wins) -> Array:
    """dx: dout at the pixel that won its window, 0 at the others."""
    right_wins, lower_wins = wins
    N, C, H, OW = right_wins.shape
    # Channels last, as forward's arrays are behind a convolution.
    dlarger = memory.empty((N, H, OW, C), dout.dtype).transpose(0, 3, 1, 2)
    dout = np.ascontiguousarray(dout.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    share(dout, lower_wins, dlarger[:, :, 0::2], dlarger[:, :, 1::2])
    dx = memory.empty((N, H, 2 * OW, C), dout.dtype).transpose(0, 3, 1, 2)
    share(dlarger, right_wins, dx[..., 0::2], dx[..., 1::2])
    return dx


def share(dout: Array, second_wins: Array, first: Array, second: Array) -> None:
    """Write dout to `second` where that won, else to `first`, and 0 to the other."""
    np.multiply(dout, second_wins, out=second)
    np.subtract(dout, second, out=first)
