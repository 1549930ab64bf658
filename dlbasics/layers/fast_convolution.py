"""Convolution of stride 1, fast: what `Convolution` computes by im2col, with less copying.

Images lie *channels last*, the C values of a pixel side by side, as the book's own
`reshape(...).transpose(0, 3, 1, 2)` leaves them; their shapes remain (N, C, H, W).

im2col copies each pixel FH FW times, once for each window that has it.  Here it is copied FH times:
`columns` holds the pieces, one pixel wide and FH high, that windows are made of,

    columns[oh, w] = image[oh : oh + FH, w]        (FH, C)

and the window at (oh, ow) is columns[oh, ow : ow + FW], in one piece of memory.  Windows overlap,
so they are not the rows of a matrix.  But every FW-th of them is: the windows at 0, FW, 2 FW, ...
follow each other without a gap, and so do those at 1, FW + 1, ...  So FW matrices, none of them
copied, hold all windows, and their products with the filters are the convolution.

One row of `columns` follows the other with `pad` zeros between, the end of one and the beginning of
the next.  Windows that reach from one into the next are computed for nothing, and left out.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlbasics.arrays import Array

BLOCK = 1 << 20
"""Bytes of columns worked on at once: few enough to stay in the processor's cache."""


def fits(W_shape: tuple[int, ...], stride: int, pad: int) -> bool:
    """Whether this file can do it: stride 1, and no window that sees nothing but padding."""
    return stride == 1 and pad < min(W_shape[2:])


def forward(x: Array, W: Array, b: Array | None, pad: int) -> Array:
    """y = x * W + b, as `Convolution` defines it."""
    windows = Windows(x, W.shape[2:], (pad, pad), np.result_type(x, W))
    y = windows.output(len(W), windows.dtype if b is None else np.result_type(windows.dtype, b))
    filters = as_matrix(W)
    # Added to a row of pixels at a time: with FN values at a time NumPy takes twice as long.
    biases = None if b is None else np.tile(b, windows.OW)
    for images in windows.blocks():
        windows.times(filters, out=y[images])
        if biases is not None:
            rows = y[images].reshape(-1, len(biases))
            rows += biases
    return y.transpose(0, 3, 1, 2)


def backward_params(x: Array, dout: Array, W: Array, pad: int) -> Array:
    """dW: each window of x times the gradient at its place in the output, summed."""
    dtype = np.result_type(x, dout)
    windows = Windows(x, W.shape[2:], (pad, pad), dtype)
    dW = windows.zeros(len(W), dtype)
    for images in windows.blocks():
        windows.add_products(dout[images], to=dW)
    return as_filters(dW, W.shape).astype(dtype, order="C")


def backward(x: Array, dout: Array, W: Array, pad: int) -> tuple[Array, Array]:
    """dx and dW, both from the windows of dout, which are put together once.

    Seen from the image everything is turned round: with pixel (i, j) of a filter, pixel (h, w) of x
    went into the output at (h + pad - i, w + pad - j).  So dx is the convolution of dout, with
    FH - 1 - pad and FW - 1 - pad zeros around it, with the filters turned by 180 degrees, inputs
    and outputs exchanged; and each window of dout times its pixel of x, summed, is dW turned so.
    """
    filters, (FH, FW) = turned(W), W.shape[2:]
    windows = Windows(dout, (FH, FW), (FH - 1 - pad, FW - 1 - pad), np.result_type(dout, W))
    dx, matrix = windows.output(len(filters), windows.dtype), as_matrix(filters)
    dtype = np.result_type(x, dout)
    dW = windows.zeros(len(filters), dtype)
    for images in windows.blocks():
        windows.times(matrix, out=dx[images])
        windows.add_products(x[images], to=dW)
    dW = turned(as_filters(dW, filters.shape)).astype(dtype, order="C")
    return dx.transpose(0, 3, 1, 2), dW


def turned(W: Array) -> Array:
    """Filters turned by 180 degrees, inputs and outputs exchanged: (C, FN, FH, FW)."""
    return W[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)


def as_matrix(W: Array) -> Array:
    """Filters (FN, C, FH, FW) in the order of a window's values in `columns`: (FW FH C, FN)."""
    return W.transpose(3, 2, 1, 0).reshape(-1, len(W))


