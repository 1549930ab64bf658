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
the next.  Windows that reach from one into the next are computed for nothing; the array handed out
is a view that leaves them out.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.fast import memory

SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS, on some processors, uses factors as they lie in memory."""


def fits(W_shape: tuple[int, ...], stride: int, pad: int) -> bool:
    """Whether this file can do it: stride 1, and no window that sees nothing but padding."""
    return stride == 1 and pad < min(W_shape[2:])


def forward(x: Array, W: Array, b: Array | None, pad: int) -> Array:
    """y = x * W + b, as `Convolution` defines it."""
    FN, _, FH, FW = W.shape
    windows = Windows(x, (FH, FW), (pad, pad), FN, np.result_type(x, W))
    y = windows.output(windows.dtype if b is None else np.result_type(windows.dtype, b))
    filters = as_matrix(W)
    # Added to a row of pixels at a time: with FN values at a time NumPy takes twice as long.
    biases = None if b is None else np.tile(b, windows.pitch)
    for images in windows.blocks():
        windows.times(filters, out=y[images])
        if biases is not None:
            rows = y[images].reshape(-1, len(biases))
            rows += biases
    return windows.as_images(y)


def backward_params(x: Array, dout: Array, W: Array, pad: int) -> Array:
    """dW: each window of x times the gradient at its place in the output, summed."""
    FN, C, FH, FW = W.shape
    dtype = np.result_type(x, dout)
    windows = Windows(x, (FH, FW), (pad, pad), FN, dtype)
    dW = np.zeros((FN, FW * FH * C), dtype)
    for images in windows.blocks():
        add_products(windows.pixels(dout[images]), windows.columns, FW, to=dW)
    return dW.reshape(FN, FW, FH, C).transpose(0, 3, 2, 1).astype(dtype, order="C")


def backward(x: Array, dout: Array, W: Array, pad: int) -> tuple[Array, Array]:
    """dx and dW, both from the columns of dout, which are put together once.

    With pixel (i, j) of a filter, pixel (h, w) of x went into the output at (h + pad - i,
    w + pad - j).  So dx is the convolution of dout, with FH - 1 - pad and FW - 1 - pad zeros around
    it, with the filters turned by 180 degrees, inputs and outputs exchanged.  And dW is what meets
    there: columns of dout times the FW pixels of x in whose windows they are.
    """
    FN, C, FH, FW = W.shape
    pads = FH - 1 - pad, FW - 1 - pad
    windows = Windows(dout, (FH, FW), pads, C, np.result_type(dout, W))
    dtype = np.result_type(x, dout)
    dx, dW = windows.output(windows.dtype), np.zeros((FH * FN, FW * C), dtype)
    filters = as_matrix(W[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
    for images in windows.blocks():
        windows.times(filters, out=dx[images])
        add_products(windows.columns, windows.pixels(x[images], before=FW - 1), FW, to=dW)
    dW = dW.reshape(FH, FN, FW, C)[::-1].transpose(1, 3, 0, 2).astype(dtype, order="C")
    return windows.as_images(dx), dW


class Windows:
    """The windows of images (N, C, H, W), of a block of images at a time.

    filter_shape: (FH, FW);  pad: zeros above and below, and on the left and the right;  channels:
    how many values there are for each window.
    """

    columns: Array
    """Those of the images of a block, (pad_w + n OH pitch, FH C)."""
    _pixels: Array | None = None

    def __init__(
        self,
        images: Array,
        filter_shape: tuple[int, int],
        pad: tuple[int, int],
        channels: int,
        dtype: Any,
    ) -> None:
        _, _, H, W = images.shape
        self.FH, self.FW = filter_shape
        self.pad_h, self.pad_w = pad
        self.OH, self.OW = H + 2 * self.pad_h - self.FH + 1, W + 2 * self.pad_w - self.FW + 1
        self.pitch = W + self.pad_w
        self.images, self.dtype = images.transpose(0, 2, 3, 1), np.dtype(dtype)
        self.channels = channels

    def output(self, dtype: Any) -> Array:
        """An array for the values at each place, (N, OH, pitch, channels)."""
        return memory.empty((len(self.images), self.OH, self.pitch, self.channels), dtype)

    def as_images(self, output: Array) -> Array:
        """The values of the windows, (N, channels, OH, OW), without those of other places."""
        return output[:, :, : self.OW].transpose(0, 3, 1, 2)

    def blocks(self) -> Iterator[slice]:
        """Put the columns of some images together, and say of which; then of the next ones."""
        N, H, W, C = self.images.shape
        places = self.OH * self.pitch
        each = places * (self.FH * C + self.channels) * self.dtype.itemsize
        for block in memory.blocks(N, each):
            images = self.images[block]
            if block.start == 0:
                # What no image covers stays 0.  Only the first row has zeros of its own before it.
                columns = np.zeros((self.pad_w + len(images) * places, self.FH, C), self.dtype)
            self.columns = columns[: self.pad_w + len(images) * places].reshape(-1, self.FH * C)
            pieces = self.columns[self.pad_w :].reshape(-1, self.OH, self.pitch, self.FH, C)
            for i in range(self.FH):
                # Row i of the windows in row `oh` is row oh - above of the image.
                above = self.pad_h - i
                first = max(0, above)
                last = max(first, min(self.OH, H + above))
                pieces[:, first:last, :W, i] = images[:, first - above : last - above]
            yield block

    def times(self, filters: Array, out: Array) -> None:
        """Set `out` (n, OH, pitch, channels) to the windows times the filters."""
        places = out.reshape(-1, self.channels)
        for first in range(self.FW):
            windows = in_a_row(self.FW, self.columns[first:])
            multiply(windows, filters, out=places[first :: self.FW][: len(windows)])

    def pixels(self, images: Array, before: int = 0) -> Array:
        """`images` (n, channels, OH, OW), where their windows begin in `columns`.

        (before + pad_w + n OH pitch, channels), with zeros where no window begins.
        """
        size, end = before + len(self.columns), before + len(self.columns) - self.pad_w
        if self._pixels is None:  # the first block is the largest
            self._pixels = np.zeros((size, self.channels), np.result_type(images, self.dtype))
        places = self._pixels[before:end].reshape(-1, self.OH, self.pitch, self.channels)
        places[:, :, : self.OW] = images.transpose(0, 2, 3, 1)
        self._pixels[end:size] = 0
        return self._pixels[:size]


def as_matrix(W: Array) -> Array:
    """Filters (FN, C, FH, FW) in the order of a window's values in `columns`: (FW FH C, FN)."""
    return W.transpose(3, 2, 1, 0).reshape(-1, len(W))


def in_a_row(count: int, pieces: Array) -> Array:
    """Rows of `pieces` (m, K), `count` of them side by side in a row: (m // count, count K)."""
    m, K = len(pieces) // count, pieces.shape[1]
    return pieces[: m * count].reshape(m, count * K)


def multiply(a: Array, b: Array, out: Array) -> None:
    """out = a b, in products below `SMALL_PRODUCT` where they hold enough rows to be worth it."""
    rows = SMALL_PRODUCT // b.size
    whole = len(a) // rows * rows if rows >= 100 else 0
    if whole:
        few = a[:whole].reshape(-1, rows, a.shape[1])
        np.matmul(few, b, out=out[:whole].reshape(-1, rows, b.shape[1]))
    np.matmul(a[whole:], b, out=out[whole:])


def add_products(rows: Array, pieces: Array, count: int, to: Array) -> None:
    """Add the products of each row with the `count` pieces from its place on: (K, count L)."""
    for first in range(count):
        windows = in_a_row(count, pieces[first:])
        to += rows[first::count][: len(windows)].T @ windows
