"""Convolution of stride 1, as `Convolution` computes it by im2col, but with fewer copies.

Images lie in memory *channels last*: the C values of a pixel lie side by side, as after the book's
own `reshape(...).transpose(0, 3, 1, 2)`.  Their shapes remain (N, C, H, W).

im2col copies each pixel FH FW times, once for each window that contains it.  This file copies it
only FH times.  `columns` holds the pieces of the windows; a piece is one pixel wide and FH high:

    columns[oh, w] = image[oh : oh + FH, w]        (FH, C)

The window at (oh, ow) is columns[oh, ow : ow + FW], which is contiguous in memory.  Windows
overlap, so they are not the rows of one matrix.  But the windows at 0, FW, 2 FW, ... follow each
other without a gap, and so do the windows at 1, FW + 1, ...  So FW matrices, which are views and
not copies, hold all windows, and their products with the filters are the convolution.

Between two rows of `columns` there are `pad` zeros, which serve as the end of one row and as the
beginning of the next.  Windows that reach from one row into the next have no meaning; the result is
a view that leaves them out.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from dlbasics._internal.checks import Array, Sides, pair
from dlbasics._internal.fast import memory
from dlbasics._internal.table import replaceable

SMALL_PRODUCT = 1_000_000
"""Up to this number of multiplications, OpenBLAS on some processors does not copy the factors."""

LEAST_ROWS = 100
"""Products with fewer rows than this take more time than the copy of their factors."""


class Images(Protocol):
    """Images (N, C, H, W), an array or an object that makes the images that somebody asks for."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __getitem__(self, images: slice, /) -> Array: ...


def fits(W_shape: tuple[int, ...], stride: Sides, pad: Sides) -> bool:
    """Return whether the stride is 1 and every window contains a pixel of the image."""
    (above, left), (FH, FW) = pair(pad), W_shape[2:]
    return stride == 1 and above < FH and left < FW


def forward(x: Array, W: Array, b: Array | None, pad: Sides) -> Array:
    """Return y as `Convolution` defines it."""
    FN, _, FH, FW = W.shape
    windows = Windows(x, (FH, FW), pair(pad), FN, np.result_type(x, W))
    y = windows.output(windows.dtype if b is None else np.result_type(windows.dtype, b))
    filters = as_matrix(W)
    # The code adds them to a whole row of pixels: with FN values at a time, NumPy takes twice as
    # long.
    biases = None if b is None else np.tile(b, windows.pitch)
    for images in windows.blocks():
        windows.times(filters, out=y[images])
        if biases is not None:
            rows = y[images].reshape(-1, len(biases))
            rows += biases
    return windows.as_images(y)


def backward_params(x: Array, dout: Images, W: Array, pad: Sides) -> Array:
    """Return dW, the sum of all windows of x times the gradients at their places in the output."""
    FN, C, FH, FW = W.shape
    dtype = np.result_type(x, dout.dtype)
    windows = Windows(x, (FH, FW), pair(pad), FN, dtype, others=FN)
    dW = np.zeros((FN, FW * FH * C), dtype)
    for images in windows.blocks():
        add_products(windows.pixels(dout[images]), windows.columns, FW, to=dW)
    return dW.reshape(FN, FW, FH, C).transpose(0, 3, 2, 1).astype(dtype, order="C")


