"""Local response normalization."""

import numpy as np

from dlbasics._internal.checks import Array, as_count, as_number
from dlbasics.layers.base import Layer
from dlbasics.layers.shapes import is_image_batch


class LocalResponseNorm(Layer):
    """Divide each pixel by the size of the pixels at the same place in neighboring channels.

    y_c = x_c s_c^-beta, where s_c = k + alpha sum_j x_j^2;  the sum is over the `size` channels j
    that are nearest to c.  So a strong pixel weakens its neighbors in the channels around it.
    dx_c = dout_c s_c^-beta - 2 alpha beta x_c sum_j dout_j x_j s_j^(-beta - 1).
    x and y: (N, C, H, W), or one image (C, H, W).

    Args:
        size: The number of neighboring channels, the own channel included; an odd number.
        alpha: The weight of the sum, at least 0.  PyTorch divides its alpha by `size`.
        beta: The exponent, at least 0.
        k: What keeps the denominator from 0; above 0.

    Raises:
        ValueError: If an argument is out of range, or x does not hold images.

    Book: *AlexNet*.  Source: Krizhevsky et al. 2012, section 3.3.
    """

    def __init__(
        self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
    ) -> None:
        self.size = as_count(size, "size")
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, got {size}")
        self.alpha = as_number(alpha, "alpha", low=0)
        self.beta = as_number(beta, "beta", low=0)
        self.k = as_number(k, "k", low=0)
        if self.k == 0:
            raise ValueError("k must be above 0, got 0")

    def _forward(self, x: Array, train_flg: bool) -> Array:
        self.x = x
        self._s = self.k + self.alpha * self._sum_of_neighbors(np.square(x))
        self._factor = self._s**-self.beta
        return x * self._factor

    def _backward(self, dout: Array) -> Array:
        shares = self._sum_of_neighbors(dout * self.x * self._factor / self._s)
        return dout * self._factor - 2 * self.alpha * self.beta * self.x * shares

    def _sum_of_neighbors(self, a: Array) -> Array:
        """Return the sum of a over the neighboring channels of each channel, (N, C, H, W)."""
        total = a.copy()
        for i in range(1, self.size // 2 + 1):
            total[:, i:] += a[:, :-i]
            total[:, :-i] += a[:, i:]
        return total

    def _is_batch(self, x: Array) -> bool:
        return is_image_batch(self, x)
