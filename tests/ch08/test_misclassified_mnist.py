"""The errors of the trained network."""

import numpy as np
import pytest

from ch08_deep import misclassified_mnist, train_deepnet
from ch08_deep.misclassified_mnist import experiment
from dlbasics.functions import softmax
from tests.helpers import few_digits


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits())


def test_errors_are_all_there_the_most_confident_first(result):
    y = softmax(train_deepnet.trained_network().predict(few_digits().x_test.reshape(-1, 1, 28, 28)))
    wrong = {i for i in range(len(y)) if y[i].argmax() != few_digits().t_test[i]}
    errors = result.errors
    assert len(wrong) >= 10
    assert set(errors.index.tolist()) == wrong
    assert (np.diff(errors.confidence) <= 0).all()
    for i, index in enumerate(errors.index):
        assert errors.labels[i] == few_digits().t_test[index]
        assert errors.guesses[i] == y[index].argmax()
        assert errors.confidence[i] == y[index].max()
        assert np.sum(y[index] > y[index, result.second[i]]) == 1
    right = [y[i].max() for i in range(len(y)) if i not in wrong]
    assert result.sure == pytest.approx(np.mean(right))


def test_figure_8_2_shows_errors_with_label_guess_and_confidence(result):
    figure = misclassified_mnist.plot(result)["figure_8_2"]
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == min(len(result.errors), 80)
    for i, axes in enumerate(shown):
        index = result.errors.index[i]
        assert np.array_equal(np.ravel(axes.images[0].get_array()), few_digits().x_test[index])
        label, guess = f"label {result.errors.labels[i]}", f"guess {result.errors.guesses[i]}"
        assert axes.get_title() == f"{label}\n{guess}, {result.errors.confidence[i]:.0%}"
