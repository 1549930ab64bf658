"""The embedded digits: what is promised of the data set, and each step of the drawing."""

import inspect
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dlbasics.datasets import digits
from dlbasics.datasets.digits import SETTINGS, load_digits
from dlbasics.datasets.mnist import load_mnist
from dlbasics.datasets.skeletons import Style
from dlbasics.networks import MultiLayerNet, SimpleConvNet
from dlbasics.optimizers import Adam
from tests.datasets.helpers import SKELETONS, as_terminal, knots_of
from tests.helpers import ROOT

REFERENCE = Path(__file__).with_name("digits_reference.npz")
"""Made anew, together with a new VERSION, by `python -m tests.datasets.test_digits`."""

PIXEL = np.arange(28)
BLOCK = digits.BLOCK


def drawn_raw(train=20, test=10, seed=0) -> dict[str, np.ndarray]:
    """Digits as uint8, x (N, 784)."""
    loaded = load_digits(normalize=False, train=train, test=test, seed=seed)
    (x_train, t_train), (x_test, t_test) = loaded
    return {"x_train": x_train, "t_train": t_train, "x_test": x_test, "t_test": t_test}


@pytest.fixture
def cache(cache) -> Path:
    """The folder in the cache that is the digits'."""
    return cache / "digits"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch) -> None:
    """A block is drawn whole, however few of its images are asked for: a small one saves time."""
    monkeypatch.setattr(digits, "BLOCK", 50)


@pytest.fixture(scope="module")
def many():
    """6,000 and 1,000 digits, x as uint8 (N, 28, 28)."""
    (x_train, t_train), (x_test, t_test) = load_digits(False, False, train=6_000, test=1_000)
    return (x_train[:, 0], t_train), (x_test[:, 0], t_test)


def grey_levels_apart(a, b):
    return np.abs(a.astype(int) - b.astype(int)).max()


# ---- What load_digits promises ----


@pytest.mark.parametrize("options", [(), (True, False), (False, True, True)])
def test_shapes_and_dtypes_are_those_of_mnist(options):
    normalize, flatten, one_hot_label = options + (True, True, False)[len(options) :]
    loaded, raw = load_digits(*options, train=6, test=4), drawn_raw(6, 4)
    for (x, t), n, name in zip(loaded, (6, 4), ("train", "test"), strict=True):
        assert x.shape == ((n, 784) if flatten else (n, 1, 28, 28))
        assert x.dtype == (np.float32 if normalize else np.uint8)
        assert x.min() == 0
        assert (0.8 if normalize else 200) < x.max() <= (1 if normalize else 255)
        images, classes = raw[f"x_{name}"].reshape(x.shape), raw[f"t_{name}"]
        np.testing.assert_array_equal(x, images / np.float32(255) if normalize else images)
        assert t.dtype == (np.float32 if one_hot_label else np.uint8)
        np.testing.assert_array_equal(t, np.eye(10)[classes] if one_hot_label else classes)
        assert x.flags.writeable
        assert t.flags.writeable


def test_the_arguments_begin_as_those_of_load_mnist():
    parameters = list(inspect.signature(load_digits).parameters.values())
    mnists = list(inspect.signature(load_mnist).parameters.values())
    for ours, theirs in zip(parameters[:3], mnists[:3], strict=True):
        assert (ours.name, ours.default, ours.kind) == (theirs.name, theirs.default, theirs.kind)
    defaults = {"train": 60_000, "test": 10_000, "seed": 0}
    assert {p.name: p.default for p in parameters[3:]} == defaults
    assert {p.kind for p in parameters[3:]} == {inspect.Parameter.KEYWORD_ONLY}


def test_every_digit_is_about_as_frequent(many):
    for _, t in many:
        share = np.bincount(t, minlength=10) / len(t)
        assert len(share) == 10
        np.testing.assert_allclose(share, 0.1, atol=0.03)


def test_none_at_all_is_possible():
    raw = drawn_raw(train=0, test=2)
    assert [len(array) for array in raw.values()] == [0, 0, 2, 2]
    assert raw["x_train"].shape == (0, 784)
    assert digits.draw(np.array([], int)).shape == (0, 28, 28)


@pytest.mark.parametrize("name", ["train", "test", "seed"])
@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (1.5, TypeError), ("a", TypeError)])
def test_bad_arguments(name, value, error):
    with pytest.raises(error, match=f"^{name} must be.*{value}"):
        load_digits(**{"train": 1, "test": 1, name: value})


