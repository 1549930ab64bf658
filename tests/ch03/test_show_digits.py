import numpy as np
import pytest

from ch03_forward import show_digits


def images(*boxes):
    """Return images (N, 784), each with ink in a box (top, bottom, left, right)."""
    x = np.zeros((len(boxes), 28, 28))
    for image, (top, bottom, left, right) in zip(x, boxes, strict=True):
        image[top:bottom, left:right] = 1
    return x.reshape(-1, 784)


def test_sides_and_distances_are_those_of_the_ink():
    x = images((4, 24, 8, 20), (5, 8, 2, 27), (14, 15, 14, 15))
    assert show_digits.longer_sides(x).tolist() == [20, 25, 1]
    assert show_digits.distances_from_middle(x) == pytest.approx([0.5, 8, 0])


def test_the_sheet_has_a_row_for_each_digit():
    result = show_digits.experiment.run(train=50, test=20)
    assert result.sheet.shape == (10, show_digits.COLUMNS, 28, 28)
    assert result.shapes == {
        "x_train": (50, 784),
        "t_train": (50,),
        "x_test": (20, 784),
        "t_test": (20,),
    }
    assert result.shares.sum() == pytest.approx(1)
    (axes,) = show_digits.plot(result)["sheet"].axes
    drawn = axes.images[0].get_array()
    np.testing.assert_array_equal(drawn[28:56, 56:84], result.sheet[1, 2])
