"""Functions that draw all figures in one style.  No other module imports matplotlib.

Only `show` uses pyplot; so matplotlib keeps no figure and opens no window.
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dlbasics._internal.checks import as_count, as_flag, as_number
from dlbasics._internal.files import atomic_write

STYLE: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 100,
    "grid.alpha": 0.3,
    "savefig.dpi": 150,
}
MARKERS = "os^Dv<>"


class Picture(Figure):
    """A figure that a notebook shows as a picture, without `%matplotlib inline`."""

    def _repr_png_(self) -> bytes:
        return png(self)


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = 6.0, height: float = 4.0, **options: Any
) -> Any:
    """Return a figure and its axes.

    Args:
        rows: The number of rows of axes.
        columns: The number of columns of axes.
        width: The approximate width of each of the axes, in inches.
        height: The approximate height of each of the axes, in inches.
        options: The options of matplotlib's Figure.subplots, such as sharey=True.
    """
    rows, columns = as_count(rows, "rows"), as_count(columns, "columns")
    width, height = as_number(width, "width", low=0), as_number(height, "height", low=0)
    with matplotlib.rc_context(STYLE):
        figure = Picture(figsize=(width * columns, height * rows), layout="constrained")
        return figure, figure.subplots(rows, columns, **options)


def curves(
    series: Mapping[str, Any],
    *,
    x: Any = None,
    xlabel: str,
    ylabel: str,
    title: str = "",
    markers: bool = False,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """Return a figure with a line for each curve, and a legend if there are several.

    Args:
        series: The curves by name, a dict.
        x: The epochs or iterations of the points, by default 0, 1, 2, ...
        xlabel: The label of the x axis.
        ylabel: The label of the y axis.
        title: The title.
        markers: If True, each point has a marker.
        ylim: The limits of the y axis.
    """
    markers = as_flag(markers, "markers")
    figure, axes = subplots()
    draw_curves(axes, series, x=x, markers=markers)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if ylim is not None:
        axes.set_ylim(*ylim)
    return figure


def draw_curves(
    axes: Axes, series: Mapping[str, Any], *, x: Any = None, markers: bool = False
) -> None:
    """Draw a line for each curve into `axes`, and a legend if there are several.

    Args:
        axes: The axes.
        series: The curves by name.
        x: The x coordinates of the points, by default 0, 1, 2, ...
        markers: If True, each point has a marker.
    """
    if not isinstance(axes, Axes):
        raise TypeError(f"axes must be axes of matplotlib, got {axes!r}")
    if not isinstance(series, Mapping):
        raise TypeError(f"series must be a dict of curves, got {series!r}")
    if wrong := [label for label, y in series.items() if np.ndim(y) != 1]:
        raise ValueError(f"series must hold curves, lists of numbers, got others for {wrong}")
    markers = as_flag(markers, "markers")
    for i, (label, y) in enumerate(series.items()):
        marker = MARKERS[i % len(MARKERS)] if markers else None
        axes.plot(range(len(y)) if x is None else x, y, label=label, marker=marker, markersize=4)
    if len(series) > 1:
        axes.legend(frameon=False)


def mark(figure: Figure, text: str) -> None:
    """Write small text below the figure, at the right; the figure grows by a line."""
    _check_figure(figure)
    figure.set_figheight(figure.get_figheight() + 0.25)
    figure.supxlabel(text, x=0.995, ha="right", fontsize=8, color="gray")


def save(figure: Figure, path: Path) -> None:
    """Write the figure to a PNG file, completely or not at all."""
    _check_figure(figure)
    with atomic_write(path) as file, matplotlib.rc_context(STYLE):
        figure.savefig(file, format="png")


def png(figure: Figure) -> bytes:
    """Return the figure as the bytes of a PNG file, at the resolution of a screen."""
    _check_figure(figure)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=STYLE["figure.dpi"])
    return file.getvalue()


def show(figures: Iterable[Figure]) -> bool:
    """Open a window for each figure and wait until all are closed.

    Returns:
        False if no window can open, else True.
    """
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() in ("agg", "pdf", "pgf", "ps", "svg", "cairo", "template"):
        return False
    for figure in figures:
        _check_figure(figure)
        plt.figure(FigureClass=_giving(figure))
    plt.show()
    return True


def _check_figure(figure: Any) -> None:
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a figure of matplotlib, got {figure!r}")


def _giving(figure: Figure) -> Any:
    """Return a function that pyplot can call like the class Figure; it returns `figure`."""
    return lambda **_: figure
