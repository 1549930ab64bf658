"""Several digits in one picture, from left to right."""

import numpy as np
import pytest

from dlbasics.datasets import load_digits, normalize_digit
from dlbasics.datasets.images import digit
from dlbasics.pad.digits import digits_of, spots
from dlbasics.pad.networks import probabilities, shipped_networks
from dlbasics.pad.steps import as_mnist
from tests.helpers import normal
from tests.pad.sheets import line_of

pytestmark = pytest.mark.long

PAPER = np.full((100, 200), 240, np.uint8)


def page(*strokes, paper=PAPER, ink=30):
    """Return a sheet with rectangles of ink, each (top, bottom, left, right)."""
    sheet = paper.copy()
    for top, bottom, left, right in strokes:
        sheet[top:bottom, left:right] = ink
    return sheet


ONE = [(20, 70, 20, 26)]
SEVEN = [(20, 26, 40, 70), (20, 70, 64, 70)]
FIVE = [(20, 26, 96, 120), (30, 36, 90, 110), (30, 50, 90, 96), (46, 70, 106, 112)]
FIVE[3:] = [(44, 50, 90, 112), (44, 70, 106, 112), (64, 70, 90, 112)]
FOUR = [(20, 50, 140, 146), (44, 50, 140, 156), (26, 75, 159, 165)]
FAR_BAR = [(20, 26, 108, 128), (30, 50, 90, 96), (30, 36, 90, 112), *FIVE[3:]]


def sizes(pictures):
    """Return the height and width of the ink in each picture."""
    found = []
    for picture in pictures:
        rows, columns = digit.rectangle(picture < 0.5)
        found.append((rows.stop - rows.start, columns.stop - columns.start))
    return found


@pytest.mark.parametrize(
    ("strokes", "count"),
    [
        (ONE, 1),
        (ONE + SEVEN, 2),
        (FIVE, 1),  # a bar above the body
        (FAR_BAR, 1),  # which begins where the body ends
        (FOUR, 1),  # two strokes that do not touch
        (ONE + SEVEN + FIVE + FOUR, 4),
        ([(20, 40, 20, 26), (44, 70, 20, 26)], 1),  # a 1 with a gap
        ([(20, 24, 21, 26), (30, 70, 20, 26)], 1),  # an i
        ([(5, 45, 20, 26), (50, 90, 40, 46)], 2),  # at different heights
        ([(20, 70, 20, 26), (50, 70, 36, 41)], 2),  # a large one and a small one
        ([(20, 70, 20, 26), (20, 70, 31, 37)], 2),  # close, as in 11
        ([*ONE, (90, 93, 150, 153), (5, 8, 60, 62)], 1),  # with dirt
    ],
)
@pytest.mark.parametrize("ink", [30, 120])
def test_spots_that_lie_together_are_one_digit(strokes, count, ink):
    for paper, color in ((PAPER, ink), (255 - PAPER, 255 - ink)):
        assert len(digits_of(page(*strokes, paper=paper, ink=color))) == count


def test_digits_come_from_left_to_right_each_alone_on_its_sheet():
    strokes = ONE + SEVEN + FIVE + FOUR
    pictures = digits_of(page(*strokes))
    assert sizes(pictures) == [(50, 6), (50, 30), (50, 30), (55, 25)]
    for picture in pictures:
        assert picture.dtype == np.float32
        assert picture.min() < 0.1 and picture.max() == 1
        edge = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
        assert min(part.min() for part in edge) == 1
    for own, picture in zip((ONE, SEVEN, FIVE, FOUR), pictures, strict=True):
        alone = normalize_digit(page(*own))
        assert np.abs(normalize_digit(picture) - alone).max() < 0.15


def test_the_one_digit_on_a_sheet_is_read_as_by_normalize_digit():
    """Few differ: a thin stroke that is nearly lost in the noise stays whole here alone."""
    (x, _), _ = load_digits(train=40, test=0)
    distance = []
    for i, image in enumerate(x):
        sheet = line_of([image.reshape(28, 28)], i)
        (only,) = digits_of(sheet)
        distance.append(np.abs(normalize_digit(only) - normalize_digit(sheet)).mean())
    assert np.percentile(distance, 90) < 0.02
    assert max(distance) < 0.1


