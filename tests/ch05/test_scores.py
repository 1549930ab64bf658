"""Chapter 5, scores.py: the two scores that figure 5.31 prints, and a network of our own."""

import numpy as np
import pytest

from ch05_backprop import scores
from tests.helpers import few_digits


@pytest.fixture(scope="module")
def result():
    return scores.experiment.run(data=few_digits())


def test_the_books_two_scores_give_its_probabilities_within_a_range_of_the_others():
    low, high = scores.range_of_others()
    for other in (low, high):
        y = np.exp([5.3, 10.1]) / (np.exp([5.3, 10.1]).sum() + 8 * np.exp(other))
        assert np.round(y, 3).tolist() == [0.008, 0.991]
    for other in (low - 0.01, high + 0.01):
        y = np.exp([5.3, 10.1]) / (np.exp([5.3, 10.1]).sum() + 8 * np.exp(other))
        assert np.round(y, 3).tolist() != [0.008, 0.991]


def test_the_image_is_the_first_2_and_its_probabilities_are_the_softmax_of_its_scores(result):
    data = few_digits()
    i = data.t_test.tolist().index(2)
    assert np.array_equal(result.image, data.x_test[i])
    y = np.exp(result.scores.astype(float))
    np.testing.assert_allclose(result.probabilities, y / y.sum(), rtol=1e-4)


def test_the_figure_shows_the_image_and_both_kinds_of_bars(result):
    picture, *panels = scores.plot(result)["figure_5_31"].axes
    assert np.array_equal(picture.images[0].get_array().ravel(), result.image)
    for axes, values in zip(panels, (result.scores, result.probabilities), strict=True):
        widths = [bar.get_width() for bar in axes.patches]
        np.testing.assert_allclose(widths, values)
