"""The steps from a drawing to an image as MNIST's are."""

from itertools import combinations

import numpy as np
import pytest

from ch08_deep.digits_on_paper import Config, on_paper
from dlbasics.datasets import load_digits, normalize_digit
from dlbasics.pad.steps import STEPS, as_mnist

pytestmark = pytest.mark.long


def pages(count=20):
    """Return sheets with a digit each, anywhere and of any size."""
    (x, _), _ = load_digits(train=count, test=0)
    rng = np.random.default_rng(0)
    return [on_paper(image.reshape(28, 28), Config(), rng) for image in x]


def test_the_last_picture_is_that_of_normalize_digit():
    for page in pages():
        last = as_mnist(page)[-1].picture
        np.testing.assert_array_equal(last, normalize_digit(page, flatten=False)[0])
        assert last.dtype == np.float32


@pytest.mark.parametrize("count", range(1, 7))
def test_any_steps_may_be_left_out(count):
    page = pages(1)[0]
    for without in combinations(STEPS, count):
        steps = as_mnist(page, without)
        assert [step.name for step in steps] == ["drawn", *STEPS]
        for step in steps:
            assert step.picture.dtype == np.float32
            assert 0 <= step.picture.min() <= step.picture.max() <= 1 + 1e-6
        assert steps[-1].picture.shape == (28, 28)


INK = np.full((280, 280), 255, np.uint8)
INK[140:200, 20:30] = 0  # a 1 at the left, below the middle


def last(without, image=INK):
    return as_mnist(image, without)[-1].picture


def pictures(image=INK, without=()):
    return {step.name: step.picture for step in as_mnist(image, without)}


def place(picture):
    """Return the rectangle that holds the ink: top, bottom, left, right."""
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def test_each_step_has_a_picture_of_what_it_does():
    steps = pictures()
    np.testing.assert_array_equal(steps["drawn"], INK / np.float32(255))
    np.testing.assert_allclose(steps["invert"], INK == 0, atol=1e-6)
    np.testing.assert_allclose(steps["crop"], np.ones((60, 10)), atol=1e-6)
    np.testing.assert_array_equal(steps["stroke"], steps["crop"])
    assert steps["scale"].shape == steps["smooth"].shape == (20, 3)
    assert place(steps["centre"]) == (4, 24, 13, 16)


def test_the_texts_of_the_steps_are_sentences():
    for step in as_mnist(INK):
        assert step.title and step.text.endswith(".")


def test_without_inversion_the_colours_stay_as_they_are():
    np.testing.assert_allclose(last(["invert"]), 1 - last([]), atol=1e-6)
    np.testing.assert_allclose(last(["invert"], 255 - INK), last([]), atol=1e-6)
    for image in (INK, 255 - INK):
        np.testing.assert_array_equal(pictures(image, ["invert"])["drawn"], image / np.float32(255))


def test_without_crop_the_whole_sheet_becomes_20_pixels():
    picture = last(["crop", "stroke"])
    top, bottom, left, right = place(picture)
    assert 5 <= bottom - top <= 6 and 1 <= right - left <= 2  # 60 x 10 of 280 pixels
    assert abs((top + bottom) / 2 - 14) <= 1 and abs((left + right) / 2 - 14) <= 1
    assert pictures(without=["crop"])["crop"].shape == (280, 280)


def test_without_stroke_a_thin_pen_fades():
    thin = np.full((280, 280), 255, np.uint8)
    thin[40:240, 140:142] = thin[40:42, 60:140] = 0
    assert np.median(last([], thin).max(axis=1)[6:22]) > 0.7
    assert np.median(last(["stroke"], thin).max(axis=1)[6:22]) < 0.3


def test_a_wider_pen_leaves_the_whole_sheet_as_large_as_it_was():
    thin = np.full((280, 200), 255, np.uint8)
    thin[40:240, 100:102] = 0
    steps = pictures(thin, ["crop"])
    assert steps["stroke"].shape == steps["crop"].shape == thin.shape
    top, bottom, left, right = place(steps["stroke"])
    assert right - left > 10
    assert (top + bottom, left + right) == (280, 202), "the stroke stays where it was"


