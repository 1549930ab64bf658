"""The verdicts about the exercises of chapter 8."""

import numpy as np
import pytest

from dlbasics.exercises import ch08_deep as check
from tests.exercises.slips import answer, assert_wrong

NAMES = {
    "confusion": "confusion",
    "moved": "moved",
    "stack": "stack",
    "mix_channels": "mix_channels",
    "skip": "Skip",
    "multiplications": "multiplications",
}
"""What each exercise but the last asks for, by check."""

SLIPS = [
    ("confusion", "matrix[label, guess]", "matrix[guess, label]", "Rows must be the labels"),
    ("confusion", "return matrix", "return matrix[:3, :3]", "take the shape (K, K)"),
    ("confusion", "+= 1", "+= label == guess", "You count only what is right"),
    ("confusion", "+= 1", "+= label != guess", "You count only the errors"),
    ("confusion", "+= 1", "= 1", "counts a pair only once"),
    ("confusion", "+= 1", "+= 2", "[0, 0] must be 1, got 2"),
    ("moved", "2 + rng", "rng", "your code raises ValueError"),
    ("moved", "-2, 3", "0, 3", "the moves down must be -2, -1, 0, 1 and 2, each now and then"),
    ("moved", "-2, 3", "-2, 2", "rng.integers(-2, 3) ends before 3"),
    ("moved", "-2, 3, size=2", "-2, 3", "your code raises TypeError"),
    ("moved", "rng.integers(-2, 3, size=2)", "(rng.integers(-2, 3),) * 2", "raises TypeError"),
    ("moved", "top, left = 2 + rng.integers(-2, 3, size=2)", "top, left = 2, 2", "has moved"),
    ("moved", "top, left = 2 + rng.integers(-2, 3, size=2)", "top, left = 1, 4", "all images move"),
    ("moved", "wide[i, :, top : top + H, left : left + W]", "x[i, :, :, ::-1]", "was mirrored"),
    ("moved", "wide[i, :, top : top + H, left : left + W]", "x[i, :, ::-1]", "upside down"),
    ("moved", "wide[i, :, top : top + H, left : left + W]", "x[i, :, ::-1, ::-1]", "half a circle"),
    ("moved", "wide[i, :, top : top + H, left : left + W]", "np.roll(x[i], top)", "not what one"),
    ("moved", "(2, 2), (2, 2)))", "(2, 2), (2, 2)), mode='wrap')", "as np.roll does"),
    ("moved", "= np.empty_like(x)", "= x", "your code changes x itself"),
    ("moved", "= np.empty_like(x)", "= np.empty_like(wide)", "your code raises ValueError"),
    ("moved", "return y", "return y[0]", "must have shape (200, 1, 6, 7), got (1, 6, 7)"),
    (
        "moved",
        "2 + rng.integers(-2, 3, size=2)",
        "2 + np.repeat(rng.integers(-2, 3), 2)",
        "Draw a second number for the way right",
    ),
    ("moved", "rng.integers", "np.random.default_rng().integers", "Draw all numbers from rng"),
    ("stack", "1 + n * (k - 1), n * k * k", "n * k * k, 1 + n * (k - 1)", "first the pixels"),
    ("stack", "1 + n * (k - 1)", "n * k", "The views overlap"),
    ("stack", "1 + n * (k - 1)", "k + (n - 1) * (k // 2)", "on each side"),
    ("stack", "n * k * k", "(1 + n * (k - 1)) ** 2", "Each filter has 3 x 3 weights"),
    ("stack", ", n * k * k", ", k * k", "each of the filters has weights of its own"),
    ("stack", "1 + n * (k - 1)", "(1 + n * (k - 1)) ** 2", "not all pixels"),
    ("stack", "1 + n * (k - 1), ", "", "must have shape (2,), got ()"),
    ("mix_channels", "fc,", "cf,", "You used the transpose of the weights"),
    ("mix_channels", "nfhw", "nhwf", "The channels must come second"),
    ("mix_channels", "nfhw", "nhw", "you added up all of them"),
    (
        "mix_channels",
        'np.einsum("fc,nchw->nfhw", weights, x)',
        "weights @ x.reshape(2, 3, -1)",
        "Bring the rows and the columns back",
    ),
    (
        "mix_channels",
        'np.einsum("fc,nchw->nfhw", weights, x)',
        "(x.reshape(-1, 3) @ weights.T).reshape(2, 3, 4, 5)",
        "does not bring the channels of a pixel together",
    ),
    (
        "mix_channels",
        'np.einsum("fc,nchw->nfhw", weights, x)',
        "(weights @ x.reshape(2, 3, -1)).reshape(x.shape)",
        "your code raises ValueError",
    ),
    ("mix_channels", "weights,", "np.resize(weights, (3, 3)),", "(2, 2, 4, 5), got (2, 3, 4, 5)"),
    ("skip", "return x + y", "return y", "This is F(x).  Add x"),
    ("skip", "return x + y", "return x", "Add what the layers make of it"),
    ("skip", "return x + y", "return y + y", "This is 2 F(x)"),
    ("skip", "return dout + dx", "return dx", "This is the gradient through the layers.  The way"),
    ("skip", "return dout + dx", "return dout", "This is the way past the layers alone"),
    ("skip", "return dout + dx", "return dx + dx", "through the layers, and twice"),
    ("skip", "reversed(self.layers)", "self.layers", "in reverse order"),
    ("multiplications", " * OH * OW", "", "This is the number of weights"),
    ("multiplications", "FN * C", "FN * FN * C", "You counted the filters twice"),
    ("multiplications", "FN * C", "FN", "count C"),
    ("multiplications", "FN * C", "C", "There are FN filters"),
    ("multiplications", "FN * C * FH * FW * OH", "FN * OH", "Each is a sum of C x FH x FW"),
    ("multiplications", "FW * OH * OW", "FW + FN * OH * OW", "The sizes must be multiplied"),
]


