"""Draw the pictures of convolution, im2col, pooling and other pages into figures/.

python docs/layers/draw_images.py

The other pages are local_response_norm, reshape and residual.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ch05_backprop.computational_graphs import ADDITION, MULTIPLICATION
from ch05_backprop.graph import Graph, Input, Node
from ch05_backprop.graph_drawing import draw
from ch05_backprop.nodes import OPERATIONS, Function
from ch07_cnn.im2col_drawn import CELL, COLORS, FILTERS, IMAGE, draw_matrix, frame
from dlbasics import plotting
from dlbasics.columns import col2im, im2col, padded
from dlbasics.experiment.figures import shrink
from dlbasics.layers import AveragePooling, Convolution, Pooling

FOLDER = Path(__file__).parent / "figures"
SHADE = "#e8e8e8"
LIGHT = "#bcd6ea", "#ffd8b0", "#bfe3bf", "#dacbe8"
ALPHA = "\N{GREEK SMALL LETTER ALPHA}"


# What the graphs need beside the nodes of chapter 5.


class Columns:
    """col = im2col(x) for windows of 3 x 3: dx = col2im(dcol).  x: (H, W)."""

    def forward(self, x: Any) -> Any:
        self.shape = 1, 1, *x.shape
        return im2col(x.reshape(self.shape), 3, 3)

    def backward(self, dout: Any) -> Any:
        return col2im(dout, self.shape, 3, 3)[0, 0]


class NewShape:
    """The same numbers in another shape: dx is dout in the shape of x."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        return x.reshape(self.shape)

    def backward(self, dout: Any) -> Any:
        return np.reshape(dout, self.x_shape)


class Largest:
    """y = max(x_1, x_2, ...): the largest x gets dout, the others get 0."""

    def forward(self, *x: Any) -> Any:
        self.largest = np.arange(len(x)) == np.argmax(x)
        return max(x)

    def backward(self, dout: Any) -> tuple[Any, ...]:
        return tuple(dout * self.largest)


class SideBySide:
    """y = (x_1, x_2, ...): each x gets its part of dout."""

    def forward(self, *x: Any) -> Any:
        return np.array(x)

    def backward(self, dout: Any) -> tuple[Any, ...]:
        return tuple(dout)


class Neighbors:
    """y_c = x_{c-1} + x_c + x_{c+1}: the same sum of dout goes back."""

    def forward(self, x: Any) -> Any:
        return np.convolve(x, [1, 1, 1], "same")

    def backward(self, dout: Any) -> Any:
        return self.forward(dout)


OPERATIONS.update(
    {
        "im2col": Columns,
        "reshape\nto a column": lambda: NewShape(9, 1),
        "reshape\nto an image": lambda: NewShape(2, 2),
        "Flatten": lambda: NewShape(-1),
        "largest": Largest,
        "concatenate": SideBySide,
        "window 1": SideBySide,
        "window 2": SideBySide,
        "sum of\nneighbors": Neighbors,
        "s⁻ᵝ": lambda: Function(lambda s: s**-0.5, lambda s, y: -0.5 * y / s),
    }
)

DOUT = np.array([[1.0, 2.0], [3.0, 4.0]])

