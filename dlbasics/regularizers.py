"""Penalties on large weights (book: *Weight Decay*).  Network adds them to loss and gradient."""

import numpy as np

from dlbasics._internal.checks import Array, as_float, as_number, computed_in, quiet

__all__ = ["L1", "L2"]


def is_weight(name: str) -> bool:
    """Return whether a parameter of that name is a weight: W, W1, W2, ..., not b1 or gamma1."""
    return str(name).startswith("W")


def _as_weights(W: Array) -> Array:
    """Return W in the dtype in which to compute: half precision in single, integers in double."""
    W = as_float(W, "W")
    return W.astype(computed_in(W.dtype), copy=False)


class L2:
    """The book's weight decay: the penalty 1/2 lambda sum W^2, with the gradient lambda W.

    Args:
        weight_decay_lambda: The strength of the penalty, lambda, at least 0.

    Book: *Weight Decay*.
    """

    def __init__(self, weight_decay_lambda: float) -> None:
        self.weight_decay_lambda = as_number(weight_decay_lambda, "weight_decay_lambda", low=0)

    @quiet
    def penalty(self, W: Array) -> Array:
        """Return what each weight adds to the loss, in the shape of W."""
        return 0.5 * self.weight_decay_lambda * np.square(_as_weights(W))

    @quiet
    def gradient(self, W: Array) -> Array:
        """Return the derivative of `penalty`, in the shape and dtype of W."""
        W = as_float(W, "W")
        return (self.weight_decay_lambda * _as_weights(W)).astype(W.dtype, copy=False)


class L1:
    """The penalty lambda sum |W|, which drives weights to 0, with the gradient lambda sign(W).

    Args:
        weight_decay_lambda: The strength of the penalty, lambda, at least 0.
    """

    def __init__(self, weight_decay_lambda: float) -> None:
        self.weight_decay_lambda = as_number(weight_decay_lambda, "weight_decay_lambda", low=0)

    @quiet
    def penalty(self, W: Array) -> Array:
        """Return what each weight adds to the loss, in the shape of W."""
        return self.weight_decay_lambda * np.abs(_as_weights(W))

    @quiet
    def gradient(self, W: Array) -> Array:
        """Return the derivative of `penalty`, in the shape and dtype of W; 0 at a weight of 0."""
        W = as_float(W, "W")
        return (self.weight_decay_lambda * np.sign(_as_weights(W))).astype(W.dtype, copy=False)
