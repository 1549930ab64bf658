"""Functions that draw all figures in one style.  No other module imports matplotlib.

Only `show` uses pyplot; so matplotlib keeps no figure and opens no window.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from dlbasics._internal.checks import (
    Array,
    as_array,
    as_count,
    as_flag,
    as_float,
    as_number,
    as_texts,
)
from dlbasics._internal.files import atomic_write

STYLE: Any = {
    "axes.axisbelow": True,
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
    accuracy: bool = False,
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
        accuracy: If True, the curves are accuracies: `accuracy_axis` sets the y axis.
    """
    markers, accuracy = as_flag(markers, "markers"), as_flag(accuracy, "accuracy")
    figure, axes = subplots()
    draw_curves(axes, series, x=x, markers=markers)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if axes.lines:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes.dataLim.width == 0:  # a single point
        axes.set_xlim(axes.dataLim.x0 - 1, axes.dataLim.x0 + 1)
    if accuracy:
        accuracy_axis(axes, ylabel)
    if ylim is not None:
        axes.set_ylim(*ylim)
    return figure


def draw_curves(
    axes: Axes, series: Mapping[str, Any], *, x: Any = None, markers: bool = False
) -> None:
    """Draw a line for each curve into `axes`, and a legend if there are several.

    A curve of one point gets a marker, and the legend shows its number.

    Args:
        axes: The axes.
        series: The curves by name.
        x: The x coordinates of the points, by default 0, 1, 2, ...
        markers: If True, each point has a marker.
    """
    _check_axes(axes)
    if not isinstance(series, Mapping):
        raise TypeError(f"series must be a dict of curves, got {series!r}")
    if wrong := [label for label, y in series.items() if np.ndim(y) != 1]:
        raise ValueError(f"series must hold curves, lists of numbers, got others for {wrong}")
    markers = as_flag(markers, "markers")
    lengths = {len(y) for y in series.values()}
    if lengths == {0}:
        axes.text(0.5, 0.5, "no numbers yet", ha="center", color="gray", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return
    for i, (label, y) in enumerate(series.items()):
        marker = MARKERS[i % len(MARKERS)] if markers or len(y) == 1 else None
        label = f"{label}: {y[0]:.4g}" if len(y) == 1 else label
        axes.plot(range(len(y)) if x is None else x, y, label=label, marker=marker, markersize=4)
    if len(series) > 1 or 1 in lengths:
        axes.legend(frameon=False)


def log_axis(axis: Any) -> None:
    """Make an axis, such as `axes.yaxis`, logarithmic, with plain numbers: 0.02, not 2 x 10^-2.

    Draw the curves first.
    """
    if not isinstance(axis, Axis):
        raise TypeError(f"axis must be an axis of matplotlib, such as axes.yaxis, got {axis!r}")
    axis.axes.set(**{"xscale" if axis is axis.axes.xaxis else "yscale": "log"})
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 300 else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def bars(numbers: Mapping[str, float], *, xlabel: str) -> Figure:
    """Return a figure with a bar for each number, from the top to the bottom.

    Args:
        numbers: The numbers by name, a dict.
        xlabel: The label of the x axis.
    """
    if not isinstance(numbers, Mapping):
        raise TypeError(f"numbers must be a dict of numbers, got {numbers!r}")
    figure, axes = subplots(height=0.9 + 0.45 * len(numbers))
    drawn = axes.barh([*numbers], [*numbers.values()], color=["C0", "C1"], height=0.6)
    axes.bar_label(drawn, [f"{number:.4g}" for number in numbers.values()], padding=4)
    axes.set(xlabel=xlabel)
    axes.margins(x=0.12)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    return figure


def accuracy_axis(axes: Any, label: str = "accuracy", *, low: float | None = None) -> None:
    """Set the y axis of a figure of accuracies, so that the differences can be seen.

    The axis starts a little below the lowest accuracy, and the label says where; if that would
    save less than a third of the axis, it starts at 0.  Draw the curves first.

    Args:
        axes: The axes, or an array of axes, which all get the same limits; those at the left get
            the label.
        label: The label.
        low: Where the axis starts instead.  What lies below is cut off.  If a whole curve lies
            below, `low` is ignored.
    """
    panels = [*np.asarray(axes, dtype=object).flat]
    for panel in panels or [axes]:
        _check_axes(panel)
    curves = [np.asarray(line.get_ydata(), float) for panel in panels for line in panel.lines]
    tops = [y[np.isfinite(y)].max() for y in curves if np.isfinite(y).any()]
    ends = [end for panel in panels for end in panel.dataLim.intervaly if math.isfinite(end)]
    lowest, highest = min(ends, default=0), max(ends, default=1)
    if low is None or as_number(low, "low", low=0) >= min(tops, default=highest):
        length = max(highest - lowest, 0.02)
        step = 10 ** math.floor(math.log10(length / 2)) / 2
        low = math.floor((lowest - 0.05 * length) / step) * step
        low = low if low > (highest - low) / 2 else 0
    columns = [panel.get_subplotspec().colspan.start for panel in panels]
    for panel, column in zip(panels, columns, strict=True):
        panel.set_ylim(low, highest + 0.05 * (highest - low))
        if column == min(columns):
            panel.set_ylabel(f"{label} (axis from {low:.4g})" if low else label)


def gallery(
    images: Array, titles: Sequence[str] = (), *, columns: int = 10, title: str = ""
) -> Figure:
    """Return a figure with images beside and below each other.

    Numbers from 0 to 1, or from 0 to 255, go from black to white.  Of other numbers, the smallest
    is black and the largest white.

    Args:
        images: The images, (N, H, W), (N, C, H, W) with one channel or three, or rows (N, D) of
            square images.  N may be 0.
        titles: The text above each image.
        columns: The number of images beside each other.
        title: The title of the figure.
    """
    pixels, columns = _as_pixels(images), as_count(columns, "columns")
    is_without = isinstance(titles, tuple) and not titles  # an array cannot be compared with ()
    titles = [] if is_without else as_texts(titles, "titles", len(pixels), "image")
    lines = max((text.count("\n") + 1 for text in titles), default=0)
    longest = max((len(line) for text in titles for line in text.split("\n")), default=0)
    width, height = max(1.1, 0.068 * longest), 1.05 + 0.2 * lines
    rows = max(1, -(-len(pixels) // columns))
    figure, grid = subplots(rows, columns, width=width, height=height, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image in zip(grid.flat, pixels, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
    for axes, text in zip(grid.flat, titles, strict=False):
        axes.set_title(text, fontsize=8)
    if title:
        figure.suptitle(title)
    return figure


MOST_CELLS = 30
"""The number of classes up to which there is room for the numbers of a confusion matrix."""


def confusion_matrix(matrix: Array, names: Sequence[str] | None = None) -> Figure:
    """Return a figure of a confusion matrix; the color shows the share of its row.

    Args:
        matrix: The numbers, (K, K), as `confusion_matrix` of dlbasics.metrics returns them.
        names: The names of the classes, by default their numbers.
    """
    matrix = as_array(matrix, "matrix")
    K = len(matrix) if matrix.ndim else 0
    if K == 0 or matrix.shape != (K, K):
        raise ValueError(f"matrix must have shape (K, K), got {matrix.shape}")
    names = [*map(str, range(K))] if names is None else as_texts(names, "names", K, "class")
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(4.0, 0.45 * min(K, MOST_CELLS))
    figure, axes = subplots(width=side + 1.2, height=side)
    axes.grid(visible=False)
    # Without the power, an error in a hundred would have the color of none.
    image = axes.imshow(share, cmap="Blues", norm=PowerNorm(0.4, vmin=0, vmax=1))
    figure.colorbar(image, label="share of the row")
    if K <= MOST_CELLS:
        for (i, j), count in np.ndenumerate(matrix):
            color = "white" if share[i, j] > 0.2 else "black" if count else "silver"
            axes.text(j, i, f"{count:,}", ha="center", va="center", fontsize=8, color=color)
        rotation = 90 if max(map(len, names)) > 3 else 0
        axes.set_xticks(range(K), names, rotation=rotation)
        axes.set_yticks(range(K), names)
    axes.set(xlabel="guess", ylabel="label")
    return figure


def _as_pixels(images: Any) -> Array:
    """Return images as numbers from 0 to 1, (N, H, W) or (N, H, W, 3)."""
    x = as_float(images, "images")
    side = math.isqrt(x.shape[1]) if x.ndim == 2 else 0
    if x.ndim == 2 and side * side == x.shape[1]:
        x = x.reshape(len(x), side, side)
    elif x.ndim == 4 and x.shape[1] in (1, 3):
        x = x[:, 0] if x.shape[1] == 1 else x.transpose(0, 2, 3, 1)
    elif x.ndim != 3:
        raise ValueError(
            "images must have shape (N, H, W), (N, C, H, W) with one channel or three, or (N, D) "
            f"with a square number D, got {x.shape}"
        )
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    if low >= 0 and high <= 255:
        low, high = 0.0, 1.0 if high <= 1 else 255.0
    return (x - low) / ((high - low) or 1)


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


def _check_axes(axes: Any) -> None:
    if not isinstance(axes, Axes):
        raise TypeError(f"axes must be axes of matplotlib, got {axes!r}")


def _check_figure(figure: Any) -> None:
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a figure of matplotlib, got {figure!r}")


def _giving(figure: Figure) -> Any:
    """Return a function that pyplot can call like the class Figure; it returns `figure`."""
    return lambda **_: figure
