import numpy as np
import pytest

from ch04_training import step_and_sigmoid


def logistic(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture(scope="module")
def result():
    return step_and_sigmoid.experiment.run()


def test_tangents_of_figure_4_4_have_the_slopes_of_the_functions(result):
    step, sigmoid = step_and_sigmoid.plot(result)["figure_4_4"].axes
    for axes, y, slope in (
        (step, lambda x: np.heaviside(x, 0), lambda x: 0 * x),
        (sigmoid, logistic, lambda x: logistic(x) * (1 - logistic(x))),
    ):
        graph, *others = (line.get_xydata() for line in axes.lines)
        np.testing.assert_allclose(graph[:, 1], y(graph[:, 0]), atol=1e-12)
        tangents = [(a, b) for line in others if len(line) == 2 for a, b in [line]]
        places = np.array([(a[0] + b[0]) / 2 for a, b in tangents])
        np.testing.assert_allclose(places, [-3, -1, 1, 3])
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in tangents]
        np.testing.assert_allclose(slopes, slope(places), atol=1e-8)
        np.testing.assert_allclose([(a[1] + b[1]) / 2 for a, b in tangents], y(places))


def test_the_step_has_a_slope_at_its_jump_alone(result):
    (jump,) = np.flatnonzero(result.slope["step function"])
    assert result.x[jump] == pytest.approx(0, abs=1e-12)


def test_the_slope_of_the_sigmoid_is_y_times_1_minus_y(result):
    y = logistic(result.x)
    np.testing.assert_allclose(result.slope["sigmoid"], y * (1 - y), atol=1e-9)
    y = result.y_at_places["sigmoid"]
    np.testing.assert_allclose(result.slope_at_places["sigmoid"], y * (1 - y), atol=1e-9)
