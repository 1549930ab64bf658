"""*Gradient* (chapter 4): f(x0, x1) = x0^2 + x1^2 as a surface, and its gradient as arrows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.gradient import numerical_gradient

POINTS = [(3.0, 4.0), (0.0, 2.0), (3.0, 0.0)]


def function_2(x: np.ndarray) -> Any:
    """Return x0^2 + x1^2 for x (2,) or (2, ...) (book: *Partial Derivative*, eq. 4.6)."""
    return np.sum(x**2, axis=0)


@dataclass(frozen=True)
class Result(Record):
    """The function and its gradients.

    Args:
        gradients_at_points: The gradients at the book's POINTS, each (2,).
        grid: The places (x0, x1) at which the function is drawn, (2, 61, 61).
        surface: The values of the function there, (61, 61).
        places: The places of the arrows, (289, 2).
        gradients: The gradients there, (289, 2).
    """

    gradients_at_points: list[np.ndarray]
    grid: np.ndarray
    surface: np.ndarray
    places: np.ndarray
    gradients: np.ndarray


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

    surface, axes = plotting.subplots(width=5.0, height=4.5, subplot_kw={"projection": "3d"})
    axes.plot_surface(*result.grid, result.surface, cmap="viridis", alpha=0.9)
    axes.set(xlabel="x0", ylabel="x1", zlabel="f(x0, x1)")
    axes.set_box_aspect(None, zoom=0.85)

    field, axes = plotting.subplots(width=5.5, height=5.5)
    axes.quiver(*result.places.T, *-result.gradients.T, angles="xy", color="dimgray")
    axes.set(xlabel="x0", ylabel="x1", aspect="equal", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3))
    axes.set_title("the negative gradient points downhill")
    return {"figure_4_8": surface, "figure_4_9": field}


def gradient_claim(i: int, book: tuple[float, float]) -> Claim:
    """Return the claim that the gradient at POINTS[i] is the book's."""
    at = f"({POINTS[i][0]:g}, {POINTS[i][1]:g})"
    return Claim.same(
        f"gradient at {at}",
        book,
        lambda result: result.gradients_at_points[i],
        atol=1e-8,
        why="rounding errors are divided by 2h = 2e-4",
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        gradient_claim(0, (6.0, 8.0)),
        gradient_claim(1, (0.0, 4.0)),
        gradient_claim(2, (6.0, 0.0)),
        Claim.between(
            "largest error of the arrows, which should be -(2 x0, 2 x1)",
            "towards the lowest point",
            lambda result: np.abs(result.gradients - 2 * result.places).max(),
            0,
            1e-8,
            why="rounding errors are divided by 2h = 2e-4",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