@pytest.mark.parametrize(("name", "asked"), NAMES.items())
def test_the_solution_is_right(name, asked):
    assert getattr(check, name)(answer("ch08_deep", asked)), name


@pytest.mark.parametrize(
    ("name", "unsolved"),
    [
        *((name, lambda *_: ...) for name in NAMES if name != "skip"),
        *((name, lambda *_: None) for name in NAMES if name != "skip"),
        ("skip", lambda layers: answer("ch08_deep", "Skip", "return x + y", "return ...")(layers)),
        ("skip", lambda layers: answer("ch08_deep", "Skip", "return dout + dx", "pass")(layers)),
    ],
)
def test_an_exercise_without_an_answer_is_not_solved_yet(name, unsolved):
    assert getattr(check, name)(unsolved).right is None


@pytest.mark.parametrize(("name", "old", "new", "words"), SLIPS)
def test_a_verdict_says_what_is_wrong(name, old, new, words):
    assert_wrong(getattr(check, name)(answer("ch08_deep", NAMES[name], old, new)), words)


def test_the_classic_slip_of_a_confusion_matrix_is_named():
    def confusion(t, y, K):
        matrix = np.zeros((K, K), int)
        matrix[t, y] += 1
        return matrix

    assert_wrong(check.confusion(confusion), "matrix[t, y] += 1 counts a pair only once")


def test_a_skip_connection_past_each_layer_is_named():
    slips = "y = layer.forward(y)", "y = x + layer.forward(y)", "return x + y", "return y"
    assert_wrong(check.skip(answer("ch08_deep", "Skip", *slips)), "Add x once")


SHEETS, DIGITS = np.arange(20).reshape(10, 1, 2), np.arange(10)
"""Sheets that stand for drawings: sheet i holds 2 i and 2 i + 1."""


def reader(**wrong):
    """Return a reader of these sheets that takes some digits for others: d3=5 takes a 3 for a 5."""
    taken = {int(name[1:]): guess for name, guess in wrong.items()}
    return lambda sheet: taken.get(int(sheet[0, 0]) // 2, int(sheet[0, 0]) // 2)


@pytest.mark.parametrize(
    ("read", "right", "words"),
    [
        (reader(), True, "it reads 10 of 10 sheets"),
        (reader(d4=9), True, "it reads 9 of 10 sheets, and takes a 4 for a 9"),
        (reader(d4=9, d1=7), True, "takes a 1 for a 7 and a 4 for a 9"),
        (reader(d4=9, d1=7, d0=6), False, "it reads 7 of 10 sheets"),
        (lambda sheet: (reader()(sheet) + 1) % 10, False, "Normalize the sheet first"),
        (lambda sheet: 8, False, "read returns 8 for each sheet"),
        (lambda sheet: np.zeros(10), False, "argmax finds the place of the largest"),
        (lambda sheet: np.zeros((1, 10)), False, "argmax finds the place of the largest"),
        (lambda sheet: np.array([3]), False, "must have shape (), got (1,)"),
        (lambda sheet: 0.97, False, "read(sheets[0]) must be 0, got 0.97"),
        (lambda sheet: 10, False, "read(sheets[0]) must be 0, got 10"),
        (lambda sheet: "seven", False, "got 'seven' (str)"),
        (lambda sheet: float("nan"), False, "read(sheets[0]) must be 0, got nan"),
        (lambda sheet: ..., None, "three dots"),
        (lambda sheet: None, None, "it is None so far"),
    ],
)
def test_a_reader_of_drawings(read, right, words):
    verdict = check.read(read, SHEETS, DIGITS)
    assert verdict.right is right
    assert words in verdict.reason


def test_the_solution_reads_drawings_and_needs_normalization():
    from ch08_deep.strokes import draw_strokes, picture
    from ch08_deep.train_deepnet import trained_network
    from dlbasics.datasets import normalize_digit

    drawings = draw_strokes(DIGITS, np.random.default_rng(0), "off-centre")
    sheets = np.stack([picture(drawing.strokes, drawing.pen) for drawing in drawings])
    known = {"normalize_digit": normalize_digit, "network": trained_network()}
    assert check.read(answer("ch08_deep", "read", **known), sheets, DIGITS)

    small = "sheet.reshape(1, 28, 10, 28, 10).mean(axis=(2, 4)).astype(np.float32) / 255"
    slips = "normalize_digit(sheet, flatten=False)", small
    without = check.read(answer("ch08_deep", "read", *slips, **known), sheets, DIGITS)
    assert_wrong(without, "Normalize the sheet first")
    for slips, words in (
        ((", flatten=False", ""), "your code raises ValueError"),
        (("int(network.predict(x).argmax())", "network.predict(x)"), "argmax"),
    ):
        assert_wrong(
            check.read(answer("ch08_deep", "read", *slips, **known), sheets, DIGITS), words
        )
