"""The verdicts about the exercises of chapter 7."""

import numpy as np
import pytest

from dlbasics import Pooling
from dlbasics.exercises import ch07_cnn as check
from tests.exercises.slips import answer, assert_wrong

NAMES = {
    "convolve": "convolve",
    "vertical": "vertical",
    "output_shape": "output_shape",
    "im2col": "my_im2col",
    "convolution": "convolution",
    "max_pooling": "MaxPooling",
    "network": "make_network",
    "silent": "silent",
}
"""What each exercise asks for, by check."""

SLIPS = [
    ("convolve", "shape[0] - FH + 1", "shape[0] - FH", "must have shape (2, 2), got (1, 2)"),
    ("convolve", "(OH, OW))", "(OW, OH))", "your code raises IndexError"),
    ("convolve", "(image[h : h + FH, w : w + FW] * W).sum()", "1", "must be 15, got 1"),
    ("convolve", "* W)", "* W[::-1, ::-1])", "You turned W by half a circle"),
    ("convolve", "* W)", ")", "Multiply it by W first"),
    ("convolve", ".sum()", ".mean()", "the mean of the products"),
    ("convolve", ".sum()", ".max()", "the largest product"),
    ("convolve", "return y", "return y[0, 0]", "Return all of y"),
    ("convolve", "return y", "return image", "the output is smaller"),
    ("convolve", "range(OW)", "range(OH)", "image = np.arange(24).reshape(4, 6)"),
    ("convolve", "return y", "return y.T", "y[0, 1] must be 16, got 6"),
    ("convolve", "return y", "return y if OH == OW else y.T", "You exchanged OH and OW"),
    ("vertical", "[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]", "1, 0, -1", "an array of 3 x 3 numbers"),
    ("vertical", "-1, 0, 1", "-1, 0, 2", "where all pixels are 1 your filter makes 1"),
    ("vertical", "", "vertical = [[-1, 0, 0], [0, 0, 0], [0, 0, 1]]", "makes 1 or 1, but it must"),
    ("vertical", "-1, 0, 1", "1, 0, 1", "where all pixels are 1 your filter makes 2"),
    ("vertical", "]])", "]]).T", "Take its transpose"),
    ("vertical", "]])", "]]) * -1", "your filter makes -3, but it must be above 0"),
    ("vertical", "]])", "]]) * 0", "the filter sees nothing"),
    ("vertical", "", "vertical = [[-1, 2, -1]] * 3", "It sees thin lines"),
    ("output_shape", "N, FN, OH", "N, x_shape[1], OH", "must be FN, not C"),
    ("output_shape", "N, FN, OH, OW", "FN, N, OH, OW", "N comes first"),
    ("output_shape", "N, FN, OH, OW", "N, FN, OW, OH", "You exchanged height and width"),
    ("output_shape", "N, FN, OH, OW", "OH, OW", "N and FN come before them"),
    ("output_shape", "return N", "return 1, N", "must have shape (4,), got (5,)"),
    ("output_shape", "//", "/", "Divide by //"),
    ("im2col", "(rows)", "(rows).T", "must be a row, not a column"),
    ("im2col", ".reshape(-1)", "", "Flatten each window"),
    ("im2col", ".reshape(-1)", ".transpose(1, 2, 0).reshape(-1)", "the channels last"),
    ("im2col", ".reshape(-1)", ".transpose(0, 2, 1).reshape(-1)", "columns of a window one after"),
    ("im2col", "x[n, :, h", "x[n, 0, h", "all 3 channels"),
    ("im2col", "range(N)", "range(1)", "windows of one image; x has 2"),
    ("convolution", "transpose(0, 3, 1, 2)", "transpose(0, 3, 2, 1)", "Height and width changed"),
    ("convolution", ".transpose(0, 3, 1, 2)", "", "The channels must come second"),
    ("convolution", " + b", "", "The bias is missing"),
    ("convolution", "W.reshape(FN, -1).T", "W.reshape(-1, FN)", "tears the filters apart"),
    ("convolution", "W.reshape(FN, -1).T", "W.reshape(FN, -1)", "your code raises ValueError"),
    ("max_pooling", "windows.max", "windows.mean", "the mean of each window"),
    ("max_pooling", "windows.max", "windows.min", "the smallest of each window"),
    ("max_pooling", "return y", "return y[0]", "must have shape (2, 3, 2, 3), got (3, 2, 3)"),
    ("max_pooling", "self.largest *", "", "your code raises ValueError"),
    ("max_pooling", "return dx.reshape(N, C, 2 * OH, 2 * OW)", "return dout", "not that of dout"),
    ("max_pooling", "self.largest * dout", "self.largest + 0 * dout", "Multiply by dout"),
    ("network", "pad=1", "pad=0", "Convolution must make images (8, 28, 28), got (8, 26, 26)"),
    ("network", ", stride=2", "", "The stride must be 2"),
    ("network", "(1, 8, 3", "(1, 8, 5", "must have shape (8, 1, 3, 3), got (8, 1, 5, 5)"),
    ("network", "(2, 2, stride=2)", "(3, 3, stride=2)", "must have a height of"),
    ("network", "            Relu(),\n", "", "got Convolution, Pooling, Affine"),
    ("network", "8 * 14 * 14", "8 * 28 * 28", "must have shape (1568, 10), got (6272, 10)"),
    ("network", "Network(", "(", "must return Network([...]), got list"),
    ("silent", "<= 0", "> 0", "Turn the answer round"),
    ("silent", ".max", ".min", "the largest does"),
    ("silent", ".max", ".mean", "The mean does not tell"),
    ("silent", "<= 0", "< 0", "is silent, too"),
    ("silent", " <= 0", "", "Compare them with 0"),
    ("silent", "axis=(0, 2, 3)", "axis=(2, 3)", "You did not go over the images"),
    ("silent", "axis=(0, 2, 3)", "", "True or False for each filter, not one number"),
]


