"""The live parameters of a network: names, both directions, copies, dtypes, generators."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics.layers import Affine, BatchNorm, Dropout, IdentityWithLoss, Layer, Relu, Sigmoid, Tanh
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Momentum


class Residual(Layer):
    """y = x + f(x)."""

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x, train_flg=True):
        y = x
        for layer in self.layers:
            y = layer.forward(y, train_flg)
        return x + y

    def backward(self, dout):
        dx = dout
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dout + dx


def small_net(**options):
    return Network([Affine.create(3, 4, rng=0), Relu(), Affine.create(4, 2, rng=1)], **options)


def full_net(seed=7):
    return MultiLayerNet(3, [5, 4], 2, use_dropout=True, use_batchnorm=True, rng=seed)


def batch(n=6):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, 3)).astype(np.float32), rng.integers(0, 2, n)


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


def test_layers_have_the_books_names():
    layers = [Affine.create(2, 2), BatchNorm.create(2), Relu(), Dropout(), Affine.create(2, 2)]
    net = Network([*layers, Sigmoid(), Relu(), Tanh()])
    assert list(net.layers) == [
        *("Affine1", "BatchNorm1", "Relu1", "Dropout1"),
        *("Affine2", "Sigmoid1", "Relu2", "Tanh1"),
    ]
    assert net.layers["Affine2"] is layers[4]


def test_a_class_of_ones_own_has_its_name_or_its_kind():
    class Swish(Sigmoid):
        pass

    class Conv2D(Affine):
        kind = "Conv"

    W = np.ones((2, 2))
    net = Network([Conv2D(W, None), Swish(), Conv2D(W, None), Sigmoid()])
    assert list(net.layers) == ["Conv1", "Swish1", "Conv2", "Sigmoid1"]
    assert list(net.params) == ["W1", "W2"]


def test_a_mapping_gives_layers_names_of_ones_own():
    layers = {"hidden": Affine.create(3, 4), "bend": Relu(), "out": Affine.create(4, 2)}
    net = Network(layers)
    assert net.layers == layers
    assert list(net.layers) == ["hidden", "bend", "out"]
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    layers.clear()
    assert len(net.layers) == 3


def test_keys_count_the_layers_that_declare_a_name():
    assert list(full_net().params) == [
        *("W1", "b1", "gamma1", "beta1"),
        *("W2", "b2", "gamma2", "beta2"),
        *("W3", "b3"),
    ]


def test_a_bias_that_is_none_has_no_key_but_its_number():
    W = np.ones((3, 3))
    net = Network([Affine(W, None), Affine(W.copy(), np.zeros(3)), Affine(W.copy(), 0)])
    assert list(net.params) == ["W1", "W2", "b2", "W3"]
    assert list(net.gradient(*batch())) == ["W1", "W2", "b2", "W3"]
    assert "b1" not in net.params
    with pytest.raises(KeyError, match="b1"):
        net.params["b1"] = np.zeros(3)


def test_nested_layers_are_walked_depth_first():
    first, inner, deep, last = (Affine.create(3, 3, rng=i) for i in range(4))
    block = Residual(inner, BatchNorm.create(3), Residual(Tanh(), deep))
    net = Network([first, block, last])
    assert list(net.layers) == ["Affine1", "Residual1", "Affine2"]
    for i, layer in enumerate((first, inner, deep, last), start=1):
        assert net.params[f"W{i}"] is layer.W
    assert list(net.params)[2:6] == ["W2", "b2", "gamma1", "beta1"]
    gradients = net.gradient(*batch())
    np.testing.assert_array_equal(gradients["W3"], deep.dW)


def test_params_is_a_mapping_of_the_very_arrays():
    net = small_net()
    assert len(net.params) == 4
    assert dict(net.params).keys() == {"W1", "b1", "W2", "b2"}
    assert net.params["W2"] is net.layers["Affine2"].W
    assert net.params["b1"] is net.layers["Affine1"].b
    assert "W1: float32 (3, 4)" in repr(net.params)


def test_a_change_in_place_changes_the_network():
    net = small_net()
    net.params["W1"][...] = 0
    net.params["b1"] += 2
    assert not net.layers["Affine1"].W.any()
    np.testing.assert_array_equal(net.layers["Affine1"].b, np.full(4, 2, np.float32))


def test_assignment_puts_the_very_array_into_the_layer():
    net, W = small_net(), np.full((3, 4), 0.5)
    net.params["W1"] = W
    assert net.layers["Affine1"].W is W
    assert net.params["W1"] is W
    x, _ = batch()
    assert net.predict(x).dtype == np.float64


def test_a_change_of_the_layers_attribute_shows_in_params():
    net, W = small_net(), np.zeros((4, 2))
    net.layers["Affine2"].W = W
    assert net.params["W2"] is W
    net.layers["Affine2"].b = None
    assert "b2" not in net.params


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros((4, 3)), ValueError, r"W1.*\(3, 4\).*\(4, 3\)"),
        (np.zeros(12), ValueError, r"W1.*\(3, 4\).*\(12,\)"),
        (np.zeros((3, 4, 1)), ValueError, "W1"),
        (np.zeros((3, 4), complex), TypeError, "W1.*complex"),
        (np.full((3, 4), "w"), TypeError, "W1"),
        (np.full((3, 4), None), TypeError, "W1.*object"),
        (0.0, TypeError, "W1.*float"),
        ([[0.0] * 4] * 3, TypeError, "W1.*list"),
        (None, TypeError, "W1.*NoneType"),
    ],
)
def test_wrong_assignments_are_refused_and_change_nothing(value, error, message):
    net = small_net()
    before = net.params["W1"]
    with pytest.raises(error, match=message):
        net.params["W1"] = value
    assert net.params["W1"] is before


def test_unknown_keys_are_errors():
    net = small_net()
    with pytest.raises(KeyError, match="W3"):
        net.params["W3"] = np.zeros((3, 4))
    with pytest.raises(KeyError):
        net.params["gamma1"]
    assert net.params.get("W3") is None


def test_a_replaced_layer_is_the_one_that_counts():
    net, (x, t) = small_net(), batch()
    assert len(net.params) == 4
    net.layers["Affine1"] = replacement = Affine.create(3, 4, rng=9)
    assert net.params["W1"] is replacement.W
    np.testing.assert_array_equal(net.gradient(x, t)["W1"], replacement.dW)
    net.layers["Relu1"] = BatchNorm.create(4)
    assert list(net.params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2"]


def test_an_added_or_removed_layer_shows_in_params():
    net = small_net()
    net.layers["Affine3"] = Affine.create(2, 2)
    assert list(net.params)[-2:] == ["W3", "b3"]
    del net.layers["Affine1"], net.layers["Relu1"]
    assert [net.params[key].shape for key in ("W1", "W2")] == [(4, 2), (2, 2)]


def test_a_replaced_inner_layer_is_the_one_that_counts():
    block = Residual(Affine.create(3, 3, rng=0), Tanh())
    net = Network([block, Affine.create(3, 2, rng=1)])
    assert net.params["W1"] is block.layers[0].W
    block.layers[0] = replacement = Affine.create(3, 3, rng=2)
    assert net.params["W1"] is replacement.W
    np.testing.assert_array_equal(net.gradient(*batch())["W1"], replacement.dW)


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),  # noqa: S301
    "astype": lambda net: net.astype(np.float32),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_equal_and_independent(copied):
    net, (x, t) = full_net(), batch()
    net.gradient(x, t)
    twin = copied(net)
    assert_equal(twin.params, net.params)
    np.testing.assert_array_equal(twin.predict(x), net.predict(x))
    assert not any(np.shares_memory(net.params[key], twin.params[key]) for key in net.params)

    before, statistics = net.predict(x), net.layers["BatchNorm1"].running_mean.copy()
    for key in twin.params:
        twin.params[key][...] = 0
    twin.params["W1"] = np.ones((3, 5), np.float32)
    twin.gradient(x + 9, t)
    np.testing.assert_array_equal(net.predict(x), before)
    np.testing.assert_array_equal(net.layers["BatchNorm1"].running_mean, statistics)
    assert twin.params["W1"] is twin.layers["Affine1"].W


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
def test_a_copy_trains_on_to_the_same_bits(copied):
    net, (x, t) = full_net(), batch()
    optimizer = Momentum(0.1)
    optimizer.update(net.params, net.gradient(x, t))
    twin, other = copied(net), copy.deepcopy(optimizer)
    for _ in range(3):
        optimizer.update(net.params, net.gradient(x, t))
        other.update(twin.params, twin.gradient(x, t))
    assert_equal(twin.params, net.params)
    assert twin.last_loss == net.last_loss


@pytest.mark.parametrize("dtype", [np.float64, np.float16, "float64"])
def test_astype_is_a_copy_in_that_dtype(dtype):
    net, (x, t) = full_net(), batch()
    net.gradient(x, t)
    twin = net.astype(dtype)
    norm = twin.layers["BatchNorm2"]
    arrays = [*twin.params.values(), norm.running_mean, norm.running_var]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert {param.dtype for param in net.params.values()} == {np.dtype(np.float32)}
    assert net.layers["BatchNorm2"].running_var.dtype == np.float32
    y = twin.predict(x.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, net.predict(x), rtol=2e-2, atol=2e-2)


def test_astype_there_and_back_is_exact():
    net = full_net()
    net.gradient(*batch())
    assert_equal(net.astype(np.float64).astype(np.float32).params, net.params)


def test_astype_reaches_inner_layers():
    block = Residual(Affine.create(3, 3), BatchNorm.create(3))
    net = Network([block]).astype(np.float64)
    assert {param.dtype for param in net.params.values()} == {np.dtype(np.float64)}
    assert block.layers[0].W.dtype == np.float32


@pytest.mark.parametrize("dtype", [int, bool, complex, "U1"])
def test_astype_refuses_what_cannot_hold_weights(dtype):
    with pytest.raises((TypeError, ValueError)):
        small_net().astype(dtype)


def test_the_networks_generator_goes_to_layers_without_one_inner_layers_too():
    rng, own = np.random.default_rng(0), np.random.default_rng(1)
    layers = [Dropout(), Dropout(rng=own), Residual(Affine.create(3, 3), Dropout())]
    Network(layers, rng=rng)
    assert layers[0].rng is rng
    assert layers[1].rng is own
    assert layers[2].layers[1].rng is rng


def test_the_same_seed_gives_the_same_masks():
    x, t = batch()
    nets = [Network([Dropout(0.5), Affine.create(3, 2, rng=0)], rng=seed) for seed in (5, 5, 6)]
    first, second, other = ([net.gradient(x, t)["W1"] for _ in range(4)] for net in nets)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("rng", ["seed", -1, 1.5])
def test_rng_is_checked(rng):
    with pytest.raises(TypeError, match="rng"):
        small_net(rng=rng)


def test_assigning_params_assigns_each_array_or_none():
    network = Network([Affine.create(3, 2, rng=0)])
    before = dict(network.params)
    arrays = {"W1": np.ones((3, 2)), "b1": np.ones(2)}
    network.params = arrays
    assert network.layers["Affine1"].W is arrays["W1"]
    network.params = before
    for wrong in ({"W1": np.ones((3, 2))}, {"W1": np.ones((3, 2)), "b1": np.ones(3)}):
        with pytest.raises(ValueError, match=r"params must have the keys|b1 must have shape"):
            network.params = wrong
    with pytest.raises(TypeError, match="b1 must hold floating-point numbers"):
        network.params = {"W1": np.ones((3, 2)), "b1": np.ones(2, int)}
    assert all(network.params[key] is array for key, array in before.items())


def test_the_layers_cannot_be_exchanged_behind_the_params():
    network = Network([Affine.create(3, 2, rng=0)])
    with pytest.raises(AttributeError):
        network.layers = {}


def test_the_last_layer_can_be_set_by_either_name():
    network = Network([Affine.create(3, 2, rng=0)])
    network.lastLayer = last = IdentityWithLoss()
    assert network.last_layer is network.lastLayer is last


def test_a_regularizer_that_is_none_is_refused():
    with pytest.raises(TypeError, match="regularizer must be"):
        Network([Affine.create(3, 2, rng=0)], regularizer=0.1)