def test_without_scale_the_digit_keeps_its_size_on_the_sheet():
    top, bottom, left, right = place(last(["scale", "stroke"]))
    assert (bottom - top, right - left) == (6, 1)  # 60 x 10 of 280 pixels


def test_without_smoothing_each_pixel_is_one_of_the_drawing():
    page = np.full((280, 280), 255, np.uint8)
    page[60:195, 80:203] = np.where(np.eye(135, 123) > 0, 0, 255)
    page[60:195, 80:203] = np.minimum.reduce(
        [np.roll(page[60:195, 80:203], k, 1) for k in range(9)]
    )
    smooth, sampled = pictures(page), pictures(page, ["smooth"])
    np.testing.assert_array_equal(sampled["smooth"], sampled["scale"])
    assert np.isin(sampled["smooth"].round(5), [0, 1]).all()
    assert not np.isin(smooth["smooth"].round(5), [0, 1]).all()


def test_without_smoothing_each_pixel_is_the_middle_of_its_area():
    """So a picture that is its own mirror image stays one."""
    page = np.full((200, 200), 255, np.uint8)
    page[50:150, 50:150] = 0
    page[72:128, 72:128] = 255
    square = pictures(page, ["smooth"])["smooth"]
    for turned in (square[::-1], square[:, ::-1], square.T):
        np.testing.assert_array_equal(square, turned)


@pytest.mark.parametrize(
    ("top", "left", "wanted"),
    [(140, 20, (7, 27, 1, 4)), (0, 0, (0, 20, 0, 3)), (220, 270, (8, 28, 25, 28))],
)
def test_without_centring_the_digit_stays_where_it_was(top, left, wanted):
    page = np.full((280, 280), 255, np.uint8)
    page[top : top + 60, left : left + 10] = 0
    assert place(last(["centre"], page)) == wanted


def test_without_any_step_the_sheet_is_made_28_pixels():
    page = np.full((280, 280), 255, np.uint8)
    page.reshape(28, 10, 28, 10)[5:20, :, 3:9] = 20
    np.testing.assert_allclose(last(STEPS, page), page[5::10, 5::10] > 100, atol=1e-6)
    wide = page[40:210]
    np.testing.assert_allclose(last(STEPS, wide)[6:21], page[45:195:10, 5::10] > 100, atol=1e-6)
    assert last(STEPS, wide).shape == (28, 28)


def test_a_pen_that_sampling_misses_leaves_an_empty_image():
    page = np.full((280, 280), 255, np.uint8)
    page[:, 33] = 0
    assert not last(["crop", "stroke", "scale", "smooth"], page).any()
    assert np.isfinite(last(["stroke", "smooth"], page)).all()


@pytest.mark.parametrize(
    ("without", "error", "message"),
    [
        ("crop", TypeError, "without must be a list of names of steps, got 'crop'"),
        (None, TypeError, "without must be a list of names of steps, got None"),
        (3, TypeError, "without must be a list"),
        (["drawn"], ValueError, r"without must hold names of \['invert', .*, got 'drawn'"),
        ([["crop"]], ValueError, "without must hold names"),
        ([None], ValueError, "without must hold names"),
    ],
)
def test_only_steps_can_be_left_out(without, error, message):
    with pytest.raises(error, match=message):
        as_mnist(INK, without)


def test_an_image_without_ink_is_refused_with_its_name(tmp_path):
    with pytest.raises(ValueError, match="image must hold a digit, got no ink"):
        as_mnist(np.full((28, 28), 255))
    with pytest.raises(FileNotFoundError):
        as_mnist(tmp_path / "nothing.png", STEPS)
    image_module = pytest.importorskip("PIL.Image")
    image_module.new("L", (9, 9)).save(tmp_path / "blank.png")
    with pytest.raises(ValueError, match=r"blank\.png: must hold a digit"):
        as_mnist(tmp_path / "blank.png", STEPS)
