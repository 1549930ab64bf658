"""Layers that give each sample another shape, and leave its numbers as they are."""

import math
from collections.abc import Sequence

from dlbasics._internal.checks import Array, as_counts
from dlbasics.layers.base import Layer


class Flatten(Layer):
    """Make one row of each sample.

    dx is dout in the shape of x.  Affine flattens its input by itself, so it needs no Flatten.
    x: (N, ...);  y: (N, D).  x is always a batch: give one image as (1, C, H, W).
    """

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self._in_shape = x.shape
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def _backward(self, dout: Array) -> Array:
        return dout.reshape(self._in_shape)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (math.prod(x_shape),)

    def _is_batch(self, x: Array) -> bool:
        if x.ndim > 1 and 0 not in x.shape[1:]:
            return True
        raise ValueError(f"{self.kind}: x must have shape (N, ...) and hold values, got {x.shape}")


class Reshape(Layer):
    """Give each sample a shape, such as (1, 28, 28) in front of a convolution.

    dx is dout in the shape of x.
    x: (N, ...), or one sample, of D values;  y: (N, *shape), or shape, where D is the product of
    the numbers in `shape`.

    Args:
        shape: The shape of one sample of y.

    Raises:
        ValueError: If the samples of x do not have D values.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(as_counts(shape, "shape"))

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self._in_shape = x.shape
        return x.reshape(len(x), *self.shape)

    def _backward(self, dout: Array) -> Array:
        return dout.reshape(self._in_shape)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (math.prod(self.shape),)

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(x_shape) != math.prod(self.shape):
            raise ValueError(
                f"{self.kind}: a sample must have {math.prod(self.shape)} values, got {x_shape}"
            )
        return self.shape

    def _is_batch(self, x: Array) -> bool:
        D = math.prod(self.shape)
        if x.ndim > 1 and math.prod(x.shape[1:]) == D:
            return True
        if x.ndim and x.size == D:
            return False
        raise ValueError(f"{self.kind}: x must have {D} values a sample, got shape {x.shape}")
