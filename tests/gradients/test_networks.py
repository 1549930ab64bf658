"""Network.numerical_gradient by columns and by definition, and check_gradients on networks."""

import copy
import pickle

import numpy as np
import pytest
from tests.helpers import Block
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbasics.gradient import check_gradients, numerical_gradient
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Dropout,
    Identity,
    IdentityWithLoss,
    LeakyRelu,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet, TwoLayerNet
from dlbasics.regularizers import L1, L2

F64 = {"dtype": np.float64}
D, K = 5, 3


class Residual(Block):
    def forward(self, x, train_flg=True):
        return x + super().forward(x, train_flg)

    def backward(self, dout):
        return dout + super().backward(dout)


def affine(n_in, n_out, seed=0, bias=True):
    rng = np.random.default_rng(100 * n_in + 10 * n_out + seed)
    b = rng.standard_normal(n_out) if bias else None
    return Affine(rng.standard_normal((n_in, n_out)), b)


def norm(size):
    rng = np.random.default_rng(size)
    return BatchNorm(1 + 0.3 * rng.standard_normal(size), rng.standard_normal(size))


def batch(n=4, d=D):
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, d)), rng.integers(0, K, n)


def soft(t):
    return np.random.default_rng(0).uniform(0.1, 1, (len(t), K))


def one_hot(t):
    return np.eye(K)[t]


def state(net):
    layers = [inner for layer in net.layers.values() for inner in layer.walk()]
    return pickle.dumps([net.last_loss] + [vars(layer) for layer in [*layers, net.last_layer]])


def assert_columns_are_right(net, x, t, tolerance=1e-9):
    by_columns, plain = net.numerical_gradient(x, t), net.numerical_gradient(x, t, plain=True)
    backward = copy.deepcopy(net).astype(np.float64).gradient(x, t)
    assert list(by_columns) == list(plain) == list(backward)
    for key, expected in plain.items():
        assert by_columns[key].dtype == np.float64
        np.testing.assert_allclose(by_columns[key], expected, rtol=0, atol=tolerance, err_msg=key)
        np.testing.assert_allclose(by_columns[key], backward[key], rtol=0, atol=1e-6, err_msg=key)


