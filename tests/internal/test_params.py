"""Params: the live parameters of a network, by the book's keys."""

import numpy as np
import pytest

from dlbasics.layers import Affine, BatchNorm, Relu, Tanh
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from tests.helpers import Block


def small_net():
    return Network([Affine.create(3, 4, rng=0), Relu(), Affine.create(4, 2, rng=1)])


def batch(n=6):
    rng = np.random.default_rng(3)
    return rng.standard_normal((n, 3)).astype(np.float32), rng.integers(0, 2, n)


def test_keys_count_the_layers_that_declare_a_name():
    net = MultiLayerNet(3, [5, 4], 2, use_dropout=True, use_batchnorm=True)
    first, second = ("W1", "b1", "gamma1", "beta1"), ("W2", "b2", "gamma2", "beta2")
    assert list(net.params) == [*first, *second, "W3", "b3"]


def test_a_bias_that_is_none_has_no_key_but_its_number():
    W = np.ones((3, 3))
    net = Network([Affine(W, None), Affine(W.copy(), np.zeros(3)), Affine(W.copy(), 0)])
    assert list(net.params) == ["W1", "W2", "b2", "W3"]
    assert list(net.gradient(*batch())) == ["W1", "W2", "b2", "W3"]
    assert "b1" not in net.params
    with pytest.raises(KeyError, match="b1"):
        net.params["b1"] = np.zeros(3)


def test_two_parameters_of_one_key_are_an_error():
    """W of the eleventh layer and W1 of the first would both be W11, and one not be trained."""

    class Other(Tanh):
        param_names = ("W1",)
        W1 = np.ones(3)

    layers = [Affine.create(3, 3, rng=i) for i in range(11)]
    assert len(Network([*layers[1:], Other()]).params) == 21
    with pytest.raises(ValueError, match=r"Other.W1 must have another name: W11 is taken"):
        Network([*layers, Other()])
    with pytest.raises(ValueError, match=r"Affine.W must have another name: W11 is taken"):
        Network([Other(), *layers])


def test_nested_layers_are_walked_depth_first_and_may_be_replaced():
    first, inner, deep, last = (Affine.create(3, 3, rng=i) for i in range(4))
    block = Block(inner, BatchNorm.create(3), Block(Tanh(), deep))
    net = Network([first, block, last])
    assert list(net.layers) == ["Affine1", "Block1", "Affine2"]
    for i, layer in enumerate((first, inner, deep, last), start=1):
        assert net.params[f"W{i}"] is layer.W
    assert list(net.params)[2:6] == ["W2", "b2", "gamma1", "beta1"]
    np.testing.assert_array_equal(net.gradient(*batch())["W3"], deep.dW)
    block.layers[0] = replacement = Affine.create(3, 3, rng=9)
    assert net.params["W2"] is replacement.W
    np.testing.assert_array_equal(net.gradient(*batch())["W2"], replacement.dW)


def test_params_is_a_mapping_of_the_very_arrays():
    net = small_net()
    assert len(net.params) == 4
    assert dict(net.params).keys() == {"W1", "b1", "W2", "b2"}
    assert net.params["W2"] is net.layers["Affine2"].W
    assert "W1: float32 (3, 4)" in repr(net.params)
    net.params["W1"][...] = 0
    net.params["b1"] += 2
    assert not net.layers["Affine1"].W.any()
    np.testing.assert_array_equal(net.layers["Affine1"].b, np.full(4, 2, np.float32))
    with pytest.raises(KeyError, match="W3"):
        net.params["W3"] = np.zeros((3, 4))
    with pytest.raises(KeyError):
        net.params["gamma1"]
    assert net.params.get("W3") is None


def test_assignment_puts_the_very_array_into_the_layer():
    net, W1, W2 = small_net(), np.full((3, 4), 0.5), np.zeros((4, 2))
    net.params["W1"], net.layers["Affine2"].W = W1, W2
    assert net.layers["Affine1"].W is net.params["W1"] is W1
    assert net.params["W2"] is W2
    assert net.predict(batch()[0]).dtype == np.float64
    net.layers["Affine2"].b = None
    assert "b2" not in net.params


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros((4, 3)), ValueError, r"W1.*\(3, 4\).*\(4, 3\)"),
        (np.zeros(12), ValueError, r"W1.*\(3, 4\).*\(12,\)"),
        (np.zeros((3, 4, 1)), ValueError, "W1"),
        (np.zeros((3, 4), int), TypeError, "W1 must hold floating-point numbers, got int"),
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
    before = dict(net.params)
    with pytest.raises(error, match=message):
        net.params["W1"] = value
    right = {key: np.ones_like(param) for key, param in before.items() if key != "W1"}
    with pytest.raises(error, match=message):
        net.params = {**right, "W1": value}
    assert all(net.params[key] is array for key, array in before.items())


def test_assigning_params_assigns_each_array_or_none():
    net = small_net()
    before = dict(net.params)
    for wrong in ({}, {"W1": np.ones((3, 4))}, {**before, "W3": np.ones(2)}):
        with pytest.raises(
            ValueError, match=r"params must have the keys \['W1', 'b1', 'W2', 'b2'\]"
        ):
            net.params = wrong
    assert all(net.params[key] is array for key, array in before.items())
    net.params = arrays = {key: np.ones_like(param) for key, param in before.items()}
    assert net.layers["Affine1"].W is arrays["W1"]
    assert net.layers["Affine2"].b is arrays["b2"]


@pytest.mark.parametrize("wrong", [None, 2, "x", [], {1}, object(), np.ones(2)])
def test_what_is_no_mapping_is_an_error(wrong):
    net = small_net()
    with pytest.raises(TypeError, match="params must be a dict of arrays, got"):
        net.params = wrong


def test_layers_that_are_replaced_added_or_removed_show_in_params():
    net, (x, t) = small_net(), batch()
    assert len(net.params) == 4
    net.layers["Affine1"] = replacement = Affine.create(3, 4, rng=9)
    assert net.params["W1"] is replacement.W
    np.testing.assert_array_equal(net.gradient(x, t)["W1"], replacement.dW)
    net.layers["Relu1"] = BatchNorm.create(4)
    assert list(net.params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2"]
    net.layers["Affine3"] = Affine.create(2, 2)
    assert list(net.params)[-2:] == ["W3", "b3"]
    del net.layers["Affine1"], net.layers["Relu1"]
    assert [net.params[key].shape for key in ("W1", "W2")] == [(4, 2), (2, 2)]
