import numpy as np
import pytest

from ch04_training import numerical_differentiation


@pytest.fixture(scope="module")
def result():
    return numerical_differentiation.experiment.run()


def test_a_tangent_touches_the_parabola_once_and_lies_below_it(result):
    for place, tangent in zip(result.places, result.tangents, strict=True):
        above = 0.01 * (result.x - place) ** 2
        np.testing.assert_allclose(result.y - tangent, above, atol=1e-10)


def test_figure_4_7_draws_the_tangents(result):
    panels = numerical_differentiation.plot(result)["figure_4_7"].axes
    for axes, at, slope in zip(panels, (5, 10), (0.2, 0.3), strict=True):
        (x, y), (along, tangent) = (line.get_data() for line in axes.lines[:2])
        np.testing.assert_allclose(y, 0.01 * x**2 + 0.1 * x)
        expected = 0.01 * at**2 + 0.1 * at + slope * (along - at)
        np.testing.assert_allclose(tangent, expected, atol=1e-9)


def test_figure_4_6_draws_the_parabola_from_0_to_20(result):
    (axes,) = numerical_differentiation.plot(result)["figure_4_6"].axes
    x, y = axes.lines[0].get_data()
    assert (x[0], x[-1], y[-1]) == pytest.approx((0, 20, 6))