@pytest.mark.parametrize("t", [[10], [-1], [1.5], 5, [[1, 2]], ["1"]])
def test_only_digits_are_drawn(t):
    with pytest.raises(ValueError, match="t must be digits, integers from 0 to 9"):
        digits.draw(t)


def test_a_progress_bar_on_a_terminal_only(monkeypatch, capsys):
    load_digits(train=3, test=2)
    assert capsys.readouterr() == ("", "")
    terminal = as_terminal(monkeypatch)
    load_digits(train=3, test=2)
    assert "drawing digits: 100%" in terminal.getvalue()
    assert "5/5" in terminal.getvalue()


# ---- The seed ----


def test_the_seed_determines_every_byte_and_numpys_global_state_is_left_alone():
    before = np.random.get_state()  # noqa: NPY002
    first, again, other = (drawn_raw(30, 20, seed=seed) for seed in (7, 7, 8))
    for name, array in first.items():
        assert array.tobytes() == again[name].tobytes()
        assert array.tobytes() != other[name].tobytes()
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_equal(after, before)


@pytest.mark.parametrize("sizes", [(1, 50), (49, 51), (50, 100), (75, 125), (130, 131)])
def test_the_first_images_are_the_same_however_many_are_drawn(sizes):
    fewer, more = (drawn_raw(n, n - 1) for n in sizes)
    for name, array in fewer.items():
        np.testing.assert_array_equal(array, more[name][: len(array)])


def test_the_first_images_are_the_same_with_whole_blocks(many, monkeypatch):
    monkeypatch.setattr(digits, "BLOCK", BLOCK)
    found = drawn_raw(BLOCK + 10, 10).values()
    for array, expected in zip(found, sum(many, ()), strict=True):
        np.testing.assert_array_equal(array, expected[: len(array)].reshape(array.shape))


def test_no_image_comes_twice(many):
    """Blocks that shared their random numbers would repeat images, in training or test."""
    (x_train, _), (x_test, _) = many
    assert len({image.tobytes() for image in (*x_train, *x_test)}) == 7_000


# ---- Other machines ----


def test_within_one_grey_level_of_the_machine_that_made_the_reference(monkeypatch):
    monkeypatch.setattr(digits, "BLOCK", BLOCK)
    drawn = drawn_raw()
    with np.load(REFERENCE) as stored:
        assert set(stored.files) == set(drawn)
        for name, array in drawn.items():
            assert stored[name].dtype == array.dtype
            assert stored[name].shape == array.shape
            assert grey_levels_apart(stored[name], array) <= (1 if name.startswith("x") else 0)
    assert REFERENCE.stat().st_size < 15_000


class Wide:
    """NumPy, whose float32 is float64."""

    float32 = np.float64

    def __getattr__(self, name):
        return getattr(np, name)


def pieces(render, strokes, drawn, pen, rng):
    ends = [*range(0, len(pen), 7), len(pen)]
    return np.concatenate(
        [render(strokes[a:b], drawn[a:b], pen[a:b], rng) for a, b in pairwise(ends)]
    )


@pytest.mark.parametrize("other", ["float64", "blocks of 7", "last bits of float32", "of float64"])
def test_other_rounding_moves_no_pixel_by_more_than_one_grey_level(monkeypatch, other):
    t = np.arange(500) % 10
    expected = digits.draw(t, 1)
    render, in_pixels = digits.render, digits.in_pixels
    last_bits = np.random.default_rng(0)
    calls = []

    def rounded(function, bit):
        def call(*args):
            calls.append(function)
            result = function(*args)
            return result * (1 + bit * last_bits.standard_normal(result.shape))

        return call

    with monkeypatch.context() as patch:
        if other == "float64":
            patch.setattr(digits, "np", Wide())
        elif other == "blocks of 7":
            patch.setattr(digits, "render", lambda *args: pieces(render, *args))
        elif other == "last bits of float32":
            patch.setattr(digits, "render", rounded(render, 1e-7))
        else:
            patch.setattr(digits, "in_pixels", rounded(in_pixels, 1e-15))
        drawn = digits.draw(t, 1)
    assert grey_levels_apart(drawn, expected) <= 1
    assert np.mean(drawn != expected) < 0.001


# ---- Normalized as MNIST is ----


def first_and_last(inked):
    """Of each row of booleans (N, 28): where the first and the last True stand."""
    return inked.argmax(axis=1), 27 - inked[:, ::-1].argmax(axis=1)


