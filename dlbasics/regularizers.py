"""Penalties on large weights (book: *Weight Decay*).  Network adds them to loss and gradient."""

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.penalty import Penalty

__all__ = ["L1", "L2", "LInf"]


def is_weight(name: str) -> bool:
    """Return whether a parameter of that name is a weight: W, W1, W2, ..., not b1 or gamma1."""
    return str(name).startswith("W")


class L2(Penalty):
    """The book's weight decay: the penalty 1/2 lambda sum W^2, with the gradient lambda W.

    Args:
        weight_decay_lambda: The strength of the penalty, lambda, at least 0.

    Book: *Weight Decay*.
    """

    def _penalty(self, W: Array) -> Array:
        return 0.5 * self.weight_decay_lambda * np.square(W)

    def _gradient(self, W: Array) -> Array:
        return self.weight_decay_lambda * W


class L1(Penalty):
    """The penalty lambda sum |W|, which drives weights to 0, with the gradient lambda sign(W).

    Args:
        weight_decay_lambda: The strength of the penalty, lambda, at least 0.
    """

    def _penalty(self, W: Array) -> Array:
        return self.weight_decay_lambda * np.abs(W)

    def _gradient(self, W: Array) -> Array:
        return self.weight_decay_lambda * np.sign(W)  # 0 at a weight of 0


class LInf(Penalty):
    """The penalty lambda max |W|, on the largest weight of each array, which it makes smaller.

    The largest weights share lambda: if M weights have the largest magnitude, each adds
    lambda max |W| / M to the loss, and has the gradient lambda sign(W) / M.  The gradient of all
    others is 0.

    Args:
        weight_decay_lambda: The strength of the penalty, lambda, at least 0.

    Book: *Weight Decay*.
    """

    def _penalty(self, W: Array) -> Array:
        return self._shares(W) * np.abs(W)

    def _gradient(self, W: Array) -> Array:
        return self._shares(W) * np.sign(W)

    def _shares(self, W: Array) -> Array:
        """Return lambda / M for the M largest weights, and 0 for the others."""
        is_largest = np.abs(W) == (np.abs(W).max() if W.size else 0)
        share = self.weight_decay_lambda / max(int(is_largest.sum()), 1)
        return share * is_largest.astype(W.dtype)
