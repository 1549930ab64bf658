"""The convolution layer."""

from typing import Any, ClassVar

import numpy as np

from dlbasics._internal.checks import (
    Array,
    RngLike,
    Sides,
    as_bias,
    as_count,
    as_flag,
    as_float_dtype,
    as_param,
    as_sides,
    pair,
)
from dlbasics.columns import col2im, im2col
from dlbasics.initializers import Initializer, he, weights
from dlbasics.layers.base import Layer
from dlbasics.layers.shapes import check_image_shape, is_image_batch, output_size


class Convolution(Layer):
    """Convolution layer.

    Each window of x is a row of `col` (im2col), each filter a column of `col_W`.  With y and dout
    as matrices (N OH OW, FN), this is an Affine layer: y = col col_W + b;
    dcol = dout col_W^T;  dcol_W = col^T dout;  db = the sum of dout over its rows.  col2im turns
    dcol into dx.

    x: (N, C, H, W), or one image (C, H, W);  y: (N, FN, OH, OW), or (FN, OH, OW), where
    OH = (H + 2 * pad - FH) / stride + 1, and OW likewise.

    Args:
        W: The filters, (FN, C, FH, FW).  The layer uses this very array, not a copy.
        b: The bias, (FN,).  None and 0 stand for no bias.
        stride: The number of pixels from one window to the next, or a pair of them, (down, right).
        pad: The number of pixels of zeros on each side of the image, or a pair of them: that above
            and below, and that on the left and the right.
        floor: If True, OH and OW are rounded down, so that the last pixels may be left over.

    Raises:
        ValueError: If x does not have C channels, if OH or OW is not a whole number, unless `floor`
            is True, or if W and b do not have these shapes.
        TypeError: If W or b is not a NumPy array.

    Book: *Implementing a Convolution Layer*.
    """

    kind: ClassVar[str] = "Conv"
    param_names: ClassVar[tuple[str, ...]] = ("W", "b")
    x: Any = None
    """The last batch, (N, C, H, W)."""
    dW: Any = None
    db: Any = None

    def __init__(
        self,
        W: Array,
        b: Array | float | None,
        stride: Sides = 1,
        pad: Sides = 0,
        *,
        floor: bool = False,
    ) -> None:
        create = "Convolution.create(channels, filter_num, filter_size)"
        self.W = as_param(W, "W", ("FN", "C", "FH", "FW"), create)
        self.b = as_bias(b, len(W))
        self.stride, self.pad = as_sides(stride, "stride"), as_sides(pad, "pad", least=0)
        self.floor = as_flag(floor, "floor")

    def _forward(self, x: Array, train_flg: bool) -> Array:
        FN, OH, OW = self.output_shape(x.shape[1:])
        _, _, FH, FW = self.W.shape
        self.x = x
        self._col = im2col(x, FH, FW, self.stride, self.pad, floor=self.floor)
        self._col_W = self.W.reshape(FN, -1).T
        out = self._col @ self._col_W
        out = out if self.b is None else out + self.b
        return out.reshape(len(x), OH, OW, FN).transpose(0, 3, 1, 2)

    def _backward(self, dout: Array) -> Array:
        FN, _, FH, FW = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)  # a row for each window
        self.db = None if self.b is None else dout.sum(axis=0)
        self.dW = (dout.T @ self._col).reshape(self.W.shape)  # dcol_W^T: a row for each filter
        dcol = dout @ self._col_W.T
        return col2im(dcol, self.x.shape, FH, FW, self.stride, self.pad, floor=self.floor)

    @classmethod
    def create(
        cls,
        channels: int,
        filter_num: int,
        filter_size: Sides,
        stride: Sides = 1,
        pad: Sides = 0,
        init: Initializer | float | str = he,
        *,
        floor: bool = False,
        rng: RngLike = None,
        dtype: Any = np.float32,
    ) -> "Convolution":
        """Return a layer with random filters and a bias of zeros.

        Args:
            channels: The number C of channels of x.
            filter_num: The number FN of filters.
            filter_size: The height and width of a filter, or one number for both.
            stride: The number of pixels from one window to the next, or a pair of them.
            pad: The number of pixels of zeros on each side of the image, or a pair of them.
            init: 'he', 'xavier', 'glorot', a standard deviation, or an initializer
                (initializers.py).
            floor: If True, the windows need not tile the image.
            rng: The random generator of the filters, or its seed.
            dtype: The dtype of W and b.

        Raises:
            ValueError: If a number is too small, or the weights are not finite in that dtype.
            TypeError: If a number is not an integer, or dtype is not a floating-point one.
        """
        sizes = pair(as_sides(filter_size, "filter_size"))
        shape = as_count(filter_num, "filter_num"), as_count(channels, "channels"), *sizes
        dtype = as_float_dtype(dtype)
        W = weights(init, shape, rng, dtype)
        return cls(W, np.zeros(len(W), dtype), stride, pad, floor=floor)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        FN, C, FH, FW = self.W.shape
        check_image_shape(self, x_shape, C)
        return FN, *output_size(self, x_shape, (FH, FW), self.stride, self.pad, self.floor)

    def _is_batch(self, x: Array) -> bool:
        is_batch = is_image_batch(self, x, self.W.shape[1])
        self.output_shape(x.shape[-3:])
        return is_batch
