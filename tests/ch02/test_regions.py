import numpy as np
import pytest

from ch02_perceptron import regions
from ch02_perceptron.gates import perceptron


@pytest.fixture(scope="module")
def result():
    return regions.experiment.run(angles=4, offsets=5)


def test_regions_are_half_a_plane_and_a_band(result):
    x1, x2 = np.meshgrid(result.x, result.x)
    total = x1 + x2
    # On the border itself the output depends on rounding.
    sure = (abs(total - 0.5) > 1e-9) & (abs(total - 0.4) > 1e-9) & (abs(total - 1.4) > 1e-9)
    assert sure.sum() > 150_000
    np.testing.assert_array_equal(result.or_region[sure], (total > 0.5)[sure])
    band = (total > 0.4) & (total < 1.4)
    np.testing.assert_array_equal(result.xor_region[sure], band[sure])


def test_rows_of_a_region_are_values_of_x2():
    """The book's regions would look the same with x1 and x2 exchanged; this one does not."""
    x = np.array([0.0, 1.0])
    figure = regions.region_figure(x, perceptron(*np.meshgrid(x, x), np.array([1, 0]), -0.5), "OR")
    (axes,) = figure.axes
    (contours,) = axes.collections
    zero, one = (path.get_extents() for path in contours.get_paths())
    assert (zero.x0, zero.x1, zero.y0, zero.y1) == (0, 0.5, 0, 1)
    assert (one.x0, one.x1, one.y0, one.y1) == (0.5, 1, 0, 1)


def test_lines_of_every_angle_pass_over_all_four_points():
    tables = regions.tables_of_lines(72, 81).reshape(72, 81, 4)
    assert tables[:, 0].all()
    assert not tables[:, -1].any()


def test_circles_are_the_points_of_class_0(result):
    figures = regions.plot(result)
    for name, zeros in (("figure_2_6", [[0, 0]]), ("figure_2_7", [[0, 0], [1, 1]])):
        (axes,) = figures[name].axes
        (circles,) = [line for line in axes.lines if line.get_marker() == "o"]
        assert circles.get_xydata().tolist() == zeros