def test_a_digit_measures_20_pixels(many):
    """Its longer side, where it is more than half black.

    That is 20 pixels for 98% of MNIST; ours ends half a pixel earlier where pressure is low.
    """
    (x, _), _ = many
    dark = x > 127
    spans = [last - first + 1 for first, last in map(first_and_last, (dark.any(1), dark.any(2)))]
    longer = np.maximum(*spans)
    assert longer.max() == 20
    assert np.mean(longer >= 18) > 0.99
    assert np.mean(longer == 20) > 0.7


def test_the_centre_of_mass_is_in_the_middle(many):
    """As MNIST's, at 14 up to the rounding to whole pixels; a digit moves by 4 at most."""
    (x, _), _ = many
    mass = x.sum(axis=(1, 2), dtype=float)
    centre = np.stack([x.sum(axis=1) @ PIXEL / mass, x.sum(axis=2) @ PIXEL / mass])
    off = np.abs(centre - 14).max(axis=0)
    assert np.mean(off <= 0.505) > 0.995
    assert off.max() < 2
    np.testing.assert_allclose((centre - 14).mean(axis=1), 0, atol=0.05)


def test_every_image_has_ink_and_paper(many):
    for x, _ in many:
        assert (x.max(axis=(1, 2)) > 150).all()
        assert (np.mean(x == 0, axis=(1, 2)) > 0.3).all()
        assert (np.mean(x > 127, axis=(1, 2)) > 0.01).all()


def test_hardly_a_digit_touches_the_border(many):
    """1% do in MNIST, where the centre of mass is far from that of the box: 7 above all."""
    (x, _), _ = many
    border = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], axis=1)
    assert np.mean(border.max(axis=1) > 127) < 0.03


def test_before_it_moves_a_digit_lies_within_its_box():
    """From 3.5 to 23.5; beyond are soft edges and what heavy pressure adds."""
    rng = np.random.default_rng(0)
    t = np.arange(500) % 10
    strokes, drawn = digits.strokes_of(t, rng)
    pen = digits.pens(len(t), rng)
    pixels = digits.in_pixels(digits.distort(strokes, t, rng), drawn, pen)
    image = digits.render(pixels, drawn, pen, rng)
    image[:, 3:25, 3:25] = 0
    assert image.max() < 0.5 / 255


SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]


def stroke(points):
    """(POINTS, 2): at equal distances along straight lines between the points."""
    points = np.array(points, float)
    at = np.linspace(0, len(points) - 1, digits.POINTS)
    return np.stack([np.interp(at, range(len(points)), axis) for axis in points.T], axis=1)


def test_a_square_fills_the_box():
    """With a pen of 2, its lines are 18 pixels apart, around 13.5."""
    away = np.full((digits.POINTS, 2), 1e3)
    strokes = np.array([[0.5 * stroke(SQUARE) + (3, -2), away], [stroke(SQUARE) * (1, 0.25), away]])
    pixels = digits.in_pixels(strokes, np.array([[True, False]] * 2), np.array([2.0, 4.0]))
    np.testing.assert_allclose(pixels[0, 0], 18 * stroke(SQUARE) + 4.5, atol=0.5)
    np.testing.assert_allclose(pixels[0, 0].min(axis=0), (4.5, 4.5))
    np.testing.assert_allclose(pixels[0, 0].max(axis=0), (22.5, 22.5))
    np.testing.assert_allclose(pixels[1, 0].min(axis=0), (5.5, 11.5))
    np.testing.assert_allclose(pixels[1, 0].max(axis=0), (21.5, 15.5))


def test_the_second_stroke_counts_where_it_is_drawn():
    strokes = np.array([[stroke([(0, 0), (0, 1)]), stroke([(0.5, 0), (4, 0)])]])
    pixels = digits.in_pixels(strokes, np.array([[True, True]]), np.array([4.0]))
    np.testing.assert_allclose(pixels[0, :, [0, -1], 0], [[5.5, 7.5], [5.5, 21.5]])
    np.testing.assert_allclose(pixels[0, 0, [0, -1], 1], [11.5, 15.5])


