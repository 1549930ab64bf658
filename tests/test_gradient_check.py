"""`check_gradients` on what readers and students write, right and wrong."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import Affine, Relu, SoftmaxWithLoss
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet


def normal(*shape, seed=10):
    return np.random.default_rng(seed).standard_normal(shape)


class ReadersNetwork:
    """One affine layer typed by a reader, whose gradient may forget the bias."""

    def __init__(self, keys, layers):
        self.params = {"W1": normal(3, 2), "b1": normal(2)}
        self.layers = layers
        self.keys = keys

    def _layer(self):
        return Affine(self.params["W1"], self.params["b1"])

    def loss(self, x, t):
        return SoftmaxWithLoss().forward(self._layer().forward(x), t)

    def gradient(self, x, t):
        layer, last = self._layer(), SoftmaxWithLoss()
        last.forward(layer.forward(x), t)
        layer.backward(last.backward())
        return {key: {"W1": layer.dW, "b1": layer.db}[key] for key in self.keys}


@pytest.mark.parametrize("layers", [[], {}, [Relu()]])
def test_a_readers_network_with_its_layers_in_any_form(layers):
    assert check_gradients(ReadersNetwork(["W1", "b1"], layers), normal(4, 3), [0, 1, 1, 0])


def test_a_forgotten_gradient_is_an_error():
    with pytest.raises(ValueError, match="gradient must return"):
        check_gradients(ReadersNetwork(["W1"], {}), normal(4, 3), [0, 1, 1, 0])


class ReadersAffine:
    """The book's layer, typed by a reader: not a Layer of ours, and without train_flg."""

    def __init__(self, W, b, factor=1.0):
        self.W, self.b, self.factor = W, b, factor
        self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.dW = self.factor * np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


def test_a_readers_layer_can_be_checked():
    report = check_gradients(ReadersAffine(normal(3, 2), normal(2)), normal(4, 3))
    assert report and {check.name for check in report.checks} == {"x", "W", "b"}
    assert not check_gradients(ReadersAffine(normal(3, 2), normal(2), 1.001), normal(4, 3))
    assert check_gradients(ReadersAffine(np.ones((3, 2), np.float32), normal(2)), normal(4, 3))


def test_what_is_neither_layer_nor_network_is_refused():
    with pytest.raises(TypeError, match="target must be a layer, a loss layer or a network"):
        check_gradients(np.sin, normal(4, 3))


def test_a_network_is_checked_in_training_mode_only():
    with pytest.raises(ValueError, match="train_flg must be True"):
        check_gradients(MultiLayerNet(3, [2], 2), normal(4, 3), [0, 1, 1, 0], train_flg=False)


class WritesIntoDout(Relu):
    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class WritesIntoX(Relu):
    def forward(self, x, train_flg=True):
        x[x < 0] = 0
        return super().forward(x, train_flg)


class Accumulates(Affine):
    total = 0.0

    def backward(self, dout):
        dx = super().backward(dout)
        self.total = self.total + self.dW
        self.dW = self.total
        return dx


@pytest.mark.parametrize("layer, what", [(WritesIntoDout(), "dout"), (WritesIntoX(), "x")])
def test_a_layer_that_writes_into_what_it_was_given_is_refused(layer, what):
    with pytest.raises(ValueError, match=f"must not change the {what} that"):
        check_gradients(layer, normal(5, 4))


def test_a_gradient_that_is_added_to_the_last_one_is_caught():
    assert not check_gradients(Accumulates.create(3, 2, rng=0), normal(4, 3))


def test_a_network_without_parameters_is_no_pass():
    assert not check_gradients(Network([Relu()]), normal(4, 3), [0, 1, 2, 0])


class HidesItsLayer(Relu):
    def __init__(self):
        self.inner = Affine.create(3, 2, rng=0)


def test_a_layer_that_a_block_does_not_list_is_refused():
    with pytest.raises(ValueError, match=r"HidesItsLayer.inner must be in HidesItsLayer.layers"):
        Network([HidesItsLayer()])
