"""The convolution as a matrix product, and its drawing."""

from dataclasses import replace

import numpy as np
import pytest

from ch07_cnn import im2col_drawn
from ch07_cnn.im2col_drawn import experiment


@pytest.fixture(scope="module")
def result():
    return experiment.run()


def test_every_window_of_the_image_is_a_row(result):
    image = np.array([[1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])
    for row, (top, left) in zip(result.col, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        window = image[top : top + 3, left : left + 3]
        np.testing.assert_array_equal(row, window.ravel())
    np.testing.assert_array_equal(result.out, result.col @ result.col_W)
    np.testing.assert_array_equal(result.y[0, 0], [[15, 16], [6, 15]])
    # The left minus the right column of each window.
    np.testing.assert_array_equal(result.y[0, 1], [[-2, -2], [2, -2]])


def test_the_drawing_shows_all_numbers_and_frames_in_their_colors(result):
    result = replace_arrays(result)
    (axes,) = im2col_drawn.plot(result)["expansion"].axes
    numbers = [float(text.get_text()) for text in axes.texts if is_number(text.get_text())]
    wanted = [*np.tile(result.x.ravel(), 4), *result.col.ravel(), *result.col_W.ravel()]
    wanted += [*result.out.ravel(), *result.y.ravel()]
    assert numbers == pytest.approx(wanted)
    for i, color in enumerate(im2col_drawn.COLORS):
        frames = [line.get_xydata() for line in axes.lines if line.get_color() == color]
        sizes = [np.rint(np.ptp(xy, axis=0)).tolist() for xy in frames]
        assert sizes == [[3, 3], [9, 1], [2, 1], [1, 1], [1, 1]]
        inside = [seen(axes, xy) for xy in frames]
        row = result.col[i].tolist()
        assert inside[:2] == [row, row]
        assert inside[2] == result.out[i].tolist()
        assert inside[3:] == [[value] for value in result.out[i]]


def replace_arrays(result):
    """Return the result with numbers that all differ, so that none can stand for another."""
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    col = np.array([x[0, 0, i : i + 3, j : j + 3].ravel() for i in (0, 1) for j in (0, 1)])
    out = 100.0 + np.arange(8).reshape(4, 2)
    return replace(
        result,
        x=x,
        col=col,
        col_W=50.0 + np.arange(18).reshape(9, 2),
        out=out,
        y=out.T.reshape(1, 2, 2, 2),
    )


def is_number(text):
    return text.lstrip("-").replace(".", "").isdigit()


def seen(axes, frame):
    """Return the numbers within a frame, row by row."""
    (left, top), (right, bottom) = frame.min(axis=0), frame.max(axis=0)
    found = [
        (*text.get_position()[::-1], float(text.get_text()))
        for text in axes.texts
        if is_number(text.get_text())
        and left < text.get_position()[0] < right
        and top < text.get_position()[1] < bottom
    ]
    return [value for _, _, value in sorted(found)]