@pytest.mark.parametrize(("name", "asked"), NAMES.items())
def test_the_solution_is_right(name, asked):
    assert getattr(check, name)(answer("ch07_cnn", asked)), name


@pytest.mark.parametrize(
    ("name", "unsolved"),
    [
        *((name, lambda *_: ...) for name in NAMES if name not in ("vertical", "max_pooling")),
        ("vertical", ...),
        ("max_pooling", lambda: answer("ch07_cnn", "MaxPooling", "return y", "return ...")()),
        ("max_pooling", lambda: answer("ch07_cnn", "MaxPooling", "return dx", "return ...  # ")()),
    ],
)
def test_an_exercise_without_an_answer_is_not_solved_yet(name, unsolved):
    assert getattr(check, name)(unsolved).right is None


@pytest.mark.parametrize(("name", "old", "new", "words"), SLIPS)
def test_a_verdict_says_what_is_wrong(name, old, new, words):
    assert_wrong(getattr(check, name)(answer("ch07_cnn", NAMES[name], old, new)), words)


@pytest.mark.parametrize(
    ("name", "slips", "words"),
    [
        ("output_shape", ("2 * pad", "pad", "2 * pad", "pad"), "Padding is on both sides"),
        ("output_shape", ("stride + 1", "stride", "stride + 1", "stride"), "Add 1"),
        (
            "output_shape",
            ("(H + 2 * pad - FH)", "H + 2 * pad - FH", "(W + 2 * pad - FW)", "W + 2 * pad - FW"),
            "Put H + 2 P - FH in parentheses",
        ),
        (
            "convolve",
            ("- FH + 1", "- FH", "- FW + 1", "- FW"),
            "The last window begins at row H - FH",
        ),
        ("im2col", ("- FH + 1", "- FH", "- FW + 1", "- FW"), "The last window begins at row"),
        (
            "convolution",
            ("width - FW + 1, FN).transpose(0, 3, 1, 2)", "width - FW + 1)", "(N, H", "(N, FN, H"),
            "The numbers are right, but at wrong places",
        ),
        (
            "convolution",
            (".reshape(N, H - FH + 1, width - FW + 1, FN).transpose(0, 3, 1, 2)", ""),
            "This is the product",
        ),
    ],
)
def test_a_verdict_about_two_slips(name, slips, words):
    assert_wrong(getattr(check, name)(answer("ch07_cnn", NAMES[name], *slips)), words)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ((0, 2, 1, 3, 4, 5), "inside that over its columns"),
        ((1, 2, 0, 3, 4, 5), "Go over the images first"),
    ],
)
def test_im2col_in_another_order_is_named(axes, words):
    def my_im2col(x, FH, FW):
        N, C, H, W = x.shape
        right = answer("ch07_cnn", "my_im2col")(x, FH, FW)
        split = right.reshape(N, H - FH + 1, W - FW + 1, C, FH, FW)
        return split.transpose(axes).reshape(right.shape)

    assert_wrong(check.im2col(my_im2col), words)


class Spread:
    """Max pooling forward, and something else backward."""

    def __init__(self, backward):
        self.layer = answer("ch07_cnn", "MaxPooling")()
        self.change = backward

    def forward(self, x):
        self.x = x
        return self.layer.forward(x)

    def backward(self, dout):
        return self.change(self.x, self.layer.backward(dout), dout.repeat(2, 2).repeat(2, 3))


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (lambda x, dx, spread: spread, "only the largest gets it"),
        (lambda x, dx, spread: spread / 4, "This is average pooling"),
        (lambda x, dx, spread: x * (dx != 0), "These are the largest pixels themselves"),
        (lambda x, dx, spread: x * dx, "as a factor, too"),
        (lambda x, dx, spread: 2 * dx, "what backward returns[0, 0, 0, 0] must be 1, got 2"),
    ],
)
def test_a_verdict_says_what_is_wrong_with_the_backward_pass_of_pooling(backward, words):
    assert_wrong(check.max_pooling(lambda: Spread(backward)), words)


def test_windows_of_pooling_that_are_four_neighbors_in_memory_are_named():
    class Neighbors:
        def forward(self, x):
            N, C, H, W = x.shape
            return x.reshape(N, C, H // 2, W // 2, 4).max(axis=4)

    assert_wrong(check.max_pooling(Neighbors), "four neighbors in memory")


def test_pooling_is_checked_by_its_gradients_too():
    class Once:
        """A layer that is right for the first batch only."""

        first = True

        def forward(self, x):
            self.layer = answer("ch07_cnn", "MaxPooling")()
            return self.layer.forward(x)

        def backward(self, dout):
            Once.first, first = False, Once.first
            return self.layer.backward(dout) * (1 if first else 2)

    assert_wrong(check.max_pooling(Once), "the gradient check fails")


@pytest.mark.parametrize("equal", ["the first of them", "all of them"])
def test_pooling_may_do_what_it_likes_with_equal_numbers(equal):
    either = {
        "the first of them": lambda: Pooling(2, 2, stride=2),
        "all of them": answer("ch07_cnn", "MaxPooling"),
    }
    assert check.max_pooling(either[equal])


def test_other_right_answers_are_right_too():
    assert check.vertical([[-1, 1, 0], [-2, 2, 0], [-1, 1, 0]])
    assert check.vertical(np.array([[-0.1, 0, 0.1]] * 3))
    assert check.output_shape(lambda *given: [*answer("ch07_cnn", "output_shape")(*given)])
    assert check.silent(lambda y: [not (channel > 0).any() for channel in y.swapaxes(0, 1)])
