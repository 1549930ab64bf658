"""A digit on a sheet of paper becomes an image as MNIST's are."""

import numpy as np
import pytest

from ch08_deep.digits_on_paper import Config, on_paper
from dlbasics.datasets import load_digits
from dlbasics.datasets.images import digit, normalize_digit
from tests.helpers import normal

pytestmark = pytest.mark.long

RANDOM = np.random.default_rng(0).random((100, 80))
WHITE = np.full((100, 80), 240, np.uint8)


def sheet(*strokes, paper=WHITE, ink=30):
    """Return a sheet with rectangles of ink, each (top, bottom, left, right)."""
    page = paper.copy()
    for top, bottom, left, right in strokes:
        page[top:bottom, left:right] = ink
    return page


SEVEN = (20, 24, 30, 50), (20, 60, 46, 50)


def seven(**changes):
    return sheet(*SEVEN, **changes)


def close(page, other, most=0.12):
    """Return whether two sheets show nearly the same digit."""
    return np.abs(normalize_digit(page) - normalize_digit(other)).max() < most


def test_a_digit_fills_a_box_of_20_pixels_around_its_centre_of_mass():
    x = normalize_digit(seven(), flatten=False)
    assert (x.shape, x.dtype) == ((1, 28, 28), np.float32)
    rows, columns = (np.flatnonzero(x[0].any(axis=axis)) for axis in (1, 0))
    assert (len(rows), len(columns)) == (20, 10)
    assert (np.diff(rows) == 1).all() and (np.diff(columns) == 1).all()
    for axis in (1, 0):
        mass = x[0].sum(axis=axis)
        assert abs(mass @ np.arange(28) / mass.sum() - 14) <= 0.5
    assert x[0, rows[0], columns].min() > 0.9, "the bar of the 7"
    assert x[0, rows[5:], columns[0]].max() == 0, "the empty corner"
    np.testing.assert_array_equal(normalize_digit(seven()), x.reshape(784))


def test_an_mnist_like_image_stays_nearly_the_same():
    (x, _), _ = load_digits(train=50, test=0)
    distance = [np.abs(normalize_digit(image.reshape(28, 28)) - image).mean() for image in x]
    assert np.median(distance) < 0.03
    assert max(distance) < 0.1  # another digit is 0.15 away, in the median


@pytest.mark.parametrize(
    "page",
    [
        np.pad(seven(), ((200, 0), (0, 150)), constant_values=240),  # elsewhere on a larger sheet
        seven()[15:65, 25:55],  # little paper around it
        seven().repeat(3, axis=0).repeat(3, axis=1),
        seven().repeat(30, axis=0).repeat(30, axis=1),  # a photo, which is made smaller first
        255 - seven(),  # light on dark
        seven(ink=120),  # a pencil
        seven() / 255,
        seven().astype(np.float64),
        seven() > 100,
        (seven() > 100).astype(int),
        seven().astype(np.int64).tolist(),
        seven()[..., np.newaxis],
        np.stack([seven()] * 3, axis=-1),
        np.dstack([(seven() > 100) * RANDOM] * 3 + [seven() < 100]),  # ink on transparent paper
    ],
)
def test_place_size_ink_and_form_do_not_matter(page):
    assert close(page, seven())


def test_the_light_may_fade_and_the_camera_add_noise():
    light = np.linspace(0.15, 0.8, 80) + np.linspace(0, 0.2, 100)[:, np.newaxis]
    assert close(light * seven(), seven(), most=0.05)
    assert close(np.clip(light * seven() + 2 * normal(100, 80), 0, 255), seven())


@pytest.mark.parametrize("specks", [[(5, 8, 5, 8)], [(90, 92, 70, 72), (3, 5, 70, 72)]])
def test_specks_are_no_part_of_the_digit(specks):
    assert close(sheet(*SEVEN, *specks), seven())


def test_a_stroke_that_touches_no_other_is_a_part_of_the_digit():
    apart = sheet(*SEVEN, (40, 44, 60, 70))
    x = normalize_digit(apart, flatten=False)[0]
    columns = np.flatnonzero(x.any(axis=0))
    assert columns[-1] - columns[0] == 19


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_thin_pen_does_not_fade(width):
    page = sheet((20, 220, 100, 100 + width), paper=np.full((300, 300), 240, np.uint8))
    x = normalize_digit(page, flatten=False)[0]
    line = x[x.any(axis=1)]
    assert len(line) == 20
    assert 1 <= np.median(line.sum(axis=1)) <= 2