LAYERS = {
    "one affine": lambda: [affine(D, K)],
    "relu": lambda: [affine(D, 6), Relu(), affine(6, K)],
    "sigmoid": lambda: [affine(D, 6), Sigmoid(), affine(6, K)],
    "tanh, tanh": lambda: [affine(D, 6), Tanh(), affine(6, 4), Tanh(), affine(4, K)],
    "leaky": lambda: [affine(D, 6), LeakyRelu(0.2), affine(6, K)],
    "affine on affine": lambda: [affine(D, 6), affine(6, 4), affine(4, K)],
    "activations in a row": lambda: [affine(D, 6), Tanh(), Sigmoid(), Identity(), affine(6, K)],
    "activation first": lambda: [Tanh(), affine(D, K), Sigmoid()],
    "activation last": lambda: [affine(D, 6), Relu(), affine(6, K), Tanh(), LeakyRelu()],
    "no bias": lambda: [affine(D, 6, bias=False), Tanh(), affine(6, K, bias=False)],
    "batch norm": lambda: [affine(D, 6), norm(6), Tanh(), affine(6, K)],
    "batch norm first": lambda: [norm(D), affine(D, 6), Sigmoid(), affine(6, K)],
    "batch norm last": lambda: [affine(D, 6), Tanh(), affine(6, K), norm(K)],
    "batch norm twice": lambda: [
        affine(D, 4),
        norm(4),
        Tanh(),
        affine(4, 4),
        norm(4),
        affine(4, K),
    ],
    "dropout": lambda: [affine(D, 8), Tanh(), Dropout(0.5), affine(8, K)],
    "dropout right after affine": lambda: [affine(D, 8), Dropout(0.4), affine(8, K), Dropout(0.2)],
    "dropout first": lambda: [Dropout(0.3), affine(D, 8), Sigmoid(), affine(8, K)],
    "both": lambda: [affine(D, 8), norm(8), Tanh(), Dropout(0.5), affine(8, 4), affine(4, K)],
    "deep": lambda: [layer for _ in range(6) for layer in (affine(D, D), Tanh())] + [affine(D, K)],
    "block": lambda: [Block(affine(D, 6), Tanh()), affine(6, K)],
    "block in the middle": lambda: [
        affine(D, 4),
        Block(Tanh(), affine(4, 4)),
        Tanh(),
        affine(4, K),
    ],
    "residual": lambda: [affine(D, 4), Residual(affine(4, 4), Tanh(), affine(4, 4)), affine(4, K)],
    "dropout in a block": lambda: [affine(D, 4), Block(Tanh(), Dropout(0.3)), affine(4, K)],
    "nested": lambda: [Block(affine(D, 4), Residual(affine(4, 4), norm(4)), Tanh()), affine(4, K)],
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_columns_equal_the_definition_and_backpropagation(layers):
    assert_columns_are_right(Network(layers(), rng=3), *batch())


@pytest.mark.parametrize("regularizer", [L1(0.2), L2(0.2)], ids=["L1", "L2"])
@pytest.mark.parametrize("kind", ["tanh, tanh", "both", "no bias", "block"])
def test_penalties_belong_to_the_gradient(kind, regularizer):
    net = Network(LAYERS[kind](), regularizer=regularizer, rng=3)
    assert_columns_are_right(net, *batch())
    bare = Network(LAYERS[kind](), rng=3).numerical_gradient(*batch())
    assert not np.allclose(net.numerical_gradient(*batch())["W1"], bare["W1"], atol=1e-3)


@pytest.mark.parametrize("form", [one_hot, soft, list, lambda t: t[:, None]])
def test_every_form_of_label(form):
    x, t = batch()
    assert_columns_are_right(Network(LAYERS["tanh, tanh"]()), x, form(t))


LOSSES = {
    "yes or no": (SigmoidWithLoss(), lambda t: one_hot(t).astype(int)),
    "probabilities": (SigmoidWithLoss(), soft),
    "regression": (IdentityWithLoss(), lambda t: 5 * soft(t) - 2),
}


@pytest.mark.parametrize(("loss", "targets"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("kind", ["one affine", "tanh, tanh", "batch norm", "dropout", "block"])
def test_every_loss(kind, loss, targets):
    x, t = batch()
    assert_columns_are_right(Network(LAYERS[kind](), loss, rng=3), x, targets(t))


@pytest.mark.parametrize("kind", ["one affine", "sigmoid", "dropout", "no bias"])
def test_one_sample_and_a_batch_of_one(kind):
    net, (x, t) = Network(LAYERS[kind](), rng=3), batch(1)
    assert_columns_are_right(net, x, t)
    lifted = net.numerical_gradient(x, t)
    for label in (t[0], int(t[0]), one_hot(t)[0]):
        for key, value in net.numerical_gradient(x[0], label).items():
            np.testing.assert_allclose(value, lifted[key], rtol=0, atol=1e-12)


def test_one_sample_of_a_regression():
    net, (x, t) = Network(LAYERS["tanh, tanh"](), IdentityWithLoss()), batch(1)
    found, expected = net.numerical_gradient(x[0], soft(t)[0]), net.numerical_gradient(x, soft(t))
    np.testing.assert_array_equal(found["W1"], expected["W1"])


def test_images_are_flattened_by_the_first_layer():
    x, t = batch(3, 12)
    net = Network([affine(12, 4), Tanh(), affine(4, K)])
    assert_columns_are_right(net, x.reshape(3, 3, 2, 2), t)


def test_a_single_output():
    x, t = batch()
    net = Network([affine(D, 4), Tanh(), affine(4, 1)], SigmoidWithLoss())
    assert_columns_are_right(net, x, (t > 0)[:, None].astype(int))


def test_changes_that_need_many_stacks():
    x, t = batch(30, 40)
    net = TwoLayerNet(40, 12, K, 0.3, rng=0, **F64)
    assert_columns_are_right(net, x, t)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    activations=st.lists(st.sampled_from([Sigmoid, Tanh]), min_size=3, max_size=3),
    extras=st.lists(st.sampled_from(["", "norm", "dropout", "no bias"]), min_size=3, max_size=3),
    penalty=st.sampled_from([None, L1(0.1), L2(0.1)]),
    n=st.integers(2, 6),
)
def test_any_network(sizes, activations, extras, penalty, n):
    layers, width = [], D
    for size, activation, extra in zip(sizes, activations, extras, strict=False):
        layers += [affine(width, size, bias=extra != "no bias"), activation()]
        layers += {"norm": [norm(size)], "dropout": [Dropout(0.3)]}.get(extra, [])
        width = size
    net = Network([*layers, affine(width, K)], regularizer=penalty, rng=0)
    by_columns, plain = (net.numerical_gradient(*batch(n), plain=plain) for plain in (False, True))
    for key, value in plain.items():
        np.testing.assert_allclose(by_columns[key], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_network_and_the_data_are_untouched(plain, dtype):
    net = MultiLayerNet(D, [6, 4], K, "tanh", 0.5, 0.1, True, 0.3, True, rng=0, dtype=dtype)
    x, t = batch()
    x.flags.writeable = t.flags.writeable = False
    net.gradient(x, t)
    before = state(net)
    net.numerical_gradient(x, t, plain=plain)
    assert state(net) == before
    assert not any(layer.frozen for layer in net.layers.values())
    assert {param.dtype for param in net.params.values()} == {np.dtype(dtype)}


def test_the_network_trains_on_as_if_nothing_had_been_asked():
    nets = [MultiLayerNet(D, [6], K, use_dropout=True, use_batchnorm=True, rng=0) for _ in "ab"]
    nets[0].numerical_gradient(*batch())
    first, second = (net.gradient(*batch()) for net in nets)
    for key, value in first.items():
        np.testing.assert_array_equal(second[key], value)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_networks_of_less_precision_give_float64_gradients(plain, dtype):
    net, (x, t) = TwoLayerNet(D, 6, K, 0.5, rng=0, dtype=dtype), batch()
    x = x.astype(dtype)
    found = net.numerical_gradient(x, t, plain=plain)
    expected = net.astype(np.float64).gradient(x.astype(np.float64), t)
    for key, value in found.items():
        assert value.dtype == np.float64
        np.testing.assert_allclose(value, expected[key], rtol=0, atol=1e-8)


def test_integer_and_list_inputs():
    net = Network(LAYERS["sigmoid"]())
    x = [[1, 2, 0, -1, 3], [0, 1, 1, 2, -2]]
    assert_columns_are_right(net, np.array(x), [0, 2])
    np.testing.assert_array_equal(
        net.numerical_gradient(x, [0, 2])["W1"],
        net.numerical_gradient(np.array(x, float), np.array([0, 2]))["W1"],
    )


class Wrong(Affine):
    """A planted error: the gradient of the weights is a thousandth too large."""

    def _backward(self, dout):
        dx = super()._backward(dout)
        self.dW = self.dW * 1.001
        return dx


class Readers:
    """A network as a reader of the book writes it."""

    def __init__(self, layers):
        self.layers = {str(i): layer for i, layer in enumerate(layers)}
        affines = [layer for layer in layers if isinstance(layer, Affine)]
        self.params = {f"W{i}": layer.W for i, layer in enumerate(affines)}
        self.params |= {f"b{i}": layer.b for i, layer in enumerate(affines)}
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
        affines = [layer for layer in self.layers.values() if isinstance(layer, Affine)]
        gradients = {f"W{i}": layer.dW for i, layer in enumerate(affines)}
        return gradients | {f"b{i}": layer.db for i, layer in enumerate(affines)}


SMOOTH = [kind for kind in LAYERS if kind != "activation last"]


@pytest.mark.parametrize("kind", SMOOTH)
def test_check_gradients_passes_a_right_network(kind):
    net = Network(LAYERS[kind](), regularizer=L2(0.1), rng=3)
    report = check_gradients(net, *batch())
    assert report, str(report)
    assert [check.name for check in report.checks] == list(net.params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_check_gradients_leaves_the_network_untouched(dtype):
    net = MultiLayerNet(D, [6], K, use_dropout=True, use_batchnorm=True, rng=0, dtype=dtype)
    before = state(net)
    report = check_gradients(net, *batch())
    assert report, str(report)
    assert state(net) == before


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: Block(w), lambda w: Residual(Tanh(), w)])
@pytest.mark.parametrize("layers", [(), (norm(D),), (Dropout(0.2),)])
def test_check_gradients_catches_an_error_planted_in_a_layer(wrap, layers):
    wrong = Wrong(affine(D, D).W, np.zeros(D))
    report = check_gradients(Network([*layers, wrap(wrong), Tanh(), affine(D, K)], rng=0), *batch())
    assert not report
    assert [check.name for check in report.checks if not report.passed(check)] == ["W1"]


def test_numerical_gradient_shows_an_error_planted_in_a_layer():
    net, (x, t) = Network([Wrong(affine(D, 4).W, None), Tanh(), affine(4, K)]), batch()
    gradient, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    np.testing.assert_allclose(gradient["W1"], 1.001 * numeric["W1"], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(gradient["W2"], numeric["W2"], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("layers", [(), (norm(6),), (Dropout(0.4, rng=0),)])
def test_check_gradients_on_a_readers_own_network(layers):
    net, (x, t) = Readers([affine(D, 6), *layers, Tanh(), affine(6, K)]), batch()
    report = check_gradients(net, x, t)
    assert report, str(report)
    assert {check.name for check in report.checks} == {"W0", "b0", "W1", "b1"}
    assert not check_gradients(Readers([Wrong(net.params["W0"], net.params["b0"])]), x, t)


def test_check_gradients_leaves_a_readers_network_untouched():
    net, (x, t) = Readers([affine(D, 6), norm(6), Dropout(0.4, rng=0), affine(6, K)]), batch()
    net.gradient(x, t)
    before = state(net)
    check_gradients(net, x, t)
    assert state(net) == before


def test_check_gradients_takes_a_sample_of_the_elements():
    net = Network(LAYERS["relu"]())
    report = check_gradients(net, *batch(), sample=4)
    assert report, str(report)
    assert [check.checked for check in report.checks] == [4, 4, 4, 3]


def test_check_gradients_wants_float64_of_a_reader():
    net = Readers([affine(D, K)])
    net.params["W0"] = net.params["W0"].astype(np.float32)
    with pytest.raises(TypeError, match=r"W0.*float64"):
        check_gradients(net, *batch())


def test_the_functions_numerical_gradient_agrees_with_the_networks():
    net, (x, t) = Network(LAYERS["tanh, tanh"]()), batch()
    found = net.numerical_gradient(x, t)
    for key, param in net.params.items():
        expected = numerical_gradient(lambda _: net.loss(x, t), param)
        np.testing.assert_allclose(found[key], expected, rtol=0, atol=1e-9)


class RowNormRelu(Relu):
    """No longer element by element, though it inherits from a layer that is."""

    def forward(self, x, train_flg=True):
        y = super().forward(x, train_flg)
        return y / np.linalg.norm(x, axis=1, keepdims=True)


class TwiceAffine(Affine):
    def forward(self, x, train_flg=True):
        return 2 * super().forward(x, train_flg)


@pytest.mark.parametrize("middle", [RowNormRelu(), TwiceAffine.create(4, 4, rng=3)])
def test_a_subclass_inherits_no_rule_of_a_forward_that_it_replaces(middle):
    rng = np.random.default_rng(0)
    layers = [TwiceAffine.create(5, 4, rng=1), middle, Affine.create(4, 3, rng=2)]
    x, t = rng.standard_normal((6, 5)), rng.integers(0, 3, 6)
    columns, plain = (
        Network(layers).numerical_gradient(x, t, plain=plain) for plain in (False, True)
    )
    for key in plain:
        np.testing.assert_allclose(columns[key], plain[key], atol=1e-9)


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


def test_the_step_of_a_function_of_ones_own():
    x = np.array([2.0])
    assert abs(numerical_gradient(lambda x: x[0] ** 3, x, h=0.5)[0] - (12 + 0.25)) < 1e-12
    assert abs(numerical_gradient(lambda x: x[0] ** 3, x)[0] - (12 + 1e-8)) < 1e-10
    with pytest.raises(ValueError, match="h must be"):
        numerical_gradient(lambda x: x[0], x, h=0)
