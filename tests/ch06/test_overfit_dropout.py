"""Chapter 6, overfit_dropout.py."""

from ch06_techniques.overfit_dropout import experiment
from dlbasics.layers import Dropout
from tests.ch06.overfitting import Overfitting


class TestDropout(Overfitting):
    experiment = experiment
    figures = ("figure_6_23",)

    def test_the_second_network_has_dropout_alone(self, pair):
        _, (_, with_it) = pair
        assert [layer.dropout_ratio for layer in with_it.layers_of(Dropout)] == [0.15] * 6
        assert with_it.regularizer is None
