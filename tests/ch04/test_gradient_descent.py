import numpy as np
import pytest

from ch04_training import gradient_descent


@pytest.fixture(scope="module")
def result():
    return gradient_descent.experiment.run()


def test_each_step_of_lr_01_takes_a_fifth_of_the_distance(result):
    expected = np.outer(0.8 ** np.arange(21), (-3, 4))
    np.testing.assert_allclose(result.path, expected, atol=1e-9)
    assert gradient_descent.INIT_X.tolist() == [-3, 4], "the start was changed"


@pytest.mark.parametrize("lr, factor", [(0.01, 0.98), (1.0, 1.0), (1.1, 1.2)])
def test_a_step_multiplies_the_distance_by_1_minus_2_lr(result, lr, factor):
    distance = result.distances[result.learning_rates.index(lr)]
    np.testing.assert_allclose(distance, 5 * factor ** np.arange(51), rtol=1e-6)


def test_figure_4_10_has_circles_and_the_path(result):
    (axes,) = gradient_descent.plot(result)["figure_4_10"].axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), result.path)
    (circles,) = axes.collections
    for radius, path in zip(range(1, 7), circles.get_paths(), strict=True):
        np.testing.assert_allclose(np.hypot(*path.vertices.T), radius, rtol=1e-3)


def test_a_curve_for_each_learning_rate_is_drawn(result):
    (axes,) = gradient_descent.plot(result)["learning_rates"].axes
    np.testing.assert_array_equal([line.get_ydata() for line in axes.lines], result.distances)
    # Two curves coincide: the upper one has gaps.
    flat = [line.get_linestyle() for line in axes.lines if np.ptp(line.get_ydata()) < 1e-6]
    assert flat == ["-", "--"]
