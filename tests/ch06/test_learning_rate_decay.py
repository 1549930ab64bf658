"""Chapter 6, learning_rate_decay.py: when the rate is lowered, and what the claims read."""

import numpy as np
import pytest

from ch06_techniques.learning_rate_decay import Result, experiment
from dlbasics.trainer import Trainer
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits


@pytest.fixture
def trainers(monkeypatch):
    """The trainers of a run, after their training."""
    seen, right = [], Trainer.train

    def train(self):
        seen.append(self)
        return right(self)

    monkeypatch.setattr(Trainer, "train", train)
    return seen


def test_the_rate_is_lowered_in_the_middle(trainers):
    result = experiment.run(data=few_digits(), train_size=250, epochs=4)
    for trainer in trainers:
        assert len(trainer.x_train) == 250
        np.testing.assert_array_equal(trainer.x_test, few_digits().x_test)
    assert result.lowered_after == 2
    high, low, lowered = (trainer.history.lr for trainer in trainers)
    assert high == [1.0] * 12
    assert low == pytest.approx([0.1] * 12)
    assert lowered == pytest.approx([1.0] * 6 + [0.1] * 6)
    losses = [np.reshape(trainer.history.train_loss, (4, 3)).mean(axis=1) for trainer in trainers]
    np.testing.assert_allclose([*result.train_loss.values()], losses)
    for curves in (result.train_loss, result.test_acc):
        assert curves["high"][:2] == curves["lowered"][:2]
        assert curves["high"][2:] != curves["lowered"][2:]
        assert curves["low"] != curves["high"]


@pytest.mark.parametrize("epochs, high", [(1, 1), (3, 2), (5, 3)])
def test_the_rate_is_lowered_once_in_an_odd_number_of_epochs(epochs, high, trainers):
    result = experiment.run(data=few_digits(), train_size=100, epochs=epochs)
    assert result.lowered_after == high
    assert trainers[-1].history.lr == pytest.approx([1.0] * high + [0.1] * (epochs - high))


def test_claims_and_figure_have_the_numbers_of_the_result():
    curves = {name: [*range(i, i + 6)] for i, name in enumerate(("high", "low", "lowered"))}
    result = Result(3, curves, curves)
    assert_values(experiment.claims, result, [0, 1], [4, 5], [3, 4, 5])
    for axes in experiment.plot(result)["loss_and_accuracy"].axes:
        np.testing.assert_array_equal(axes.lines[1].get_xydata()[0], [1, 1])
        assert axes.lines[3].get_xdata()[0] == 3.5
