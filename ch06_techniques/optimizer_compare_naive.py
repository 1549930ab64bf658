"""*Updating Parameters* (chapter 6): the paths of four optimizers down a long, narrow bowl.

The book's bowl is x^2 / 20 + y^2, with the start (-7, 2). A second, narrower bowl is x^2 + 100 y^2,
with the start (10, 1): that of Takenawa, *Comparison of gradient descent method's and Momentum's
time evolution*.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.optimizers import SGD, AdaGrad, Adam, Momentum, Optimizer

STEPS = 30


def f(x: Any, y: Any) -> Any:
    """Return x^2 / 20 + y^2 (book: *Disadvantage of SGD*, eq. 6.2)."""
    return x**2 / 20 + y**2


def df(x: Any, y: Any) -> Any:
    """Return the gradient of f, (x / 10, 2 y)."""
    return x / 10, 2 * y


def narrow(x: Any, y: Any) -> Any:
    """Return x^2 + 100 y^2.

    Its contours are 10 times as long as they are wide; those of f are sqrt(20) = 4.5 times.
    """
    return x**2 + 100 * y**2


def d_narrow(x: Any, y: Any) -> Any:
    """Return the gradient of the narrow bowl, (2 x, 200 y)."""
    return 2 * x, 200 * y


@dataclass(frozen=True)
class Result(Record):
    """The paths of the optimizers, and the arrows of figure 6.2.

    Args:
        paths: The points (x, y) at first and after each step, (31, 2), by optimizer.
        narrow_paths: The same on the narrow bowl.
        places: The points where the arrows begin, (225, 2).
        gradients: The gradients of f at these points, (225, 2).
    """

    paths: dict[str, np.ndarray]
    narrow_paths: dict[str, np.ndarray]
    places: np.ndarray
    gradients: np.ndarray


def run() -> Result:
    optimizers = {
        "SGD": SGD(lr=0.95),
        "Momentum": Momentum(lr=0.1),
        "AdaGrad": AdaGrad(lr=1.5),
        "Adam": Adam(lr=0.3),
    }
    narrow_optimizers = {
        "SGD": SGD(lr=0.0095),
        "Momentum": Momentum(lr=0.002),
        "AdaGrad": AdaGrad(lr=1.5),
        "Adam": Adam(lr=0.6),
    }
    places = np.array([(x, y) for y in np.linspace(-10, 10, 15) for x in np.linspace(-10, 10, 15)])
    return Result(
        paths={key: path(o, df, -7.0, 2.0) for key, o in optimizers.items()},
        narrow_paths={key: path(o, d_narrow, 10.0, 1.0) for key, o in narrow_optimizers.items()},
        places=places,
        gradients=np.transpose(df(*places.T)),
    )


def path(optimizer: Optimizer, gradient: Callable[..., Any], x: float, y: float) -> np.ndarray:
    """Return the points at first, (x, y), and after each step, (STEPS + 1, 2)."""
    params = {"x": x, "y": y}
    places = [(x, y)]
    for _ in range(STEPS):
        grads = dict(zip(params, gradient(**params), strict=True))
        optimizer.update(params, grads)
        places.append((params["x"], params["y"]))
    return np.array(places)


def crossings(path: np.ndarray) -> float:
    """Return how often a path crosses the valley floor, y = 0; NaN if the path is not finite."""
    if not np.isfinite(path).all():
        return math.nan
    side = np.sign(path[:, 1])
    return int(np.sum(side[1:] != side[:-1]))


def sideways(path: np.ndarray) -> float:
    """Return the length of a path along y, across the valley.

    A path straight to the minimum has the length |y| of its start.
    """
    return float(np.abs(np.diff(path[:, 1])).sum())


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figures = {"figure_6_1": surface_and_contours()}

    figures["figure_6_2"], axes = plotting.subplots(height=5.5)
    axes.quiver(*result.places.T, *-result.gradients.T, angles="xy", color="dimgray")
    axes.set(xlabel="x", ylabel="y", aspect="equal", xlim=(-11, 11), ylim=(-11, 11))
    axes.set_title("minus the gradient of x²/20 + y²")

    names = zip(result.paths, ("figure_6_3", "figure_6_5", "figure_6_6", "figure_6_7"), strict=True)
    for optimizer, name in names:
        figures[name], axes = plotting.subplots(height=3.5)
        draw_path(axes, optimizer, result.paths[optimizer])

    figures["figure_6_8"], panels = plotting.subplots(2, 2, width=4.5, height=2.7)
    for axes, (optimizer, path) in zip(panels.flat, result.paths.items(), strict=True):
        draw_path(axes, optimizer, path)

    figures["narrow_bowl"], panels = plotting.subplots(2, 2, width=4.5, height=3.0)
    levels = [narrow(x, 0) for x in (1, 2, 4, 6, 8, 10, 12)]
    for axes, (optimizer, path) in zip(panels.flat, result.narrow_paths.items(), strict=True):
        draw_contours(axes, narrow, np.linspace(-3, 11, 201), np.linspace(-1.1, 1.1, 201), levels)
        draw_points(axes, optimizer, path)
    return figures


def surface_and_contours() -> Any:
    """Return figure 6.1."""
    from dlbasics import plotting

    figure, (replaced, contours) = plotting.subplots(1, 2, width=4.5, height=4.2)
    replaced.remove()
    surface = figure.add_subplot(1, 2, 1, projection="3d")
    along = np.linspace(-10, 10, 101)
    x, y = np.meshgrid(along, along)
    surface.plot_surface(x, y, f(x, y), cmap="viridis", alpha=0.9)
    ticks = (-10, -5, 0, 5, 10)
    surface.set(xlabel="x", ylabel="y", zlabel="f(x, y)", xticks=ticks, yticks=ticks)
    surface.set_box_aspect(None, zoom=0.9)

    draw_contours(contours, f, along, along, [1, 3, 6, *range(10, 110, 10)])
    contours.set(xlabel="x", ylabel="y", xticks=ticks, yticks=ticks, aspect="equal")
    return figure


def draw_path(axes: Any, title: str, path: np.ndarray) -> None:
    """Draw a path on the contours of f."""
    draw_contours(axes, f, np.linspace(-8, 2, 201), np.linspace(-2.5, 2.5, 201), np.arange(1, 9))
    draw_points(axes, title, path)
    axes.set(aspect="equal")


def draw_contours(axes: Any, bowl: Any, x: np.ndarray, y: np.ndarray, levels: Any) -> None:
    """Draw the contours of a bowl, and its minimum."""
    height = bowl(*np.meshgrid(x, y))
    axes.contour(x, y, height, levels, colors="gray", linestyles="dashed", linewidths=0.7)
    axes.plot(0, 0, "+", color="black")


def draw_points(axes: Any, title: str, path: np.ndarray) -> None:
    """Draw the points of a path."""
    axes.plot(*path.T, "o-", color="tab:red", markersize=3, linewidth=1)
    axes.set(xlabel="x", ylabel="y", title=title)


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.between(
            f"steps of SGD, of {STEPS}, that cross the valley floor",
            "moves in a zigzag",
            lambda result: crossings(result.paths["SGD"]),
            low=STEPS,
            why="each step multiplies y by 1 - 2 · 0.95 = -0.9",
        ),
        Claim.between(
            f"steps of Momentum, AdaGrad and Adam, of {STEPS}, that cross the valley floor",
            "less zigzag",
            lambda result: [
                crossings(result.paths[key]) for key in ("Momentum", "AdaGrad", "Adam")
            ],
            low=0,
            high=STEPS / 3,
            why="no text counts them; a third of SGD's is plainly less",
        ),
        Claim(
            "length of the path along y: SGD, Momentum, Adam",
            "less zigzag in turn",
            lambda result: [sideways(result.paths[key]) for key in ("SGD", "Momentum", "Adam")],
            lambda v: v[0] > v[1] > v[2],
            "each is smaller than the one before",
            "the text compares the paths without numbers",
        ),
        Claim(
            "length of the path along y: SGD, AdaGrad",
            "less zigzag",
            lambda result: [sideways(result.paths[key]) for key in ("SGD", "AdaGrad")],
            lambda v: v[1] < v[0],
            "the second is smaller",
            "the text compares the paths without numbers",
        ),
        Claim(
            f"height f after {STEPS} steps: SGD, AdaGrad",
            "moves efficiently",
            lambda result: [float(f(*result.paths[key][-1])) for key in ("SGD", "AdaGrad")],
            lambda v: v[1] < v[0],
            "the second is smaller",
            "to be efficient is to be lower after as many steps",
        ),
        Claim(
            f"x² + 100y²: height after {STEPS} steps: SGD, Momentum, AdaGrad, Adam",
            None,
            lambda result: [float(narrow(*path[-1])) for path in result.narrow_paths.values()],
            lambda v: max(v[1:]) < v[0],
            "the first is the largest",
            "the text shows two paths without numbers; lower is better",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
