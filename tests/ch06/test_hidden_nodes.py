"""Chapter 6, hidden_nodes.py: the trainings, their times, the claims and the figure."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from ch06_techniques import hidden_nodes
from ch06_techniques.hidden_nodes import Config, Result, distance_from_line, experiment, gaps, line
from dlbasics.data import minibatches
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits


def test_the_last_accuracies_are_those_of_training_by_hand():
    data, rng = few_digits(), np.random.default_rng(4)
    result = experiment.run(seed=4, data=data, hidden_sizes=(12,), epochs=2, learning_rate=0.5)
    network = MultiLayerNet(784, [12], 10, "sigmoid", "sigmoid", rng=rng)
    for _ in range(2):
        seed = rng.integers(2**32)
        for x, t in minibatches(data.x_train, data.t_train, 100, rng=seed):
            SGD(0.5).update(network.params, network.gradient(x, t))
    assert result.train_acc.tolist() == [[network.accuracy(data.x_train, data.t_train)]]
    assert result.test_acc.tolist() == [[network.accuracy(data.x_test, data.t_test)]]


def test_all_sizes_take_the_same_batches_and_their_seconds_add_up(monkeypatch):
    drawn = []

    def train_epoch(network, data, config, rng):
        drawn.append(rng.random())
        return len(network.params["b1"])

    monkeypatch.setattr(hidden_nodes, "train_epoch", train_epoch)
    result = experiment.run(data=few_digits(), hidden_sizes=(10, 20), epochs=3, evaluate_every=2)
    assert result.epochs == [2, 3]
    assert result.train_acc.shape == result.test_acc.shape == (2, 2)
    assert result.seconds == [30, 60]
    assert drawn[::2] == drawn[1::2]
    assert len({*drawn}) == 3


def test_the_seconds_of_an_epoch_span_all_its_batches(monkeypatch):
    """The clock of this test goes one second further with each gradient."""
    gradients = []

    class Network(MultiLayerNet):
        def gradient(self, x, t):
            gradients.append(len(x))
            return super().gradient(x, t)

    clock = SimpleNamespace(process_time=lambda: 7.0 + len(gradients))
    monkeypatch.setattr(hidden_nodes, "time", clock)
    network = Network(784, [2], 10, rng=0)
    seconds = hidden_nodes.train_epoch(network, few_digits(), Config(), np.random.default_rng(0))
    assert gradients == [100] * 20
    assert seconds == 20


def test_claims_and_figure_have_the_numbers_of_the_result():
    train_acc, test_acc = np.array([[0.5, 0.8], [0.6, 0.9]]), np.array([[0.4, 0.6], [0.3, 0.5]])
    result = Result((50, 100), [1.0, 2.0], [5, 10], train_acc, test_acc)
    np.testing.assert_allclose(gaps(result), [[0.1, 0.2], [0.3, 0.4]])
    last, gap = [[0.6, 0.5], [0.8, 0.9]], [0.2, 0.3]
    assert_values(experiment.claims, result, [1, 2], 0, *last, gap)
    _, accuracy, gap = experiment.plot(result)["time_and_accuracy"].axes
    for axes, curves in ((accuracy, [[0.8, 0.9], [0.6, 0.5]]), (gap, [[0.1, 0.2], [0.3, 0.4]])):
        np.testing.assert_allclose([line.get_ydata() for line in axes.lines[:2]], curves)


def test_the_line_through_times_and_the_distance_from_it():
    nothing = np.zeros((3, 1))
    exact = Result((50, 100, 150), [12.0, 22.0, 32.0], [1], nothing, nothing)
    assert np.allclose(line(exact), (0.2, 2))
    assert distance_from_line(exact) < 1e-12
    bent = replace(exact, seconds=[12.0, 22.0, 38.0])  # the line: 11, 24, 37
    assert np.isclose(distance_from_line(bent), 2 / 38)


def test_a_gap_grows_within_some_epochs_on_mnist(mnist):
    few = replace(mnist, x_train=mnist.x_train[:2_000], t_train=mnist.t_train[:2_000])
    result = experiment.run(
        data=few, hidden_sizes=(50,), epochs=40, learning_rate=0.5, evaluate_every=4
    )
    first, *_, last = gaps(result)[0]
    assert last > first + 0.02


def test_settings_are_those_of_the_text():
    assert Config() == Config((50, 100, 150, 200, 250, 300), 50, 100, 0.1)
