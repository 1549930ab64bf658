"""The embedded digits: what is promised of the data set, and each step of the drawing."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from dlbasics._internal.image_forms import images, labels
from dlbasics.datasets import digits
from dlbasics.datasets.digits import SETTINGS, load_digits
from dlbasics.datasets.mnist import load_mnist
from dlbasics.networks import MultiLayerNet, SimpleConvNet
from dlbasics.optimizers import Adam
from dlbasics.storage import load_arrays
from tests.datasets.helpers import SKELETONS, as_terminal, knots_of
from tests.helpers import train

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


@pytest.mark.parametrize(
    "options", [(True, True, False), (True, False, False), (False, True, True)]
)
def test_formats_are_those_of_mnist(options):
    (normalize, flatten, one_hot), raw = options, digits.draw_all(6, 4, 0)
    for (x, t), name in zip(load_digits(*options, train=6, test=4), ("train", "test"), strict=True):
        expected = images(raw[f"x_{name}"], normalize, flatten), labels(raw[f"t_{name}"], one_hot)
        for array, wanted in zip((x, t), expected, strict=True):
            np.testing.assert_array_equal(array, wanted, strict=True)
            assert array.flags.writeable


def test_the_arguments_begin_as_those_of_load_mnist():
    parameters = list(inspect.signature(load_digits).parameters.values())
    mnists = list(inspect.signature(load_mnist).parameters.values())
    for ours, theirs in zip(parameters[:3], mnists[:3], strict=True):
        assert (ours.name, ours.default, ours.kind) == (theirs.name, theirs.default, theirs.kind)
    defaults = {"train": 60_000, "test": 10_000, "seed": 0}
    assert {p.name: p.default for p in parameters[3:]} == defaults
    assert {p.kind for p in parameters[3:]} == {inspect.Parameter.KEYWORD_ONLY}


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


@pytest.mark.parametrize("t", [[10], [-1], [1.5], 5, [[1, 2]]])
def test_only_digits_are_drawn(t):
    with pytest.raises(ValueError, match="t must be digits, integers from 0 to 9"):
        digits.draw(t)


@pytest.mark.parametrize("t", [None, ["1"], [[1], [2, 3]], {1}])
def test_only_numbers_are_drawn(t):
    with pytest.raises(TypeError, match="t must"):
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


@pytest.mark.parametrize("sizes", [(1, 50), (49, 51), (75, 125)])
def test_the_first_images_are_the_same_however_many_are_drawn(sizes):
    fewer, more = (drawn_raw(n, n - 1) for n in sizes)
    for name, array in fewer.items():
        np.testing.assert_array_equal(array, more[name][: len(array)])


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


def test_other_rounding_moves_no_pixel_by_more_than_one_grey_level(monkeypatch):
    """Another machine rounds the points in float64 and the ink in float32 otherwise."""

    def rounded(function, bit):
        def call(*args):
            result = function(*args)
            return result * (1 + bit * last_bits.standard_normal(result.shape))

        return call

    t, last_bits = np.arange(500) % 10, np.random.default_rng(0)
    expected = digits.draw(t, 1)
    monkeypatch.setattr(digits, "in_pixels", rounded(digits.in_pixels, 1e-15))
    monkeypatch.setattr(digits, "render", rounded(digits.render, 1e-7))
    drawn = digits.draw(t, 1)
    assert grey_levels_apart(drawn, expected) <= 1
    assert np.mean(drawn != expected) < 0.001


# ---- Normalized as MNIST is ----


def test_a_digit_measures_20_pixels(many):
    """Its longer side, where it is more than half black.

    That is 20 pixels for 98% of MNIST; ours ends half a pixel earlier where pressure is low.
    """
    (x, _), _ = many
    inked = [(x > 127).any(axis) for axis in (1, 2)]
    longer = np.maximum(*(28 - row.argmax(1) - row[:, ::-1].argmax(1) for row in inked))
    assert longer.max() == 20
    assert np.mean(longer >= 18) > 0.99
    assert np.mean(longer == 20) > 0.7


def test_every_image_has_ink_and_paper(many):
    for x, _ in many:
        assert (x.max(axis=(1, 2)) > 150).all()
        assert (np.mean(x == 0, axis=(1, 2)) > 0.3).all()
        assert (np.mean(x > 127, axis=(1, 2)) > 0.01).all()


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


@pytest.mark.parametrize(
    ("step", "settings", "before", "after"),
    [
        ("lean", {"slant": 0.2}, [(0.5, 0), (0.5, 1)], [(0.6, 0), (0.4, 1)]),
        ("lean", {"width": 0.5}, [(0, 0), (1, 1)], [(0.25, 0), (0.75, 1)]),
        ("stretch", {"stretch": 0.5}, [(0.5, 0.5), (0.5, 0.5)], [(0.5, 0.5), (0.5, 0.5)]),
    ],
)
def test_a_distortion_by_hand(monkeypatch, step, settings, before, after):
    """The width is 1 and all other settings are 0."""
    for name in SETTINGS:
        monkeypatch.setitem(SETTINGS, name, settings.get(name, float(name == "width")))
    done = getattr(digits, step)(stroke(before)[None, None], np.random.default_rng(0))
    np.testing.assert_allclose(done[0, 0], stroke(after), atol=1e-12)


def test_a_stroke_goes_straight_on_beyond_its_ends(monkeypatch):
    monkeypatch.setitem(SETTINGS, "ends", 0.1)
    line = np.tile(stroke([(0.2, 0.5), (0.8, 0.5)]), (300, 2, 1, 1))
    moved = digits.move_ends(line, np.random.default_rng(0))
    np.testing.assert_allclose(moved[..., 1], 0.5)
    np.testing.assert_allclose(np.diff(moved[..., 0], n=2), 0, atol=1e-12)
    assert moved[..., 0].min() < 0.1
    assert moved[..., 0].max() > 0.9


# ---- Rendering ----


def rendered(monkeypatch, strokes, pen):
    """Images of first strokes, with even pressure."""
    monkeypatch.setitem(SETTINGS, "pressure", 0.0)
    strokes = np.array([[points, points] for points in strokes])
    drawn, pens = np.array([[True, False]] * len(strokes)), np.full(len(strokes), pen)
    return digits.render(strokes, drawn, pens, np.random.default_rng(0))


@pytest.mark.parametrize("pen", [1.0, 2.2, 5.0])
def test_a_horizontal_stroke_is_as_wide_as_the_pen_and_lies_where_it_should(monkeypatch, pen):
    heights = 10 + np.arange(10) / 10
    columns = rendered(monkeypatch, [stroke([(4, y), (23, y)]) for y in heights], pen)[:, :, 8:20]
    width = columns.sum(axis=1)
    assert np.ptp(width, axis=1).max() < 0.02
    assert width.mean() == pytest.approx(pen, abs=0.05)
    centre = np.einsum("nyx,y->nx", columns, PIXEL) / width
    np.testing.assert_allclose(centre, heights[:, None] * np.ones(12), atol=0.15)


def test_a_stroke_ends_where_it_should_with_x_to_the_right_and_y_down(monkeypatch):
    (image,) = rendered(monkeypatch, [stroke([(4, 20), (14, 20)])], 3.0)
    assert image[20, 4:15].min() > 0.9
    assert image[20, [1, 17]].max() < 0.02
    assert image[:18].max() < 0.1
    assert image[23:].max() < 0.1


# ---- They can be learned ----


def test_what_a_network_learned_holds_for_mnist(many, mnist):
    """From 0.90 to 0.92, as the seed has it."""
    (x, t), _ = many
    network = MultiLayerNet(784, [100, 100], 10, rng=0)
    train(network, images(x, True, True), t, Adam(), 1_200)
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
    sizes = {"train": 60_000, "test": 10_000}
    assert {
        name: ((sizes[name[2:]], *array.shape[1:]), array.dtype.name)
        for name, array in digits.draw_all(3, 2, 0).items()
    } == digits.CACHED


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
    "wrong shape": lambda arrays: arrays.update(x_train=arrays["x_train"][:-1]),
    "wrong dtype": lambda arrays: arrays.update(t_test=arrays["t_test"].astype(np.int64)),
    "one missing": lambda arrays: arrays.pop("t_train"),
    "one more": lambda arrays: arrays.update(more=np.zeros(3)),
    "no archive": None,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_is_drawn_anew_and_replaced(calls, cache, damage):
    load_digits()
    path, whole = cache / NAME, (cache / NAME).read_bytes()
    if damage is None:
        path.write_bytes(b"no archive")
    else:
        arrays = load_arrays(path)
        damage(arrays)
        np.savez(path, **arrays)
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


if __name__ == "__main__":
    np.savez_compressed(REFERENCE, **drawn_raw())