GRAPHS = {
    "im2col_graph": Graph(
        "Three pixels, windows of two: x₂ is in both rows",
        [Input(f"x{i}", i, (0, 1.3 * (2 - i))) for i in (1, 2, 3)],
        [
            Node("branch", ["x2"], ["x2a", "x2b"], (1.5, 0)),
            Node("window 1", ["x1", "x2a"], ["row 1"], (3.6, 1.0), height=0.9),
            Node("window 2", ["x2b", "x3"], ["row 2"], (3.6, -1.0), height=0.9),
        ],
        upstream={"row 1": np.array([1, 2]), "row 2": np.array([10, 20])},
    ),
    "convolution_graph": Graph(
        "Convolution: an Affine layer behind im2col",
        [
            Input("x", np.array(IMAGE), (0, 0)),
            Input("W", np.array(FILTERS[0]), (1.0, -2.9)),
            Input("b", np.array([3]), (5.85, -1.3)),
        ],
        [
            Node("im2col", ["x"], ["col"], (1.7, 0), height=0.8),
            Node("reshape\nto a column", ["W"], ["col_W"], (2.9, -2.9), height=0.8),
            Node("dot", ["col", "col_W"], ["product"], (4.6, 0)),
            Node("+", ["product", "b"], ["out"], (5.85, 0)),
            Node("reshape\nto an image", ["out"], ["y"], (7.7, 0), height=0.8),
        ],
        upstream={"y": DOUT},
        values={"col": "col", "col_W": "col_W", "out": "out"},
        derivatives={"col": "dout @ col_W.T", "col_W": "col.T @ dout", "b": "Σ(dout)"},
        symbols={"dout": DOUT.reshape(4, 1)},
        via={"col_W": [(4.6, -2.9)]},
    ),
    "convolution_small": Graph(
        "A convolution of three pixels: x₂ is in two windows, each weight in both",
        [
            Input("x1", 1, (0, 0)),
            Input("w1", 4, (0, -1.2)),
            Input("x2", 2, (0, -2.4)),
            Input("w2", 5, (0, -3.6)),
            Input("x3", 3, (0, -4.8)),
        ],
        [
            Node("branch", ["w1"], ["w1a", "w1b"], (1.8, -1.2)),
            Node("branch", ["x2"], ["x2a", "x2b"], (1.8, -2.4)),
            Node("branch", ["w2"], ["w2a", "w2b"], (1.8, -3.6)),
            Node("×", ["x1", "w1a"], ["p1"], (3.4, -0.6)),
            Node("×", ["x2b", "w1b"], ["p3"], (3.4, -1.8)),
            Node("×", ["x2a", "w2a"], ["p2"], (3.4, -3.0)),
            Node("×", ["x3", "w2b"], ["p4"], (3.4, -4.2)),
            Node("+", ["p1", "p2"], ["y1"], (6.0, -1.2)),
            Node("+", ["p3", "p4"], ["y2"], (6.0, -3.6)),
        ],
        upstream={"y1": 1, "y2": 10},
        values={"y1": "x1 * w1 + x2 * w2", "y2": "x2 * w1 + x3 * w2"},
        derivatives={
            "w1": "dy1 * x1 + dy2 * x2",
            "x2": "dy1 * w2 + dy2 * w1",
            "w2": "dy1 * x2 + dy2 * x3",
        },
        symbols={"dy1": 1, "dy2": 10},
        via={"y1": [(8.0, -1.2)], "y2": [(8.0, -3.6)]},
    ),
    "pooling_max_graph": Graph(
        "The largest of four pixels",
        [Input(f"x{i + 1}", x, (0, -0.7 * i)) for i, x in enumerate((1, 2, 0, 1))],
        [Node("largest", [f"x{i}" for i in (1, 2, 3, 4)], ["y"], (1.8, -1.05), height=2.7)],
        upstream={"y": 5},
    ),
    "pooling_average_graph": Graph(
        "The mean of four pixels",
        [Input(f"x{i + 1}", x, (0, -0.8 * i)) for i, x in enumerate((1, 2, 0, 1))]
        + [Input("¼", 0.25, (3.9, -2.2), constant=True)],
        [
            Node("+", [f"x{i}" for i in (1, 2, 3, 4)], ["sum"], (2.4, -1.2)),
            Node("×", ["sum", "¼"], ["y"], (3.9, -1.2)),
        ],
        upstream={"y": 5},
    ),
    "local_response_norm_graph": Graph(
        "Local response normalization of a pixel in five channels",
        [
            Input("x", np.array([4.0, 4.0, 6.0, 4.0, 4.0]), (0, 0)),
            Input(ALPHA, 0.25, (4.5, -3.8), constant=True),
            Input("k", 8.0, (6.4, -3.8), constant=True),
        ],
        [
            Node("branch", ["x"], ["x1", "x2"], (1.95, 0)),
            Node("x²", ["x2"], ["q"], (1.95, -1.4)),
            Node("sum of\nneighbors", ["q"], ["n"], (1.95, -2.9), height=0.8),
            Node("×", ["n", ALPHA], ["a"], (4.5, -2.9)),
            Node("+", ["a", "k"], ["s"], (6.4, -2.9)),
            Node("s⁻ᵝ", ["s"], ["f"], (6.4, -1.45)),
            Node("×", ["x1", "f"], ["y"], (6.4, 0)),
        ],
        upstream={"y": np.array([0.0, 0.0, 5.0, 0.0, 0.0])},
        values={"x2": "x", "q": "x**2", "s": "s", "f": "f", "y": "x * f"},
        derivatives={"x1": "g * f"},
        via={"y": [(8.2, 0)]},
    ),
    "reshape_graph": Graph(
        "Flatten: the numbers stay, their shape changes",
        [Input("x", np.arange(1, 9).reshape(2, 2, 2), (0, 0))],
        [Node("Flatten", ["x"], ["y"], (1.7, 0), height=0.8)],
        upstream={"y": np.arange(10, 90, 10)},
        via={"y": [(4.6, 0)]},
    ),
    "residual_graph": Graph(
        "A skip connection past F(x) = w x",
        [Input("x", 3, (0, 0)), Input("w", 0.1, (2.9, -2.3))],
        [
            Node("branch", ["x"], ["x1", "x2"], (1.6, 0)),
            Node("×", ["x2", "w"], ["F"], (2.9, -1.2)),
            Node("+", ["x1", "F"], ["y"], (4.4, 0)),
        ],
        upstream={"y": 10},
        values={"F": "w * x", "y": "x + w * x"},
        derivatives={"x": "g + g * w", "x1": "g", "F": "g", "y": "g"},
        via={"x2": [(1.6, -1.2)], "F": [(4.4, -1.2)], "y": [(6.2, 0)]},
    ),
    "concatenate_graph": Graph(
        "Two branches whose outputs stand side by side",
        [Input("x", 3, (0, 0)), Input("w", 2, (2.8, 1.8))],
        [
            Node("branch", ["x"], ["x1", "x2"], (1.4, 0)),
            Node("×", ["x1", "w"], ["F1"], (2.8, 0.7)),
            Node("x²", ["x2"], ["F2"], (2.8, -0.7)),
            Node("concatenate", ["F1", "F2"], ["y"], (4.8, 0), height=1.8),
        ],
        upstream={"y": np.array([1, 10])},
    ),
    "branch_graph": Graph(
        "A branch adds up the derivatives",
        [Input("x", 10, (0, 0))],
        [Node("branch", ["x"], ["y", "z"], (1.4, 0))],
        upstream={"y": 1.3, "z": 0.5},
        via={"y": [(2.8, 0.6)], "z": [(2.8, -0.6)]},
    ),
    "add_graph": ADDITION,
    "mul_graph": MULTIPLICATION,
}
"""The computational graphs, by the name of their picture."""