@pytest.mark.parametrize(
    ("ink", "expected"),
    [
        ({(12, 15): 1}, (14, 14)),
        ({(12, 15): 1, (13, 15): 0.2}, (14, 14)),
        ({(12, 12): 0.3, (13, 12): 0.7}, (13, 14)),
        ({(11, 14): 0.5, (21, 14): 0.5}, (9, 14)),
        ({(5, 22): 1}, (9, 18)),  # by 4 at most
    ],
)
def test_the_centre_of_mass_moves_to_the_middle(ink, expected):
    image = np.zeros((2, 28, 28), np.float32)
    for place, amount in ink.items():
        image[(0, *place)] = amount
    image[1, 14, 14] = 1
    moved = digits.centred(image)
    by = np.subtract(expected, next(iter(ink)))
    np.testing.assert_array_equal(moved[0], np.roll(image[0], by, axis=(0, 1)))
    np.testing.assert_array_equal(moved[1], image[1])


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("end", [1, -1])
def test_a_soft_edge_that_leaves_does_not_come_back_on_the_other_side(axis, end):
    """The box ends at 23.5, but soft edges reach 24, which a move by 4 takes out of the image."""
    image = np.zeros((1, 28, 28))
    rows = np.moveaxis(image, axis, 1)[:, ::end]
    rows[:, 4, 10:19], rows[:, 24, 10:19] = 1, 0.05
    moved = np.moveaxis(digits.centred(image), axis, 1)[:, ::end]
    assert (moved[:, 8, 10:19] == 1).all()
    assert moved[:, :8].max() == 0


# ---- The skeletons' curves ----


@pytest.mark.parametrize(("digit", "style", "text"), SKELETONS)
def test_the_curve_goes_from_the_first_knot_to_the_last_in_equal_steps(digit, style, text):
    strokes = digits.skeleton_strokes(text)
    knots = knots_of(text)
    assert strokes.shape == (len(knots), digits.POINTS, 2)
    for points, typed in zip(strokes, knots, strict=True):
        np.testing.assert_allclose(points[[0, -1]], np.array(typed)[[0, -1]] / 100, atol=1e-12)
        steps = np.hypot(*np.diff(points, axis=0).T)
        assert steps.max() < 1.02 * np.median(steps)
        # A corner between two points is cut.
        assert np.mean(steps > 0.95 * np.median(steps)) > 0.9
        for knot in typed:
            near = np.hypot(*(points - np.array(knot) / 100).T).min()
            assert near <= steps.max()


def test_a_straight_skeleton():
    points = digits.skeleton_strokes("0 0, 30 0, 100 0 | 20 100, 20 50")
    np.testing.assert_allclose(points[0], stroke([(0, 0), (1, 0)]), atol=1e-12)
    np.testing.assert_allclose(points[1], stroke([(0.2, 1), (0.2, 0.5)]), atol=1e-12)


@pytest.fixture
def two_styles(monkeypatch) -> None:
    styles = [
        Style("one", 3, "0 0, 0 100", "20 0, 20 100"),
        Style("two", 1, "80 0, 80 100 | 90 0, 90 100"),
    ]
    monkeypatch.setattr(digits, "STYLES", {4: styles, 6: [Style("six", 9, "50 0, 50 100")]})


def test_styles_come_by_their_shares_and_skeletons_are_mixed(two_styles):
    t = np.repeat([4, 6], [4_000, 100])
    strokes, drawn = digits.strokes_of(t, np.random.default_rng(0))
    assert strokes.shape == (4_100, 2, digits.POINTS, 2)
    second = drawn[:4_000, 1]
    assert drawn[:, 0].all()
    assert abs(second.mean() - 0.25) < 0.03
    x = strokes[:4_000, 0, :, 0]
    np.testing.assert_allclose(x[second], 0.8)
    np.testing.assert_allclose(strokes[:4_000, 1, :, 0][second], 0.9)
    mixed = x[~second]
    assert np.ptp(mixed, axis=1).max() < 1e-12, "one mixture for all points of an image"
    assert mixed.min() >= 0
    assert mixed.max() <= 0.2 + 1e-12
    assert abs(mixed.mean() - 0.1) < 0.01
    assert not drawn[4_000:, 1].any()
    np.testing.assert_allclose(strokes[4_000:, 0, :, 0], 0.5)


@pytest.mark.parametrize(("between", "spread"), [(0.01, 0.095), (1e4, 0.001)])
def test_between_says_how_far_skeletons_are_mixed(two_styles, monkeypatch, between, spread):
    monkeypatch.setitem(SETTINGS, "between", between)
    strokes, drawn = digits.strokes_of(np.full(500, 4), np.random.default_rng(0))
    found = np.std(strokes[~drawn[:, 1], 0, 0, 0])
    assert found == pytest.approx(spread, rel=0.1, abs=0.001)


# ---- The curve through the knots ----


