"""The convolution layer."""

from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_array,
    as_bias,
    as_count,
    as_float_dtype,
    as_param,
    as_rng,
    quiet,
)
from dlbasics._internal.fast import windows as fast_convolution
from dlbasics.columns import col2im, im2col
from dlbasics.initializers import Initializer, he, initializer
from dlbasics.layers.base import Layer
from dlbasics.layers.shapes import as_images, windows_of


class Convolution(Layer):
    """Convolution layer, y = x * W + b (book: *Implementing a Convolution Layer*).

    x: (N, C, H, W), or one image (C, H, W);  W: FN filters (FN, C, FH, FW);  b: (FN,), or None or 0
    for none;  y: (N, FN, OH, OW), or (FN, OH, OW).  stride: pixels from one window to the next;
    pad: zeros around the image.  W and b are kept as they are, never copied or cast.

    Each window of x is a row of `col` (im2col), each filter a column of `col_W`.  From there on it
    is Affine: y = col col_W + b,  dcol = dout col_W^T,  dcol_W = col^T dout,  db = sum of dout over
    images and pixels;  dx is dcol put back in its place (col2im).
    With stride 1 `fast_convolution` computes the same in less time (unless padding is as wide as
    the filter).

    Raises ValueError where x has not C channels, or windows do not tile it.
    """

    kind: ClassVar[str] = "Conv"
    param_names: ClassVar[tuple[str, ...]] = ("W", "b")
    x: Any = None
    """The last batch, (N, C, H, W)."""
    dW: Any = None
    db: Any = None

    def __init__(self, W: Array, b: Array | float | None, stride: int = 1, pad: int = 0) -> None:
        self.W = as_param(W, "W", shape=("FN", "C", "FH", "FW"))
        if not W.size:
            raise ValueError(f"W must hold at least one filter of one pixel, got shape {W.shape}")
        self.b = as_bias(b, len(W))
        self.stride, self.pad = as_count(stride, "stride"), as_count(pad, "pad", least=0)

    @classmethod
    def create(
        cls,
        channels: int,
        filter_num: int,
        filter_size: int | tuple[int, int],
        stride: int = 1,
        pad: int = 0,
        init: Initializer | float | str = he,
        *,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> "Convolution":
        """A layer with filters drawn by `init` (initializers.py) and a bias of zeros.

        filter_size: height and width, or one number for both.
        """
        FH, FW = filter_size if isinstance(filter_size, tuple) else (filter_size, filter_size)
        shape = (
            as_count(filter_num, "filter_num"),
            as_count(channels, "channels"),
            as_count(FH, "filter_size"),
            as_count(FW, "filter_size"),
        )
        dtype = as_float_dtype(dtype)
        W = initializer(init)(shape, as_rng(rng)).astype(dtype)
        return cls(W, np.zeros(filter_num, dtype), stride, pad)

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_array(x)
        FN, C, FH, FW = self.W.shape
        images = as_images(x, self, C)
        OH, OW = windows_of(self, x.shape, (FH, FW), self.stride, self.pad)
        if self._is_fast:
            y = fast_convolution.forward(images, self.W, self.b, self.pad)
        else:
            self._col = im2col(images, FH, FW, self.stride, self.pad)
            self._col_W = self.W.reshape(FN, -1).T
            out = self._col @ self._col_W
            out = out if self.b is None else out + self.b
            y = out.reshape(len(images), OH, OW, FN).transpose(0, 3, 1, 2)
        self.x, self._x_shape, self._y_shape = images, x.shape, x.shape[:-3] + y.shape[1:]
        return y.reshape(self._y_shape)

    @quiet
    def backward_params(self, dout: Array) -> None:
        self.db = self._sum_of_pixels(dout)
        if self._is_fast:
            self.dW = fast_convolution.backward_params(self.x, self._batch(dout), self.W, self.pad)
        else:
            self.dW = (self._rows(dout).T @ self._col).reshape(self.W.shape)

    @quiet
    def backward(self, dout: Array) -> Array:
        if self._is_fast:
            self.db = self._sum_of_pixels(dout)
            dx, self.dW = fast_convolution.backward(self.x, self._batch(dout), self.W, self.pad)
        else:
            self.backward_params(dout)
            dcol = self._rows(dout) @ self._col_W.T
            _, _, FH, FW = self.W.shape
            dx = col2im(dcol, self.x.shape, FH, FW, self.stride, self.pad)
        return dx.reshape(self._x_shape)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        FN, C, FH, FW = self.W.shape
        if len(x_shape) != 3 or x_shape[0] != C:
            raise ValueError(f"{self.kind}: a sample must have shape ({C}, H, W), got {x_shape}")
        return FN, *windows_of(self, x_shape, (FH, FW), self.stride, self.pad)

    @property
    def _is_fast(self) -> bool:
        return fast_convolution.fits(self.W.shape, self.stride, self.pad)

    def _batch(self, dout: Array) -> Array:
        """dout as (N, FN, OH, OW)."""
        dout = self._checked(dout)
        return dout.reshape(len(self.x), *dout.shape[-3:])

    def _rows(self, dout: Array) -> Array:
        """dout as rows (N OH OW, FN), as `col` has them."""
        return self._batch(dout).transpose(0, 2, 3, 1).reshape(-1, len(self.W))

    def _sum_of_pixels(self, dout: Array) -> Array | None:
        rows = self._rows(dout)
        # A product with ones sums columns twice as fast as sum(axis=0) does.
        return None if self.b is None else np.ones(len(rows), rows.dtype) @ rows
