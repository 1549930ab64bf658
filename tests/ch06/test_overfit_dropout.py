"""Chapter 6, overfit_dropout.py: its claims, its two networks, and the figure.

What it shares with overfit_weight_decay.py is tested there.
"""

import pytest

from ch06_techniques.overfit_dropout import Config, experiment
from dlbasics.layers import Dropout
from tests.ch06.helpers import assert_same_start_and_batches
from tests.ch06.test_overfit_weight_decay import (
    assert_claims_hold_with_five_other_seeds,
    assert_figures_show_the_accuracies,
)


@pytest.mark.slow
def test_claims_hold_with_five_other_seeds_on_mnist(mnist):
    assert_claims_hold_with_five_other_seeds(experiment, mnist)


def test_the_two_networks_differ_in_dropout_alone(recorded):
    _, (without, with_it) = recorded(experiment, epochs=2, learning_rate=0.004)
    assert_same_start_and_batches(without, with_it)
    assert without.layers_of(Dropout) == []
    assert [layer.dropout_ratio for layer in with_it.layers_of(Dropout)] == [0.15] * 6
    assert without.regularizer is with_it.regularizer is None
    for network in (without, with_it):
        network.assert_updated_by_sgd(0.004)


def test_the_figure_shows_the_accuracies():
    assert_figures_show_the_accuracies(experiment)


def test_the_settings_are_the_books():
    assert Config() == Config(train_size=300, epochs=301, batch_size=100, learning_rate=0.01)
