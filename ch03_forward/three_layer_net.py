"""*Implementing a Three-Layer Neural Network* (chapter 3): the forward pass, line by line.

The network has two inputs, hidden layers of three and two neurons, and two outputs.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import identity_function, sigmoid


@dataclass(frozen=True)
class Result(Record):
    """The numbers that the book prints.

    Args:
        A1: The weighted sums of the first layer, (3,).
        Z1: The signals of the first layer, (3,).
        y: The output, (2,).
    """

    A1: np.ndarray
    Z1: np.ndarray
    y: np.ndarray


def init_network() -> dict[str, np.ndarray]:
    """Return the weights W1 (2, 3), W2 (3, 2) and W3 (2, 2), and the biases b1, b2 and b3."""
    return {
        "W1": np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
        "b1": np.array([0.1, 0.2, 0.3]),
        "W2": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
        "b2": np.array([0.1, 0.2]),
        "W3": np.array([[0.1, 0.3], [0.2, 0.4]]),
        "b3": np.array([0.1, 0.2]),
    }


def first_layer(network: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return A1 = x W1 + b1 and Z1 = sigmoid(A1).

    Book: *Implementing Signal Transmission in Each Layer*, eq. 3.9.
    """
    A1 = np.dot(x, network["W1"]) + network["b1"]
    return A1, sigmoid(A1)


def forward(network: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the output (2,) of x (2,), or (N, 2) of a batch (N, 2).

    Book: *Implementation Summary*.
    """
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


experiment = Experiment(
    __doc__,
    run,
    claims=[
        Claim.same(
            "A1",
            (0.3, 0.7, 1.1),
            lambda result: result.A1,
            atol=1e-12,
            why="float64 rounds in the 16th digit",
        ),
        Claim.same(
            "Z1",
            (0.57444252, 0.66818777, 0.75026011),
            lambda result: result.Z1,
            atol=5e-9,
            why="the book prints eight digits",
            digits=8,
        ),
        Claim.same(
            "y",
            (0.31682708, 0.69627909),
            lambda result: result.y,
            atol=5e-9,
            why="the book prints eight digits",
            digits=8,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
