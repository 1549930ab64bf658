"""Loss layers: each is an output function and its loss in one layer, computed from the scores.

x: scores (N, K), or one sample (K,).  The loss of a batch is the mean over its samples.
Images may have scores at each place, (N, K, H, W).  Each place then counts as a sample.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal import hints, table
from dlbasics._internal.checks import (
    Array,
    NoAccuracyError,
    as_float,
    as_labels,
    as_number,
    computed_in,
    quiet,
)
from dlbasics._internal.places import (
    as_rows,
    as_scores,
    label_rows,
    like_places,
    like_scores,
)
from dlbasics._internal.reprs import made_by
from dlbasics.functions import cross_entropies, log_softmax, sigmoid, softmax


class LossLayer:
    """The last layer of a network: `forward(x, t)` returns the loss, and `backward()` dL/dx.

    A loss layer of your own is a subclass with two methods, which are its formulas:

        def _forward(self, x, t):   # returns y (N, K) and the loss of each sample (N,)
        def _backward(self, y, t):  # returns dL_n/dx_n of each sample n, (N, K)

    x is a batch of scores (N, K); the base class makes rows of the places of images.  t is what
    `_labels` returns, by default labels of the same shape.  `forward` takes the mean over the N
    samples, so `backward` divides by N.  If the derivative is y - t, you need no `_backward`.
    Define `_correct` if there is an accuracy, `_probabilities` if there are probabilities, and
    `_labels` if the labels have another shape than x.  float16 is computed in float32.

    For SoftmaxWithLoss, `forward` and `backward` run a compiled version of the formulas where numba
    is installed, but not within `with dlbasics.plain():`.

    Attributes:
        y: The output of the last forward, in the shape of x.
        t: The labels that the last forward was given.
        loss: The value that the last forward returned.
    """

    y: Array | None = None
    t: Any = None
    loss: float | None = None

    # A subclass writes _forward, and any of the other three methods that must differ.

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        """Return y, (N, K), and the loss of each sample, (N,)."""
        raise TypeError(f"{type(self).__name__} must define _forward(x, t)")

    def _backward(self, y: Array, t: Array) -> Array:
        """Return the derivative of each sample's loss with respect to its scores, (N, K)."""
        return y - t

    def _correct(self, x: Array, t: Array) -> Array:
        """Return whether each sample is classified correctly, (N,)."""
        raise NoAccuracyError(f"{type(self).__name__} is a regression, which has no accuracy")

    def _labels(self, t: Any, x: Array, scores: Array) -> Array:
        """Return t as an array that fits the scores (N, K) of x; raise ValueError if it cannot."""
        t = np.asarray(as_float(t, "t"), like=x)
        if t.shape != x.shape:
            cure = hints.for_outputs(t.shape, x.shape)
            raise ValueError(f"t must have the shape of x, {x.shape}, got {t.shape}{cure}")
        return as_rows(t).astype(scores.dtype, copy=False)

    def _probabilities(self, x: Array) -> Array:
        """Return the probability of each class, or that each label is 1, (N, K)."""
        raise TypeError(f"{type(self).__name__} is a regression, which has no probabilities")

    # What the base class does for all losses:

    @quiet  # silences NumPy's warnings about infinite numbers
    def forward(self, x: Array, t: Any) -> float:
        """Return the loss of the batch, the mean of `losses(x, t)`.

        Args:
            x: Scores, (N, K), (K,) for one sample, or (N, K, H, W).
            t: Labels; the class of the loss layer says which.
        """
        given, scores, labels = self._checked(x, t)
        fast = table.fast(type(self), scores)
        if fast is None:
            y, losses = self._forward(scores, labels)
        else:
            y, losses = fast.forward(self, scores, labels)
        self.t, self._t = t, labels
        self.y = like_scores(y, given.shape).astype(given.dtype, copy=False)
        self.loss = float(losses.sum(dtype=np.float64)) / len(losses)
        return self.loss

    @quiet
    def backward(self, dout: float = 1) -> Array:
        """Return dL/dx times `dout`, in the shape of x.

        Raises:
            ValueError: If there was no forward before.
        """
        if self.y is None:
            raise ValueError(f"{type(self).__name__}: backward needs a forward before it")
        # _t holds the labels as `_labels` returned them.
        y = as_rows(self.y)
        y = y.astype(computed_in(y.dtype), copy=False)
        fast = table.fast(type(self), y)
        dx = self._backward(y, self._t) if fast is None else fast.backward(self, y, self._t)
        dx *= as_number(dout, "dout") / len(dx)
        return like_scores(dx, self.y.shape).astype(self.y.dtype, copy=False)

    @quiet
    def losses(self, x: Array, t: Any) -> Array:
        """Return the loss of each sample, (N,), or of each place, (N, H, W)."""
        given, scores, labels = self._checked(x, t)
        losses = self._forward(scores, labels)[1].astype(given.dtype, copy=False)
        return like_places(losses, given.shape)

    @quiet
    def correct(self, x: Array, t: Any) -> Array:
        """Return whether each sample, (N,), or each place, (N, H, W), is classified correctly.

        Raises:
            TypeError: If the loss is that of a regression.
        """
        given, scores, labels = self._checked(x, t)
        return like_places(self._correct(scores, labels), given.shape)

    @quiet
    def probabilities(self, x: Array) -> Array:
        """Return the probability of each class, or that each label is 1, in the shape of x.

        Args:
            x: Scores, (N, K), (K,) for one sample, or (N, K, H, W).

        Raises:
            TypeError: If the loss is that of a regression.
        """
        given = as_scores(x)
        rows = as_rows(given).astype(computed_in(given.dtype), copy=False)
        y = like_scores(self._probabilities(rows), given.shape)
        return y.astype(given.dtype, copy=False)

    def join(self, parts: Sequence["LossLayer"], t: Any, loss: float) -> None:
        """Take over y and the labels from loss layers that each computed a part of one batch.

        A network that works on the two halves of a batch (`Network.sharded`) uses this.

        Args:
            parts: The loss layers, in the order of the samples.
            t: The labels of the whole batch, as they were given.
            loss: The loss of the whole batch.
        """
        self.y = np.concatenate([part.y for part in parts if part.y is not None])
        self._t = np.concatenate([part._t for part in parts])
        self.t, self.loss = t, loss

    def __repr__(self) -> str:
        return made_by(self)

    def _checked(self, x: Any, t: Any) -> tuple[Array, Array, Array]:
        """Return the scores as they came, the scores as they are computed, and the labels."""
        given = as_scores(x)
        scores = as_rows(given).astype(computed_in(given.dtype), copy=False)
        return given, scores, self._labels(t, given, scores)


