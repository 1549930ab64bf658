"""What Takenawa's lecture does: three kinds of problem, its formulas, deep sigmoid networks."""

from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques import deep_sigmoid
from dlbasics.experiment import judge, load_data
from dlbasics.initializers import glorot
from dlbasics.layers import BatchNorm, LeakyRelu
from dlbasics.optimizers import Adam

NAN = float("nan")
BOUNDS = {
    deep_sigmoid: [
        ([0.664, 0.116], [[0.1, 0.1], [0.8, 0.8], [NAN, 0.1], [0.8, NAN]]),
        (1, [0, 2, 20, NAN]),
        (2, [1, 5, NAN]),
        (5, [3, 20, NAN]),
        (2, [1, 10, NAN]),
        (20, [10, 0, NAN]),
        (20, [5, 0, NAN]),
        (0.894, [0.1, 0.7, NAN]),
    ],
}


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if verdict.holds is False]


@pytest.mark.parametrize("script", BOUNDS, ids=lambda script: script.__name__)
def test_claims_of_the_lecture_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


# Its formulas


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_of_batch_normalization_is_the_lectures(seed):
    """dX = gamma / sigma (dY - mean(dY) - Xhat mean(Xhat dY)), the mean by column."""
    rng = np.random.default_rng(seed)
    X, dY = rng.normal(3, 2, (7, 4)), rng.standard_normal((7, 4))
    gamma, beta = rng.standard_normal((2, 4))
    sigma = np.sqrt(X.var(axis=0) + BatchNorm.eps)
    Xhat = (X - X.mean(axis=0)) / sigma
    layer = BatchNorm(gamma, beta)
    np.testing.assert_allclose(layer.forward(X), gamma * Xhat + beta)
    dX = gamma / sigma * (dY - dY.mean(axis=0) - Xhat * (Xhat * dY).mean(axis=0))
    np.testing.assert_allclose(layer.backward(dY), dX, atol=1e-12)


def test_the_variance_of_glorots_weights_is_the_lectures():
    W = glorot((300, 500), np.random.default_rng(0))
    assert W.var() == pytest.approx(2 / (300 + 500), rel=0.02)


def test_leaky_relu_with_the_lectures_slope_of_0_1():
    layer, x = LeakyRelu(0.1), np.array([[-2.0, -0.5], [0.5, 3.0]])
    np.testing.assert_allclose(layer.forward(x), [[-0.2, -0.05], [0.5, 3.0]])
    np.testing.assert_allclose(layer.backward(np.full((2, 2), 2.0)), [[0.2, 0.2], [2, 2]])


def steps_of_adam(gradient, steps, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """The lecture's, from 0: epsilon stands under the root, beside the corrected v."""
    w = m = v = 0.0
    for t in range(1, steps + 1):
        g = gradient(t)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w -= lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + epsilon)
    return w


def our_steps(gradient, steps):
    optimizer, params = Adam(), {"w": np.zeros(1)}
    for t in range(1, steps + 1):
        optimizer.update(params, {"w": np.array([gradient(t)])})
    return params["w"][0]


@pytest.mark.parametrize("size, apart", [(10.0, 1e-6), (1.0, 1e-5), (0.1, 1e-4), (1e-2, 1e-3)])
def test_adam_with_epsilon_under_the_root_is_ours_while_gradients_are_far_larger(size, apart):
    """A gradient g stands against sqrt(epsilon) = 1e-4 there: 1 + epsilon / (2 g^2) apart."""

    def gradient(t):
        return size * (1.5 + np.sin(t))

    assert our_steps(gradient, 100) == pytest.approx(steps_of_adam(gradient, 100), rel=apart)


def test_adam_with_epsilon_under_the_root_is_slower_where_gradients_are_small():
    """sqrt(g^2 + epsilon) is sqrt(2) g at g = 1e-4, and ten times g at g = 1e-5."""
    for size, ratio in ((1e-4, 2**0.5), (1e-5, 101**0.5)):
        ours, lectures = (steps(lambda t, g=size: g, 20) for steps in (our_steps, steps_of_adam))
        # The 1e-7 of ours begins to count too.
        assert ours / lectures == pytest.approx(ratio, rel=0.15)


# Deep sigmoid networks


