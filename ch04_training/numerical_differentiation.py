"""*Numerical Differentiation* (chapter 4): derivatives, tangents and partial derivatives.

Three of the four numbers that the book prints are misprints: they have a digit too many or too few.
Its listing gives ours.  A note in *Gradient* prints the third number rightly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.gradient import numerical_diff

MISPRINTED = "the book prints a digit too many or too few"


def function_1(x: Any) -> Any:
    """Return 0.01 x^2 + 0.1 x (book: *Examples of Numerical Differentiation*, eq. 4.5)."""
    return 0.01 * x**2 + 0.1 * x


def function_tmp1(x0: float) -> float:
    """Return x0^2 + x1^2 with x1 = 4 (book: *Partial Derivative*)."""
    return x0**2 + 4.0**2


def function_tmp2(x1: float) -> float:
    """Return x0^2 + x1^2 with x0 = 3."""
    return 3.0**2 + x1**2


@dataclass(frozen=True)
class Result(Record):
    """Derivatives and tangents.

    Args:
        x: The places at which the function of eq. 4.5 is drawn, (N,).
        y: The values of the function there, (N,).
        places: The two places of the tangents.
        slopes: The derivatives at these places.
        tangents: The values of the tangents at x, each (N,).
        partial_derivatives: The derivatives of x0^2 + x1^2 by x0 and by x1, at (3, 4).
    """

    x: np.ndarray
    y: np.ndarray
    places: list[float]
    slopes: list[float]
    tangents: list[np.ndarray]
    partial_derivatives: list[float]


def run() -> Result:
    x = np.arange(0.0, 20.1, 0.1)
    places = [5.0, 10.0]
    slopes = [numerical_diff(function_1, place) for place in places]
    return Result(
        x=x,
        y=function_1(x),
        places=places,
        slopes=slopes,
        tangents=[
            function_1(place) + slope * (x - place)
            for place, slope in zip(places, slopes, strict=True)
        ],
        partial_derivatives=[
            numerical_diff(function_tmp1, 3.0),
            numerical_diff(function_tmp2, 4.0),
        ],
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    function = plotting.curves(
        {"f": result.y}, x=result.x, xlabel="x", ylabel="f(x) = 0.01x² + 0.1x"
    )
    function.axes[0].set(xlim=(0, 20), xticks=range(0, 21, 5), ylim=(0, 6))

    tangents, panels = plotting.subplots(1, 2, width=4.0, height=3.5, sharey=True)
    for axes, place, tangent in zip(panels, result.places, result.tangents, strict=True):
        axes.plot(result.x, result.y, label="f(x)")
        axes.plot(result.x, tangent, label=f"tangent at x = {place:g}")
        axes.plot(place, function_1(place), "o", color="black", markersize=4)
        axes.set(xlabel="x", xlim=(0, 20), xticks=range(0, 21, 5), ylim=(-1, 6))
        axes.legend(frameon=False)
    panels[0].set_ylabel("f(x) = 0.01x² + 0.1x")
    return {"figure_4_6": function, "figure_4_7": tangents}


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "slope of 0.01 x^2 + 0.1 x at 5",
            0.1999999999999898,
            lambda result: result.slopes[0],
            atol=1e-12,
            why=MISPRINTED,
            digits=16,
        ),
        Claim.same(
            "slope of 0.01 x^2 + 0.1 x at 10",
            0.29999999999986347,
            lambda result: result.slopes[1],
            atol=2e-12,
            why=MISPRINTED,
            digits=16,
        ),
        Claim.same(
            "partial derivative of x0^2 + x1^2 by x0 at (3, 4)",
            6.0000000000378,
            lambda result: result.partial_derivatives[0],
            atol=1e-10,
            why=MISPRINTED,
            digits=16,
        ),
        Claim.same(
            "partial derivative of x0^2 + x1^2 by x1 at (3, 4)",
            7.999999999999119,
            lambda result: result.partial_derivatives[1],
            atol=1e-11,
            why="rounding errors are divided by 2h = 2e-4",
            digits=16,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