class SoftmaxWithLoss(LossLayer):
    """Softmax and cross-entropy, for one class out of K.

    y = softmax(x);  loss = -sum_k t_k * log y_k;  dx = (y - t) / N for one-hot t, and in general
    (sum(t) * y - t) / N.  The layer computes the loss from the scores and takes no logarithm of 0.
    A sample is classified correctly if the largest score is at the label's class.

    t: integer classes (N,) or (N, 1), or rows (N, K), one-hot or with other weights, such as
    (0.9, 0.1).  One sample has a class or a row (K,).  Images have classes (N, H, W), or rows
    (N, K, H, W).  A sample counts w times in the loss if its row is w times a one-hot row; so
    `one_hot(t) * weight[t][:, np.newaxis]` gives each class a weight.

    Raises:
        ValueError: If t has another shape, or a class is not from 0 to K - 1; if K is 1, as the
            softmax of a single score is always 1.  `SigmoidWithLoss` takes one output.

    Book: *Softmax-with-Loss Layer* and *Appendix A*.
    """

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        log_y = log_softmax(x)
        return np.exp(log_y), cross_entropies(log_y, t)

    def _backward(self, y: Array, t: Array) -> Array:
        if t.ndim == 2:
            return t.sum(axis=1, keepdims=True) * y - t
        dx = y.copy()
        dx[np.arange(len(y), like=y), t] -= 1
        return dx

    def _correct(self, x: Array, t: Array) -> Array:
        return x.argmax(axis=1) == (t if t.ndim == 1 else t.argmax(axis=1))

    def _labels(self, t: Any, x: Array, scores: Array) -> Array:
        return as_labels(label_rows(t, x.shape), scores, single=x.ndim == 1)

    def _probabilities(self, x: Array) -> Array:
        return softmax(x)


class SigmoidWithLoss(LossLayer):
    """Sigmoid and binary cross-entropy, for K independent yes-or-no outputs.

    y = sigmoid(x);  loss = -sum_k (t_k * log y_k + (1 - t_k) * log(1 - y_k));  dx = (y - t) / N.
    The layer computes the loss from the scores, as
    sum_k (max(x_k, 0) - x_k * t_k + log(1 + exp(-|x_k|))).
    A sample is classified correctly if all K answers are right; an answer is yes if y > 0.5.

    t: numbers from 0 to 1 in the shape of x.

    Raises:
        ValueError: If t has another shape than x, or a number is not from 0 to 1.
    """

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        losses = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
        return sigmoid(x), losses.sum(axis=1)

    def _correct(self, x: Array, t: Array) -> Array:
        return np.all((x > 0) == (t > 0.5), axis=1)

    def _probabilities(self, x: Array) -> Array:
        return sigmoid(x)

    def _labels(self, t: Any, x: Array, scores: Array) -> Array:
        t = super()._labels(t, x, scores)
        if not (t.min() >= 0 and t.max() <= 1):
            raise ValueError(f"t must be from 0 to 1, got {t.min()} to {t.max()}")
        return t


class IdentityWithLoss(LossLayer):
    """Identity and sum of squared errors, for a regression.

    y = x;  loss = 1/2 * sum_k (y_k - t_k)^2;  dx = (y - t) / N.

    t: numbers in the shape of x.

    Raises:
        ValueError: If t has another shape than x.

    Book: *Sum of Squared Errors*, eq. 4.1, and *Softmax-with-Loss Layer*.
    """

    def _forward(self, x: Array, t: Array) -> tuple[Array, Array]:
        return x.copy(), 0.5 * np.square(x - t).sum(axis=1)
