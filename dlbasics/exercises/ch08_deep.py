"""The checks of chapter 8's notebook."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.exercises.mistakes import compare, expect_unchanged
from dlbasics.exercises.verdict import Wrong, as_numbers, exercise, expect
from dlbasics.layers import Affine, Relu, Residual
from dlbasics.metrics import confusion_matrix


@exercise
def confusion(answer: Callable[[Array, Array, int], Array]) -> str:
    """Check confusion(t, y, K): rows are labels, columns are guesses."""
    t, y = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 2, 0])
    for K in (4, 5):
        wanted = confusion_matrix(t, y, K)
        mistakes = {
            "Rows must be the labels, and columns the guesses.": wanted.T,
            "matrix[t, y] += 1 counts a pair only once.  Use a loop, or np.add.at.": wanted > 0,
            "You count only what is right.": np.diag(np.diag(wanted)),
            "You count only the errors.": wanted - np.diag(np.diag(wanted)),
        }
        shapes = {"A class may not occur: take the shape (K, K).": (3, 3)}
        what = f"For t = {t.tolist()}, y = {y.tolist()} and K = {K}, the matrix"
        compare(answer(t.copy(), y.copy(), K), wanted, what, mistakes, shapes)
    return "rows are labels, columns are guesses, and pairs that occur twice count twice"


@exercise
def moved(answer: Callable[[Array, np.random.Generator], Array]) -> str:
    """Check moved(x, rng): each image moves by up to two whole pixels, and keeps its label."""
    x = np.random.default_rng(0).uniform(0.1, 1, (200, 1, 6, 7)).astype(np.float32)
    before = x.copy()
    y = answer(x, np.random.default_rng(1))
    if np.shape(y) != x.shape:
        expect(y, x, f"for x of shape {x.shape}, what moved returns")
    if not np.array_equal(x, before):
        raise Wrong("your code changes x itself; the next epoch needs it as it was.  Make a copy.")
    amounts = [amount_of(*pair) for pair in zip(x[:, 0], np.asarray(y)[:, 0], strict=True)]
    down, right = np.array(amounts).T
    if len({*amounts}) == 1:
        if amounts[0] == (0, 0):
            raise Wrong("no image has moved")
        raise Wrong(
            f"all images move by {amounts[0][0]} down and {amounts[0][1]} to the right.  Draw two "
            "numbers for each image, in a loop or by rng.integers(-2, 3, size=N)."
        )
    for name, moves in {"down": down, "to the right": right}.items():
        if {*moves} != {-2, -1, 0, 1, 2}:
            found = sorted(map(int, {*moves}))
            raise Wrong(
                f"the moves {name} must be -2, -1, 0, 1 and 2, each now and then, got {found}.  "
                "rng.integers(-2, 3) ends before 3."
            )
    if (down == right).all() or (down == -right).all():
        raise Wrong("all images move along a diagonal.  Draw a second number for the way right.")
    again = answer(x, np.random.default_rng(1))
    if not np.array_equal(y, again):
        raise Wrong("two calls with the same seed differ.  Draw all numbers from rng.")
    if np.array_equal(y, answer(x, np.random.default_rng(2))):
        raise Wrong("two calls with different seeds are the same.  Draw all numbers from rng.")
    return "each image moves by its own amount, its label stays, and the same seed gives the same"


def amount_of(image: Array, changed: Array) -> tuple[int, int]:
    """Return how far an image was moved, (down, right); raise `Wrong` if it was not."""
    H, W = image.shape
    for down, right in product(range(-2, 3), repeat=2):
        rows = slice(2 - down, 2 - down + H), slice(2 - right, 2 - right + W)
        if np.array_equal(changed, np.pad(image, 2)[rows]):
            return down, right
        if np.array_equal(changed, np.roll(image, (down, right), (0, 1))):
            raise Wrong(
                "pixels that leave an image come in again on the other side, as np.roll does.  "
                "Free pixels must be 0."
            )
    for name, other in {
        "mirrored": image[:, ::-1],
        "turned upside down": image[::-1],
        "turned by half a circle": image[::-1, ::-1],
    }.items():
        if np.array_equal(changed, other):
            raise Wrong(f"an image was {name}.  Then a 2 is no 2 any more: the label must stay.")
    raise Wrong(
        "an image is not what one gets by moving it by at most 2 whole pixels, with 0 in the free "
        "pixels"
    )


@exercise
def stack(answer: Callable[[int, int], Sequence[int]]) -> str:
    """Check stack(n, k): what n filters of k x k see, and the number of their weights."""
    for n, k in ((1, 3), (2, 3), (3, 3), (1, 7), (4, 5)):
        pixels, weights = 1 + n * (k - 1), n * k * k
        mistakes = {
            "Return first the pixels, and then the weights.": (weights, pixels),
            f"The views overlap: a second filter of {k} x {k} widens the view by {k - 1} "
            "pixels only.": (n * k, weights),
            f"The view widens by {k // 2} pixels on each side, which are {k - 1}.": (
                k + (n - 1) * (k // 2),
                weights,
            ),
            f"Each filter has {k} x {k} weights, whatever the view.": (pixels, pixels**2),
            "The pixels are right, but each of the filters has weights of its own.": (
                pixels,
                k * k,
            ),
            "The weights are right.  Count the pixels in a row, not all pixels.": (
                pixels**2,
                weights,
            ),
        }
        compare(answer(n, k), (pixels, weights), f"stack({n}, {k})", mistakes)
    return "three filters of 3 x 3 see as much as one of 7 x 7, with 27 weights in place of 49"


@exercise
def mix_channels(answer: Callable[[Array, Array], Array]) -> str:
    """Check mix_channels(x, weights): a convolution with filters of 1 x 1."""
    rng = np.random.default_rng(0)
    x, weights = rng.random((2, 3, 4, 5)), rng.standard_normal((3, 3))
    wanted = np.einsum("fc,nchw->nfhw", weights, x)
    N, C, H, W = x.shape
    rows = x.reshape(-1, C) @ weights.T
    mistakes = {
        "You used the transpose of the weights: row f of W makes channel f.": np.einsum(
            "cf,nchw->nfhw", weights, x
        ),
        "x.reshape(-1, C) does not bring the channels of a pixel together.  Use "
        "x.reshape(N, C, -1), which keeps them apart.": rows.reshape(wanted.shape),
    }
    shapes = {
        "The channels must come second.": (N, H, W, C),
        "Bring the rows and the columns back by reshape(N, FN, H, W).": (N, C, H * W),
        "Each filter makes a channel of its own; you added up all of them.": (N, H, W),
    }
    what = f"For x of shape {x.shape} and weights {weights.shape}, y"
    compare(answer(x.copy(), weights.copy()), wanted, what, mistakes, shapes)
    fewer = weights[:2]
    what = f"For x of shape {x.shape} and weights {fewer.shape}, y"
    expect(answer(x.copy(), fewer.copy()), wanted[:, :2], what)
    return "your function equals a convolution with filters of 1 x 1"


@exercise
def skip(answer: Callable[[list[Any]], Any]) -> str:
    """Check a class Skip(layers): y = x + F(x), forward and backward."""
    rng = np.random.default_rng(0)
    affine = [Affine.create(3, 3, rng=rng, dtype=np.float64) for _ in range(2)]
    block = Residual([affine[0], Relu(), affine[1]])
    x, dout = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    y, dx = block.forward(x), block.backward(dout)

    skip = answer([*block.layers])
    mistakes = {
        "This is F(x).  Add x.": y - x,
        "This is x.  Add what the layers make of it.": x,
        "Add x once, behind the last layer, not behind each layer.": added_each(block, x),
        "This is 2 F(x).  Keep x before the loop, and add it.": 2 * (y - x),
    }
    what = "For x of shape (4, 3) and two Affine layers with a ReLU between, what forward returns"
    given = x.copy()
    compare(skip.forward(given), y, what, mistakes)
    expect_unchanged(given, x, "x")
    through = dx - dout
    mistakes = {
        "This is the gradient through the layers.  The way past them has the gradient dout: add "
        "it.": through,
        "This is the way past the layers alone.  Add the gradient through them.": dout,
        "Backward, the gradient goes through the layers in reverse order.": dout
        + backward_in(block, x, dout),
        "This is the gradient through the layers, and twice.  Keep dout before the loop, and add "
        "it.": 2 * through,
        "The gradient of x + F(x) does not hold x.  Add dout.": x + through,
    }
    what = "What backward returns for the same block"
    compare(skip.backward(dout.copy()), dx, what, mistakes)
    short = answer([affine[0]])
    compare(short.forward(x), x + affine[0].forward(x), "For one Affine layer, forward", {})
    for time in ("", "a second time, "):
        what = f"For one Affine layer, {time}what backward returns"
        compare(short.backward(dout), dout + dout @ affine[0].W.T, what, {})
    return "forward adds x, and backward adds the gradients of both ways"


def added_each(block: Residual, x: Array) -> Array:
    """Return what comes of x if it is added behind each layer."""
    y = x
    for layer in block.layers:
        y = x + layer.forward(y)
    return y


def backward_in(block: Residual, x: Array, dout: Array) -> Array:
    """Return the gradient that goes through the layers in the order of the forward pass."""
    block.forward(x)
    for layer in block.layers:
        dout = layer.backward(dout)
    return dout


@exercise
def multiplications(answer: Callable[..., int]) -> str:
    """Check multiplications(W_shape, y_shape) of a convolution."""
    for W_shape, y_shape in (
        ((1, 1, 3, 3), (1, 2, 2)),
        ((30, 1, 5, 5), (30, 24, 24)),
        ((32, 16, 3, 3), (32, 14, 16)),
    ):
        (FN, C, FH, FW), (_, OH, OW) = W_shape, y_shape
        weights, pixels = FN * C * FH * FW, OH * OW
        mistakes = {
            "This is the number of weights.  Each is used for all OH x OW pixels.": weights,
            "You counted the filters twice: y_shape begins with FN, too.": FN * weights * pixels,
            "The filters go over all channels: count C.": FN * FH * FW * pixels,
            "There are FN filters: count all of them.": C * FH * FW * pixels,
            "This is the number of pixels of the output.  Each is a sum of C x FH x FW "
            "products.": FN * pixels,
            "The sizes must be multiplied: for each weight, OH x OW.": weights + FN * pixels,
        }
        got = answer(W_shape, y_shape)
        compare(got, weights * pixels, f"multiplications({W_shape}, {y_shape})", mistakes)
    return "the second example is the convolution of SimpleConvNet, with 432,000 multiplications"


@exercise
def read(answer: Callable[[Array], int], sheets: Array, digits: Array) -> str:
    """Check read(sheet): the digit on a drawn sheet.

    Args:
        answer: The reader's function.
        sheets: The sheets, (N, H, W), dark on light.
        digits: What is drawn on them, (N,).
    """
    guesses = []
    for i, sheet in enumerate(sheets):
        got = answer(sheet.copy())
        numbers = as_numbers(got)
        if numbers is not None and numbers.size == 10:
            raise Wrong(
                f"read(sheets[{i}]) returns ten numbers, one for each digit.  argmax finds the "
                "place of the largest."
            )
        if numbers is None or numbers.shape or numbers not in range(10):
            expect(got, digits[i], f"read(sheets[{i}])")
        guesses.append(int(got))
    right = int(np.sum(np.array(guesses) == digits))
    if len({*guesses}) == 1:
        raise Wrong(f"read returns {guesses[0]} for each sheet.  Does it use its argument?")
    if right < 0.8 * len(digits):
        raise Wrong(
            f"it reads {right} of {len(digits)} sheets: {guesses}.  The network knows digits that "
            "are light on dark, of 20 pixels and in the middle.  Normalize the sheet first."
        )
    wrong = [f"a {t} for a {y}" for t, y in zip(digits, guesses, strict=True) if t != y]
    takes = f", and takes {' and '.join(wrong)}" if wrong else ""
    return f"it reads {right} of {len(digits)} sheets{takes}"
