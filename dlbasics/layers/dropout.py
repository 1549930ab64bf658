"""Dropout."""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_array, as_number, as_rng, quiet
from dlbasics.layers.base import Layer


class Dropout(Layer):
    """Switch elements off at random (book: *Dropout*; Srivastava et al. 2014).

    In training y = x mask, each element of the mask 0 with probability `dropout_ratio`, else 1, and
    drawn anew each time;  in test y = x (1 - dropout_ratio), so that the next layer meets the same
    mean;  dx is dout times the same factor.  Any shape.  A frozen layer keeps its mask, and lays it
    again on each repetition of the batch.

    inverted: scale in training instead, y = x mask / (1 - dropout_ratio), and in test not at all,
        as most libraries do; then a network needs no dropout layers once it is trained.
    """

    def __init__(
        self, dropout_ratio: float = 0.5, *, inverted: bool = False, rng: RngLike = None
    ) -> None:
        self.dropout_ratio = as_number(dropout_ratio, "dropout_ratio", low=0, high=1)
        self.inverted = inverted
        self.rng = None if rng is None else as_rng(rng)
        self.mask: Array | None = None

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        x = as_array(x)
        kept = 1 - self.dropout_ratio
        self._factor: Any = kept
        if train_flg:
            self._factor = self._mask_for(x)
        if self.inverted and kept:
            dtype = np.result_type(x, np.float16)  # x's own, where it is floating-point
            self._factor = np.divide(self._factor, kept, dtype=dtype)
        self._y_shape = x.shape
        return x * self._factor

    @quiet
    def backward(self, dout: Array) -> Array:
        return self._checked(dout) * self._factor

    def _mask_for(self, x: Array) -> Array:
        if self.frozen and self.mask is not None:
            return _repeated(self.mask, x.shape)
        if self.rng is None:
            self.rng = as_rng(None)
        drawn = self.rng.random(x.shape, dtype=np.float32)
        # In memory the mask lies as x does: a product of arrays that lie alike is faster.
        self.mask = np.empty_like(x, dtype=bool)
        np.greater_equal(drawn, np.float32(self.dropout_ratio), out=self.mask)
        return self.mask


def _repeated(mask: Array, shape: tuple[int, ...]) -> Array:
    if mask.shape == shape:
        return mask
    if mask.ndim and mask.shape[1:] == shape[1:] and len(mask) and shape[0] % len(mask) == 0:
        return np.concatenate([mask] * (shape[0] // len(mask)))
    raise ValueError(f"a frozen dropout mask of shape {mask.shape} does not fit x, {shape}")
