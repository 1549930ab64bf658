import numpy as np
import pytest

from ch04_training.two_layer_net import TwoLayerNet
from dlbasics import Affine, Network, Sigmoid, one_hot


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.random((4, 6)), np.array([0, 2, 1, 2])


def test_parameters():
    net = TwoLayerNet(200, 100, 10, rng=0)
    shapes = {key: param.shape for key, param in net.params.items()}
    assert shapes == {"W1": (200, 100), "b1": (100,), "W2": (100, 10), "b2": (10,)}
    assert all(param.dtype == np.float64 for param in net.params.values())
    assert net.params["W1"].std() == pytest.approx(0.01, rel=0.05)
    assert not net.params["b1"].any()
    assert not net.params["b2"].any()
    wide = TwoLayerNet(200, 100, 10, weight_init_std=1, rng=0)
    np.testing.assert_allclose(wide.params["W2"], 100 * net.params["W2"])


def test_is_the_network_of_layers(batch):
    x, t = batch
    net = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0)
    W1, b1, W2, b2 = net.params.values()
    b1 += 0.3
    b2 -= [0.1, 0.2, 0.3]
    network = Network([Affine(W1, b1), Sigmoid(), Affine(W2, b2)])
    grads, expected = net.gradient(x, t), network.gradient(x, t)
    assert net.last_loss == pytest.approx(network.last_loss)
    assert net.loss(x, t) == pytest.approx(network.last_loss)
    assert {*grads} == {"W1", "b1", "W2", "b2"}
    for key, grad in grads.items():
        np.testing.assert_allclose(grad, expected[key], atol=1e-12)
    np.testing.assert_allclose(net.predict(x).sum(axis=1), 1)
    assert (net.predict(x).argmax(axis=1) == network.predict(x).argmax(axis=1)).all()


def test_numerical_gradients_are_those_of_backpropagation(batch):
    x, t = batch
    net = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0)
    before = {key: param.copy() for key, param in net.params.items()}
    numerical = net.numerical_gradient(x, t)
    assert net.last_loss == net.loss(x, t)
    backprop = net.gradient(x, t)
    for key in ("W1", "b1", "W2", "b2"):
        np.testing.assert_allclose(numerical[key], backprop[key], atol=1e-8)
        assert (net.params[key] == before[key]).all()


@pytest.mark.parametrize("form", ["rows", "column"])
def test_labels_in_any_form(batch, form):
    x, t = batch
    net = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0)
    other = one_hot(t, 3) if form == "rows" else t[:, np.newaxis]
    assert net.loss(x, other) == pytest.approx(net.loss(x, t))
    assert net.accuracy(x, other) == net.accuracy(x, t)
    for key, grad in net.gradient(x, other).items():
        np.testing.assert_allclose(grad, net.gradient(x, t)[key])


def test_accuracy_is_the_share_of_right_answers():
    net = TwoLayerNet(3, 3, 3)
    net.params["W1"][...] = 20 * np.eye(3)
    net.params["W2"][...] = 20 * np.eye(3)
    assert net.accuracy(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 0])) == 0.75


@pytest.mark.parametrize("t", [np.array([0, 1]), np.array([0, 1, 2, 3]), np.zeros((4, 2))])
def test_labels_that_do_not_fit_are_refused(batch, t):
    net = TwoLayerNet(6, 5, 3, rng=0)
    for method in (net.loss, net.accuracy, net.gradient, net.numerical_gradient):
        with pytest.raises(ValueError, match="t must"):
            method(batch[0], t)


def test_gradient_and_accuracy_ask_for_a_batch(batch):
    net = TwoLayerNet(6, 5, 3, rng=0)
    for method in (net.accuracy, net.gradient):
        with pytest.raises(ValueError, match=r"x must be a batch.*got one with y \(3,\)"):
            method(batch[0][0], 1)
