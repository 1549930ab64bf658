"""Implementing a Three-Layer Neural Network (chapter 3): the forward pass by hand.

Two inputs, hidden layers of three and two units, two outputs.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.functions import identity_function, sigmoid
from dlbasics.typing import Array


@dataclass(frozen=True)
class Result:
    """The first layer's weighted sums A1 (3,) and signals Z1 (3,), and the output y (2,)."""

    A1: Array
    Z1: Array
    y: Array


def init_network() -> dict[str, Array]:
    """The weights W1 (2, 3), W2 (3, 2), W3 (2, 2) and biases b1, b2, b3 of each layer."""
    return {
        "W1": np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
        "b1": np.array([0.1, 0.2, 0.3]),
        "W2": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
        "b2": np.array([0.1, 0.2]),
        "W3": np.array([[0.1, 0.3], [0.2, 0.4]]),
        "b3": np.array([0.1, 0.2]),
    }


def first_layer(network: dict[str, Array], x: Array) -> tuple[Array, Array]:
    """A1 = x W1 + b1 and Z1 = sigmoid(A1) (book: *Implementing Signal Transmission*, eq. 3.9)."""
    A1 = np.dot(x, network["W1"]) + network["b1"]
    return A1, sigmoid(A1)


def forward(network: dict[str, Array], x: Array) -> Array:
    """The output y (2,), or (N, 2), of x (2,), or (N, 2) (book: *Implementation Summary*)."""
    _, z1 = first_layer(network, x)
    a2 = np.dot(z1, network["W2"]) + network["b2"]
    z2 = sigmoid(a2)
    a3 = np.dot(z2, network["W3"]) + network["b3"]
    return identity_function(a3)


def run() -> Result:
    network = init_network()
    X = np.array([1.0, 0.5])
    A1, Z1 = first_layer(network, X)
    return Result(A1, Z1, forward(network, X))


CLAIMS = [
    Claim.same("A1", (0.3, 0.7, 1.1), lambda result: result.A1, atol=1e-12),
    Claim.same(
        "Z1", (0.57444252, 0.66818777, 0.75026011), lambda result: result.Z1, atol=5e-9, digits=8
    ),
    Claim.same("y", (0.31682708, 0.69627909), lambda result: result.y, atol=5e-9, digits=8),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, claims=CLAIMS)
