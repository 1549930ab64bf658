"""How the elements of an array lie in memory, and which arrays the compiled loops take.

The loops take float32 and float64 numbers that lie side by side.  Every other dtype or order in
memory would be compiled anew, so it goes to the NumPy version.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import memory

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def suit(*arrays: Array) -> bool:
    """Return whether the loops take these arrays together: in C order, and of one dtype."""
    dtype = arrays[0].dtype
    for array in arrays:
        if array.dtype != dtype or not array.flags.carray or type(array) is not np.ndarray:
            return False
    return dtype in DTYPES


def pixels(x: Array) -> tuple[Array, int] | None:
    """Return x as rows of pixels (rows, pixels, channels), and how many pixels of a row are x's.

    A batch (N, D) has N rows of one pixel.  Images (N, C, H, W) must lie channels last.  They may
    be a part of longer rows, as the outputs of a convolution are (windows.py); the loops then stop
    after W pixels.

    Returns:
        None if x lies in memory in another way, or is no array that the loops take.
    """
    flags = x.flags
    if x.dtype not in DTYPES or not (flags.writeable and flags.aligned):
        return None
    if x.ndim == 2:
        return (x[:, np.newaxis], 1) if flags.c_contiguous else None
    if x.ndim != 4:
        return None
    image = x.transpose(0, 2, 3, 1)
    N, H, W, C = image.shape
    if image.flags.c_contiguous:
        return image.reshape(N * H, W, C), W
    row, pixel = image.strides[1], C * x.itemsize
    if image.strides != (H * row, row, pixel, x.itemsize) or row % pixel or row < W * pixel:
        return None
    return as_strided(image, (N * H, row // pixel, C), (row, pixel, x.itemsize)), W


def copied_pixels(x: Array) -> tuple[Array, int] | None:
    """Return what `pixels` does, of a copy of x if x itself lies in memory in another way.

    So does the gradient that images get from an Affine layer: its channels come first.
    """
    found = pixels(x)
    if found is None and x.dtype in DTYPES:
        found = pixels(np.array(x) if x.ndim == 2 else channels_last(x))
    return found


def channels_last(x: Array) -> Array:
    """Return a copy of images whose channels lie side by side."""
    return np.array(x.transpose(0, 2, 3, 1), order="C").transpose(0, 3, 1, 2)


def rows(x: Array) -> tuple[Array, int] | None:
    """Return x as rows (rows, values), and how many values of a row are x's, as `pixels` does.

    This is for loops over single elements: they take any shape in C order.
    """
    if x.flags.c_contiguous:
        return (x.reshape(1, -1), x.size) if suit(x) else None
    found = pixels(x)
    if found is None:
        return None
    values, W = found
    return values.reshape(len(values), -1), W * values.shape[2]


def in_order_of(other: Array, x: Array) -> Array:
    """Return x, or a copy of x that lies in C order, or channels last, as `other` does."""
    if x.flags.c_contiguous == other.flags.c_contiguous:
        return x
    return np.array(x, order="C") if other.flags.c_contiguous else channels_last(x)


def like(x: Array, dtype: Any = None) -> Array:
    """Return an array for the shape of x whose elements lie in the order of x, without gaps."""
    dtype = x.dtype if dtype is None else dtype
    if x.flags.c_contiguous:
        return memory.empty(x.shape, dtype)
    N, C, H, W = x.shape
    return memory.empty((N, H, W, C), dtype).transpose(0, 3, 1, 2)


def images(values: Array, shape: tuple[int, ...]) -> Array:
    """Return rows of pixels without gaps as an array of the given shape."""
    if len(shape) == 2:
        return values.reshape(shape)
    N, C, H, W = shape
    return values.reshape(N, H, W, C).transpose(0, 3, 1, 2)
