"""*Limitations of Perceptrons* (chapter 2): where a perceptron gives 0, and where it gives 1.

One perceptron splits the plane by a straight line.  A line is enough for OR, but not for XOR, which
would need b <= 0, b + w1 > 0, b + w2 > 0 and b + w1 + w2 <= 0.  The sum of the first and the last
left side is at most 0, and the sum of the other two is above 0; yet both sums are 2b + w1 + w2.
Two layers give XOR, with two lines.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, TABLES, XOR, perceptron, rows_that_differ
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import step_function

LINES = {
    "line of OR": (0.5, 0.5, -0.2),
    "line of NAND": (-0.5, -0.5, 0.7),
    "$x_1 = 0.5$": (1.0, 0.0, -0.5),
    "$x_2 = x_1 + 0.5$": (-1.0, 1.0, -0.5),
}
"""(w1, w2, b) of the lines of figure 2.7.  The output is 1 on the side where b + w x > 0."""


@dataclass(frozen=True)
class Config:
    """The lines that are tried.

    Args:
        angles: The number of directions in which lines are tried.
        offsets: The number of parallel lines that are tried in each direction.
    """

    angles: int = 360
    offsets: int = 401


@dataclass(frozen=True)
class Result(Record):
    """The regions of figures 2.6 and 2.8, and what lines can do.

    Args:
        x: The values of x1 and of x2 in the regions, (M,).
        or_region: The output of OR, 0 or 1, with a row for each x2, (M, M).
        xor_region: The output of XOR, as for `or_region`.
        or_table: The outputs of the OR of figure 2.6 at the four INPUTS.
        xor_table: The outputs of XOR at the four INPUTS.
        wrong: The number of points of XOR that each of LINES gets wrong.
        most_right: The number of points that the best line gets right, for each gate.
        tables: The number of truth tables that lines give.  Four points have 16 tables.
    """

    x: np.ndarray
    or_region: np.ndarray
    xor_region: np.ndarray
    or_table: list[int]
    xor_table: list[int]
    wrong: dict[str, int]
    most_right: dict[str, int]
    tables: int


def or_of_figure_2_6(x1: Any, x2: Any) -> Any:
    """Return OR by the weights of figure 2.6, which differ from those of the gate OR."""
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


def tables_of_lines(angles: int, offsets: int) -> np.ndarray:
    """Return what perceptrons give at the four INPUTS, (L, 4), for lines all over the plane.

    The line x1 cos a + x2 sin a = d has the output 1 beyond it.  The angles a cover the full
    circle, so that each line appears with the output 1 on either side.
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


def region_figure(x: np.ndarray, region: np.ndarray, gate: str) -> Any:
    """Draw the region of 0, the region of 1, and the four points of `gate`."""
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=5.6)
    for value, color in enumerate(("0.8", "#ffe9c9")):
        axes.plot([], [], "s", color=color, markersize=12, label=f"region of {value}")
    axes.contourf(x, x, region, levels=[-0.5, 0.5, 1.5], colors=["0.8", "#ffe9c9"])
    draw_points(axes, gate)
    return figure


def lines_figure(result: Result) -> Any:
    """Draw LINES, and the four points of XOR that none of them separates."""
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=6.5)
    for (name, (w1, w2, b)), style in zip(LINES.items(), ("-", "--", "-.", ":"), strict=True):
        w = np.array([w1, w2])
        on_line = -b * w / (w @ w)
        along_line = np.array([-w2, w1])
        label = f"{name}: {result.wrong[name]} wrong"
        axes.axline(on_line, on_line + along_line, linestyle=style, color="0.3", label=label)
    draw_points(axes, "XOR")
    return figure


def draw_points(axes: Any, gate: str) -> None:
    """Draw the four points of `gate`, circles for 0 and triangles for 1 as in the book."""
    axes.grid(False)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(0, color="black", linewidth=0.8)
    for value, marker, color in ((0, "o", "C0"), (1, "^", "C3")):
        x1, x2 = np.array([x for x, y in zip(INPUTS, TABLES[gate], strict=True) if y == value]).T
        axes.plot(x1, x2, marker, color=color, markersize=10, label=f"{gate} is {value}")
    axes.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "truth tables of OR, figure 2.6, and XOR, figure 2.8: rows that differ",
            0,
            lambda r: rows_that_differ([r.or_table, r.xor_table], [TABLES["OR"], TABLES["XOR"]]),
            printed=False,
        ),
        Claim.same(
            "points, of four, that the best line gets right: AND, NAND, OR, XOR",
            (4, 4, 4, 3),
            lambda r: [*r.most_right.values()],
            printed=False,
        ),
        Claim.same("truth tables that lines give, of 16", 14, lambda r: r.tables, printed=False),
    ],
)

if __name__ == "__main__":
    experiment.main()