CATMULL_ROM = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
"""Rows: the coefficients of 1, u, u^2, u^3; columns: the knot before, the two beside, the next."""


@pytest.mark.parametrize("knots", [2, 3, 4, 9])
def test_the_curve_is_a_catmull_rom_spline(knots):
    """Its first and its last knot count twice."""
    matrix = digits.spline(knots, 10 * (knots - 1) + 1)
    assert matrix.shape == (10 * (knots - 1) + 1, knots)
    np.testing.assert_allclose(matrix[::10], np.eye(knots), atol=1e-12)
    typed = np.random.default_rng(0).standard_normal(knots)
    padded = np.pad(typed, 1, mode="edge")
    u = np.arange(10)[:, None] / 10
    for left in range(knots - 1):
        expected = u ** np.arange(4) @ CATMULL_ROM @ padded[left : left + 4]
        np.testing.assert_allclose((matrix @ typed)[10 * left : 10 * left + 10], expected)


# ---- Distortion ----


@pytest.fixture
def some():
    t = np.arange(40) % 10
    strokes, _ = digits.strokes_of(t, np.random.default_rng(0))
    return t, strokes


CALM = {
    "bend": 0.0,
    "tremor": 0.0,
    "ends": 0.0,
    "parts": 0.0,
    "stretch": 0.0,
    "width": 1.0,
    "width_spread": 0.0,
    "slant": 0.0,
    "slant_spread": 0.0,
    "turn_spread": 0.0,
}


@pytest.fixture
def calm(monkeypatch) -> None:
    for name, value in CALM.items():
        assert name in SETTINGS
        monkeypatch.setitem(SETTINGS, name, value)