def as_filters(matrix: Array, shape: tuple[int, ...]) -> Array:
    """A matrix (FN, FW FH C) as filters of that shape."""
    FN, C, FH, FW = shape
    return matrix.reshape(FN, FW, FH, C).transpose(0, 3, 2, 1)


class Windows:
    """The windows of images (N, C, H, W), of as many images at a time as `BLOCK` has room for.

    filter_shape: (FH, FW);  pad: zeros above and below, and on the left and the right.
    """

    def __init__(
        self, images: Array, filter_shape: tuple[int, ...], pad: tuple[int, int], dtype: Any
    ) -> None:
        _, C, H, W = images.shape
        self.FH, self.FW = filter_shape
        self.size = self.FW * self.FH * C
        self.pad_h, self.pad_w = pad
        self.OH, self.OW = H + 2 * self.pad_h - self.FH + 1, W + 2 * self.pad_w - self.FW + 1
        self.images, self.dtype = images.transpose(0, 2, 3, 1), np.dtype(dtype)
        self.columns: Array

    def output(self, channels: int, dtype: Any) -> Array:
        """An array for one pixel a window, channels last."""
        return np.empty((len(self.images), self.OH, self.OW, channels), dtype)

    def zeros(self, channels: int, dtype: Any) -> Array:
        """Zeros to add products to: one row of window values a channel."""
        # Half precision would lose the small terms of a sum over all pixels.
        return np.zeros((channels, self.size), np.result_type(dtype, np.float32))

    def blocks(self) -> Iterator[slice]:
        """Put the columns of some images together, and say of which; then of the next ones."""
        N, H, W, C = self.images.shape
        rows = self.OH * (W + self.pad_w)
        n = max(1, min(N, BLOCK // (rows * self.FH * C * self.dtype.itemsize)))
        # What no image covers stays 0.  Only the first row has zeros of its own on the left.
        columns = np.zeros((self.pad_w + n * rows, self.FH, C), self.dtype)
        for start in range(0, N, n):
            images = self.images[start : start + n]
            self.columns = columns[: self.pad_w + len(images) * rows]
            pieces = self._by_place(self.columns[self.pad_w :])
            for i in range(self.FH):
                # In row `oh` of windows, row i of the window is row oh - above of the image.
                above = self.pad_h - i
                first = max(0, above)
                last = max(first, min(self.OH, H + above))
                pieces[:, first:last, :W, i] = images[:, first - above : last - above]
            yield slice(start, start + n)

    def times(self, filters: Array, out: Array) -> None:
        """Set `out` (n, OH, OW, FN) to the windows times the filters (FW FH C, FN)."""
        products = np.empty((len(self.columns), filters.shape[1]), self.dtype)
        for first, windows in self._matrices():
            np.matmul(windows, filters, out=products[first :: self.FW][: len(windows)])
        places = self._by_place(products[: len(products) - self.pad_w])
        out[...] = places[:, :, : self.OW]

    def add_products(self, images: Array, to: Array) -> None:
        """Add each pixel of `images` (n, A, OH, OW) times its window to `to` (A, FW FH C)."""
        dtype = np.result_type(images, self.dtype)
        pixels = np.zeros((len(self.columns), len(to)), dtype)
        places = self._by_place(pixels[: len(pixels) - self.pad_w])
        places[:, :, : self.OW] = images.transpose(0, 2, 3, 1)
        for first, windows in self._matrices():
            to += pixels[first :: self.FW][: len(windows)].T @ windows

    def _matrices(self) -> Iterator[tuple[int, Array]]:
        """FW matrices (m, FW FH C) of whole windows, and the place of the first window of each."""
        for first in range(self.FW):
            count = (len(self.columns) - first) // self.FW
            whole = self.columns[first : first + count * self.FW]
            yield first, whole.reshape(count, self.size)

    def _by_place(self, rows: Array) -> Array:
        """(n OH pitch, ...) as (n, OH, pitch, ...): one entry a place where columns begin."""
        return rows.reshape(-1, self.OH, self.images.shape[2] + self.pad_w, *rows.shape[1:])
