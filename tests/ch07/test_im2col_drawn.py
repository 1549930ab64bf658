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


def test_the_drawing_shows_all_numbers(result):
    """The numbers all differ here, so that none can stand for another."""
    x, col, col_W = np.arange(16.0), 20.0 + np.arange(36), 60.0 + np.arange(18)
    out = 100.0 + np.arange(8)
    arrays = {
        "x": x.reshape(1, 1, 4, 4),
        "col": col.reshape(4, 9),
        "col_W": col_W.reshape(9, 2),
        "out": out.reshape(4, 2),
        "y": out.reshape(4, 2).T.reshape(1, 2, 2, 2),
    }
    (axes,) = im2col_drawn.plot(replace(result, **arrays))["expansion"].axes
    texts = [text.get_text() for text in axes.texts]
    numbers = [float(text) for text in texts if text.lstrip("-").replace(".", "").isdigit()]
    assert numbers == [*x, *x, *x, *x, *col, *col_W, *out, *arrays["y"].ravel()]
