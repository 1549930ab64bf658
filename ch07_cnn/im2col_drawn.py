"""*Expansion by im2col* (chapter 7): a drawing of a convolution as one matrix product.

The windows of a small image become the rows of a matrix.  Two filters become the columns of another
one.  The product of the two matrices holds every pixel of both outputs.  The image and the first
filter are those of the book's figure 7.3; the second filter finds vertical edges.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.columns import conv_output_size, im2col
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import Convolution

IMAGE = ((1, 2, 3, 0), (0, 1, 2, 3), (3, 0, 1, 2), (2, 3, 0, 1))
FILTERS = (((2, 0, 1), (0, 1, 2), (1, 0, 2)), ((1, 0, -1), (1, 0, -1), (1, 0, -1)))

SIZES = {
    "4 x 4 by 3 x 3": (4, 4, 3, 1, 0),
    "4 x 4 by 3 x 3, pad 1": (4, 4, 3, 1, 1),
    "7 x 7 by 3 x 3, stride 2": (7, 7, 3, 2, 0),
    "28 x 31 by 5 x 5, stride 3, pad 2": (28, 31, 5, 3, 2),
}
"""H, W, filter size, stride and pad of the book's examples."""


@dataclass(frozen=True)
class Result(Record):
    """The steps of the convolution, and the sizes of the book's examples.

    Args:
        x: The image (1, 1, 4, 4).
        col: The matrix (4, 9) that im2col returns: each row is a window.
        col_W: The matrix (9, 2) of the filters: each column is a filter.
        out: The product (4, 2) of col and col_W.
        y: The same numbers as images, (1, 2, 2, 2).
        layer: The output of the layer Convolution.
        sizes: The height and width of the output, by example.
        col_shapes: The shape of the matrix for N images of 3 x 7 x 7 and filters of 5 x 5, by N.
    """

    x: np.ndarray
    col: np.ndarray
    col_W: np.ndarray
    out: np.ndarray
    y: np.ndarray
    layer: np.ndarray
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
    """Return the height and width of the output (eq. 7.1)."""
    OH = conv_output_size(H, filter_size, stride, pad)
    OW = conv_output_size(W, filter_size, stride, pad)
    return OH, OW


COLORS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")
"""The colors of the four windows, and of their rows."""

CELL = 0.34
"""The size of a matrix cell, in inches."""


def plot(result: Result) -> dict[str, Any]:
    """Draw the image with each of its windows, and below them the product and both outputs."""
    from dlbasics import plotting

    width, height = 28, 17
    figure, axes = plotting.subplots(width=CELL * width, height=CELL * height)
    axes.set(xlim=(0, width), ylim=(height, 0.6), aspect="equal")
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


def draw_matrix(axes: Any, matrix: np.ndarray, place: tuple[float, float], title: str) -> None:
    """Write the numbers into cells of size 1; the upper left corner is `place` (top, left)."""
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
    """Draw a frame around some cells of a matrix.

    Args:
        axes: The axes to draw into.
        place: The upper left corner of the matrix, (top, left).
        first: The first cell in the frame, (row, column).
        size: The number of rows and columns in the frame.
        color: The color of the frame.
        gap: The distance from the edge of the cells, so that the frames of neighbors are visible.
    """
    top, left = place[0] + first[0] + gap, place[1] + first[1] + gap
    bottom, right = top + size[0] - 2 * gap, left + size[1] - 2 * gap
    xs, ys = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(xs, ys, color=color, linewidth=2)


def size_claim(name: str, book: tuple[int, int]) -> Claim:
    """Return the claim about the output size of an example."""
    return Claim.same(f"output of {name}", book, lambda result: result.sizes[name])


def shape_claim(N: int, book: tuple[int, int]) -> Claim:
    """Return the claim about the shape that im2col returns for N images."""
    text = f"shape of im2col, ({N}, 3, 7, 7) by 5 x 5"
    return Claim.same(text, book, lambda result: result.col_shapes[N])


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        size_claim("4 x 4 by 3 x 3", (2, 2)),
        size_claim("4 x 4 by 3 x 3, pad 1", (4, 4)),
        size_claim("7 x 7 by 3 x 3, stride 2", (3, 3)),
        size_claim("28 x 31 by 5 x 5, stride 3, pad 2", (10, 11)),
        shape_claim(1, (9, 75)),
        shape_claim(10, (90, 75)),
        Claim.same(
            "figure 7.3: output of the first filter",
            ((15, 16), (6, 15)),
            lambda result: result.y[0, 0],
        ),
        Claim.same(
            "largest difference between product and Convolution layer",
            0,
            lambda result: float(np.abs(result.y - result.layer).max()),
            printed=False,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
