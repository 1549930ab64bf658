from dataclasses import replace

import numpy as np
import pytest

from ch05_backprop.exercises import EXERCISES, experiment
from dlbasics.layers import SigmoidWithLoss, SoftmaxWithLoss
from tests.ch05.helpers import check_formulas


def test_claims_refuse_wrong_answers():
    for claim in experiment.claims:
        right = np.array(claim.book)
        wrong = [1.001 * right, -right, np.nan * right, right[:-1]]
        assert claim.holds(right)
        assert not any(map(claim.holds, wrong))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", EXERCISES)
def test_the_answers_on_the_chain_rule_hold_for_any_numbers(name, seed):
    graph, rng = EXERCISES[name], np.random.default_rng(seed)
    inputs = [
        edge if edge.constant else replace(edge, value=rng.standard_normal())
        for edge in graph.inputs
    ]
    check_formulas(replace(graph, inputs=inputs))


def test_the_exercises_on_losses_are_the_layers():
    layer, flow = SoftmaxWithLoss(), EXERCISES["cross_entropy_of_two"].run()
    loss = layer.forward(np.log([3.0, 1.0]), np.array([0.25, 0.75]))
    assert loss == pytest.approx(flow.values["L"])
    np.testing.assert_allclose(layer.backward(), [flow.derivatives[name] for name in "xy"])

    layer, flow = SigmoidWithLoss(), EXERCISES["sigmoid_with_loss"].run()
    loss = layer.forward(np.log([4.0]), np.array([0.3]))
    assert loss == pytest.approx(flow.values["L"])
    np.testing.assert_allclose(layer.backward(), [flow.derivatives["x"]])
