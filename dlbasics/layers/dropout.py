"""The dropout layer."""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_flag, as_number, as_rng
from dlbasics.layers.base import Layer


class Dropout(Layer):
    """Switch elements off at random.

    In training, y = x * mask and dx = dout * mask.  In test, y = x * (1 - dropout_ratio) and
    dx = dout * (1 - dropout_ratio).  x has any shape.  The layer draws a new mask for each batch:
    an element is 0 with probability `dropout_ratio`, else 1.  In test, every element counts less,
    so that the next layer meets the same mean.

    Args:
        dropout_ratio: The probability that an element is switched off, from 0 to 1.
        inverted: If True, the layer scales in training, y = x * mask / (1 - dropout_ratio), and
            returns x in test, as most libraries do.
        rng: The random generator of the masks, or its seed.  If it is None, a network sets its own.

    Raises:
        ValueError: If dropout_ratio is not from 0 to 1.
        TypeError: If dropout_ratio is not a number, or inverted is neither True nor False.

    Book: *Dropout*; its listing, too, multiplies by 1 - dropout_ratio in test.
    Source: Srivastava et al. 2014.
    """

    mask: Array | None = None
    """True where an element was kept in the last training batch."""

    def __init__(
        self, dropout_ratio: float = 0.5, *, inverted: bool = False, rng: RngLike = None
    ) -> None:
        self.dropout_ratio = as_number(dropout_ratio, "dropout_ratio", low=0, high=1)
        self.inverted = as_flag(inverted, "inverted")
        self.rng = None if rng is None else as_rng(rng)

    def _forward(self, x: Array, train_flg: bool) -> Array:
        kept = 1 - self.dropout_ratio
        self._factor: Any = self._mask_for(x) if train_flg else kept
        if self.inverted and kept:
            self._factor = np.divide(self._factor, kept, dtype=x.dtype)
        return x * self._factor

    def _backward(self, dout: Array) -> Array:
        return dout * self._factor

    def _mask_for(self, x: Array) -> Array:
        if self.frozen and self.mask is not None:
            if self.mask.shape != x.shape:
                raise ValueError(
                    f"{self.kind}: x must have the shape of the frozen mask, {self.mask.shape}, "
                    f"got {x.shape}"
                )
            return self.mask
        self.rng = as_rng(self.rng)
        drawn = np.asarray(self.rng.random(x.shape, dtype=np.float32), like=x)
        self.mask = np.empty_like(x, dtype=bool)  # the memory order of x makes the product fast
        np.greater_equal(drawn, np.float32(self.dropout_ratio), out=self.mask)
        return self.mask
