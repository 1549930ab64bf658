import numpy as np
import pytest

from ch04_training import loss_functions


@pytest.fixture(scope="module")
def result():
    return loss_functions.experiment.run()


def test_losses_against_the_probability_of_the_right_digit(result):
    i = np.searchsorted(result.x, 0.5)
    p = result.x[i]
    assert p == pytest.approx(0.5, abs=0.001)
    assert result.cross_entropy[i] == pytest.approx(-np.log(p))
    assert result.squared_error[i] == pytest.approx(0.5 * (1 - p) ** 2 * (1 + 1 / 9))
    assert result.cross_entropy[-1] == pytest.approx(0, abs=1e-12)
    assert result.squared_error[-1] == pytest.approx(0, abs=1e-12)


def test_a_batch_has_the_mean_of_its_samples(result):
    assert result.batch_of_rows == pytest.approx(-(np.log(0.6) + np.log(0.1)) / 2)


def test_figures_have_the_books_axes_and_both_losses(result):
    figures = loss_functions.plot(result)
    (axes,) = figures["losses"].axes
    curves = [line.get_ydata() for line in axes.lines]
    np.testing.assert_array_equal(curves, [result.squared_error, result.cross_entropy])
    (axes,) = figures["figure_4_3"].axes
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(np.exp(y), x)