def backward(x: Array, dout: Images, W: Array, pad: Sides) -> tuple[Array, Array]:
    """Return dx and dW; both use the columns of dout, so the code makes these only once.

    Pixel (i, j) of a filter multiplies pixel (h, w) of x for the output at (h + pad - i,
    w + pad - j).  So dx is a convolution: dout, with FH - 1 - pad and FW - 1 - pad zeros around it,
    is the image, and the filters are turned by 180 degrees, with inputs and outputs exchanged.
    dW is the sum of the same products without the filters: each column of dout times the FW pixels
    of x whose windows contain it.
    """
    FN, C, FH, FW = W.shape
    above, left = pair(pad)
    pads = FH - 1 - above, FW - 1 - left
    windows = Windows(dout, (FH, FW), pads, C, np.result_type(dout.dtype, W), others=C + FN)
    dtype = np.result_type(x, dout.dtype)
    dx, dW = windows.output(windows.dtype), np.zeros((FH * FN, FW * C), dtype)
    filters = as_matrix(W[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
    for images in windows.blocks():
        windows.times(filters, out=dx[images])
        add_products(windows.columns, windows.pixels(x[images], before=FW - 1), FW, to=dW)
    dW = dW.reshape(FH, FN, FW, C)[::-1].transpose(1, 3, 0, 2).astype(dtype, order="C")
    return windows.as_images(dx), dW


class Windows:
    """The windows of images (N, C, H, W), of a block of images at a time.

    Args:
        images: The images.
        filter_shape: The shape of a window, (FH, FW).
        pad: The number of zeros above and below, and the number on the left and the right.
        channels: The number of values that the output has for each window.
        dtype: The dtype of `columns`.
        others: The number of values that other arrays of a block have for each window.
    """

    columns: Array
    """The columns of the images in a block, (pad_w + n OH pitch, FH C)."""
    _pixels: Array | None = None
    _products: Array | None = None

    def __init__(
        self,
        images: Images,
        filter_shape: tuple[int, int],
        pad: tuple[int, int],
        channels: int,
        dtype: Any,
        others: int = 0,
    ) -> None:
        _, _, H, W = images.shape
        self.FH, self.FW = filter_shape
        self.pad_h, self.pad_w = pad
        self.OH, self.OW = H + 2 * self.pad_h - self.FH + 1, W + 2 * self.pad_w - self.FW + 1
        self.pitch = W + self.pad_w
        self.images, self.dtype = images, np.dtype(dtype)
        self.channels, self.others = channels, others

    def output(self, dtype: Any) -> Array:
        """Return an array for the values at each place, (N, OH, pitch, channels)."""
        return memory.empty((self.images.shape[0], self.OH, self.pitch, self.channels), dtype)

    def as_images(self, output: Array) -> Array:
        """Return the values of the windows, (N, channels, OH, OW), without those between rows."""
        return output[:, :, : self.OW].transpose(0, 3, 1, 2)

    def blocks(self) -> Iterator[slice]:
        """Fill `columns` for a block of images and yield the block, then the next one."""
        N, C, _, _ = self.images.shape
        places = self.OH * self.pitch
        each = places * (self.FH * C + self.channels + self.others) * self.dtype.itemsize
        for block in memory.blocks(N, each):
            images = self.images[block].transpose(0, 2, 3, 1)
            if block.start == 0:
                # The padding stays 0.  Only the first row has its own zeros before it.
                columns = np.zeros((self.pad_w + len(images) * places, self.FH, C), self.dtype)
            self.columns = columns[: self.pad_w + len(images) * places].reshape(-1, self.FH * C)
            pieces = self.columns[self.pad_w :].reshape(-1, self.OH, self.pitch, self.FH, C)
            fill(pieces, images, self.pad_h)
            yield block

    def times(self, filters: Array, out: Array) -> None:
        """Set `out` (n, OH, pitch, channels) to the windows times the filters."""
        places = out.reshape(-1, self.channels)
        for first in range(self.FW):
            windows = in_a_row(self.FW, self.columns[first:])
            multiply(windows, filters, out=places[first :: self.FW][: len(windows)])

    def products(self, filters: Array) -> Array:
        """Return the windows of the block times the filters, (n OH, pitch, channels).

        After OW pixels of a row come some without a meaning.  The next block overwrites them all.
        """
        n = len(self.columns) // (self.OH * self.pitch)
        if self._products is None:  # the first block is the largest
            self._products = np.empty((n, self.OH, self.pitch, self.channels), self.dtype)
        self.times(filters, out=self._products[:n])
        return self._products[:n].reshape(n * self.OH, self.pitch, self.channels)

    def pixels(self, images: Array, before: int = 0) -> Array:
        """Return the values of `images` in the order in which their windows begin in `columns`.

        Where no window begins, there are zeros.

        Args:
            images: The images of a block, (n, channels, OH, OW).
            before: The number of rows of zeros before the first one.

        Returns:
            An array (before + pad_w + n OH pitch, channels).
        """
        size, end = before + len(self.columns), before + len(self.columns) - self.pad_w
        if self._pixels is None:  # the first block is the largest
            self._pixels = np.zeros((size, self.channels), np.result_type(images, self.dtype))
        places = self._pixels[before:end].reshape(-1, self.OH, self.pitch, self.channels)
        places[:, :, : self.OW] = images.transpose(0, 2, 3, 1)
        self._pixels[end:size] = 0
        return self._pixels[:size]


def copy_rows(pieces: Array, images: Array, pad_h: int) -> None:
    """Copy the rows of images (n, H, W, C) to their places in `pieces` (n, OH, pitch, FH, C).

    Row i of the windows in row `oh` of the output is row oh + i - pad_h of the image.
    """
    (_, OH, _, FH, _), (_, H, W, _) = pieces.shape, images.shape
    for i in range(FH):
        above = pad_h - i
        first = max(0, above)
        last = max(first, min(OH, H + above))
        pieces[:, first:last, :W, i] = images[:, first - above : last - above]


fill = replaceable(copy_rows)


def as_matrix(W: Array) -> Array:
    """Return filters (FN, C, FH, FW) in the order of a window in `columns`, as (FW FH C, FN)."""
    return W.transpose(3, 2, 1, 0).reshape(-1, len(W))


def in_a_row(count: int, pieces: Array) -> Array:
    """Return `pieces` (m, K) with `count` of them side by side in a row, (m // count, count K)."""
    m, K = len(pieces) // count, pieces.shape[1]
    return pieces[: m * count].reshape(m, count * K)


def multiply(a: Array, b: Array, out: Array) -> None:
    """Set out = a b, by products below `SMALL_PRODUCT` if these have enough rows to save time."""
    rows, count = small_products(len(a), b.size)
    whole = rows * count
    if whole:
        few = a[:whole].reshape(count, rows, a.shape[1])
        np.matmul(few, b, out=out[:whole].reshape(count, rows, b.shape[1]))
    np.matmul(a[whole:], b, out=out[whole:])


def add_products(rows: Array, pieces: Array, count: int, to: Array) -> None:
    """Add to `to` (K, count L) the products of each row with `count` pieces from its place on."""
    for first in range(count):
        windows = in_a_row(count, pieces[first:])
        add_product(rows[first::count][: len(windows)], windows, to)


def add_product(a: Array, b: Array, to: Array) -> None:
    """Add a^T b to `to`, by products below `SMALL_PRODUCT` if these have enough rows."""
    rows, count = small_products(len(a), to.size)
    whole = rows * count
    if whole:
        few_a, few_b = (each[:whole].reshape(count, rows, each.shape[1]) for each in (a, b))
        to += np.matmul(few_a.transpose(0, 2, 1), few_b).sum(axis=0)
    to += a[whole:].T @ b[whole:]


def small_products(length: int, multiplications: int) -> tuple[int, int]:
    """Return the rows of a small product, and how many of them fit; 0 if it has too few rows.

    Args:
        length: The number of rows.
        multiplications: The number of multiplications for each row.
    """
    rows = SMALL_PRODUCT // multiplications
    return (rows, length // rows) if rows >= LEAST_ROWS else (0, 0)
