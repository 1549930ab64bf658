"""The base class of all penalties does the plumbing; a subclass writes the formulas."""

from dlbasics._internal.checks import Array, as_float, as_number, computed_in, quiet
from dlbasics._internal.reprs import made_by


class Penalty:
    """A penalty on weights: each weight adds `_penalty(W)` to the loss.

    Half precision is computed in single, and integers in float64.

    Args:
        weight_decay_lambda: The strength of the penalty, lambda, at least 0.
    """

    def __init__(self, weight_decay_lambda: float) -> None:
        self.weight_decay_lambda = as_number(weight_decay_lambda, "weight_decay_lambda", low=0)

    def _penalty(self, W: Array) -> Array:
        """Return what each weight adds to the loss."""
        raise TypeError(f"{type(self).__name__} must define _penalty(W)")

    def _gradient(self, W: Array) -> Array:
        """Return the derivative of `_penalty`."""
        raise TypeError(f"{type(self).__name__} must define _gradient(W)")

    def __repr__(self) -> str:
        return made_by(self)

    @quiet
    def penalty(self, W: Array) -> Array:
        """Return what each weight adds to the loss, in the shape of W."""
        W = as_float(W, "W")
        return self._penalty(W.astype(computed_in(W.dtype), copy=False))

    @quiet
    def gradient(self, W: Array) -> Array:
        """Return the derivative of `penalty`, in the shape and dtype of W."""
        W = as_float(W, "W")
        gradient = self._gradient(W.astype(computed_in(W.dtype), copy=False))
        return gradient.astype(W.dtype, copy=False)