STEPS = {
    "move_ends": lambda strokes, t, rng: digits.move_ends(strokes, rng),
    "tremble": lambda strokes, t, rng: digits.tremble(strokes, t, rng),
    "move_parts": lambda strokes, t, rng: digits.move_parts(strokes, rng),
    "stretch": lambda strokes, t, rng: digits.stretch(strokes, rng),
    "lean": lambda strokes, t, rng: digits.lean(strokes, rng),
    "distort": lambda strokes, t, rng: digits.distort(strokes, t, rng),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_calm_hand_changes_nothing(calm, some, step):
    t, strokes = some
    done = STEPS[step](strokes, t, np.random.default_rng(1))
    np.testing.assert_allclose(done, strokes, atol=1e-12)


@pytest.mark.parametrize("step", STEPS)
def test_an_unsteady_hand_changes_every_image_and_not_its_input(some, step):
    t, strokes = some
    before = strokes.copy()
    done = STEPS[step](strokes, t, np.random.default_rng(1))
    np.testing.assert_array_equal(strokes, before)
    assert done.shape == strokes.shape
    assert np.abs(done - strokes).max(axis=(1, 2, 3)).min() > 0.001
    assert 0.001 < np.abs(done - strokes).mean() < 0.3


@pytest.mark.parametrize("name", [name for name in CALM if name != "width"])
def test_each_setting_has_an_effect_of_its_size(calm, some, monkeypatch, name):
    t, strokes = some
    monkeypatch.setitem(SETTINGS, name, 0.1)
    off = digits.distort(strokes, t, np.random.default_rng(1)) - strokes
    assert 0.0005 < np.abs(off).mean() < 0.2
    monkeypatch.setitem(SETTINGS, name, 0.0001)
    off = digits.distort(strokes, t, np.random.default_rng(1)) - strokes
    assert np.abs(off).max() < 0.002


def test_a_stroke_goes_straight_on_beyond_its_ends(monkeypatch):
    monkeypatch.setitem(SETTINGS, "ends", 0.1)
    line = np.tile(stroke([(0.2, 0.5), (0.8, 0.5)]), (300, 2, 1, 1))
    moved = digits.move_ends(line, np.random.default_rng(0))
    np.testing.assert_allclose(moved[..., 1], 0.5)
    steps = np.diff(moved[..., 0], axis=-1)
    np.testing.assert_allclose(steps, steps[..., :1] * np.ones(digits.POINTS - 1), atol=1e-12)
    for end, place in ((0, 0.2), (-1, 0.8)):
        at = moved[:, :, end, 0] - place
        assert abs(at.std() - 0.06) < 0.006  # 0.1 of a length of 0.6
        assert abs(at.mean()) < 0.01


def test_only_the_second_stroke_moves(calm, some, monkeypatch):
    monkeypatch.setitem(SETTINGS, "parts", 0.1)
    _, strokes = some
    off = digits.move_parts(strokes, np.random.default_rng(0)) - strokes
    assert (off[:, 0] == 0).all()
    assert np.ptp(off[:, 1], axis=1).max() < 1e-12
    assert 0.07 < off[:, 1].std() < 0.13


def test_a_one_bends_less():
    t = np.repeat([1, 2], 300)
    off = digits.tremble(np.zeros((600, 2, digits.POINTS, 2)), t, np.random.default_rng(0))
    ratio = off[:300].std() / off[300:].std()
    assert ratio == pytest.approx(SETTINGS["bend_of_1"], abs=0.05)


def test_smooth_noise_is_smooth_and_of_size_1():
    noise = digits.smooth_noise(500, 2, 5, np.random.default_rng(0))
    assert noise.shape == (500, 2, digits.POINTS, 2)
    assert noise[:, :, 0].std() == pytest.approx(1, abs=0.05)
    assert 0.7 < noise.std() < 1.05
    assert abs(noise.mean()) < 0.05
    assert np.abs(np.diff(noise, axis=2)).mean() < 0.1


def test_the_middle_of_a_stretched_paper_stays():
    middle = np.full((20, 2, digits.POINTS, 2), 0.5)
    np.testing.assert_allclose(digits.stretch(middle, np.random.default_rng(0)), 0.5)


def test_digits_lean_to_the_right_and_keep_their_height(calm, monkeypatch):
    monkeypatch.setitem(SETTINGS, "slant", 0.2)
    upright = stroke([(0.5, 0), (0.5, 1)])[None, None]
    leaning = digits.lean(upright, np.random.default_rng(0))
    np.testing.assert_allclose(leaning[0, 0, [0, -1]], [(0.6, 0), (0.4, 1)], atol=1e-12)


def test_width_and_turn(calm, monkeypatch):
    square = np.tile(stroke(SQUARE), (400, 1, 1, 1))
    monkeypatch.setitem(SETTINGS, "width", 0.5)
    narrow = digits.lean(square, np.random.default_rng(0))[0, 0]
    np.testing.assert_allclose(narrow, square[0, 0] * (0.5, 1) + (0.25, 0), atol=1e-12)
    monkeypatch.setitem(SETTINGS, "width", 1.0)
    monkeypatch.setitem(SETTINGS, "turn_spread", 0.3)
    turned = digits.lean(square, np.random.default_rng(0))
    np.testing.assert_allclose(np.hypot(*(turned - 0.5).T), np.hypot(*(square - 0.5).T), atol=1e-12)
    top = turned[:, 0, 0] - 0.5
    angle = np.arctan2(top[:, 1], top[:, 0]) - np.arctan2(-0.5, -0.5)
    angle = np.angle(np.exp(1j * angle))
    assert angle.std() == pytest.approx(0.3, abs=0.04)
    assert abs(angle.mean()) < 0.05


def test_the_widths_of_pens():
    widths = digits.pens(4_000, np.random.default_rng(0))
    assert widths.shape == (4_000,)
    assert np.median(widths) == pytest.approx(SETTINGS["pen"], rel=0.03)
    assert np.log(widths).std() == pytest.approx(SETTINGS["pen_spread"], rel=0.05)


# ---- Rendering ----


def rendered(strokes, pen, drawn=((True, False),)):
    n = len(strokes)
    return digits.render(
        strokes, np.array(list(drawn) * n), np.full(n, pen), np.random.default_rng(0)
    )


@pytest.fixture
def even_pressure(monkeypatch) -> None:
    monkeypatch.setitem(SETTINGS, "pressure", 0.0)


@pytest.mark.parametrize("pen", [1.0, 1.5, 2.2, 3.0, 5.0])
def test_a_horizontal_stroke_is_as_wide_as_the_pen_and_lies_where_it_should(even_pressure, pen):
    heights = 10 + np.arange(10) / 10
    strokes = np.array([[stroke([(4, y), (23, y)])] * 2 for y in heights])
    columns = rendered(strokes, pen)[:, :, 8:20]
    width = columns.sum(axis=1)
    assert np.ptp(width, axis=1).max() < 0.02
    assert width.mean() == pytest.approx(pen, abs=0.05)
    centre = np.einsum("nyx,y->nx", columns, PIXEL) / width
    np.testing.assert_allclose(centre, heights[:, None] * np.ones(12), atol=0.15)


def test_a_stroke_ends_where_it_should_with_x_to_the_right_and_y_down(even_pressure):
    image = rendered(np.array([[stroke([(4, 20), (14, 20)])] * 2]), 3.0)[0]
    assert image[20, 4:15].min() > 0.9
    assert image[20, [1, 17]].max() < 0.02
    assert image[:18].max() < 0.1
    assert image[23:].max() < 0.1


def test_only_what_is_drawn_leaves_ink(even_pressure):
    strokes = np.array([[stroke([(5, 5), (9, 5)]), stroke([(18, 20), (22, 20)])]])
    one, both = (rendered(strokes, 2.0, drawn)[0] for drawn in ([(True, False)], [(True, True)]))
    assert one[20, 20] < 1e-6
    assert both[20, 20] > 0.9
    np.testing.assert_allclose(one[:12], both[:12], atol=1e-6)


def test_pressure_makes_a_line_thick_and_thin(monkeypatch):
    strokes = np.array([[stroke([(4, 14), (23, 14)])] * 2] * 50)
    monkeypatch.setitem(SETTINGS, "pressure", 0.5)
    uneven = rendered(strokes, 2.2)[:, :, 8:20].sum(axis=1)
    assert uneven.std() > 0.2


# ---- They can be learned ----


def trained(x, t, steps, seed=0):
    x = x.reshape(-1, 784) / np.float32(255)
    rng = np.random.default_rng(seed)
    network = MultiLayerNet(784, [100, 100], 10, rng=rng)
    optimizer = Adam()
    for _ in range(steps):
        batch = rng.choice(len(x), 100)
        optimizer.update(network.params, network.gradient(x[batch], t[batch]))
    return network


@pytest.fixture(scope="module")
def network(many):
    (x, t), _ = many
    return trained(x, t, 600)


def test_a_network_learns_them(many, network):
    """About 0.885, whatever the seed."""
    _, (x, t) = many
    assert network.accuracy(x.reshape(-1, 784) / np.float32(255), t) > 0.85


def test_what_it_learned_holds_for_mnist(network, mnist):
    """From 0.90 to 0.92, as the seed has it."""
    assert network.accuracy(mnist.x_test, mnist.t_test) > 0.8


@pytest.mark.slow
def test_what_a_convolutional_network_learned_holds_for_mnist(mnist):
    """94.7% with seed 0."""
    (x, t), _ = load_digits(flatten=False)
    rng = np.random.default_rng(0)
    network, optimizer = SimpleConvNet(rng=rng), Adam()
    for _ in range(3_000):
        batch = rng.choice(len(x), 100)
        optimizer.update(network.params, network.gradient(x[batch], t[batch]))
    assert network.accuracy(mnist.x_test.reshape(-1, 1, 28, 28), mnist.t_test) >= 0.94


# ---- The cache ----

SMALL = {"x_train": (30, 28, 28), "t_train": (30,), "x_test": (20, 28, 28), "t_test": (20,)}
ALL = (60_000, 10_000, 0)
NAME = f"version{digits.VERSION}-seed0.npz"


@pytest.fixture
def calls(monkeypatch) -> list[tuple[int, int, int]]:
    """What was drawn; and a default that is drawn in no time."""
    made: list[tuple[int, int, int]] = []
    draw_all = digits.draw_all

    def draw_few(train, test, seed):
        made.append((train, test, seed))
        return draw_all(min(train, 30), min(test, 20), seed)

    monkeypatch.setattr(digits, "draw_all", draw_few)
    monkeypatch.setattr(digits, "CACHED", {name: (shape, "uint8") for name, shape in SMALL.items()})
    return made


def assert_is_small_default(loaded, seed=0):
    for found, expected in zip(loaded, load_digits(train=30, test=20, seed=seed), strict=True):
        for array, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array, wanted)


