"""Loss layers: an output function and its loss in one layer, computed from the scores.

x: scores (N, K), or one sample (K,).  The loss of a batch is the mean over its samples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_batch, as_float, as_labels, as_number, quiet
from dlbasics.functions import cross_entropies, log_softmax, sigmoid


class LossLayer:
    """The last layer of a network: `forward(x, t)` returns the loss, `backward()` then dL/dx.

    A loss layer of your own is a subclass with two methods, which are its formulas:

        def _forward(self, x, t):   # returns y (N, K) and the loss of each sample (N,)
        def _backward(self, y, t):  # returns the derivative of each sample's loss by x, (N, K)

    x is a batch of scores (N, K), and t what `_labels` returns: by default labels of the same
    shape.  `forward` takes the mean over the N samples, so `backward` divides by N.  You need no
    `_backward` if it is y - t.  Define `_correct` if there is an accuracy, and `_labels` if the
    labels have another shape than x.

    Attributes:
        y: The output of the last forward, in the shape of x.
        t: The labels of the last forward, as they were given.
        loss: The value that the last forward returned.
    """

    y: Array | None = None
    t: Any = None
    loss: float | None = None

    # A subclass writes _forward, and any of the other three whose default does not fit.

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        """y (N, K), and the loss of each sample (N,)."""
        raise TypeError(f"{type(self).__name__} must define _forward(x, t)")

    def _backward(self, y: Array, t: Array) -> Array:
        """The derivative of each sample's loss by its scores, (N, K), as a new array."""
        return y - t

    def _correct(self, x: Array, t: Array) -> Array:
        """Whether each sample is classified correctly, (N,)."""
        raise TypeError(f"{type(self).__name__} is a regression, which has no accuracy")

    def _labels(self, t: Any, x: Any, scores: Array) -> Array:
        """t as an array that fits the scores (N, K) of x; ValueError if it cannot."""
        t = as_float(t, "t")
        if t.shape != np.shape(x):
            raise ValueError(f"t must have the shape of x, {np.shape(x)}, got {t.shape}")
        return t.reshape(scores.shape).astype(scores.dtype, copy=False)

    # The plumbing.

    @quiet  # NumPy does not warn of infinite numbers
    def forward(self, x: Array, t: Any) -> float:
        """The loss of the batch: the mean of `losses(x, t)`."""
        scores, labels = self._checked(x, t)
        y, losses = self._forward(scores, labels)
        self.t, self._t = t, labels
        self.y = y.reshape(np.shape(x))
        self.loss = float(losses.sum(dtype=np.float64)) / len(losses)
        return self.loss

    @quiet
    def backward(self, dout: float = 1) -> Array:
        """dL/dx in the shape of x, times `dout`."""
        if self.y is None:
            raise ValueError(f"{type(self).__name__}: backward needs a forward before it")
        # _t holds the labels as `_labels` returned them.
        dx = self._backward(self.y.reshape(len(self._t), -1), self._t)
        dx *= as_number(dout, "dout") / len(dx)
        return dx.reshape(self.y.shape)

    @quiet
    def losses(self, x: Array, t: Any) -> Array:
        """The loss of each sample, (N,)."""
        return self._forward(*self._checked(x, t))[1]

    @quiet
    def correct(self, x: Array, t: Any) -> Array:
        """Whether each sample is classified correctly, (N,).

        Raises:
            TypeError: For a regression.
        """
        return self._correct(*self._checked(x, t))

    def join(self, parts: Sequence["LossLayer"], t: Any, loss: float) -> None:
        """Take over y, t and loss from loss layers that each saw a part of one batch.

        Networks that work on the two halves of a batch (`Network.sharded`) use this.
        """
        self.y = np.concatenate([part.y for part in parts if part.y is not None])
        self._t = np.concatenate([part._t for part in parts])
        self.t, self.loss = t, loss

    def _checked(self, x: Any, t: Any) -> tuple[Array, Array]:
        scores = as_batch(x)
        return scores, self._labels(t, x, scores)


class SoftmaxWithLoss(LossLayer):
    """Softmax and cross-entropy, for one class out of K.

    y = softmax(x);  loss = -sum_k t_k * log y_k;  dx = (sum(t) * y - t) / N, which is (y - t) / N
    for one-hot t.  The loss is computed from the scores, so that the logarithm never sees a 0.
    A sample is classified correctly if the largest score is at the label's class.

    t: integer classes (N,) or (N, 1), or rows (N, K), one-hot or with any weights of the classes,
    such as (0.9, 0.1); for one sample a class or a row (K,).

    Raises:
        ValueError: For other labels, a class below 0 included.

    Book: *Softmax-with-Loss Layer* and *Appendix A*.
    """

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        log_y = log_softmax(x)
        return np.exp(log_y), cross_entropies(log_y, t)

    def _backward(self, y: Array, t: Array) -> Array:
        if t.ndim == 2:
            return t.sum(axis=1, keepdims=True) * y - t
        dx = y.copy()
        dx[np.arange(len(y)), t] -= 1
        return dx

    def _correct(self, x: Array, t: Array) -> Array:
        return x.argmax(axis=1) == (t if t.ndim == 1 else t.argmax(axis=1))

    def _labels(self, t: Any, x: Any, scores: Array) -> Array:
        return as_labels(t, scores, single=np.ndim(x) == 1)


class SigmoidWithLoss(LossLayer):
    """Sigmoid and binary cross-entropy, for K independent yes-or-no outputs.

    y = sigmoid(x);  loss = -sum_k (t_k * log y_k + (1 - t_k) * log(1 - y_k));  dx = (y - t) / N.
    The loss is computed from the scores, as sum_k (max(x_k, 0) - x_k * t_k + log(1 + exp(-|x_k|))).
    A sample is classified correctly if all K answers are right; an answer is yes if y > 0.5.

    t: numbers from 0 to 1 in the shape of x.

    Raises:
        ValueError: For other labels.
    """

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        losses = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
        return sigmoid(x), losses.sum(axis=1)

    def _correct(self, x: Array, t: Array) -> Array:
        return np.all((x > 0) == (t > 0.5), axis=1)

    def _labels(self, t: Any, x: Any, scores: Array) -> Array:
        t = super()._labels(t, x, scores)
        if not (t.min() >= 0 and t.max() <= 1):
            raise ValueError(f"t must be from 0 to 1, got {t.min()} to {t.max()}")
        return t


class IdentityWithLoss(LossLayer):
    """Identity and sum of squared errors, for a regression.

    y = x;  loss = 1/2 * sum_k (y_k - t_k)^2;  dx = (y - t) / N.

    t: numbers in the shape of x.

    Raises:
        ValueError: For t of another shape.

    Book: *Sum of Squared Errors*, eq. 4.1, and *Softmax-with-Loss Layer*.
    """

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        return x.copy(), 0.5 * np.square(x - t).sum(axis=1)