def canvas(width: float, height: float) -> tuple[Any, Any]:
    """Return a figure of so many cells of a matrix, and its axes."""
    figure, axes = plotting.subplots(width=CELL * width, height=CELL * height)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.set_axis_off()
    return figure, axes


def write(axes: Any, top: float, left: float, text: str, **style: Any) -> None:
    """Write text whose middle, or the end that `ha` names, is at this place."""
    axes.text(left, top, text, **{"ha": "center", "va": "center"} | style)


def shade(axes: Any, place: tuple[float, float], cells: Any, color: str = SHADE) -> None:
    """Shade those cells of a matrix for which `cells` is true."""
    for y, x in zip(*np.nonzero(cells), strict=True):
        left, top = place[1] + x, place[0] + y
        axes.fill([left, left + 1, left + 1, left], [top, top, top + 1, top + 1], color, zorder=0)


def windows_to_rows(N: int, C: int, H: int, window: int, stride: int = 1, pad: int = 0) -> Any:
    """Draw N images (C, H, H) with each of their four windows, and below them the matrix of im2col.

    The pixels of channel c of image n are 20 n + 10 c + 1 and so on.
    """
    x = np.arange(1, H * H + 1).reshape(H, H) + 10 * np.arange(C)[:, None, None]
    x = x + 20 * np.arange(N)[:, None, None, None]
    col, image = im2col(x, window, window, stride, pad), padded(x, pad)
    zeros, zeros_in_col = padded(np.zeros_like(x), pad, 1), col == 0
    label, size = 3.5 if N * C > 1 else 0.3, H + 2 * pad
    col_top, col_left = 1.5 + N * C * (size + 0.7) + 1.5 + (C > 1), max(label, 6.5)
    width = max(label + 4 * (size + 1.5) - 1.2, col_left + col.shape[1] + 0.3)
    figure, axes = canvas(width, col_top + len(col) + 0.3)

    for i, color in enumerate(COLORS):
        left, first = label + i * (size + 1.5), (stride * (i // 2), stride * (i % 2))
        write(axes, 0.9, left + size / 2, f"window {i + 1}", color=color)
        for row, (n, c) in enumerate(np.ndindex(N, C)):
            top = 1.5 + row * (size + 0.7)
            shade(axes, (top, left), zeros[n, c])
            draw_matrix(axes, image[n, c], (top, left), "")
            frame(axes, (top, left), first, (window, window), color)
            if N * C > 1 and i == 0:
                name = f"image {n + 1}" if N > 1 else f"channel {c + 1}"
                write(axes, top + size / 2, left - 0.4, name, ha="right")

    place = col_top, col_left
    shade(axes, place, zeros_in_col)
    title = "col: a row for each window" + (" of each image" if N > 1 else "")
    draw_matrix(axes, col, place, "")
    write(axes, col_top - (1.4 if C > 1 else 0.6), col_left + col.shape[1] / 2, title)
    for c in range(C * (C > 1)):
        left = col_left + window**2 * (c + 0.5)
        write(axes, col_top - 0.5, left, f"channel {c + 1}")
        frame(axes, place, (0, window**2 * c), (len(col), window**2), "gray", gap=0)
    for row in range(len(col)):
        n, i = divmod(row, 4)
        name = (f"image {n + 1}, " if N > 1 else "") + f"window {i + 1}"
        write(axes, col_top + row + 0.5, col_left - 0.4, name, ha="right", color=COLORS[i])
        frame(axes, place, (row, 0), (1, col.shape[1]), COLORS[i])
    return figure


def columns_at_once() -> Any:
    """Draw how im2col fills whole columns: a pixel of all windows at once."""
    x = np.arange(1, 26).reshape(5, 5)
    col = im2col(x[None, None], 3, 3, stride=2)
    figure, axes = canvas(26, 12.6)
    place = 8.3, 8.5
    draw_matrix(axes, col, place, "")
    pixels = (0, 0), (0, 1), (1, 0), (2, 2)
    for i, ((row, column), color) in enumerate(zip(pixels, LIGHT, strict=True)):
        left, met = 0.5 + 6.5 * i, np.zeros((5, 5))
        met[row : row + 3 : 2, column : column + 3 : 2] = 1
        draw_matrix(axes, x, (1.5, left), f"pixel ({row}, {column})")
        shade(axes, (1.5, left), met, color)
        k = 3 * row + column
        shade(axes, (place[0], place[1] + k), np.ones((4, 1)), color)
        write(axes, 7.8, place[1] + k + 0.5, f"({row}, {column})", fontsize=8)
    for i, color in enumerate(COLORS):
        write(axes, place[0] + i + 0.5, 8.1, f"window {i + 1}", ha="right", color=color)
    return figure


def rows_to_images() -> Any:
    """Draw how the product becomes images: 2 images, 2 x 2 windows and 2 filters."""
    y = np.arange(1, 9).reshape(2, 1, 2, 2) + 10 * np.arange(2).reshape(1, 2, 1, 1)
    out = y.transpose(0, 2, 3, 1).reshape(8, 2)
    figure, axes = canvas(20, 10.6)
    draw_matrix(axes, out, (2.2, 6.5), "out: a column\nfor each filter")
    for row in range(8):
        n, i = divmod(row, 4)
        name = f"image {n + 1}, window {i + 1}"
        write(axes, row + 2.7, 6.1, name, ha="right", color=COLORS[i])
        frame(axes, (2.2, 6.5), (row, 0), (1, 2), COLORS[i])
    write(axes, 6.2, 10, "→", fontsize=16)
    for n, f in np.ndindex(2, 2):
        place = 3 + 4 * n, 14.2 + 3.2 * f
        draw_matrix(axes, y[n, f], place, f"filter {f + 1}" if n == 0 else "")
        if f == 0:
            write(axes, place[0] + 1, 13.8, f"image {n + 1}", ha="right")
        for pixel, color in enumerate(COLORS):
            frame(axes, place, divmod(pixel, 2), (1, 1), color)
    write(axes, 1.2, 16.8, "y")
    return figure


def rows_back_to_windows() -> Any:
    """Draw col2im: each row goes back to its window, and the windows add up."""
    x = np.arange(1, 10).reshape(1, 1, 3, 3)
    col = im2col(x, 2, 2)
    total, counts = col2im(col, x.shape, 2, 2)[0, 0], col2im(np.ones((4, 4)), x.shape, 2, 2)[0, 0]
    figure, axes = canvas(22, 16.5)
    draw_matrix(axes, col, (1.8, 11), "col")
    for i, color in enumerate(COLORS):
        write(axes, i + 2.3, 10.6, f"window {i + 1}", ha="right", color=color)
        frame(axes, (1.8, 11), (i, 0), (1, 4), color)
        place, first = (7.5, 0.5 + 4.5 * i), divmod(i, 2)
        frame(axes, place, (0, 0), (3, 3), "lightgray", gap=0)
        draw_matrix(axes, col[i].reshape(2, 2), (7.5 + first[0], place[1] + first[1]), "")
        frame(axes, place, first, (2, 2), color)
        write(axes, 9, place[1] + 3.75, "+" if i < 3 else "=", fontsize=16)
    draw_matrix(axes, total, (7.5, 18.5), "col2im(col)")
    draw_matrix(axes, x[0, 0], (13.2, 9.5), "x")
    write(axes, 14.7, 13.25, "×", fontsize=16)
    draw_matrix(axes, counts, (13.2, 14), "windows of a pixel")
    write(axes, 14.7, 17.75, "=", fontsize=16)
    draw_matrix(axes, total, (13.2, 18.5), "")
    return figure


def one_sum(
    axes: Any, top: float, parts: Sequence[tuple[str, Any]], cell: tuple[int, int], zeros: Any
) -> None:
    """Draw an image, a filter and their convolution in a row, and mark one pixel of the result.

    Args:
        axes: The axes.
        top: Where the row begins.
        parts: The title and matrix of the image, the filter and the result.
        cell: The pixel of the result that is marked, and its window.
        zeros: Which pixels of the image are shaded.
    """
    left, tallest = 0.5, len(parts[0][1])
    marks = (cell, parts[1][1].shape), ((0, 0), parts[1][1].shape), (cell, (1, 1))
    for (title, matrix), (first, size), sign in zip(parts, marks, ("*", "=", ""), strict=True):
        place = top + (tallest - len(matrix)) / 2, left
        if matrix is parts[0][1]:
            shade(axes, place, zeros)
        draw_matrix(axes, matrix, place, title)
        frame(axes, place, first, size, COLORS[1])
        left += matrix.shape[1] + 1.9
        write(axes, top + tallest / 2, left - 0.95, sign, fontsize=16)


def gradients_as_convolutions() -> Any:
    """Draw dW and dx of the example, each as a convolution with stride 1."""
    x, W = np.array(IMAGE, float), np.array(FILTERS[0], float)
    layer = Convolution(W.reshape(1, 1, 3, 3), None)
    layer.forward(x.reshape(1, 1, 4, 4))
    dx = layer.backward(DOUT.reshape(1, 1, 2, 2))[0, 0]
    figure, axes = canvas(19.2, 15.5)
    parts = ("x", x), ("dout", DOUT), ("dW", layer.dW[0, 0])
    one_sum(axes, 1.8, parts, (0, 1), np.zeros((4, 4)))
    wide = np.pad(DOUT, 2)
    parts = ("dout, with 2 pixels of zeros", wide), ("W, turned", W[::-1, ::-1]), ("dx", dx)
    one_sum(axes, 9.2, parts, (1, 2), np.pad(np.zeros((2, 2)), 2, constant_values=1))
    return figure


def stride_backward() -> Any:
    """Draw dx for a stride of 2: zeros spread dout."""
    W = np.array(FILTERS[0], float)
    layer = Convolution(W.reshape(1, 1, 3, 3), None, stride=2)
    layer.forward(np.zeros((1, 1, 5, 5)))
    dx = layer.backward(DOUT.reshape(1, 1, 2, 2))[0, 0]
    wide, zeros = np.zeros((7, 7)), np.ones((7, 7))
    wide[2:5:2, 2:5:2], zeros[2:5:2, 2:5:2] = DOUT, 0
    figure, axes = canvas(20, 9.2)
    parts = ("dout, spread by zeros", wide), ("W, turned", W[::-1, ::-1]), ("dx", dx)
    one_sum(axes, 1.8, parts, (2, 2), zeros)
    return figure


POOLED = np.array([[1.0, 2, 1, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 4, 0, 1]])
"""The image of the book's figure 7.14."""

OVERLAPPED = np.array([[1.0, 2, 3], [4, 9, 5], [6, 7, 8]])
"""An image whose largest pixel is in all windows of 2 x 2."""


def pooling(layer: Any, x: Any, dout: Any) -> Any:
    """Draw what a pooling layer makes of x, and below it where the gradient goes."""
    size, step = len(x), layer.stride
    y = layer.forward(x[None, None])[0, 0]
    dx = layer.backward(dout[None, None])[0, 0]
    figure, axes = canvas(size + 6, 2 * size + 4.5)
    rows = (1.6, x, y, "x", "y", "→"), (size + 4, dx, dout, "dx", "dout", "←")
    for top, image, values, left_name, right_name, arrow in rows:
        place, beside = (top, 0.5), (top + (size - 2) / 2, size + 3.2)
        draw_matrix(axes, image, place, left_name)
        draw_matrix(axes, values, beside, right_name)
        write(axes, top + size / 2, size + 1.85, arrow, fontsize=16)
        for i, color in enumerate(COLORS):
            gap = 0.07 + (0.05 * i if step < layer.pool_h else 0)
            first = step * (i // 2), step * (i % 2)
            frame(axes, place, first, (layer.pool_h, layer.pool_w), color, gap)
            frame(axes, beside, divmod(i, 2), (1, 1), color)
    return figure


def draw_graph(graph: Graph) -> Any:
    return draw(graph, graph.run())


PICTURES: dict[str, Callable[[], Any]] = {
    "im2col_one_channel": partial(windows_to_rows, 1, 1, 3, 2),
    "im2col_channels": partial(windows_to_rows, 1, 2, 3, 2),
    "im2col_batch": partial(windows_to_rows, 2, 1, 3, 2),
    "im2col_stride": partial(windows_to_rows, 1, 1, 5, 3, stride=2),
    "im2col_pad": partial(windows_to_rows, 1, 1, 3, 3, stride=2, pad=1),
    "im2col_columns_at_once": columns_at_once,
    "im2col_rows_to_images": rows_to_images,
    "im2col_col2im": rows_back_to_windows,
    "convolution_gradients": gradients_as_convolutions,
    "convolution_stride": stride_backward,
    "pooling_max": partial(pooling, Pooling(2, 2, 2), POOLED, DOUT),
    "pooling_average": partial(pooling, AveragePooling(2, 2, 2), 2 * POOLED, 4 * DOUT),
    "pooling_overlap": partial(pooling, Pooling(2, 2), OVERLAPPED, DOUT),
    **{name: partial(draw_graph, graph) for name, graph in GRAPHS.items()},
}
"""What draws each picture, by the name of its file."""


def draw_all(folder: Path = FOLDER) -> list[Path]:
    """Draw all pictures into a folder, as small PNG files, and return their paths."""
    with TemporaryDirectory() as large:
        paths = [Path(large) / f"{name}.png" for name in PICTURES]
        for path, drawn in zip(paths, PICTURES.values(), strict=True):
            plotting.save(drawn(), path)
        return shrink(paths, folder, colors=(16,))


if __name__ == "__main__":
    draw_all()
