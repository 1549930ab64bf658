"""Pooling layers."""

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from dlbasics._internal.checks import Array, as_count, as_float, quiet
from dlbasics._internal.fast import pooling as fast_pooling
from dlbasics.columns import col2im, im2col, padded
from dlbasics.layers.base import Layer
from dlbasics.layers.shapes import as_images, windows_of


class WindowLayer(Layer):
    """A layer that makes one value of each window of each channel (book: *Pooling Layer*).

    x: (N, C, H, W), or one image (C, H, W);  y: (N, C, OH, OW), or (C, OH, OW).  Windows are pool_h
    by pool_w pixels, with stride pixels from one to the next and pad pixels around the image.
    Raises ValueError where windows do not tile the image, or would see nothing but padding.
    """

    padding: ClassVar[float] = 0
    """The value of pixels around the image."""

    def __init__(self, pool_h: int, pool_w: int, stride: int = 1, pad: int = 0) -> None:
        self.pool_h, self.pool_w = as_count(pool_h, "pool_h"), as_count(pool_w, "pool_w")
        self.stride, self.pad = as_count(stride, "stride"), as_count(pad, "pad", least=0)
        if self.pad >= min(self.pool_h, self.pool_w):
            raise ValueError(
                f"pad must be less than pool_h and pool_w, {pool_h} and {pool_w}, got {pad}"
            )

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        images = self._images(x)
        col = im2col(padded(images, self.pad, self.padding), self.pool_h, self.pool_w, self.stride)
        values = self._pool(col.reshape(-1, self.pool_h * self.pool_w))
        N, C, OH, OW = self._out_shape
        return values.reshape(N, OH, OW, C).transpose(0, 3, 1, 2).reshape(self._y_shape)

    @quiet
    def backward(self, dout: Array) -> Array:
        dvalues = self._checked(dout).reshape(self._out_shape).transpose(0, 2, 3, 1).reshape(-1)
        N, C, OH, OW = self._out_shape
        dcol = self._spread(dvalues).reshape(N * OH * OW, C * self.pool_h * self.pool_w)
        dx = col2im(dcol, self._in_shape, self.pool_h, self.pool_w, self.stride, self.pad)
        return dx.reshape(self._x_shape)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(x_shape) != 3:
            raise ValueError(f"{self.kind}: a sample must have shape (C, H, W), got {x_shape}")
        window = self.pool_h, self.pool_w
        return x_shape[0], *windows_of(self, x_shape, window, self.stride, self.pad)

    @abstractmethod
    def _pool(self, windows: Array) -> Array:
        """One value for each window, a row of `windows`."""

    @abstractmethod
    def _spread(self, dvalues: Array) -> Array:
        """The gradient of `windows` from those of the values."""

    def _images(self, x: Array) -> Array:
        """x as (N, C, H, W); keeps what backward must know of shapes."""
        x = as_float(x)
        images = as_images(x, self)
        self._out_shape = len(images), *self.output_shape(images.shape[1:])
        self._in_shape, self._x_shape = images.shape, x.shape
        self._y_shape = self._out_shape[-x.ndim :]
        return images


class Pooling(WindowLayer):
    """Max pooling, the largest value of each window (book: *Implementing a Pooling Layer*).

    The gradient goes to the largest value, to the first where several are equal.  Padding is
    smaller than any value.  The default stride is the printed book's.
    Windows of 2 x 2 with stride 2 go through `fast_pooling`.
    """

    kind: ClassVar[str] = "Pool"
    padding: ClassVar[float] = -math.inf

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        if not self._is_fast:
            return super().forward(x)
        y, self._wins = fast_pooling.forward(self._images(x))
        return y.reshape(self._y_shape)

    @quiet
    def backward(self, dout: Array) -> Array:
        if not self._is_fast:
            return super().backward(dout)
        dx = fast_pooling.backward(self._checked(dout).reshape(self._out_shape), self._wins)
        return dx.reshape(self._x_shape)

    @property
    def _is_fast(self) -> bool:
        return (self.pool_h, self.pool_w, self.stride, self.pad) == (2, 2, 2, 0)

    def _pool(self, windows: Array) -> Array:
        self._arg_max = windows.argmax(axis=1)
        return windows[np.arange(len(windows)), self._arg_max]

    def _spread(self, dvalues: Array) -> Array:
        dwindows = np.zeros((len(dvalues), self.pool_h * self.pool_w), dvalues.dtype)
        dwindows[np.arange(len(dvalues)), self._arg_max] = dvalues
        return dwindows


class AveragePooling(WindowLayer):
    """The mean of each window; padding counts as zeros (LeNet's subsampling, LeCun et al. 1998)."""

    def _pool(self, windows: Array) -> Array:
        return windows.mean(axis=1)

    def _spread(self, dvalues: Array) -> Array:
        size = self.pool_h * self.pool_w
        return np.repeat(dvalues / size, size)


class GlobalAveragePooling(Layer):
    """The mean of all pixels of a channel, however many they are (Lin et al. 2014, section 3.2).

    x: (N, C, H, W), or one image (C, H, W);  y: (N, C), or (C,);  dx = dout / (H W) at each pixel.
    """

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_float(x)
        y = as_images(x, self).mean(axis=(2, 3))
        self._x_shape, self._y_shape = x.shape, x.shape[:-2]
        return y.reshape(self._y_shape)

    @quiet
    def backward(self, dout: Array) -> Array:
        dout = self._checked(dout)
        # In half precision the number of pixels may be infinite.
        wide = dout.astype(np.result_type(dout, np.float32))
        each = (wide / math.prod(self._x_shape[-2:])).astype(dout.dtype)
        return np.broadcast_to(each[..., np.newaxis, np.newaxis], self._x_shape).copy()

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(x_shape) != 3:
            raise ValueError(f"{self.kind}: a sample must have shape (C, H, W), got {x_shape}")
        return x_shape[:1]
