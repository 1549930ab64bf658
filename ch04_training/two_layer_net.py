"""*A Two-Layer Neural Network as a Class* (chapter 4), made of functions and a dict of parameters.

Chapter 5 builds the same network from layers: `dlbasics.networks.TwoLayerNet`.
"""

from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import one_hot
from dlbasics.functions import cross_entropy_error, sigmoid, sigmoid_grad, softmax
from dlbasics.gradient import numerical_gradient


class TwoLayerNet:
    """The network y = softmax(sigmoid(x W1 + b1) W2 + b2).

    x: (N, input_size);  y: (N, output_size);  t: classes (N,) or one-hot rows (N, output_size).

    Args:
        input_size: The number of inputs.
        hidden_size: The number of hidden neurons.
        output_size: The number of outputs.
        weight_init_std: The standard deviation of the initial weights, which are Gaussian.
        rng: The generator, or the seed, for these weights.

    Attributes:
        params: W1 (input_size, hidden_size), b1 (hidden_size,), W2 (hidden_size, output_size) and
            b2 (output_size,), in float64.
        last_loss: The loss of the last batch for which a gradient was computed; nan before.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        rng: Generator | int | None = None,
    ) -> None:
        rng = np.random.default_rng(rng)
        self.params: dict[str, np.ndarray] = {}
        self.params["W1"] = weight_init_std * rng.standard_normal((input_size, hidden_size))
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = weight_init_std * rng.standard_normal((hidden_size, output_size))
        self.params["b2"] = np.zeros(output_size)
        self.last_loss = float("nan")

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities y."""
        W1, W2 = self.params["W1"], self.params["W2"]
        b1, b2 = self.params["b1"], self.params["b2"]

        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        a2 = np.dot(z1, W2) + b2
        return softmax(a2)

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the cross-entropy error, averaged over the batch."""
        y = self.predict(x)
        return cross_entropy_error(y, t)

    def accuracy(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the share of x whose most probable class is that of t."""
        y = self.predict(x)
        t = np.argmax(_rows(t, y), axis=1)
        return float(np.mean(np.argmax(y, axis=1) == t))

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient of each parameter by central differences: two losses per number."""

        def loss_W(W: np.ndarray) -> float:  # noqa: N802
            return self.loss(x, t)

        self.last_loss = self.loss(x, t)
        grads = {}
        grads["W1"] = numerical_gradient(loss_W, self.params["W1"])
        grads["b1"] = numerical_gradient(loss_W, self.params["b1"])
        grads["W2"] = numerical_gradient(loss_W, self.params["W2"])
        grads["b2"] = numerical_gradient(loss_W, self.params["b2"])
        return grads

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the same gradients by backpropagation, in about the time of three losses.

        The lines go from the output back to the input, and each applies the chain rule once more.
        Chapter 5 explains how to find them.
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


def _rows(t: Any, y: np.ndarray) -> np.ndarray:
    """Return the labels as rows of the shape of y, (N, K)."""
    if y.ndim != 2:
        raise ValueError(f"x must be a batch, (N, input_size), got one with y {y.shape}")
    rows = np.asarray(t) if np.shape(t) == y.shape else one_hot(np.ravel(t), y.shape[1])
    if len(rows) != len(y):
        raise ValueError(f"t must have one label for each of {len(y)} samples, got {np.shape(t)}")
    return rows
