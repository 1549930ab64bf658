"""Activation Functions (chapter 3): step function, sigmoid and ReLU, and tanh besides.

The graphs of the functions from -5 to 5, and the values that the book prints.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.functions import relu, sigmoid, step_function
from dlbasics.typing import Array

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "step": step_function,
    "sigmoid": sigmoid,
    "ReLU": relu,
    "tanh": np.tanh,
}


@dataclass(frozen=True)
class Result:
    """x (N,), and y (N,) of each function; `printed` has the functions' values at -1, 1 and 2."""

    x: Array
    y: dict[str, Array]
    printed: dict[str, Array]


def run() -> Result:
    # Steps this small draw the jump of the step function upright.
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
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.plot(result.x, result.y[name])
    axes.set(xlabel="x", ylabel=f"{name}(x)", ylim=ylim)
    return figure


def comparison(result: Result) -> Any:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.plot(result.x, result.y["sigmoid"], label="sigmoid")
    axes.plot(result.x, result.y["step"], "k--", label="step")
    axes.set(xlabel="x", ylabel="h(x)", ylim=(-0.1, 1.1))
    axes.legend(frameon=False)
    return figure


def values_claim(name: str, book: tuple[float, ...]) -> Claim:
    return Claim.same(
        f"{name} of (-1, 1, 2)", book, lambda result: result.printed[name], atol=5e-9, digits=8
    )


CLAIMS = [
    values_claim("step", (0, 1, 1)),
    values_claim("sigmoid", (0.26894142, 0.73105858, 0.88079708)),
    values_claim("ReLU", (0, 1, 2)),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, claims=CLAIMS)