def test_a_wide_pen_stays_as_it_is():
    page = sheet((20, 220, 100, 140), paper=np.full((300, 300), 240, np.uint8))
    x = normalize_digit(page, flatten=False)[0]
    assert np.median(x[x.any(axis=1)].sum(axis=1)) == pytest.approx(4, abs=0.2)


def test_files_and_pictures_are_read_upright(tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    picture = image_module.fromarray(np.rot90(seven()).copy())
    exif = image_module.Exif()
    exif[0x0112] = 6
    path = tmp_path / "fünf.png"
    picture.save(path, exif=exif)
    for image in (path, str(path)):
        np.testing.assert_array_equal(normalize_digit(image), normalize_digit(seven()))
    with image_module.open(path) as opened:
        np.testing.assert_array_equal(normalize_digit(opened), normalize_digit(seven()))
    palette = image_module.fromarray(seven()).convert("P")
    assert close(palette, seven())


def test_a_sheet_without_ink_is_refused(tmp_path):
    for page in (
        WHITE,
        np.zeros((1, 1)),
        np.zeros((5, 5)),
        np.ones((1, 1)),
        200 + 3 * normal(100, 80),
    ):
        with pytest.raises(ValueError, match=r"image must hold a digit, got no ink: .* away \d+%"):
            normalize_digit(page)
    image_module = pytest.importorskip("PIL.Image")
    image_module.fromarray(WHITE).save(tmp_path / "blank.png")
    with pytest.raises(ValueError, match=r"blank\.png: must hold a digit, got no ink"):
        normalize_digit(tmp_path / "blank.png")


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (None, TypeError, "image must be an array of numbers, got None"),
        ([[1, 2], [3]], TypeError, "image must be an array of numbers, got a ragged list"),
        ({1}, TypeError, "image must hold real numbers"),
        (np.ones(784), ValueError, r"image must have shape \(H, W\) or .* got \(784,\)"),
        (np.ones((5, 1, 28, 28)), ValueError, r"image must have shape .* got \(5, 1, 28, 28\)"),
        (np.ones((3, 28, 28)), ValueError, r"image must have shape .* got \(3, 28, 28\)"),
        (np.ones((0, 28)), ValueError, "image must have shape .* and not be empty"),
        (np.full((9, 9), 256), ValueError, "image must have values from 0 to 255"),
        (np.full((9, 9), -1), ValueError, "image must have values from 0 to 255"),
        (np.full((9, 9), np.nan), ValueError, "image must have values from 0 to 255"),
    ],
)
def test_what_is_no_image_is_refused(image, error, message):
    with pytest.raises(error, match=message):
        normalize_digit(image)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="five"):
        normalize_digit(tmp_path / "five.jpg")
    with pytest.raises(ValueError, match="image must be the path of a file"):
        normalize_digit(tmp_path)


def test_narrow_pictures_have_their_means_taken():
    for shape in ((3, 5_000), (5_000, 3), (2_500, 2_001), (7, 9)):
        x = normal(*shape)
        k = max(1, max(shape) // digit.LARGE)
        small = digit.smaller(x)
        assert small.shape == tuple(max(1, side // k) for side in shape)
        assert small[0, 0] == pytest.approx(x[:k, :k].mean())
        assert small[-1, -1] == pytest.approx(
            x[(small.shape[0] - 1) * k :, (small.shape[1] - 1) * k :][:k, :k].mean()
        )


def test_means_are_those_of_equal_parts():
    np.testing.assert_allclose(digit.means(6, 3), np.kron(np.eye(3), [[0.5, 0.5]]))
    np.testing.assert_allclose(digit.means(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    for n, m in ((1, 20), (28, 20), (300, 28)):
        np.testing.assert_allclose(digit.means(n, m).sum(axis=1), 1)


def test_sheets_of_any_kind_are_read_as_the_images_on_them():
    """Few pixels differ by much from those of the image that was drawn."""
    (x, _), _ = load_digits(train=30, test=0)
    for config in (Config(), Config(noise=0.05, fade=0.4), Config(side=1_000, smallest=0.03)):
        rng = np.random.default_rng(0)
        pages = [on_paper(image.reshape(28, 28), config, rng) for image in x]
        distance = [np.abs(normalize_digit(a) - b).mean() for a, b in zip(pages, x, strict=True)]
        assert np.median(distance) < 0.05
        assert np.percentile(distance, 95) < 0.1
