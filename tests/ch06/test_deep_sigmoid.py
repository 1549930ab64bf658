"""Chapter 6, deep_sigmoid.py: what each remedy changes, the claims and the figure."""

from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques import deep_sigmoid
from ch06_techniques.deep_sigmoid import PLAIN, Config, Result, deepest_that_learns, experiment
from dlbasics.layers import BatchNorm, Relu, Sigmoid
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits


def test_depth_and_its_remedies_show_on_mnist(mnist):
    """The ends of the figure, after a few epochs."""

    def accuracy(kind, depth):
        kind, rng = deep_sigmoid.KINDS[kind], np.random.default_rng(0)
        network = deep_sigmoid.train(kind, depth, Config(epochs=6), mnist, rng)
        return network.accuracy(mnist.x_test[:1_000], mnist.t_test[:1_000])

    assert accuracy(PLAIN, 5) < 0.2
    assert accuracy("batch normalization", 5) > 0.6
    assert accuracy("all three", 5) > 0.8


def test_claims_read_the_kind_they_name():
    test_acc = {
        kind: [0.6 + n / 100] * n + [n / 100] * (7 - n)
        for n, kind in enumerate(deep_sigmoid.KINDS, start=1)
    }
    result = Result([*range(1, 8)], test_acc)
    assert_values(experiment.claims, result, [0.61, 0.01], [1, 2, 3, 4, 5, 6], 0.05)


def test_each_remedy_changes_what_its_name_says(recorded):
    result, networks = recorded(experiment, depths=(1, 3), train_size=150, epochs=2)
    assert result.depths == [1, 3]
    assert all(len(accuracies) == 2 for accuracies in result.test_acc.values())
    he = (2 / 50) ** 0.5
    wanted = {
        "sigmoid, std 0.01, SGD": (Sigmoid, 0.01, False, False),
        "He": (Sigmoid, he, False, False),
        "batch normalization": (Sigmoid, 0.01, True, False),
        "Adam": (Sigmoid, 0.01, False, True),
        "all three": (Sigmoid, he, True, True),
        "He and ReLU": (Relu, he, False, False),
    }
    assert list(wanted) == list(result.test_acc)
    for i, (kind, network) in enumerate(zip([*wanted.values()] * 2, networks, strict=True)):
        activation, std, normalized, adam = kind
        depth = 1 if i < len(wanted) else 3
        assert len(network.first) == depth + 1
        assert len(network.layers_of(activation)) == depth
        assert len(network.layers_of(BatchNorm)) == depth * normalized
        if depth == 3:
            assert network.first["W3"].std() == pytest.approx(std, rel=0.1)
        # All kinds have the same random numbers, scaled.
        W, first = network.first["W1"], networks[0].first["W1"]
        np.testing.assert_allclose(W / W.std(), first / first.std(), rtol=1e-4)

        assert [len(x) for x, _ in network.batches] == [100, 50] * 2
        assert network.different_images(2) == 150
        if adam:  # a step of Adam is about as long as its learning rate, 0.001
            last = f"W{depth + 1}"
            assert 0.003 < np.abs(network.params[last] - network.first[last]).max() < 0.0041
        else:
            network.assert_updated_by_sgd(0.1)


def test_accuracies_are_of_the_first_1000_test_images(monkeypatch):
    seen, few = [], few_digits()
    data = replace(few, x_test=np.tile(few.x_test, (3, 1)), t_test=np.tile(few.t_test, 3))

    class Network:
        def accuracy(self, x, t):
            seen.append((x, t))
            return len(seen) / 100

    monkeypatch.setattr(deep_sigmoid, "train", lambda *args: Network())
    result = experiment.run(data=data, depths=(1, 3))
    for x, t in seen:
        np.testing.assert_array_equal(x, data.x_test[:1_000])
        np.testing.assert_array_equal(t, data.t_test[:1_000])
    assert result.test_acc[PLAIN] == [0.01, 0.07]
    assert result.test_acc["He and ReLU"] == [0.06, 0.12]


def test_the_deepest_that_learns_and_the_figure():
    result = Result([1, 5, 20], {"He": [0.9, 0.6, 0.5], "Adam": [0.1, 0.2, 0.3]})
    assert deepest_that_learns(result, "He") == 5
    assert deepest_that_learns(result, "Adam") == 0
    (axes,) = experiment.plot(result)["accuracy"].axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 0.9], [5, 0.6], [20, 0.5]])
