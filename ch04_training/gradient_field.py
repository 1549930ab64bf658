"""Gradient (chapter 4): f(x0, x1) = x0^2 + x1^2 as a surface, and its gradient as arrows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.gradient import numerical_gradient
from dlbasics.typing import Array

POINTS = [(3.0, 4.0), (0.0, 2.0), (3.0, 0.0)]


def function_2(x: Array) -> Any:
    """f = x0^2 + x1^2, x: (2,) or (2, ...) (book: *Partial Derivative*, eq. 4.6)."""
    return np.sum(x**2, axis=0)


@dataclass(frozen=True)
class Result:
    """grid (2, 61, 61) and surface (61, 61); places and gradients (289, 2), those of the arrows."""

    gradients_at_points: list[Array]
    grid: Array
    surface: Array
    places: Array
    gradients: Array


def run() -> Result:
    axis = np.linspace(-3, 3, 61)
    grid = np.array(np.meshgrid(axis, axis))
    axis = np.linspace(-2, 2, 17)
    places = np.array([(x0, x1) for x1 in axis for x0 in axis])
    return Result(
        gradients_at_points=[numerical_gradient(function_2, np.array(x)) for x in POINTS],
        grid=grid,
        surface=function_2(grid),
        places=places,
        gradients=np.array([numerical_gradient(function_2, x) for x in places]),
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    surface, axes = plotting.subplots(height=5.0, subplot_kw={"projection": "3d"})
    axes.plot_surface(*result.grid, result.surface, cmap="viridis", alpha=0.9)
    axes.set(xlabel="x0", ylabel="x1", zlabel="f(x0, x1)")
    axes.set_box_aspect(None, zoom=0.85)

    field, axes = plotting.subplots(width=5.5, height=5.5)
    axes.quiver(*result.places.T, *-result.gradients.T, angles="xy", color="dimgray")
    axes.set(xlabel="x0", ylabel="x1", aspect="equal", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3))
    axes.set_title("minus the gradient: the way down")
    return {"figure_4_8": surface, "figure_4_9": field}


def gradient_claim(i: int, book: tuple[float, float]) -> Claim:
    at = f"({POINTS[i][0]:g}, {POINTS[i][1]:g})"
    return Claim.same(
        f"gradient at {at}", book, lambda result: result.gradients_at_points[i], atol=1e-8
    )


CLAIMS = [
    gradient_claim(0, (6.0, 8.0)),
    gradient_claim(1, (0.0, 4.0)),
    gradient_claim(2, (6.0, 0.0)),
    Claim(
        "largest error of the arrows, which should be -(2 x0, 2 x1)",
        "towards (0, 0)",
        lambda result: np.abs(result.gradients - 2 * result.places).max(),
        lambda v: v < 1e-8,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, claims=CLAIMS)