def in_cache(cache):
    return sorted(path.name for path in cache.iterdir())


def test_the_cache_holds_what_the_default_returns():
    assert digits.CACHED == {
        "x_train": ((60_000, 28, 28), "uint8"),
        "t_train": ((60_000,), "uint8"),
        "x_test": ((10_000, 28, 28), "uint8"),
        "t_test": ((10_000,), "uint8"),
    }
    for name, array in digits.draw_all(3, 2, 0).items():
        shape, dtype = digits.CACHED[name]
        assert (array.shape[1:], array.dtype.name) == (shape[1:], dtype)


def test_all_of_them_are_drawn_once_and_the_arrays_are_the_callers_own(calls, cache):
    first = load_digits()
    assert in_cache(cache) == [NAME]
    for array in (array for split in load_digits() for array in split):
        assert array.flags.writeable
        array[...] = 77
    again, raw = load_digits(), load_digits(normalize=False, flatten=False)
    assert calls == [ALL]
    assert_is_small_default(first)
    assert_is_small_default(again)
    assert raw[0][0].dtype == np.uint8
    assert raw[0][0].flags.writeable


def test_another_seed_or_version_has_a_file_of_its_own(calls, cache, monkeypatch):
    load_digits()
    other = load_digits(seed=5)
    monkeypatch.setattr(digits, "VERSION", digits.VERSION + 1)
    load_digits()
    assert calls == [(60_000, 10_000, seed) for seed in (0, 5, 0)]
    next_name = f"version{digits.VERSION}-seed0.npz"
    assert in_cache(cache) == sorted([NAME, NAME.replace("seed0", "seed5"), next_name])
    assert_is_small_default(other, seed=5)


