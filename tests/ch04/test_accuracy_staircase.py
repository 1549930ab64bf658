import numpy as np
import pytest

from ch04_training import accuracy_staircase
from tests.helpers import few_digits

DIGITS = few_digits()
QUICK = accuracy_staircase.Config(hidden_size=10, iters_num=100, points=101)


@pytest.fixture(scope="module")
def result():
    return accuracy_staircase.run(QUICK, DIGITS, np.random.default_rng(0))


def test_each_step_is_a_whole_number_of_images(result):
    counts = result.accuracy * QUICK.images
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    assert len(np.unique(result.accuracy)) >= 3


def test_the_weight_moves_around_where_training_left_it(result):
    network = accuracy_staircase.trained_network(QUICK, DIGITS, np.random.default_rng(0))
    x, t = DIGITS.x_test[:100], DIGITS.t_test[:100]
    assert abs(result.trained) == np.abs(network.params["W2"]).max()
    assert result.weight[50] == pytest.approx(result.trained)
    assert result.loss[50] == pytest.approx(network.loss(x, t))
    assert result.accuracy[50] == network.accuracy(x, t)


def test_the_slope_of_the_loss_is_that_of_its_curve():
    settings = {"iters_num": 50, "points": 41, "reach": 0.1}
    result = accuracy_staircase.experiment.run(data=DIGITS, **settings)
    slope = np.gradient(result.loss, result.weight)
    np.testing.assert_allclose(result.loss_slope[1:-1], slope[1:-1], rtol=1e-3, atol=1e-6)


def test_the_panels_show_accuracy_and_loss(result):
    above, below = accuracy_staircase.plot(result)["accuracy_and_loss"].axes
    np.testing.assert_array_equal(above.lines[0].get_data(), (result.weight, result.accuracy))
    np.testing.assert_array_equal(below.lines[0].get_data(), (result.weight, result.loss))


def test_one_place_has_no_neighbours():
    with pytest.raises(ValueError, match="points must be at least 2, got 1"):
        accuracy_staircase.Config(points=1)


@pytest.mark.parametrize("value", [np.nan, 1.0])
def test_a_share_of_zeros_is_nan_if_one_of_the_values_is(value):
    share = accuracy_staircase.share_of_zeros(np.array([0.0, value, 0.0, 2.0]))
    np.testing.assert_equal(share, np.nan if np.isnan(value) else 0.5)
