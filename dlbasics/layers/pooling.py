"""Pooling layers."""

import math
from typing import ClassVar

import numpy as np

from dlbasics._internal.checks import Array, Sides, as_count, as_flag, as_sides, pair
from dlbasics.columns import col2im, im2col, padded
from dlbasics.layers.base import Layer
from dlbasics.layers.shapes import check_image_shape, is_image_batch, output_size


class WindowLayer(Layer):
    """The base class of pooling layers, which reduce each window of each channel to one value.

    A subclass defines `_pool`, the value of a window, and `_unpool`, its gradient.
    """

    padding: ClassVar[float] = 0
    """The value of the pixels around the image."""

    def __init__(
        self, pool_h: int, pool_w: int, stride: Sides = 1, pad: Sides = 0, *, floor: bool = False
    ) -> None:
        self.pool_h, self.pool_w = as_count(pool_h, "pool_h"), as_count(pool_w, "pool_w")
        self.stride, self.pad = as_sides(stride, "stride"), as_sides(pad, "pad", least=0)
        self.floor = as_flag(floor, "floor")
        above, left = pair(self.pad)
        if above >= self.pool_h or left >= self.pool_w:
            raise ValueError(
                f"pad must be less than pool_h and pool_w, {pool_h} and {pool_w}, got {pad}"
            )

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self._in_shape = x.shape
        C, OH, OW = self.output_shape(x.shape[1:])
        image = padded(x, self.pad, self.padding)
        col = im2col(image, self.pool_h, self.pool_w, self.stride, floor=self.floor)
        values = self._pool(col.reshape(-1, self.pool_h * self.pool_w))
        return values.reshape(len(x), OH, OW, C).transpose(0, 3, 1, 2)

    def _backward(self, dout: Array) -> Array:
        N, C, OH, OW = dout.shape
        dvalues = dout.transpose(0, 2, 3, 1).reshape(-1)
        dcol = self._unpool(dvalues).reshape(N * OH * OW, C * self.pool_h * self.pool_w)
        window = self.pool_h, self.pool_w
        return col2im(dcol, self._in_shape, *window, self.stride, self.pad, floor=self.floor)

    def _pool(self, windows: Array) -> Array:
        """Return one value for each row of `windows`; a row holds the pixels of one window."""
        raise TypeError(f"{self.kind} must define _pool(windows)")

    def _unpool(self, dvalues: Array) -> Array:
        """Return the gradient of `windows`, given the gradient of the values."""
        raise TypeError(f"{self.kind} must define _unpool(dvalues)")

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        window = self.pool_h, self.pool_w
        OH, OW = output_size(self, x_shape, window, self.stride, self.pad, self.floor)
        return x_shape[0], OH, OW

    def _is_batch(self, x: Array) -> bool:
        is_batch = is_image_batch(self, x)
        self.output_shape(x.shape[-3:])
        return is_batch


class Pooling(WindowLayer):
    """Max pooling: the largest value of each window.

    The gradient goes to the largest value; if several are equal, to the first of them.  Padding is
    smaller than any value.
    x: (N, C, H, W), or one image (C, H, W);  y: (N, C, OH, OW), or (C, OH, OW), where
    OH = (H + 2 * pad - pool_h) / stride + 1, and OW likewise.

    Args:
        pool_h: The height of a window.
        pool_w: The width of a window.
        stride: The number of pixels from one window to the next, or a pair of them, (down, right).
            The default is the printed book's.
        pad: The number of pixels of padding on each side of the image, or a pair of them: that
            above and below, and that on the left and the right.
        floor: If True, OH and OW are rounded down, so that the last pixels may be left over.

    Raises:
        ValueError: If the windows do not tile the image, unless `floor` is True, or could lie in
            the padding alone.

    Book: *Implementing a Pooling Layer*.
    """

    kind: ClassVar[str] = "Pool"
    padding: ClassVar[float] = -math.inf

    def _pool(self, windows: Array) -> Array:
        self._arg_max = windows.argmax(axis=1)
        return windows[np.arange(len(windows), like=windows), self._arg_max]

    def _unpool(self, dvalues: Array) -> Array:
        shape = len(dvalues), self.pool_h * self.pool_w
        dwindows = np.zeros(shape, dvalues.dtype, like=dvalues)
        dwindows[np.arange(len(dvalues), like=dvalues), self._arg_max] = dvalues
        return dwindows


class AveragePooling(WindowLayer):
    """Average pooling: the mean of each window.

    Padding counts as zeros.
    x: (N, C, H, W), or one image (C, H, W);  y: (N, C, OH, OW), or (C, OH, OW), as for `Pooling`.

    Args:
        pool_h: The height of a window.
        pool_w: The width of a window.
        stride: The number of pixels from one window to the next, or a pair of them, (down, right).
        pad: The number of pixels of zeros on each side of the image, or a pair of them, as for
            `Pooling`.
        floor: If True, OH and OW are rounded down, so that the last pixels may be left over.

    Raises:
        ValueError: If the windows do not tile the image, unless `floor` is True, or could lie in
            the padding alone.

    Book: *The Pooling Layer*, in a note.  Source: the subsampling of LeNet, LeCun et al. 1998.
    """

    def _pool(self, windows: Array) -> Array:
        return windows.mean(axis=1)

    def _unpool(self, dvalues: Array) -> Array:
        size = self.pool_h * self.pool_w
        return np.repeat(dvalues / size, size)


class GlobalAveragePooling(Layer):
    """Global average pooling: the mean of all pixels of each channel.

    dx = dout / (H W) at each pixel.
    x: (N, C, H, W), or one image (C, H, W);  y: (N, C), or (C,).

    Source: Lin et al. 2014, section 3.2.
    """

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self._in_shape = x.shape
        return x.mean(axis=(2, 3))

    def _backward(self, dout: Array) -> Array:
        _, _, H, W = self._in_shape
        each = dout[:, :, np.newaxis, np.newaxis] / (H * W)
        return np.broadcast_to(each, self._in_shape).copy()

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        check_image_shape(self, x_shape)
        return x_shape[:1]

    def _is_batch(self, x: Array) -> bool:
        return is_image_batch(self, x)
