"""*Why Do We Configure a Loss Function?* (chapter 4): slopes of the step function and sigmoid."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import sigmoid, step_function
from dlbasics.gradient import numerical_diff

FUNCTIONS = {"step function": step_function, "sigmoid": sigmoid}


@dataclass(frozen=True)
class Result(Record):
    """Values and derivatives of both functions, by name.

    Args:
        x: The places at which the functions are drawn, (N,).
        places: The places of the tangents, (4,).
        y: The values at x, (N,).
        slope: The numerical derivatives at x, (N,).
        y_at_places: The values at the places of the tangents, (4,).
        slope_at_places: The numerical derivatives at the places of the tangents, (4,).
    """

    x: np.ndarray
    places: np.ndarray
    y: dict[str, np.ndarray]
    slope: dict[str, np.ndarray]
    y_at_places: dict[str, np.ndarray]
    slope_at_places: dict[str, np.ndarray]


def run() -> Result:
    x = np.linspace(-5, 5, 1001)
    places = np.array([-3.0, -1.0, 1.0, 3.0])
    return Result(
        x=x,
        places=places,
        y={name: f(x) for name, f in FUNCTIONS.items()},
        slope={name: numerical_diff(f, x) for name, f in FUNCTIONS.items()},
        y_at_places={name: f(places) for name, f in FUNCTIONS.items()},
        slope_at_places={name: numerical_diff(f, places) for name, f in FUNCTIONS.items()},
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=4.0, height=3.5, sharey=True)
    for axes, name in zip(panels, FUNCTIONS, strict=True):
        axes.plot(result.x, result.y[name])
        along = np.array([-0.9, 0.9])
        tangents = zip(
            result.places, result.y_at_places[name], result.slope_at_places[name], strict=True
        )
        for place, y, slope in tangents:
            axes.plot(place + along, y + slope * along, color="C1")
            axes.plot(place, y, "o", color="C1", markersize=4)
            axes.annotate(
                f"slope {slope:.2g}",
                (place, y),
                xytext=(-8, 8) if y < 0.5 else (8, -8),
                textcoords="offset points",
                ha="right" if y < 0.5 else "left",
                va="bottom" if y < 0.5 else "top",
            )
        axes.set(xlabel="x", title=name, xlim=(-6.4, 6.4), ylim=(-0.1, 1.1))
    panels[0].set_ylabel("y")
    return {"figure_4_4": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "step function: places, of 1,001, where the slope is not exactly 0",
            1,
            lambda result: np.count_nonzero(result.slope["step function"]),
            printed=False,
        ),
        Claim(
            "sigmoid: the smallest slope for x from -5 to 5",
            "never 0",
            lambda result: result.slope["sigmoid"].min(),
            lambda v: v > 0,
            condition="above 0",
            why="the text gives no number",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
