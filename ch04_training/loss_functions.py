"""*Loss Function* (chapter 4): the sum of squared errors and the cross-entropy error.

The script computes both errors of the book's two predictions of a digit, and of a batch of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.data import one_hot
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import cross_entropy_error, sum_squared_error


@dataclass(frozen=True)
class Result(Record):
    """The losses of the book's predictions, and curves of both losses.

    Args:
        squared_errors: The squared errors of the right and of the wrong prediction.
        cross_entropies: The cross-entropy errors of the right and of the wrong prediction.
        batch_of_classes: The cross-entropy error of a batch of both, with labels as classes.
        batch_of_rows: The same with labels as one-hot rows.
        x: Numbers from 0 to 1, (N,).
        log_x: Their logarithms, (N,).
        squared_error: The squared error if the right digit has the probability x, (N,).
        cross_entropy: The cross-entropy error if the right digit has the probability x, (N,).
    """

    squared_errors: list[float]
    cross_entropies: list[float]
    batch_of_classes: float
    batch_of_rows: float
    x: np.ndarray
    log_x: np.ndarray
    squared_error: np.ndarray
    cross_entropy: np.ndarray


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


def prediction(p: float) -> np.ndarray:
    """Return ten probabilities: p for the digit 2, and equal shares of the rest for the others."""
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


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "squared error, 0.6 at the right digit",
            0.0975,
            lambda result: result.squared_errors[0],
            atol=1e-12,
            why="float64 rounds in the 16th digit",
            digits=9,
        ),
        Claim.same(
            "squared error, 0.6 at a wrong digit",
            0.5975,
            lambda result: result.squared_errors[1],
            atol=1e-12,
            why="float64 rounds in the 16th digit",
            digits=9,
        ),
        Claim.same(
            "cross-entropy, 0.6 at the right digit",
            0.510825457,
            lambda result: result.cross_entropies[0],
            atol=1.1e-6,
            why="the book adds 1e-7 to every probability",
            digits=10,
        ),
        Claim.same(
            "cross-entropy, 0.6 at a wrong digit",
            2.302584093,
            lambda result: result.cross_entropies[1],
            atol=1.1e-6,
            why="the book adds 1e-7 to every probability",
            digits=10,
        ),
        Claim(
            "a batch of both, labels as classes and as one-hot rows",
            None,
            lambda result: (result.batch_of_classes, result.batch_of_rows),
            lambda v: np.isclose(v[0], v[1], rtol=1e-12, atol=0),
            condition="both the same, within 1e-12 of it",
            why="one mean in two forms, but for rounding",
            digits=10,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
