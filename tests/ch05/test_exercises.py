import numpy as np
import pytest

from ch05_backprop.exercises import EXERCISES, experiment
from ch05_backprop.graph import Graph, Input
from dlbasics.layers import SigmoidWithLoss, SoftmaxWithLoss
from tests.helpers import failed, misjudged


def test_every_answer():
    assert failed(experiment.claims, experiment.run()) == []


def test_claims_refuse_wrong_answers():
    answers = [np.array(claim.book) for claim in experiment.claims]
    values = [(right, [1.001 * right, -right, np.nan * right, right[:-1]]) for right in answers]
    assert misjudged(experiment.claims, values) == []


def derivatives(name, **values):
    """Return the derivatives of an exercise with other numbers, by the names of its inputs."""
    graph = EXERCISES[name]
    inputs = [
        Input(edge.name, values.get(edge.name, edge.value), edge.at, edge.constant)
        for edge in graph.inputs
    ]
    return Graph(graph.title, inputs, graph.nodes, graph.upstream).run().derivatives


@pytest.mark.parametrize("seed", range(5))
def test_the_answers_on_the_chain_rule_hold_for_any_numbers(seed):
    a, x, y = np.random.default_rng(seed).normal(size=3)

    found = derivatives("squared_error", a=a, x=x, y=y)
    expected = 2 * x * (a * x - y), 2 * a * (a * x - y), -2 * (a * x - y)
    np.testing.assert_allclose([found[name] for name in "axy"], expected)

    found = derivatives("branches", x=x, y=y)
    np.testing.assert_allclose([found["x"], found["y"]], [2 * (x + y) + 3, 3 * y**2 + 2 * (x + y)])

    found = derivatives("functions_of_one", x=x)
    assert found["x"] == pytest.approx(3 * np.exp(x) - 2 * np.exp(-x))

    u = 1 / (1 + np.exp(y - x))
    found = derivatives("softmax_of_two", x=x, y=y)
    np.testing.assert_allclose([found["x"], found["y"]], np.array([-4, 4]) * u * (1 - u))


@pytest.mark.parametrize("seed", range(5))
def test_the_exercises_on_losses_are_the_layers(seed):
    x, y = np.random.default_rng(seed).normal(size=2)

    softmax, found = SoftmaxWithLoss(), derivatives("cross_entropy_of_two", x=x, y=y)
    softmax.forward(np.array([x, y]), np.array([0.25, 0.75]))
    np.testing.assert_allclose(softmax.backward(), [found["x"], found["y"]])

    sigmoid, found = SigmoidWithLoss(), derivatives("sigmoid_with_loss", x=x)
    sigmoid.forward(np.array([x]), np.array([0.3]))
    np.testing.assert_allclose(sigmoid.backward(), [found["x"]])
    assert found["y"] == pytest.approx(-x)
