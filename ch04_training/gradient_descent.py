"""*Gradient Method* (chapter 4): gradient descent on x0^2 + x1^2 with several learning rates."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch04_training.gradient_field import function_2
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.gradient import gradient_descent

INIT_X = np.array([-3.0, 4.0])
LEARNING_RATES = (1e-10, 0.01, 0.1, 0.45, 1.0, 1.1, 10.0)
KINDS = {1e-10: ", too small", 1.0: ", to and fro", 1.1: ", too large", 10.0: ", too large"}
"""What the legend says about some of the learning rates."""


@dataclass(frozen=True)
class Result(Record):
    """Where gradient descent goes.

    Args:
        path: The places from the start on, in 20 steps with learning rate 0.1, (21, 2).
        learning_rates: The learning rates of `ends` and `distances`.
        ends: The place after 100 steps, (2,), for each learning rate.
        distances: The distance from the minimum (0, 0) after 0 to 50 steps, (51,), for each
            learning rate.
    """

    path: np.ndarray
    learning_rates: list[float]
    ends: list[np.ndarray]
    distances: list[np.ndarray]


def run() -> Result:
    return Result(
        path=descent(0.1, step_num=20),
        learning_rates=list(LEARNING_RATES),
        ends=[gradient_descent(function_2, INIT_X, lr, step_num=100) for lr in LEARNING_RATES],
        distances=[np.linalg.norm(descent(lr, step_num=50), axis=1) for lr in LEARNING_RATES],
    )


def descent(lr: float, step_num: int) -> np.ndarray:
    """Return the start and the place after each step, (step_num + 1, 2)."""
    path = [INIT_X]
    for _ in range(step_num):
        path.append(gradient_descent(function_2, path[-1], lr, step_num=1))
    return np.array(path)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    path, axes = plotting.subplots(width=5.5, height=6.5)
    along = np.linspace(-4.5, 4.5, 181)
    height = function_2(np.array(np.meshgrid(along, along)))
    radii = np.arange(1, 7)
    axes.contour(along, along, height, radii**2, colors="gray", linestyles="dashed", linewidths=1)
    axes.plot(*result.path.T, "o", markersize=5)
    axes.set(xlabel="x0", ylabel="x1", aspect="equal", xlim=(-3.5, 3.5), ylim=(-4.5, 4.5))

    rates, axes = plotting.subplots(width=7.0, height=4.5)
    for lr, distance in zip(result.learning_rates, result.distances, strict=True):
        # With 1e-10 and with 1 the distance stays the same: one curve is seen through the other.
        style = "--" if lr == 1 else "-"
        axes.semilogy(distance, style, label=f"lr = {lr:g}{KINDS.get(lr, '')}")
    axes.set(xlabel="step", ylabel="distance from the minimum", ylim=(1e-5, 1e14))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return {"figure_4_10": path, "learning_rates": rates}


def end(lr: float) -> Any:
    """Return a function that looks up the place after 100 steps with this learning rate."""
    return lambda result: result.ends[result.learning_rates.index(lr)]


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "after 100 steps with lr 0.1",
            (-6.11110793e-10, 8.14814391e-10),
            end(0.1),
            atol=1e-15,
            why="rounding errors are divided by 2h = 2e-4, and shrink with each step",
            digits=9,
        ),
        Claim.same(
            "after 100 steps with lr 10",
            (-2.58983747e13, -1.29524862e12),
            end(10.0),
            rtol=1e-8,
            why="the book prints nine digits",
            digits=9,
        ),
        Claim.same(
            "after 100 steps with lr 1e-10",
            (-2.99999994, 3.99999992),
            end(1e-10),
            atol=1e-8,
            why="the book prints nine digits",
            digits=9,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
