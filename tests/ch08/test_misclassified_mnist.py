"""The errors of the trained network."""

from dataclasses import replace

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
    assert len(wrong) >= 10
    assert set(result.index.tolist()) == wrong
    assert (np.diff(result.confidence) <= 0).all()
    assert (result.guesses != result.labels).all()
    for i, index in enumerate(result.index):
        assert result.labels[i] == few_digits().t_test[index]
        assert result.guesses[i] == y[index].argmax()
        assert result.confidence[i] == y[index].max()
        assert np.sum(y[index] > y[index, result.second[i]]) == 1
        assert np.array_equal(result.images[i], few_digits().x_test[index])
    right = [y[i].max() for i in range(len(y)) if i not in wrong]
    assert result.sure == pytest.approx(np.mean(right))


@pytest.mark.parametrize("count", [0, 3, 8, 1_000])
def test_figure_8_2_shows_errors_with_label_guess_and_confidence(result, count, monkeypatch):
    monkeypatch.setattr(misclassified_mnist, "COLUMNS", 5)
    monkeypatch.setattr(misclassified_mnist, "SHOWN", 8)
    names = ("index", "images", "labels", "guesses", "confidence", "second")
    all_errors = result
    result = replace(all_errors, **{name: getattr(all_errors, name)[:count] for name in names})
    figure = misclassified_mnist.plot(result)["figure_8_2"]
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == min(len(result.index), misclassified_mnist.SHOWN)
    for i, axes in enumerate(shown):
        assert np.array_equal(np.ravel(axes.images[0].get_array()), result.images[i])
        label, guess = f"label {result.labels[i]}", f"guess {result.guesses[i]}"
        assert axes.get_title() == f"{label}\n{guess}, {result.confidence[i]:.0%}"
