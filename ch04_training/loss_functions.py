"""Loss Function (chapter 4): the sum of squared errors and the cross-entropy error.

Both for the book's two predictions of a digit, and for a batch of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import one_hot
from dlbasics.experiment import Claim
from dlbasics.functions import cross_entropy_error, sum_squared_error
from dlbasics.typing import Array


@dataclass(frozen=True)
class Result:
    """Losses of the book's predictions: of the right and the wrong one, and of a batch of both.

    x (N,): numbers from 0 to 1, with log_x (N,), and also probabilities of the right digit, with
    the losses squared_error and cross_entropy (N,) that they give.
    """

    squared_errors: list[float]
    cross_entropies: list[float]
    batch_of_classes: float
    batch_of_rows: float
    x: Array
    log_x: Array
    squared_error: Array
    cross_entropy: Array


def run() -> Result:
    right = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]  # most likely a 2
    wrong = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]  # most likely a 7
    t = one_hot([2])[0]

    batch, classes = np.array([right, wrong]), np.array([2, 2])

    x = np.linspace(0.001, 1, 1000)
    predictions = [prediction(p) for p in x]
    return Result(
        squared_errors=[sum_squared_error(right, t), sum_squared_error(wrong, t)],
        cross_entropies=[cross_entropy_error(right, t), cross_entropy_error(wrong, t)],
        batch_of_classes=cross_entropy_error(batch, classes),
        batch_of_rows=cross_entropy_error(batch, one_hot(classes)),
        x=x,
        log_x=np.log(x),
        squared_error=np.array([sum_squared_error(y, t) for y in predictions]),
        cross_entropy=np.array([cross_entropy_error(y, t) for y in predictions]),
    )


def prediction(p: float) -> Array:
    """Ten probabilities: p for the 2, what is left shared by the other digits."""
    y = np.full(10, (1 - p) / 9)
    y[2] = p
    return y


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure_4_3 = plotting.curves(
        {"log x": result.log_x}, x=result.x, xlabel="x", ylabel="y = log x", ylim=(-5, 0)
    )
    losses = plotting.curves(
        {"sum of squared errors": result.squared_error, "cross-entropy": result.cross_entropy},
        x=result.x,
        xlabel="probability of the right digit",
        ylabel="loss",
        ylim=(0, 5),
    )
    for figure in (figure_4_3, losses):
        figure.axes[0].set_xlim(0, 1)
        figure.axes[0].set_xticks(np.linspace(0, 1, 6))
    return {"figure_4_3": figure_4_3, "losses": losses}


CLAIMS = [
    Claim.same(
        "squared error, 0.6 at the right digit",
        0.0975,
        lambda result: result.squared_errors[0],
        atol=1e-6,
        digits=9,
    ),
    Claim.same(
        "squared error, 0.6 at a wrong digit",
        0.5975,
        lambda result: result.squared_errors[1],
        atol=1e-6,
        digits=9,
    ),
    # The book adds 1e-7 to every probability.
    Claim.same(
        "cross-entropy, 0.6 at the right digit",
        0.510825457,
        lambda result: result.cross_entropies[0],
        atol=1.1e-6,
        digits=10,
    ),
    Claim.same(
        "cross-entropy, 0.6 at a wrong digit",
        2.302584093,
        lambda result: result.cross_entropies[1],
        atol=1.1e-6,
        digits=10,
    ),
    Claim(
        "a batch of both, labels as classes and as one-hot rows",
        "the same mean",
        lambda result: (result.batch_of_classes, result.batch_of_rows),
        lambda v: np.isclose(v[0], v[1], rtol=1e-12),
        digits=10,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, claims=CLAIMS)
