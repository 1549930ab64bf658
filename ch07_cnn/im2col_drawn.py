"""Expansion by im2col (chapter 7): a convolution as one matrix product, drawn.

The windows of a small image become the rows of a matrix, two filters the columns of another; their
product holds every pixel of both outputs.  Image and first filter are those of the book's figure
7.3; the second filter is an edge.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.columns import conv_output_size, im2col
from dlbasics.experiment import Claim
from dlbasics.layers import Convolution
from dlbasics.typing import Array

IMAGE = ((1, 2, 3, 0), (0, 1, 2, 3), (3, 0, 1, 2), (2, 3, 0, 1))
FILTERS = (((2, 0, 1), (0, 1, 2), (1, 0, 2)), ((1, 0, -1), (1, 0, -1), (1, 0, -1)))

SIZES = {
    "4 x 4 by 3 x 3": (4, 4, 3, 1, 0),
    "4 x 4 by 3 x 3, pad 1": (4, 4, 3, 1, 1),
    "7 x 7 by 3 x 3, stride 2": (7, 7, 3, 2, 0),
    "28 x 31 by 5 x 5, stride 3, pad 2": (28, 31, 5, 3, 2),
}
"""The book's examples: H, W, filter size, stride, pad."""


@dataclass(frozen=True)
class Result:
    """x (1, 1, 4, 4);  col (4, 9), a window a row;  col_W (9, 2), a filter a column.

    out (4, 2) = col col_W;  y (1, 2, 2, 2), the same as images;  layer: what Convolution returns.
    sizes: of the output, (OH, OW);  col_shapes: for N images of 3 x 7 x 7 and filters of 5 x 5.
    """

    x: Array
    col: Array
    col_W: Array
    out: Array
    y: Array
    layer: Array
    sizes: dict[str, tuple[int, int]]
    col_shapes: dict[int, tuple[int, ...]]


def run() -> Result:
    x = np.array(IMAGE, dtype=float).reshape(1, 1, 4, 4)
    W = np.array(FILTERS, dtype=float).reshape(2, 1, 3, 3)
    col = im2col(x, 3, 3)
    col_W = W.reshape(2, -1).T
    out = col @ col_W
    y = out.reshape(1, 2, 2, 2).transpose(0, 3, 1, 2)
    return Result(
        x,
        col,
        col_W,
        out,
        y,
        Convolution(W, 0).forward(x),
        {name: output_size(*given) for name, given in SIZES.items()},
        {N: im2col(np.zeros((N, 3, 7, 7)), 5, 5).shape for N in (1, 10)},
    )


def output_size(H: int, W: int, filter_size: int, stride: int, pad: int) -> tuple[int, int]:
    """OH and OW (eq. 7.1)."""
    OH = conv_output_size(H, filter_size, stride, pad)
    OW = conv_output_size(W, filter_size, stride, pad)
    return OH, OW


COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")
"""Of the four windows, and so of the rows."""

CELL = 0.4
"""Inches."""


def plot(result: Result) -> dict[str, Any]:
    """Above, the image with each of its windows; below, the product and both outputs."""
    from dlbasics import plotting

    width, height = 28, 17
    figure, axes = plotting.subplots(width=CELL * width, height=CELL * height)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.set_axis_off()
    for i, color in enumerate(COLORS):
        place = 2, 7 * i + 1.5
        draw_matrix(axes, result.x[0, 0], place, f"window {i + 1}")
        frame(axes, place, divmod(i, 2), (3, 3), color)

    draw_matrix(axes, result.col, (10, 0.5), "col: each window a row")
    draw_matrix(axes, result.col_W, (7.5, 12), "col_W:\neach filter a column")
    draw_matrix(axes, result.out, (10, 16.5), "out")
    for left, sign in ((10.75, "×"), (15.25, "="), (19.75, "→")):
        axes.text(left, 12, sign, ha="center", va="center", fontsize=16)
    for i, color in enumerate(COLORS):
        frame(axes, (10, 0.5), (i, 0), (1, 9), color)
        frame(axes, (10, 16.5), (i, 0), (1, 2), color)
    for i in range(2):
        frame(axes, (7.5, 12), (0, i), (9, 1), "gray")
        place = 11, 21 + 4 * i
        draw_matrix(axes, result.y[0, i], place, f"output of\nfilter {i + 1}")
        for pixel, color in enumerate(COLORS):
            frame(axes, place, divmod(pixel, 2), (1, 1), color)
    return {"expansion": figure}


def draw_matrix(axes: Any, matrix: Array, place: tuple[float, float], title: str) -> None:
    """Write the numbers into cells of size 1, from `place` (top, left) on."""
    top, left = place
    for y, x in np.ndindex(*matrix.shape):
        axes.text(left + x + 0.5, top + y + 0.5, f"{matrix[y, x]:g}", ha="center", va="center")
    frame(axes, place, (0, 0), matrix.shape, "lightgray", gap=0)
    axes.text(left + matrix.shape[1] / 2, top - 0.3, title, ha="center", va="bottom")


def frame(
    axes: Any,
    place: tuple[float, float],
    first: tuple[int, int],
    size: tuple[int, ...],
    color: str,
    gap: float = 0.07,
) -> None:
    """A frame around height x width cells, from cell `first` (row, column) of a matrix on.

    gap: how far inside it lies, so that neighbours show both of theirs.
    """
    top, left = place[0] + first[0] + gap, place[1] + first[1] + gap
    bottom, right = top + size[0] - 2 * gap, left + size[1] - 2 * gap
    xs, ys = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(xs, ys, color=color, linewidth=2)


CLAIMS = [
    *(
        Claim.same(
            f"output of {name}",
            book,
            lambda result, name=name: result.sizes[name],
        )
        for name, book in zip(SIZES, ((2, 2), (4, 4), (3, 3), (10, 11)), strict=True)
    ),
    *(
        Claim.same(
            f"shape of im2col, ({N}, 3, 7, 7) by 5 x 5",
            book,
            lambda result, N=N: result.col_shapes[N],
        )
        for N, book in ((1, (9, 75)), (10, (90, 75)))
    ),
    Claim.same(
        "figure 7.3: output of the first filter",
        ((15, 16), (6, 15)),
        lambda result: result.y[0, 0],
    ),
    Claim.same(
        "largest difference between the product and the Convolution layer",
        0,
        lambda result: float(np.abs(result.y - result.layer).max()),
        atol=1e-12,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, claims=CLAIMS)
