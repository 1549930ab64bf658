"""Chapter 6, overfit_weight_decay.py."""

from ch06_techniques.overfit_weight_decay import experiment
from dlbasics.layers import Dropout
from tests.ch06.overfitting import Overfitting


class TestWeightDecay(Overfitting):
    experiment = experiment
    figures = ("figure_6_20", "figure_6_21")

    def test_the_second_network_has_weight_decay_alone(self, pair):
        _, (_, with_it) = pair
        assert with_it.regularizer.weight_decay_lambda == 0.1
        assert with_it.layers_of(Dropout) == []
