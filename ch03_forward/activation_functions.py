"""*Activation Function* (chapter 3): the step function, sigmoid, ReLU, and also tanh.

The script draws the functions from -5 to 5, and computes the values that the book prints.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import relu, sigmoid, step_function

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "step": step_function,
    "sigmoid": sigmoid,
    "ReLU": relu,
    "tanh": np.tanh,
}


@dataclass(frozen=True)
class Result(Record):
    """The graphs of the functions, and the values that the book prints.

    Args:
        x: The places at which the functions are drawn, (N,).
        y: The values of each function at x, (N,), by its name.
        printed: The values of each function at -1, 1 and 2, by its name.
    """

    x: np.ndarray
    y: dict[str, np.ndarray]
    printed: dict[str, np.ndarray]


def run() -> Result:
    # With so many points the jump of the step function looks vertical.
    x = np.linspace(-5.0, 5.0, 1001)
    y = {name: function(x) for name, function in FUNCTIONS.items()}
    at = np.array([-1.0, 1.0, 2.0])
    return Result(x, y, {name: function(at) for name, function in FUNCTIONS.items()})


def plot(result: Result) -> dict[str, Any]:
    return {
        "figure_3_6": graph(result, "step", ylim=(-0.1, 1.1)),
        "figure_3_7": graph(result, "sigmoid", ylim=(-0.1, 1.1)),
        "figure_3_8": comparison(result),
        "figure_3_9": graph(result, "ReLU", ylim=(-1, 5.5)),
        "tanh": graph(result, "tanh", ylim=(-1.1, 1.1)),
    }


def graph(result: Result, name: str, ylim: tuple[float, float]) -> Any:
    """Draw the function of that name."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.plot(result.x, result.y[name])
    axes.set(xlabel="x", ylabel=f"{name}(x)", ylim=ylim)
    return figure


def comparison(result: Result) -> Any:
    """Draw the sigmoid and the step function into one figure."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.plot(result.x, result.y["sigmoid"], label="sigmoid")
    axes.plot(result.x, result.y["step"], "k--", label="step")
    axes.set(xlabel="x", ylabel="h(x)", ylim=(-0.1, 1.1))
    axes.legend(frameon=False)
    return figure


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same("step of (-1, 1, 2)", (0, 1, 1), lambda r: r.printed["step"]),
        Claim.same(
            "sigmoid of (-1, 1, 2)",
            (0.26894142, 0.73105858, 0.88079708),
            lambda r: r.printed["sigmoid"],
            atol=5e-9,
            why="the book prints eight digits",
            digits=8,
        ),
        Claim.same("ReLU of (-1, 1, 2)", (0, 1, 2), lambda r: r.printed["ReLU"], printed=False),
    ],
)

if __name__ == "__main__":
    experiment.main()
