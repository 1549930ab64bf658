"""Backpropagation through whole networks, ours and readers', against central differences."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics.gradient import check_gradients, numerical_gradient
from dlbasics.layers import Affine, Dropout, Relu, SoftmaxWithLoss, Tanh
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.regularizers import L1, L2
from tests.gradients.cases import LAYERS, D, K, Skip, affine, batch, norm
from tests.helpers import Block, damaged


class Readers:
    """A network as a reader of the book writes it."""

    def __init__(self, layers):
        self.layers = {str(i): layer for i, layer in enumerate(layers)}
        self.affines = [layer for layer in layers if isinstance(layer, Affine)]
        self.params = {f"W{i}": layer.W for i, layer in enumerate(self.affines)}
        self.params |= {f"b{i}": layer.b for i, layer in enumerate(self.affines)}
        self.last_layer, self.last_loss = SoftmaxWithLoss(), None

    def loss(self, x, t):
        for layer in self.layers.values():
            x = layer.forward(x)
        return self.last_layer.forward(x, t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last_layer.backward()
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        gradients = {f"W{i}": layer.dW for i, layer in enumerate(self.affines)}
        return gradients | {f"b{i}": layer.db for i, layer in enumerate(self.affines)}


def state(net):
    layers = [inner for layer in net.layers.values() for inner in layer.walk()]
    return pickle.dumps([net.last_loss] + [vars(layer) for layer in [*layers, net.last_layer]])


def wrong_affine(n_in, n_out):
    """An Affine layer whose dW is a thousandth too large."""
    right = affine(n_in, n_out)
    return damaged(Affine, right.W, right.b, dW=lambda dW, *_: 1.001 * dW)


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "activation last"])
def test_backpropagation_through_a_network(kind):
    net = Network(LAYERS[kind](), regularizer=L2(0.1), rng=3)
    report = check_gradients(net, *batch())
    assert report, str(report)
    assert [check.name for check in report.checks] == list(net.params)


@pytest.mark.parametrize("layers", [(), (norm(6),), (Dropout(0.4, rng=0),)])
def test_a_network_that_a_reader_wrote(layers):
    net = Readers([affine(D, 6), *layers, Tanh(), affine(6, K)])
    report = check_gradients(net, *batch())
    assert report, str(report)
    assert {check.name for check in report.checks} == {"W0", "b0", "W1", "b1"}
    assert not check_gradients(Readers([wrong_affine(D, K)]), *batch())


@pytest.mark.parametrize("form", [list, lambda layers: {}])
def test_a_network_that_a_reader_wrote_may_have_its_layers_in_any_form(form):
    class Other(Readers):
        def loss(self, x, t):
            return self.last_layer.forward(self.affines[0].forward(x), t)

        def gradient(self, x, t):
            self.loss(x, t)
            self.affines[0].backward(self.last_layer.backward())
            return {"W0": self.affines[0].dW, "b0": self.affines[0].db}

    net = Other([affine(D, K)])
    net.layers = form(net.layers.values())
    assert check_gradients(net, *batch())


def test_a_readers_gradients_that_are_not_all_there_and_parameters_in_float32_are_refused():
    forgets, single = Readers([affine(D, K)]), Readers([affine(D, K)])
    forgets.gradient = lambda x, t: {"W0": np.zeros((D, K))}
    with pytest.raises(ValueError, match="gradient must return"):
        check_gradients(forgets, *batch())
    single.params["W0"] = single.params["W0"].astype(np.float32)
    with pytest.raises(TypeError, match=r"W0.*float64"):
        check_gradients(single, *batch())


UNTOUCHED = [
    MultiLayerNet(D, [6, 4], K, "tanh", 0.5, 0.1, True, 0.3, True, rng=0, dtype=np.float32),
    MultiLayerNet(D, [6, 4], K, "tanh", 0.5, 0.1, True, 0.3, True, rng=0, dtype=np.float64),
    Readers([affine(D, 6), norm(6), Dropout(0.4, rng=0), affine(6, K)]),
]


@pytest.mark.parametrize("net", UNTOUCHED, ids=["float32", "float64", "a reader's"])
def test_the_check_leaves_a_network_untouched(net):
    net.gradient(*batch())
    before = state(net)
    assert check_gradients(net, *batch())
    assert state(net) == before


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: Block(w), lambda w: Skip(Tanh(), w)])
@pytest.mark.parametrize("layers", [(), (norm(D),), (Dropout(0.2),)])
def test_the_check_catches_an_error_planted_in_a_layer(wrap, layers):
    net = Network([*layers, wrap(wrong_affine(D, D)), Tanh(), affine(D, K)], rng=0)
    report = check_gradients(net, *batch())
    assert not report
    assert [check.name for check in report.checks if not report.passed(check)] == ["W1"]


def test_the_functions_numerical_gradient_agrees_with_the_networks_and_shows_a_wrong_layer():
    net, (x, t) = Network([wrong_affine(D, 4), Tanh(), affine(4, K)]), batch()
    found, gradient = net.numerical_gradient(x, t), net.gradient(x, t)
    for key, param in net.params.items():
        expected = numerical_gradient(lambda _: net.loss(x, t), param)
        np.testing.assert_allclose(found[key], expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(gradient["W1"], 1.001 * found["W1"], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(gradient["W2"], found["W2"], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("regularizer", [None, L1(0.1), L2(0.1)])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_bring_no_warning(bad, regularizer):
    layers = [Affine.create(3, 4, rng=0), Relu(), Affine.create(4, 2, rng=1)]
    network = Network(layers, regularizer=regularizer)
    network.params["W1"][0, 0], network.params["W2"][1, 1] = bad, -bad
    x, t = np.array([[1.0, 1, 1], [-1, -1, -1]]), [0, 1]
    for gradients in (
        network.gradient(x, t),
        network.numerical_gradient(x, t),
        network.numerical_gradient(x, t, plain=True),
    ):
        assert not np.isfinite(gradients["W1"]).all()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("net", UNTOUCHED[:2], ids=["float32", "float64"])
def test_the_network_and_the_data_are_untouched(plain, net):
    x, t = batch()
    x.flags.writeable = t.flags.writeable = False
    net.gradient(x, t)
    before, twin = state(net), copy.deepcopy(net)
    dtypes = [param.dtype for param in net.params.values()]
    net.numerical_gradient(x, t, plain=plain)
    assert state(net) == before
    assert not any(layer.frozen for layer in net.layers.values())
    assert [param.dtype for param in net.params.values()] == dtypes
    after, expected = net.gradient(x, t), twin.gradient(x, t)
    for key in expected:
        np.testing.assert_array_equal(after[key], expected[key])


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_networks_of_less_precision_give_float64_gradients(plain, dtype):
    net, (x, t) = MultiLayerNet(D, [6], K, weight_init_std=0.5, rng=0, dtype=dtype), batch()
    x = x.astype(dtype)
    found = net.numerical_gradient(x, t, plain=plain)
    expected = net.astype(np.float64).gradient(x.astype(np.float64), t)
    for key, value in found.items():
        assert value.dtype == np.float64
        np.testing.assert_allclose(value, expected[key], rtol=0, atol=1e-8)


@pytest.mark.parametrize("between", [[], [norm(4)]], ids=["by columns", "batch norm"])
@pytest.mark.parametrize("plain", [False, True])
def test_another_step_gives_the_differences_of_that_step(plain, between):
    net = Network([affine(D, 4), *between, Tanh(), affine(4, K)], regularizer=L1(0.1), rng=0)
    x, t = batch()
    W1, losses = net.params["W1"], []
    place = np.unravel_index(np.abs(W1).argmin(), W1.shape)  # the step passes the kink of |W|
    found = net.numerical_gradient(x, t, plain=plain, h=0.5)["W1"][place]
    for move in (0.5, -1.0):
        W1[place] += move
        losses.append(net.loss(x, t, train_flg=True))
    assert abs(found - (losses[0] - losses[1])) < 1e-9
    for bad in (0, -1e-2, np.nan):
        with pytest.raises(ValueError, match="h must be"):
            net.numerical_gradient(x, t, plain=plain, h=bad)
