"""Loss layers: an output function and its loss in one, computed from the scores.

x: scores (N, K), or one sample (K,).  Every loss is the mean over the N samples of a batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_batch, as_float, as_labels, as_number, quiet
from dlbasics.functions import cross_entropies, log_softmax, sigmoid


class LossLayer(ABC):
    """The last layer: `forward(x, t)` gives the loss, then `backward()` its gradient."""

    y: Array | None = None
    """The output of the last forward: probabilities, or the values of a regression."""
    t: Any = None
    """The labels of the last forward, as they were given."""
    loss: float | None = None
    """What the last forward returned."""

    @quiet
    def forward(self, x: Array, t: Any) -> float:
        """The mean of `losses(x, t)`."""
        scores, self._labels, losses = self._evaluate(x, t)
        self.t = t
        self.y = self._output(scores).reshape(np.shape(x))
        self.loss = float(losses.sum(dtype=np.float64)) / len(losses)
        return self.loss

    @quiet
    def losses(self, x: Array, t: Any) -> Array:
        """The loss of each sample, (N,)."""
        return self._evaluate(x, t)[2]

    @quiet
    def backward(self, dout: float = 1) -> Array:
        """dL/dx in the shape of x, times `dout`."""
        if self.y is None:
            raise ValueError(f"{type(self).__name__}: backward needs a forward before it")
        y = self.y.reshape(len(self._labels), -1)
        dx = self._difference(y, self._labels)
        dx *= as_number(dout, "dout") / len(y)
        return dx.reshape(self.y.shape)

    def join(self, parts: Sequence["LossLayer"], t: Any, loss: float) -> None:
        """Hold what the parts of a batch hold, as if `forward` had seen the whole batch."""
        self.y = np.concatenate([part.y for part in parts if part.y is not None])
        self._labels = np.concatenate([part._labels for part in parts])
        self.t, self.loss = t, loss

    @abstractmethod
    def correct(self, x: Array, t: Any) -> Array:
        """Whether each sample's output is what its label says, (N,)."""

    @abstractmethod
    def _evaluate(self, x: Array, t: Any) -> tuple[Array, Array, Array]:
        """What `_output` needs (N, K), checked labels, and losses (N,)."""

    @abstractmethod
    def _output(self, scores: Array) -> Array:
        """y (N, K), an array of its own."""

    def _difference(self, y: Array, labels: Array) -> Array:
        """d loss / dx of each sample, (N, K), in an array of its own."""
        return y - labels


class SoftmaxWithLoss(LossLayer):
    """Softmax and cross-entropy (book: *Softmax-with-Loss Layer*, appendix A).

    y = softmax(x);  loss = -sum_k t_k log y_k, through log-sum-exp, exact at any score;
    dx = (sum(t) y - t) / N, which for one-hot t is (y - t) / N.

    t: integer classes (N,) or (N, 1), or rows (N, K), one-hot or soft of any sum; for one sample a
    class or a row (K,).  Anything else, a class below 0 included, is a ValueError.
    """

    @quiet
    def correct(self, x: Array, t: Any) -> Array:
        scores = as_batch(x)
        labels = as_labels(t, scores, single=np.ndim(x) == 1)
        classes = labels if labels.ndim == 1 else labels.argmax(axis=1)
        return scores.argmax(axis=1) == classes

    def _evaluate(self, x: Array, t: Any) -> tuple[Array, Array, Array]:
        scores = as_batch(x)
        labels = as_labels(t, scores, single=np.ndim(x) == 1)
        log_y = log_softmax(scores)
        return log_y, labels, cross_entropies(log_y, labels)

    def _output(self, scores: Array) -> Array:
        return np.exp(scores)

    def _difference(self, y: Array, labels: Array) -> Array:
        if labels.ndim == 2:
            return labels.sum(axis=1, keepdims=True) * y - labels
        dx = y.copy()
        dx[np.arange(len(y)), labels] -= 1
        return dx


class SigmoidWithLoss(LossLayer):
    """Sigmoid and binary cross-entropy, for K independent yes-or-no outputs.

    y = sigmoid(x);  loss = -sum_k (t_k log y_k + (1 - t_k) log(1 - y_k))
    = sum_k (max(x_k, 0) - x_k t_k + log(1 + exp(-|x_k|)));  dx = (y - t) / N.

    t: numbers from 0 to 1 in the shape of x; anything else is a ValueError.
    """

    @quiet
    def correct(self, x: Array, t: Any) -> Array:
        scores, targets = _same_shape(x, t)
        return np.all((scores > 0) == (targets > 0.5), axis=1)

    def _evaluate(self, x: Array, t: Any) -> tuple[Array, Array, Array]:
        x, t = _same_shape(x, t)
        if not (t.min() >= 0 and t.max() <= 1):
            raise ValueError(f"t must be from 0 to 1, got {t.min()} to {t.max()}")
        losses = np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))
        return x, t, losses.sum(axis=1)

    def _output(self, scores: Array) -> Array:
        return sigmoid(scores)


class IdentityWithLoss(LossLayer):
    """The loss of a regression: y = x;  loss = 1/2 sum_k (y_k - t_k)^2;  dx = (y - t) / N.

    t: numbers in the shape of x; anything else is a ValueError.
    """

    def correct(self, x: Array, t: Any) -> Array:
        raise TypeError("IdentityWithLoss is a regression, which has no accuracy")

    def _evaluate(self, x: Array, t: Any) -> tuple[Array, Array, Array]:
        y, t = _same_shape(x, t)
        return y, t, 0.5 * np.square(y - t).sum(axis=1)

    def _output(self, scores: Array) -> Array:
        return scores.copy()


def _same_shape(x: Any, t: Any) -> tuple[Array, Array]:
    """x and t as batches (N, K) of x's dtype."""
    scores, t = as_batch(x), as_float(t, "t")
    if t.shape != np.shape(x):
        raise ValueError(f"t must have the shape of x, {np.shape(x)}, got {t.shape}")
    return scores, t.reshape(scores.shape).astype(scores.dtype, copy=False)