@pytest.mark.parametrize("sizes", [(30, 20), (60_000, 20), (30, 10_000)])
def test_other_sizes_never_touch_the_cache(calls, cache, sizes):
    for _ in range(2):
        load_digits(train=sizes[0], test=sizes[1])
    assert len(calls) == 2
    assert not cache.exists()


DAMAGE = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[:-1000],
    "a flipped byte": lambda content: (
        content[:5000] + bytes([content[5000] ^ 255]) + content[5001:]
    ),
    "something else": lambda content: b"no archive",
}
OTHER_ARRAYS = {
    "wrong shape": lambda arrays: arrays | {"x_train": arrays["x_train"][:-1]},
    "wrong dtype": lambda arrays: arrays | {"t_test": arrays["t_test"].astype(np.int64)},
    "one missing": lambda arrays: {name: arrays[name] for name in arrays if name != "t_train"},
    "one more": lambda arrays: arrays | {"more": np.zeros(3)},
}


@pytest.mark.parametrize("how", [*DAMAGE, *OTHER_ARRAYS])
def test_a_damaged_cache_is_drawn_anew_and_replaced(calls, cache, how):
    load_digits()
    path, whole = cache / NAME, (cache / NAME).read_bytes()
    if how in DAMAGE:
        path.write_bytes(DAMAGE[how](whole))
    else:
        with np.load(path) as stored:
            arrays = dict(stored)
        np.savez(path, **OTHER_ARRAYS[how](arrays))
    assert path.read_bytes() != whole
    loaded = load_digits()
    assert path.read_bytes() == whole
    assert in_cache(cache) == [NAME]
    load_digits()
    assert calls == [ALL] * 2
    assert_is_small_default(loaded)


@pytest.mark.parametrize("why", ["a file is where the folder should be", "the disk is full"])
def test_a_cache_that_cannot_be_written_only_costs_time(calls, cache, monkeypatch, why):
    def fail(*_):
        raise OSError(28, "No space left on device")

    cache.parent.mkdir()
    if why == "the disk is full":
        monkeypatch.setattr(digits, "save_arrays", fail)
    else:
        cache.write_text("a file", encoding="utf-8")
    for _ in range(2):
        assert_is_small_default(load_digits())
    assert calls.count(ALL) == 2


TWO_AT_ONCE = """
import sys, time
from pathlib import Path
from dlbasics.datasets import digits
draw_all, here = digits.draw_all, Path(sys.argv[1])
def draw_few(train, test, seed):
    (here / sys.argv[2]).touch()
    until = time.monotonic() + 60
    while len(list(here.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.001)
    return draw_all(30, 20, seed)
digits.draw_all, digits.BLOCK = draw_few, 50
(x, t), _ = digits.load_digits(normalize=False)
print(len(list(here.iterdir())), len(x), x.sum(dtype=int))
"""


@pytest.mark.long
def test_two_processes_at_once(calls, cache, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    command = [sys.executable, "-W", "error", "-c", TWO_AT_ONCE, str(here)]
    processes = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for name in "ab"
    ]
    said = [process.communicate()[0] for process in processes]
    total = drawn_raw(30, 20)["x_train"].sum(dtype=int)
    assert said == [f"2 30 {total}\n"] * 2, "both were drawing at the same time"
    assert in_cache(cache) == [NAME]
    calls.clear()
    loaded = load_digits()
    assert calls == []
    assert_is_small_default(loaded)


if __name__ == "__main__":
    np.savez_compressed(REFERENCE, **drawn_raw())
