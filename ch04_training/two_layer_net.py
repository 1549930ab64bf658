"""Two-Layer Neural Network as a Class (chapter 4): nothing but functions and a dict of parameters.

Chapter 5 builds it anew from layers: `dlbasics.networks.TwoLayerNet`.
"""

from typing import Any

import numpy as np

from dlbasics._internal.checks import as_labels
from dlbasics.data import one_hot
from dlbasics.functions import cross_entropy_error, sigmoid, sigmoid_grad, softmax
from dlbasics.gradient import numerical_gradient
from dlbasics.typing import Array, RngLike


class TwoLayerNet:
    """y = softmax(sigmoid(x W1 + b1) W2 + b2).

    x: (N, input_size);  y: (N, output_size);  t: classes (N,) or one-hot rows (N, output_size).
    params: W1 (input_size, hidden_size), b1 (hidden_size,), W2 (hidden_size, output_size) and
    b2 (output_size,), float64; the weights are Gaussian with standard deviation weight_init_std.
    last_loss: the loss of the batch that a gradient was last computed of; nan before the first.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        rng: RngLike = None,
    ) -> None:
        rng = np.random.default_rng(rng)
        self.params: dict[str, Array] = {}
        self.params["W1"] = weight_init_std * rng.standard_normal((input_size, hidden_size))
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = weight_init_std * rng.standard_normal((hidden_size, output_size))
        self.params["b2"] = np.zeros(output_size)
        self.last_loss = float("nan")

    def predict(self, x: Array) -> Array:
        """The probabilities y."""
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]

        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        return softmax(a2)

    def loss(self, x: Array, t: Array) -> float:
        """The cross-entropy error, the batch's mean."""
        y = self.predict(x)
        return cross_entropy_error(y, t)

    def accuracy(self, x: Array, t: Array) -> float:
        """The share of x whose most probable class is that of t."""
        y = self.predict(x)
        t = np.argmax(_rows(t, y), axis=1)
        return float(np.mean(np.argmax(y, axis=1) == t))

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """dE/dparam of each parameter by central differences: two losses for each number."""

        def loss_W(W: Array) -> float:  # noqa: N802
            return self.loss(x, t)

        self.last_loss = self.loss(x, t)
        grads = {}
        grads["W1"] = numerical_gradient(loss_W, self.params["W1"])
        grads["b1"] = numerical_gradient(loss_W, self.params["b1"])
        grads["W2"] = numerical_gradient(loss_W, self.params["W2"])
        grads["b2"] = numerical_gradient(loss_W, self.params["b2"])
        return grads

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """The same gradients by backpropagation, all of them for about the price of three losses.

        From the output back to the input, each line multiplies by one more derivative of the chain
        rule; how to find these lines is the subject of chapter 5.
        """
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]
        grads = {}

        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        y = softmax(a2)
        self.last_loss = cross_entropy_error(y, t)

        da2 = (y - _rows(t, y)) / len(x)
        grads["W2"] = np.dot(z1.T, da2)
        grads["b2"] = np.sum(da2, axis=0)

        dz1 = np.dot(da2, W2.T)
        da1 = sigmoid_grad(a1) * dz1
        grads["W1"] = np.dot(np.transpose(x), da1)
        grads["b1"] = np.sum(da1, axis=0)
        return grads


def _rows(t: Any, y: Array) -> Array:
    """The labels as rows of the shape of y, (N, K)."""
    if y.ndim != 2:
        raise ValueError(f"x must be a batch, (N, input_size), got one with y {y.shape}")
    labels = as_labels(t, y, single=False)
    return one_hot(labels, y.shape[1]) if labels.ndim == 1 else labels
