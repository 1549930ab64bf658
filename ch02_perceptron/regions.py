"""Limitations of Perceptrons, Linear and Nonlinear (chapter 2): where a perceptron gives 0 and 1.

One perceptron splits the plane by a straight line.  That does for OR, and not for XOR, which would
need b <= 0, b + w1 > 0, b + w2 > 0 and b + w1 + w2 <= 0: the outer two add up to at most 0, the
inner two to more than 0, and both sums are 2b + w1 + w2.  Two layers do it, with two lines.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, TABLES, XOR, perceptron
from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.functions import step_function
from dlbasics.typing import Array

LINES = {
    "line of OR": (0.5, 0.5, -0.2),
    "line of NAND": (-0.5, -0.5, 0.7),
    "$x_1 = 0.5$": (1.0, 0.0, -0.5),
    "$x_2 = x_1 + 0.5$": (-1.0, 1.0, -0.5),
}
"""(w1, w2, b) of the lines of figure 2.7; each gives 1 on the side where b + w x > 0."""


@dataclass(frozen=True)
class Config:
    angles: int = 360
    offsets: int = 401


@dataclass(frozen=True)
class Result:
    """x: (M,) values of x1 and of x2;  the regions: (M, M), 0 or 1, a row for each x2."""

    x: Array
    or_region: Array
    xor_region: Array
    or_table: list[int]
    xor_table: list[int]
    wrong: dict[str, int]
    """Of the four points of XOR, those that each of LINES gets wrong."""
    most_right: dict[str, int]
    """For each gate the points that the best of all lines gets right."""
    tables: int
    """Truth tables that lines give, of the 16 there are for four points."""


def or_of_figure_2_6(x1: Any, x2: Any) -> Any:
    """OR with the weights that figure 2.6 is drawn with; those of the gate OR are others."""
    return perceptron(x1, x2, w=np.array([1, 1]), b=-0.5)


def run(config: Config) -> Result:
    x = np.linspace(-0.5, 1.5, 401)
    grid_x1, grid_x2 = np.meshgrid(x, x)
    x1, x2 = np.array(INPUTS).T
    tables = tables_of_lines(config.angles, config.offsets)
    return Result(
        x=x,
        or_region=or_of_figure_2_6(grid_x1, grid_x2).astype(np.uint8),
        xor_region=XOR(grid_x1, grid_x2).astype(np.uint8),
        or_table=or_of_figure_2_6(x1, x2).tolist(),
        xor_table=XOR(x1, x2).tolist(),
        wrong={
            name: int((perceptron(x1, x2, np.array([w1, w2]), b) != TABLES["XOR"]).sum())
            for name, (w1, w2, b) in LINES.items()
        },
        most_right={name: int((tables == t).sum(axis=1).max()) for name, t in TABLES.items()},
        tables=len(np.unique(tables, axis=0)),
    )


def tables_of_lines(angles: int, offsets: int) -> Array:
    """What perceptrons with lines of every angle and offset give at the four INPUTS: (L, 4).

    Line: x1 cos a + x2 sin a = d, with 1 beyond it.  The angles go all the way round, so that each
    line comes with 1 on either side.
    """
    a = np.linspace(0, 2 * np.pi, angles, endpoint=False)
    d = np.linspace(-2, 2, offsets)
    x1, x2 = np.array(INPUTS).T
    along = np.outer(np.cos(a), x1) + np.outer(np.sin(a), x2)
    return step_function(along[:, None, :] - d[:, None]).reshape(-1, len(INPUTS))


def plot(result: Result) -> dict[str, Any]:
    return {
        "figure_2_6": region_figure(result.x, result.or_region, "OR"),
        "figure_2_7": lines_figure(result),
        "figure_2_8": region_figure(result.x, result.xor_region, "XOR"),
    }


def region_figure(x: Array, region: Array, gate: str) -> Any:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=5.6)
    for value, color in enumerate(("0.8", "#ffe9c9")):
        axes.plot([], [], "s", color=color, markersize=12, label=f"region of {value}")
    axes.contourf(x, x, region, levels=[-0.5, 0.5, 1.5], colors=["0.8", "#ffe9c9"])
    draw_points(axes, gate)
    return figure


def lines_figure(result: Result) -> Any:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=6.2)
    for (name, (w1, w2, b)), style in zip(LINES.items(), ("-", "--", "-.", ":"), strict=True):
        w = np.array([w1, w2])
        on_line = -b * w / (w @ w)
        label = f"{name}: {result.wrong[name]} wrong"
        further = on_line + np.array([-w2, w1])
        axes.axline(on_line, further, linestyle=style, color="0.3", label=label)
    draw_points(axes, "XOR")
    return figure


def draw_points(axes: Any, gate: str) -> None:
    """The four points of `gate`, circles for 0 and triangles for 1 as in the book, and the axes."""
    axes.grid(False)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(0, color="black", linewidth=0.8)
    for value, marker, color in ((0, "o", "C0"), (1, "^", "C3")):
        x1, x2 = np.array([x for x, y in zip(INPUTS, TABLES[gate], strict=True) if y == value]).T
        axes.plot(x1, x2, marker, color=color, markersize=10, label=f"{gate} is {value}")
    axes.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


CLAIMS = [
    Claim.same("OR by b = -0.5, w = (1, 1), figure 2.6", TABLES["OR"], lambda r: r.or_table),
    Claim(
        "points of XOR that a line gets right",
        "not 4",
        lambda r: r.most_right["XOR"],
        lambda v: v == 3,
    ),
    Claim.same("points of OR that a line gets right", 4, lambda r: r.most_right["OR"]),
    Claim.same("points of AND that a line gets right", 4, lambda r: r.most_right["AND"]),
    Claim.same("points of NAND that a line gets right", 4, lambda r: r.most_right["NAND"]),
    Claim.same("truth tables that lines give, of 16", 14, lambda r: r.tables),
    Claim.same("XOR by two layers, figure 2.8", TABLES["XOR"], lambda r: r.xor_table),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS)