def test_no_ink_of_a_neighbour_is_in_a_picture():
    """The rectangles overlap, as those of slanted digits do."""
    slanted = [(20 + 5 * i, 25 + 5 * i, 60 - 4 * i, 66 - 4 * i) for i in range(10)]
    other = [(20 + 5 * i, 25 + 5 * i, 80 - 4 * i, 86 - 4 * i) for i in range(10)]
    first, second = digits_of(page(*slanted, *other))
    np.testing.assert_allclose(first, second, atol=0.05)
    assert sizes([first, second]) == [(50, 42), (50, 42)]


def test_slanted_digits_side_by_side_are_two_also_if_one_is_lower():
    slanted, lower = (
        [(top + 5 * i, top + 5 * i + 5, left - 4 * i, left - 4 * i + 6) for i in range(10)]
        for top, left in ((20, 60), (26, 74))
    )
    assert sizes(digits_of(page(*slanted, *lower))) == [(50, 42), (50, 42)]


def test_the_soft_edge_of_a_digit_ends_before_its_neighbour():
    pictures = digits_of(page((20, 60, 20, 26), (20, 60, 29, 35)))
    assert sizes(pictures) == [(40, 6), (40, 6)]
    for picture in pictures:
        assert (picture < 0.9).any(axis=0).sum() <= 8, "there is no ink beside the digit"


def test_the_middle_of_a_digit_tells_its_place():
    """A digit that begins first is not the first one if it also ends last."""
    pictures = digits_of(page((5, 30, 30, 36), (80, 86, 20, 120), (60, 86, 114, 120)))
    assert sizes(pictures) == [(25, 6), (26, 100)]


def test_a_sheet_without_digits_is_refused(tmp_path):
    for blank in (PAPER, 200 + 3 * normal(100, 80)):
        with pytest.raises(ValueError, match="image must hold a digit, got no ink"):
            digits_of(blank)
    text = np.tile(np.pad(np.zeros((10, 5)), 5, constant_values=255), (12, 20))
    with pytest.raises(ValueError, match="image must hold digits on clean paper, got 240 spots"):
        digits_of(text)
    with pytest.raises(TypeError, match="image must be an array of numbers"):
        digits_of(None)
    with pytest.raises(FileNotFoundError):
        digits_of(tmp_path / "nothing.png")


def test_pixels_that_touch_are_one_spot():
    """A plain search finds the same spots: each number spreads to the pixels that touch."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        mask = rng.random(rng.integers(1, 25, 2)) < rng.uniform(0.05, 0.8)
        plain = np.arange(1, mask.size + 1).reshape(mask.shape) * mask
        while ((spread := digit.grown(plain, corners=True) * mask) != plain).any():
            plain = spread
        labels = spots(mask)
        np.testing.assert_array_equal(labels > 0, mask)
        same = {*zip(labels[mask].tolist(), plain[mask].tolist(), strict=True)}
        assert len(same) == len(np.unique(plain[mask])) == labels.max()


KINDS = {
    "a photo": {},
    "light on dark": {"light_on_dark": True},
    "noise": {"noise": 0.06, "fade": 0.4},
    "a lamp above": {"round_fade": 0.3},
    "different sizes": {"vary": 0.4},
    "different heights": {"shift": 0.8},
    "small": {"height": (20, 40)},
}


def wholly_right(x, t, count, **kind):
    """Return the share of sheets with 2 to 6 digits that DeepConvNet reads without an error."""
    rng = np.random.default_rng(0)
    network, right = shipped_networks()["DeepConvNet"], 0
    for _ in range(count):
        chosen = rng.integers(0, len(x), rng.integers(2, 7))
        pictures = digits_of(line_of(x[chosen].reshape(-1, 28, 28), rng, **kind))
        images = np.array([as_mnist(picture)[-1].picture for picture in pictures])
        right += [*probabilities(network, images).argmax(axis=1)] == [*t[chosen]]
    return right / count


@pytest.mark.parametrize("kind", KINDS)
def test_sheets_of_embedded_digits_hold_as_many_digits_as_were_drawn(kind):
    (x, _), _ = load_digits(train=60, test=0)
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(15):
        chosen = rng.integers(0, 60, rng.integers(2, 7))
        sheet = line_of(x[chosen].reshape(-1, 28, 28), rng, **KINDS[kind])
        wrong += len(digits_of(sheet)) != len(chosen)
    assert wrong <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_most_sheets_of_test_images_are_read_without_an_error(kind, mnist):
    assert wholly_right(mnist.x_test, mnist.t_test, 30, **KINDS[kind]) >= 0.9