@pytest.fixture
def trained(monkeypatch):
    """The networks and optimizers of a run of two depths."""
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
    config = deep_sigmoid.Config(depths=(1, 3), train_size=200, epochs=1)
    result = deep_sigmoid.run(config, 0, load_data("digits", quick=True))
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
        # The same draw for all, in its own measure.
        W, first = params["W1"], seen[0][2]["W1"]
        np.testing.assert_allclose(W / W.std(), first / first.std(), rtol=1e-4)


def test_only_the_last_kind_has_relu_and_all_start_from_the_same_draw():
    data = load_data("digits", quick=True)
    config = deep_sigmoid.Config(train_size=100, epochs=1, sgd_lr=0.0, adam_lr=0.0)
    networks = [
        deep_sigmoid.train(kind, 2, config, 5, data) for kind in deep_sigmoid.KINDS.values()
    ]
    assert ["Relu1" in network.layers for network in networks] == [False] * 5 + [True]
    assert ["Sigmoid2" in network.layers for network in networks] == [True] * 5 + [False]
    first = networks[0].params["W2"] / 0.01
    for network in networks:
        W = network.params["W2"]
        np.testing.assert_allclose(W / W.std(), first / first.std(), rtol=1e-5)


def test_an_epoch_takes_each_image_of_its_share_once(monkeypatch):
    taken = []
    right = deep_sigmoid.minibatches

    def watched(x, t, batch_size, rng):
        taken.append((len(x), batch_size))
        return right(x, t, batch_size, rng=rng)

    monkeypatch.setattr(deep_sigmoid, "minibatches", watched)
    config = deep_sigmoid.Config(train_size=150, epochs=3)
    data = load_data("digits", quick=True)
    deep_sigmoid.train(deep_sigmoid.Kind(), 1, config, 0, data)
    assert taken == [(150, 100)] * 3


def test_accuracies_are_of_the_first_1000_test_images(monkeypatch):
    seen, data = [], load_data("digits", quick=True)
    data = replace(data, x_test=np.tile(data.x_test, (3, 1)), t_test=np.tile(data.t_test, 3))

    class Network:
        def accuracy(self, x, t):
            seen.append((x, t))
            return len(seen) / 100

    monkeypatch.setattr(deep_sigmoid, "train", lambda *args: Network())
    result = deep_sigmoid.run(deep_sigmoid.Config(depths=(1, 3)), 0, data)
    for x, t in seen:
        np.testing.assert_array_equal(x, data.x_test[:1_000])
        np.testing.assert_array_equal(t, data.t_test[:1_000])
    assert result.test_acc[deep_sigmoid.PLAIN] == [0.01, 0.07]
    assert result.test_acc["He and ReLU"] == [0.06, 0.12]


def test_claims_of_deep_sigmoid_networks_read_the_kind_they_name():
    depths, good = [*range(1, 8)], range(1, 7)
    test_acc = {
        kind: [0.6 + n / 100] * n + [n / 100] * (7 - n)
        for n, kind in zip(good, deep_sigmoid.KINDS, strict=True)
    }
    result = deep_sigmoid.Result(depths, test_acc)
    first, *deepest, last = [claim.value(result) for claim in deep_sigmoid.CLAIMS]
    assert (first, last) == ([0.61, 0.01], 0.05)
    assert deepest == [*good]


def test_the_deepest_that_learns_and_the_figure():
    result = deep_sigmoid.Result([1, 5, 20], {"He": [0.9, 0.6, 0.5], "Adam": [0.1, 0.2, 0.3]})
    assert deep_sigmoid.deepest_that_learns(result, "He") == 5
    assert deep_sigmoid.deepest_that_learns(result, "Adam") == 0
    (axes,) = deep_sigmoid.plot(result)["accuracy"].axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 0.9], [5, 0.6], [20, 0.5]])


def test_depth_and_its_remedies_show_on_mnist(mnist):
    """The ends of the figure, by a few epochs."""
    config = deep_sigmoid.Config(epochs=6)

    def accuracy(kind, depth):
        network = deep_sigmoid.train(deep_sigmoid.KINDS[kind], depth, config, 0, mnist)
        return network.accuracy(mnist.x_test[:1_000], mnist.t_test[:1_000])

    assert accuracy(deep_sigmoid.PLAIN, 5) < 0.2
    assert accuracy("batch normalization", 5) > 0.6
    assert accuracy("all three", 5) > 0.8


@pytest.mark.slow
def test_every_claim_of_deep_sigmoid_networks_on_mnist(mnist):
    result = deep_sigmoid.run(deep_sigmoid.Config(), np.random.default_rng(0), mnist)
    assert failed(deep_sigmoid, result) == []
