"""One loop copies all rows of an image to the columns of a convolution.

NumPy copies the values of one pixel at a time, and takes longer from pixel to pixel than for them.
"""

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import layout, windows
from dlbasics._internal.fast.compiled.loops import compiled

FEWEST = 8
"""The number of channels below which NumPy copies whole rows of pixels in less time."""


def copy_rows(pieces: Array, images: Array, pad_h: int) -> None:
    """Do what `windows.copy_rows` does."""
    found = layout.pixels(images.transpose(0, 3, 1, 2))
    if found is None or pieces.dtype != images.dtype or images.shape[3] < FEWEST:
        windows.copy_rows(pieces, images, pad_h)
        return
    rows, W = found
    copy(rows, images.shape[1], W, pad_h, pieces)


@compiled
def copy(images: Array, H: int, W: int, pad_h: int, pieces: Array) -> None:
    for n in range(pieces.shape[0]):
        for oh in range(pieces.shape[1]):
            for i in range(pieces.shape[3]):
                h = oh + i - pad_h
                if 0 <= h and h < H:
                    for w in range(W):
                        for c in range(pieces.shape[4]):
                            pieces[n, oh, w, i, c] = images[n * H + h, w, c]
