"""Chapter 6, deep_sigmoid.py: what each remedy changes, the claims and the figure."""

from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques import deep_sigmoid
from ch06_techniques.deep_sigmoid import (
    KINDS,
    PLAIN,
    Config,
    Result,
    deepest_that_learns,
    experiment,
)
from tests.ch06.helpers import NAN, assert_bounds, assert_values
from tests.helpers import failed, few_digits


def train(kind, depth, data, **settings):
    rng = np.random.default_rng(0)
    return deep_sigmoid.train(KINDS[kind], depth, Config(**settings), data, rng)


@pytest.mark.long
def test_depth_and_its_remedies_show_on_mnist(mnist):
    """The ends of the figure, after a few epochs."""

    def accuracy(kind, depth):
        network = train(kind, depth, mnist, epochs=6)
        return network.accuracy(mnist.x_test[:1_000], mnist.t_test[:1_000])

    assert accuracy(PLAIN, 5) < 0.2
    assert accuracy("batch normalization", 5) > 0.6
    assert accuracy("all three", 5) > 0.8


@pytest.mark.slow
def test_every_claim_holds_on_mnist(mnist):
    assert failed(experiment.claims, experiment.run(data=mnist)) == []


def test_claims_know_right_values_from_wrong_ones():
    assert_bounds(
        experiment.claims,
        ([0.664, 0.116], [[0.1, 0.1], [0.8, 0.8], [NAN, 0.1], [0.8, NAN]]),
        (1, [0, 2, 20, NAN]),
        (2, [1, 5, NAN]),
        (5, [3, 20, NAN]),
        (2, [1, 10, NAN]),
        (20, [10, 0, NAN]),
        (20, [5, 0, NAN]),
        (0.894, [0.1, 0.7, NAN]),
    )


def test_claims_read_the_kind_they_name():
    test_acc = {
        kind: [0.6 + n / 100] * n + [n / 100] * (7 - n) for n, kind in enumerate(KINDS, start=1)
    }
    result = Result([*range(1, 8)], test_acc)
    assert_values(experiment.claims, result, [0.61, 0.01], 1, 2, 3, 4, 5, 6, 0.05)


@pytest.fixture
def trained(monkeypatch):
    """The result of a run with two depths; name, learning rate and first weights of optimizers."""
    seen = []
    for name in ("SGD", "Adam"):
        kind = getattr(deep_sigmoid, name)

        class Watched(kind):
            def update(self, params, grads):
                if self.iter == 0:
                    first = {key: param.copy() for key, param in params.items()}
                    seen.append((type(self).__bases__[0].__name__, self.lr, first))
                super().update(params, grads)

        monkeypatch.setattr(deep_sigmoid, name, Watched)
    result = experiment.run(data=few_digits(), depths=(1, 3), train_size=200, epochs=1)
    return result, seen


def test_each_remedy_changes_what_its_name_says(trained):
    result, seen = trained
    assert result.depths == [1, 3]
    assert all(len(accuracies) == 2 for accuracies in result.test_acc.values())
    he = (2 / 50) ** 0.5
    wanted = {
        "sigmoid, std 0.01, SGD": (0.01, False, "SGD", 0.1),
        "He": (he, False, "SGD", 0.1),
        "batch normalization": (0.01, True, "SGD", 0.1),
        "Adam": (0.01, False, "Adam", 0.001),
        "all three": (he, True, "Adam", 0.001),
        "He and ReLU": (he, False, "SGD", 0.1),
    }
    assert list(wanted) == list(result.test_acc)
    kinds = [*wanted.values()] * 2
    for i, ((std, normalized, *optimizer), (name, lr, params)) in enumerate(
        zip(kinds, seen, strict=True)
    ):
        depth = 1 if i < len(wanted) else 3
        assert [name, lr] == optimizer
        assert sum(key.startswith("W") for key in params) == depth + 1
        assert ("gamma1" in params) == normalized
        if depth == 3:
            assert params["W3"].std() == pytest.approx(std, rel=0.1)
        # All kinds have the same random numbers, scaled.
        W, first = params["W1"], seen[0][2]["W1"]
        np.testing.assert_allclose(W / W.std(), first / first.std(), rtol=1e-4)


def test_only_the_last_kind_has_relu():
    for kind in KINDS:
        layers = train(kind, 2, few_digits(), train_size=100, epochs=1).layers
        names = ("Relu1", "Relu2") if kind == "He and ReLU" else ("Sigmoid1", "Sigmoid2")
        assert {name for name in layers if name[:4] in ("Relu", "Sigm")} == {*names}


def test_an_epoch_takes_each_image_of_its_share_once(monkeypatch):
    taken = []
    right = deep_sigmoid.minibatches

    def watched(x, t, batch_size, rng):
        taken.append((len(x), batch_size))
        return right(x, t, batch_size, rng=rng)

    monkeypatch.setattr(deep_sigmoid, "minibatches", watched)
    train(PLAIN, 1, few_digits(), train_size=150, epochs=3)
    assert taken == [(150, 100)] * 3


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
