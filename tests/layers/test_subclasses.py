"""Subclasses of Layer, LossLayer and Affine that a reader writes."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import Affine, Convolution, Dropout, Layer, Relu, SoftmaxWithLoss
from dlbasics.network import Network
from tests.helpers import normal
from tests.internal.cases import BookAffine

X, T = normal(12, 5, seed=7), np.arange(12) % 3


class OwnForward(Layer):
    def forward(self, x, train_flg=True):
        self.x = x
        return x**2

    def backward(self, dout):
        return 2 * self.x * dout


class OwnFormula(Layer):
    def _forward(self, x, train_flg):
        self.x = x
        return x**2

    def _backward(self, dout):
        return 2 * self.x * dout


class AffineTimes2(Affine):
    def forward(self, x, train_flg=True):
        return 2 * super().forward(x, train_flg)

    def backward(self, dout):
        return super().backward(2 * dout)


class AffineFormulaTimes2(Affine):
    def _forward(self, x, train_flg):
        return 2 * super()._forward(x, train_flg)

    def _backward(self, dout):
        return super()._backward(2 * dout)


@pytest.mark.parametrize("kind", [OwnForward, OwnFormula])
def test_a_subclass_of_layer_with_either_pair(kind):
    assert check_gradients(kind(), X)
    assert check_gradients(Network([kind(), Affine(normal(5, 3), normal(3))]), X, T)


@pytest.mark.parametrize("kind", [AffineTimes2, AffineFormulaTimes2])
def test_a_subclass_of_affine_with_either_pair(kind):
    for first, second in ((kind, Affine), (Affine, kind)):
        layers = [first(normal(5, 4), normal(4)), second(normal(4, 3), normal(3))]
        assert check_gradients(layers[0], X) and check_gradients(layers[1], normal(6, 4))
        assert check_gradients(Network(layers), X, T)


def test_a_formula_may_return_what_it_was_given():
    class Nothing(Layer):
        def _forward(self, x, train_flg):
            return x

        def _backward(self, dout):
            return dout.reshape(dout.shape)

    layer = Nothing()
    y = layer.forward(X)
    assert not np.shares_memory(y, X)
    assert not np.shares_memory(layer.backward(y), y)


def test_a_block_may_use_its_dropout_as_it_likes():
    class OneMask(Layer):
        def __init__(self):
            self.layers = [Dropout(0.5, rng=0)]

        def forward(self, x, train_flg=True):
            self.mask = self.layers[0].forward(np.ones(x.shape[1]), train_flg)
            return x * self.mask

        def backward(self, dout):
            return dout * self.mask

    class NeverDrops(OneMask):
        def forward(self, x, train_flg=True):
            self.mask = 0.5
            return self.layers[0].forward(x, False)

    for block in (OneMask(), NeverDrops()):
        network = Network([Affine(normal(5, 5), None), block, Affine(normal(5, 3), None)])
        assert check_gradients(network, X, T)
        numeric, grads = network.numerical_gradient(X[:3], T[:3]), network.gradient(X[:3], T[:3])
        if isinstance(block, NeverDrops):
            np.testing.assert_allclose(numeric["W1"], grads["W1"], rtol=1e-5, atol=1e-8)


def test_a_weight_that_is_computed_from_others_has_the_right_numerical_gradient():
    class Scaled(Affine):
        param_names = ("scale", "b")
        W = property(lambda self: self.W0 * self.scale)

        def __init__(self, W, b):
            self.W0, self.b, self.scale = W, b, np.ones(W.shape[1])

        def _backward(self, dout):
            self.dscale = ((self.x.T @ dout) * self.W0).sum(axis=0)
            self.db = dout.sum(axis=0)
            return dout @ self.W.T

    network = Network([Scaled(normal(5, 3), normal(3)), Relu(), Affine(normal(3, 3), None)])
    numeric, grads = network.numerical_gradient(X, T), network.gradient(X, T)
    np.testing.assert_allclose(numeric["scale1"], grads["scale1"], rtol=1e-5, atol=1e-8)


def test_a_loss_that_is_a_sum_ends_the_halves_of_a_network():
    class Sum(SoftmaxWithLoss):
        def forward(self, x, t):
            self.count = len(x)
            return super().forward(x, t) * self.count

        def backward(self, dout=1):
            return super().backward(dout) * self.count

    x = normal(6, 1, 6, 6)
    layers = [Convolution.create(1, 2, 3, rng=0, dtype=np.float64), Affine(normal(32, 3), None)]
    network = Network(layers)
    mean = network.gradient(x, T[:6])["W2"]
    assert network.sharded
    network.lastLayer = Sum()
    assert not network.sharded
    np.testing.assert_allclose(network.gradient(x, T[:6])["W2"], 6 * mean)


class Scale(Layer):
    def __init__(self, W):
        self.W, self.dW = W, None


class NoFlag(OwnForward):
    def forward(self, x):
        return x


class Parts(Layer):
    def __init__(self, parts):
        self.parts = parts


AFFINE = Affine(np.eye(5), None)


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (NoFlag(), TypeError, r"NoFlag must have forward\(self, x, train_flg=True\)"),
        (Scale(np.ones(5)), ValueError, r"Scale.W has a gradient, so it must be in Scale.param_n"),
        *(
            (Parts(parts), ValueError, "Parts.parts must be in Parts.layers")
            for parts in (AFFINE, [AFFINE], BookAffine(np.eye(5), np.zeros(5)), {"a": Relu()})
        ),
    ],
)
def test_a_subclass_that_no_network_can_use_says_what_is_missing(layer, error, message):
    with pytest.raises(error, match=message):
        Network([layer])


def test_a_subclass_without_formulas_says_what_to_write():
    with pytest.raises(TypeError, match=r"Parts must define _forward\(x, train_flg\)"):
        Parts([]).forward(X)


def test_the_base_class_itself_is_no_layer():
    with pytest.raises(TypeError, match=r"Layer must define _forward\(x, train_flg\)"):
        Layer().forward(np.ones(2))
