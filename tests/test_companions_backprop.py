"""What other texts do with backpropagation: exercises, a network by hand, and its training."""

import numpy as np
import pytest

from ch05_backprop import exercises
from ch05_backprop.exercises import EXERCISES
from ch05_backprop.graph import Graph, Input
from dlbasics.experiment import judge
from dlbasics.layers import SigmoidWithLoss, SoftmaxWithLoss

NAN = float("nan")


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if not verdict.holds]


# Exercises


def test_every_answer_of_the_exercises():
    assert failed(exercises, exercises.run()) == []


@pytest.mark.parametrize("wrong", [1.001, -1, NAN])
def test_no_wrong_answer_passes(wrong):
    for claim in exercises.CLAIMS:
        assert claim.holds(np.array(claim.book))
        assert not claim.holds(wrong * np.array(claim.book)), claim.text
        assert not claim.holds(np.array(claim.book)[:-1]), claim.text


def answers(name, **values):
    """The derivatives of an exercise with other numbers, by the names of its inputs."""
    graph = EXERCISES[name]
    inputs = [
        Input(edge.name, values.get(edge.name, edge.value), edge.at, edge.constant)
        for edge in graph.inputs
    ]
    return Graph(graph.title, inputs, graph.nodes, graph.upstream).run().derivatives


@pytest.mark.parametrize("seed", range(5))
def test_the_chain_rule_is_that_of_the_answers_at_any_numbers(seed):
    a, x, y = np.random.default_rng(seed).normal(size=3)

    found = answers("squared_error", a=a, x=x, y=y)
    expected = 2 * x * (a * x - y), 2 * a * (a * x - y), -2 * (a * x - y)
    np.testing.assert_allclose([found[name] for name in "axy"], expected)

    found = answers("branches", x=x, y=y)
    np.testing.assert_allclose([found["x"], found["y"]], [2 * (x + y) + 3, 3 * y**2 + 2 * (x + y)])

    found = answers("functions_of_one", x=x)
    assert found["x"] == pytest.approx(3 * np.exp(x) - 2 * np.exp(-x))

    u = 1 / (1 + np.exp(y - x))
    found = answers("softmax_of_two", x=x, y=y)
    np.testing.assert_allclose([found["x"], found["y"]], np.array([-4, 4]) * u * (1 - u))


@pytest.mark.parametrize("seed", range(5))
def test_the_exercises_on_losses_are_the_layers(seed):
    x, y = np.random.default_rng(seed).normal(size=2)

    softmax, found = SoftmaxWithLoss(), answers("cross_entropy_of_two", x=x, y=y)
    softmax.forward(np.array([x, y]), np.array([0.25, 0.75]))
    np.testing.assert_allclose(softmax.backward(), [found["x"], found["y"]])

    sigmoid, found = SigmoidWithLoss(), answers("sigmoid_with_loss", x=x)
    sigmoid.forward(np.array([x]), np.array([0.3]))
    np.testing.assert_allclose(sigmoid.backward(), [found["x"]])
    assert found["y"] == pytest.approx(-x)
