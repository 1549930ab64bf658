"""Strokes of digits on a pad, and their pictures."""

import numpy as np
import pytest

from ch08_deep.strokes import (
    KEY_POINTS,
    KINDS,
    PEN,
    PIXELS,
    PROGRAMMES,
    Writer,
    corners_cut,
    draw_strokes,
    movement_path,
    picture,
)

pytestmark = pytest.mark.long

T = np.arange(100) % 10


def box(drawing):
    points = np.concatenate(drawing.strokes)
    return points.min(axis=0), points.max(axis=0)


def heights(kind):
    return np.array([np.max(np.subtract(*box(d)[::-1])) for d in draw_strokes(T, rng(), kind)])


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_strokes_are_places_on_the_pad_in_whole_pixels(kind):
    for drawing in draw_strokes(T, rng(), kind):
        assert 0 < drawing.pen < 0.2
        for stroke in drawing.strokes:
            assert stroke.shape[0] >= 4 and stroke.shape[1:] == (2,)
            assert 0 <= stroke.min() <= stroke.max() <= 1
            np.testing.assert_allclose(stroke * PIXELS, np.round(stroke * PIXELS), atol=1e-9)


def test_each_kind_has_its_property():
    centres = {
        kind: np.array([np.mean(box(d), axis=0) for d in draw_strokes(T, rng(), kind)])
        for kind in ("usual", "off-centre")
    }
    assert np.abs(centres["usual"] - 0.5).max() < 0.1 < np.std(centres["off-centre"])
    assert heights("small").max() < 0.4 < heights("usual").min()
    assert heights("usual").max() < 0.76 < heights("large").min()
    pens = {kind: [d.pen for d in draw_strokes(T, rng(), kind)] for kind in KINDS}
    assert max(pens["thin"]) < min(pens["usual"]) < PEN < max(pens["usual"]) < min(pens["thick"])
    ones = [
        np.abs(np.subtract(*box(d)))
        for d in draw_strokes(np.ones(200, int), rng(), "slanted")
        if len(d.strokes) == 1
    ]
    assert np.median([width / height for width, height in ones]) > 0.3


def test_the_same_seed_draws_the_same_and_no_two_digits_are_equal():
    first, again = draw_strokes(T, rng()), draw_strokes(T, rng())
    for a, b in zip(first, again, strict=True):
        for stroke, same in zip(a.strokes, b.strokes, strict=True):
            np.testing.assert_array_equal(stroke, same)
    pictures = {picture(*drawing, side=56).tobytes() for drawing in draw_strokes(T * 0, rng())}
    assert len(pictures) == len(T)


def test_both_generators_draw_every_form_of_every_digit():
    drawn = set()
    for seed in range(300):
        writer = Writer(rng(seed))
        for digit, form in writer.form.items():
            drawn.add((writer.generator.__name__, digit, int(form)))
            assert len(writer.write(digit, rng(seed))) == 1 + writer.forms[digit][form][1].count(
                "|"
            )
    forms = sum(len(f) for all_of in (PROGRAMMES, KEY_POINTS) for f in all_of.values())
    assert len(drawn) == forms >= 2 * 10 + 10


def test_a_writer_has_habits():
    """Ten digits in a row come from one writer: the same form, the same slant."""

    def slants(drawings):
        sticks = [d.strokes[0] for d in drawings]
        return [(s[0, 0] - s[-1, 0]) / (s[-1, 1] - s[0, 1]) for s in sticks]

    written = np.array(slants(draw_strokes(np.ones(400, int), rng()))).reshape(40, 10)
    assert 2 * written.std(axis=1).mean() < written.mean(axis=1).std()


def test_movements_are_lines_and_arcs_that_start_and_end_slowly():
    ends = np.array([[0.0, 0], [1, 0], [1, 1]])
    line = movement_path(ends[:2], np.zeros(1), 0)
    np.testing.assert_allclose(line[:, 1], 0, atol=1e-5)
    steps = np.diff(line[:, 0])
    assert steps[0] < 0.01 * steps.max() > steps[-1] and steps.argmax() in (98, 99, 100)
    # Half a circle from left to right, clockwise on the screen: its top is above, at (0.5, -0.5).
    half = movement_path(ends[:2], np.ones(1), 0)
    np.testing.assert_allclose(np.hypot(half[:, 0] - 0.5, half[:, 1]), 0.5)
    assert half[:, 1].min() == pytest.approx(-0.5, abs=1e-3) and half[:, 1].max() < 1e-9
    near = [
        np.hypot(*(movement_path(ends, np.zeros(2), overlap) - [1, 0]).T).min()
        for overlap in (0, 0.3)
    ]
    assert near[0] < 1e-3 and 0.01 < near[1] < 0.2  # an overlap makes the corner round


def test_a_curve_passes_by_key_points_and_keeps_double_ones_as_corners():
    points = np.array([[0.0, 0], [1, 0], [1, 1]])
    near = [
        np.hypot(*(corners_cut(way) - [1, 0]).T).min() for way in (points, points[[0, 1, 1, 2]])
    ]
    assert near[0] > 0.15 > 0.05 > near[1]
    np.testing.assert_array_equal(corners_cut(points)[[0, -1]], points[[0, -1]])


def test_a_picture_has_dark_ink_on_light_paper_and_a_round_pen():
    line = np.array([[0.25, 0.5], [0.75, 0.5]])
    image = picture([line], 0.2, side=100)
    assert (image.shape, image.dtype) == ((100, 100), np.uint8)
    assert image[50, 50] == 0 and image[0, 0] == 255
    assert (image[:, 50] < 128).sum() == 20
    assert (image[50] < 128).sum() == 50 + 20
    assert image[41, 16] == 255  # the corner of a square pen
    assert (255 - picture([line], 0.001, side=100)).max() < 255  # less than a pixel is grey


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of usual, .*got 'tall'"):
        draw_strokes(T, rng(), "tall")
