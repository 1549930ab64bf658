"""*Gradients for a Neural Network* (chapter 4): the gradient of a loss by a matrix of weights."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import cross_entropy_error, softmax
from dlbasics.gradient import numerical_gradient


class SimpleNet:
    """A network of a single layer without biases.

    x: (2,);  scores p = x W: (3,);  t: a class or a one-hot row (3,).

    Args:
        W: The weights, (2, 3).  None stands for numbers from a standard normal.
        rng: The generator, or the seed, for these numbers.
    """

    def __init__(self, W: np.ndarray | None = None, *, rng: Generator | int | None = None) -> None:
        self.W = np.random.default_rng(rng).standard_normal((2, 3)) if W is None else W

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the scores."""
        return np.dot(x, self.W)

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the cross-entropy error."""
        z = self.predict(x)
        y = softmax(z)
        return cross_entropy_error(y, t)


simpleNet = SimpleNet  # noqa: N816, the book's name


@dataclass(frozen=True)
class Result(Record):
    """The numbers that the book prints.

    Args:
        p: The scores, (3,).
        answer: The class of the largest score.
        loss: The loss.
        dW: The gradient of the loss by the weights, (2, 3).
    """

    p: np.ndarray
    answer: int
    loss: float
    dW: np.ndarray


def run() -> Result:
    W = np.array([[0.47355232, 0.9977393, 0.84668094], [0.85557411, 0.03563661, 0.69422093]])
    net = simpleNet(W)
    x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
    p = net.predict(x)
    return Result(
        p=p,
        answer=int(np.argmax(p)),
        loss=net.loss(x, t),
        dW=numerical_gradient(lambda W: net.loss(x, t), net.W),
    )


experiment = Experiment(
    __doc__,
    run,
    claims=[
        Claim.same(
            "scores p",
            (1.05414809, 0.63071653, 1.1328074),
            lambda result: result.p,
            atol=1e-8,
            why="the book prints the weights with eight decimals",
            digits=9,
        ),
        Claim.same("class of the largest score", 2, lambda result: result.answer),
        Claim.same(
            "loss",
            0.928068537,
            lambda result: result.loss,
            atol=1e-8,
            why="the book prints the weights with eight decimals",
            digits=9,
        ),
        Claim.same(
            "gradient dW",
            ((0.21924763, 0.14356247, -0.36281009), (0.32887144, 0.2153437, -0.54421514)),
            lambda result: result.dW,
            atol=1e-8,
            why="the book prints the weights with eight decimals",
            digits=8,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
