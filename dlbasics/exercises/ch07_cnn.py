"""The checks of chapter 7's notebook."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.columns import im2col as expanded
from dlbasics.exercises.mistakes import compare
from dlbasics.exercises.verdict import Unsolved, Wrong, as_numbers, exercise
from dlbasics.gradient_check import check_gradients
from dlbasics.layers import Convolution, Pooling
from dlbasics.network import Network

IMAGE = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]], float)
FILTER = np.array([[2, 0, 1], [0, 1, 2], [1, 0, 2]], float)
"""The image and the filter of the notebook."""

COUNT = "The last window begins at row H - FH, so there are H - FH + 1 rows of windows."


@exercise
def convolve(answer: Callable[[Array, Array], Array]) -> str:
    """Check convolve(image, W): the convolution of one image with one filter."""
    large, small = np.arange(24.0).reshape(4, 6), np.arange(6.0).reshape(2, 3) - 3
    by_name = {
        "the notebook's image and W": (IMAGE, FILTER),
        "image = np.arange(24).reshape(4, 6) and W = np.arange(6).reshape(2, 3) - 3": (
            large,
            small,
        ),
    }
    for name, (image, W) in by_name.items():
        windows = expanded(image[np.newaxis, np.newaxis], *W.shape)
        weights = W.reshape(-1)
        shape = image.shape[0] - W.shape[0] + 1, image.shape[1] - W.shape[1] + 1
        wanted = (windows @ weights).reshape(shape)
        mistakes = {
            "You turned W by half a circle, as mathematicians do.  In a network the first weight "
            "lies on the first pixel.": windows @ weights[::-1],
            "This is the sum of the window.  Multiply it by W first.": windows.sum(axis=1),
            "This is the mean of the products.  Add them up.": windows @ weights / W.size,
            "This is the largest product.  Add them up.": (windows * weights).max(axis=1),
        }
        shapes = {
            COUNT: (shape[0] - 1, shape[1] - 1),
            "You exchanged OH and OW.": shape[::-1],
            "A window must lie in the image, so the output is smaller.": image.shape,
            "Return all of y, not one pixel of it.": (),
        }
        mistakes = {text: array.reshape(shape) for text, array in mistakes.items()}
        got = answer(image.copy(), W.copy())
        compare(got, wanted, f"For {name}, y", mistakes, shapes)
    return "your loops compute what the layer Convolution does, also if H and W differ"


@exercise
def vertical(answer: Any) -> str:
    """Check a filter of 3 x 3 for vertical edges, from dark to light."""
    W = as_numbers(answer)
    if W is None or W.shape != (3, 3) or not np.isfinite(W).all():
        raise Wrong(f"the filter must be an array of 3 x 3 numbers, got {answer!r}")
    if not W.any():
        raise Wrong("all weights are 0, so the filter sees nothing")
    upright, lying = at_edge(W), at_edge(W.T)
    tiny = 1e-6 * np.abs(W).max()
    if abs(W.sum()) > tiny:
        raise Wrong(
            f"where all pixels are 1 your filter makes {W.sum():g}, but it must make 0.  "
            "Its weights must add up to 0, or it answers to all light areas."
        )
    if np.abs(lying).max() > tiny and np.abs(upright).max() <= tiny:
        raise Wrong("this filter sees horizontal edges only.  Take its transpose, W.T.")
    if np.abs(W.sum(axis=1)).max() > tiny:
        raise Wrong(
            f"at a horizontal edge your filter makes {lying[0]:g} or {lying[1]:g}, but it must "
            "make 0.  There all pixels of a row are equal, so each row of weights must add up to 0."
        )
    if upright.max() <= tiny:
        raise Wrong(
            f"where 0 is at the left and 1 at the right your filter makes {upright.min():g}, but "
            "it must be above 0.  Turn the signs."
        )
    if upright.min() < -tiny:
        raise Wrong(
            f"on one side of an edge your filter makes {upright.max():g}, and on the other "
            f"{upright.min():g}.  It sees thin lines.  At an edge no output may be below 0."
        )
    return (
        f"where dark becomes light your filter makes {upright.max():g}, and at a horizontal edge 0"
    )


def at_edge(W: Array) -> Array:
    """Return what a filter of 3 x 3 makes of an edge from 0 to 1 behind its columns 0 and 1."""
    return np.array([W[:, 1:].sum(), W[:, 2:].sum()])


@exercise
def output_shape(answer: Callable[..., Sequence[int]]) -> str:
    """Check output_shape(x_shape, W_shape, stride, pad)."""
    cases = [
        ((1, 1, 4, 4), (1, 1, 3, 3), 1, 0),
        ((100, 1, 28, 28), (30, 1, 5, 5), 1, 0),
        ((10, 3, 7, 9), (20, 3, 5, 3), 1, 0),
        ((2, 16, 28, 28), (8, 16, 5, 5), 1, 2),
        ((5, 3, 28, 31), (4, 3, 5, 5), 3, 2),
    ]
    for x_shape, W_shape, stride, pad in cases:
        (N, C, H, W), (FN, _, FH, FW) = x_shape, W_shape
        rooms = H + 2 * pad - FH, W + 2 * pad - FW
        OH, OW = (room // stride + 1 for room in rooms)
        mistakes = {
            "The second number must be FN, not C: each filter makes a channel.": (N, C, OH, OW),
            "N comes first, and then FN.": (FN, N, OH, OW),
            "Add 1: the window at the very beginning counts, too.": (N, FN, OH - 1, OW - 1),
            "Padding is on both sides, so count it twice.": (
                *(N, FN),
                *((room - pad) // stride + 1 for room in rooms),
            ),
            "Put H + 2 P - FH in parentheses, and divide all of it.": (
                *(N, FN),
                *(H + 2 * pad - FH // stride + 1, W + 2 * pad - FW // stride + 1),
            ),
            "You exchanged height and width.": (N, FN, OW, OH),
            "Height and width are right; N and FN come before them.": (OH, OW),
        }
        call = f"output_shape({x_shape}, {W_shape}, stride={stride}, pad={pad})"
        got = answer(x_shape, W_shape, stride, pad)
        compare(got, (N, FN, OH, OW), call, mistakes)
        if any(isinstance(size, float | np.floating) for size in got):
            raise Wrong(f"{call} is {got!r}, with floats.  Divide by //, for a size is an integer.")
    return f"all {len(cases)} shapes are right"


@exercise
def im2col(answer: Callable[[Array, int, int], Array]) -> str:
    """Check my_im2col(x, FH, FW) against dlbasics.columns.im2col."""
    N, C, H, W, FH, FW = 2, 3, 4, 6, 3, 2
    x = np.arange(float(N * C * H * W)).reshape(N, C, H, W)
    OH, OW = H - FH + 1, W - FW + 1
    wanted = expanded(x, FH, FW)
    axes = wanted.reshape(N, OH, OW, C, FH, FW)
    orders = {
        "In a row, the channel must come first, and then row and column of the window.  You have "
        "the channels last.": (0, 1, 2, 4, 5, 3),
        "In a row, you have the columns of a window one after the other; it must be its rows.": (
            *(0, 1, 2),
            *(3, 5, 4),
        ),
        "Go over the rows of the output, and inside that over its columns.": (0, 2, 1, 3, 4, 5),
        "Go over the images first.": (1, 2, 0, 3, 4, 5),
    }
    mistakes = {text: axes.transpose(o).reshape(wanted.shape) for text, o in orders.items()}
    shapes = {
        "Each window must be a row, not a column.": wanted.T.shape,
        "Flatten each window by .reshape(-1).": (N * OH * OW, C, FH, FW),
        "Bring it into this shape by .reshape(N * OH * OW, -1).": axes.shape,
        COUNT: (N * (OH - 1) * (OW - 1), C * FH * FW),
        f"These are the windows of one image; x has {N}.": (OH * OW, C * FH * FW),
        f"A row must hold the numbers of all {C} channels.": (N * OH * OW, FH * FW),
        f"A row must hold the numbers of all {C} channels together.": (N * OH * OW * C, FH * FW),
    }
    x_text = f"x = np.arange({x.size}).reshape{x.shape}"
    what = f"For {x_text}, my_im2col(x, {FH}, {FW})"
    compare(answer(x.copy(), FH, FW), wanted, what, mistakes, shapes)
    return "your matrix equals that of dlbasics.im2col"


@exercise
def convolution(answer: Callable[[Array, Array, Array], Array]) -> str:
    """Check convolution(x, W, b): im2col, a product, and the axes of the output."""
    rng = np.random.default_rng(0)
    x, W = rng.integers(0, 9, (3, 2, 5, 7)) * 1.0, rng.integers(-5, 5, (4, 2, 3, 2)) * 1.0
    b = np.array([100.0, 200.0, 300.0, 400.0])
    wanted = Convolution(W, b).forward(x)
    N, FN, OH, OW = wanted.shape
    product = wanted.transpose(0, 2, 3, 1).reshape(-1, FN)
    torn = (expanded(x, 3, 2) @ W.reshape(-1, FN) + b).reshape(N, OH, OW, FN)
    order = "Take reshape(N, OH, OW, FN) first, and then transpose(0, 3, 1, 2)."
    mistakes = {
        f"The numbers are right, but at wrong places.  {order}": product.reshape(wanted.shape),
        "The bias is missing.": wanted - b.reshape(1, FN, 1, 1),
        "W.reshape(-1, FN) tears the filters apart.  W.reshape(FN, -1).T has a filter in each "
        "column.": torn.transpose(0, 3, 1, 2),
    }
    shapes = {
        f"This is the product.  {order}": product.shape,
        "The channels must come second: take transpose(0, 3, 1, 2).": (N, OH, OW, FN),
        "Height and width changed places: take transpose(0, 3, 1, 2).": (N, FN, OW, OH),
    }
    what = f"For x of shape {x.shape} and W of shape {W.shape}, y"
    compare(answer(x.copy(), W.copy(), b.copy()), wanted, what, mistakes, shapes)
    return "your convolution equals the layer's, with all images, channels and filters"


@exercise
def max_pooling(answer: Callable[[], Any]) -> str:
    """Check a class of max pooling, 2 x 2 with stride 2, forward and backward."""
    x = np.random.default_rng(0).permutation(2 * 3 * 4 * 6).reshape(2, 3, 4, 6) * 1.0
    N, C, H, W = x.shape
    layer, pooling = answer(), Pooling(2, 2, stride=2)
    y = pooling.forward(x)
    pairs = x.reshape(N, C, H // 2, 2, W // 2, 2)
    mistakes = {
        "This is the mean of each window.  Take the largest.": pairs.mean(axis=(3, 5)),
        "This is the smallest of each window.  Take the largest.": pairs.min(axis=(3, 5)),
        "These are not windows of 2 x 2 pixels, but four neighbors in memory.  Reshape to "
        "(N, C, H // 2, 2, W // 2, 2).": x.reshape(N, C, H // 2, W // 2, 4).max(axis=4),
    }
    shapes = {"Your windows overlap; the stride must be 2.": (N, C, H - 1, W - 1)}
    what = f"For x of shape {x.shape}, what forward returns"
    compare(layer.forward(x.copy()), y, what, mistakes, shapes)

    dout = np.arange(1.0, y.size + 1).reshape(y.shape)
    dx, largest = pooling.backward(dout), pooling.backward(np.ones_like(y))
    spread = np.repeat(np.repeat(dout, 2, axis=2), 2, axis=3)
    mistakes = {
        "You give the gradient to all pixels of a window; only the largest gets it.": spread,
        "This is average pooling.  The largest pixel of a window gets the whole gradient.": (
            spread / 4
        ),
        "This is where the largest pixels are.  Multiply by dout.": largest,
        "These are the largest pixels themselves.  The gradient dout belongs there.": x * largest,
        "You used the numbers of the pixels as a factor, too.": x * dx,
    }
    shapes = {"dx must have the shape of x, not that of dout.": y.shape}
    what = f"For x of shape {x.shape}, what backward returns"
    compare(layer.backward(dout.copy()), dx, what, mistakes, shapes)
    if not (report := check_gradients(answer(), x, verbose=False)):
        raise Wrong(f"the gradient check fails: {report!r}")
    return "forward and backward equal those of Pooling, and the gradient check passes"


@exercise
def network(answer: Callable[[], Any]) -> str:
    """Check make_network(): Conv, Relu, Pool and Affine for images of 28 x 28 pixels."""
    net = answer()
    if net is None or net is ...:
        raise Unsolved("write your code where the three dots stand, and run both cells again")
    if not isinstance(net, Network):
        raise Wrong(f"make_network must return Network([...]), got {type(net).__name__}")
    layers = [*net.layers.values()]
    names = ", ".join(type(layer).__name__ for layer in layers)
    if names != "Convolution, Relu, Pooling, Affine":
        raise Wrong(f"the layers must be Convolution, Relu, Pooling, Affine, got {names}")
    convolution, relu, pooling, affine = layers
    expect_shape(convolution, (8, 1, 3, 3), "It is (FN, C, FH, FW).")
    parts = [
        (convolution, (8, 28, 28), "A filter of 3 x 3 takes a pixel from each side; what adds it?"),
        (relu, (8, 28, 28), ""),
        (pooling, (8, 14, 14), "The stride must be 2; without it, it is 1."),
    ]
    shape: tuple[int, ...] = (1, 28, 28)
    for layer, wanted, hint in parts:
        try:
            shape = layer.output_shape(shape)
        except ValueError as error:
            raise Wrong(f"{error}.  {hint}") from None
        if shape != wanted:
            name = type(layer).__name__
            raise Wrong(f"{name} must make images {wanted}, got {shape}.  {hint}")
    expect_shape(affine, (8 * 14 * 14, 10), "8 channels of 14 x 14 pixels come in.")
    total = sum(param.size for param in net.params.values())
    return f"your network reads images of 28 x 28 pixels, and has {total:,} parameters"


def expect_shape(layer: Any, wanted: tuple[int, ...], hint: str) -> None:
    """Raise `Wrong` unless the weights of a layer have this shape."""
    if layer.W.shape != wanted:
        name = type(layer).__name__
        raise Wrong(f"the W of {name} must have shape {wanted}, got {layer.W.shape}.  {hint}")


@exercise
def silent(answer: Callable[[Array], Array]) -> str:
    """Check silent(y): which filters make a number above 0 nowhere."""
    y = -np.random.default_rng(0).random((4, 6, 3, 5))
    y[2, 1, 0, 4] = 0.5  # a single pixel
    y[:, 3] *= -1
    y[:, 4, 0, 0] = 0
    y[1, 5] = 9
    largest = y.max(axis=(0, 2, 3))
    wanted = largest <= 0
    mistakes = {
        "You found the filters that speak.  Turn the answer round.": ~wanted,
        "The smallest number does not tell; the largest does.": y.min(axis=(0, 2, 3)) <= 0,
        "The mean does not tell: a single number above 0 is enough.": y.mean(axis=(0, 2, 3)) <= 0,
        "If the largest number is 0, the filter is silent, too.": largest < 0,
        "These are the largest numbers.  Compare them with 0.": largest,
    }
    shapes = {
        "These are the numbers of the silent filters; return True or False for each filter.": (
            np.flatnonzero(wanted).shape
        ),
        "Return True or False for each filter, not one number.": (),
        "You did not go over the images, axis 0.": (4, 6),
    }
    compare(answer(y.copy()), wanted, f"For y of shape {y.shape}, silent(y)", mistakes, shapes)
    return "you find the filters that never make a number above 0"
