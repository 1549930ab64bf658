"""What a gradient check compares, and what it refuses."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    Layer,
    LossLayer,
    Relu,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from tests.helpers import normal
from tests.internal.cases import BookAffine

X = normal(5, 4)


def test_what_is_neither_layer_nor_network_and_a_network_in_test_mode_are_refused():
    with pytest.raises(TypeError, match="target must be a layer, a loss layer or a network"):
        check_gradients(np.sin, normal(4, 3))
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


@pytest.mark.parametrize(
    ("name", "reshape"),
    [
        ("W", lambda dW: np.vstack([dW, dW])),
        ("W", lambda dW: dW[:2]),
        ("W", lambda dW: dW[np.newaxis]),
        ("W", lambda dW: None),
        ("b", lambda db: db[np.newaxis]),
        ("b", lambda db: db.sum()),
        ("x", lambda dx: dx[:1]),
        ("x", lambda dx: None),
    ],
)
def test_a_gradient_of_another_shape_is_wrong(name, reshape):
    class Reshapes(BookAffine):
        def backward(self, dout):
            dx = super().backward(dout)
            if name == "x":
                return reshape(dx)
            setattr(self, f"d{name}", reshape(getattr(self, f"d{name}")))
            return dx

    report = check_gradients(Reshapes(normal(4, 4), normal(4)), X)
    assert [check.name for check in report.checks if not report.passed(check)] == [name]


@pytest.mark.parametrize("layer, what", [(WritesIntoDout(), "dout"), (WritesIntoX(), "x")])
def test_a_layer_that_writes_into_what_it_was_given_is_refused(layer, what):
    with pytest.raises(ValueError, match=f"must not change the {what} that"):
        check_gradients(layer, X)


class NotDeclared(Layer):
    """A subclass of ours that does not say that W is its parameter."""

    def __init__(self, W):
        self.W = W

    def _forward(self, x, train_flg):
        self.x = x
        return x @ self.W

    def _backward(self, dout):
        self.gradient_of_W = 3 * self.x.T @ dout
        return dout @ self.W.T


class InAList(NotDeclared):
    W = property(lambda self: self.params[0])

    def __init__(self, W):
        self.params, self.grads = [W], [None]

    def _backward(self, dout):
        self.grads[0] = 3 * self.x.T @ dout
        return dout @ self.W.T


class HasItsGradient(NotDeclared):
    def _backward(self, dout):
        self.dW = 3 * self.x.T @ dout
        return dout @ self.W.T


class WithScale(Affine):
    def __init__(self, W):
        super().__init__(W, None)
        self.scale = np.full(W.shape[1], 2.0)

    def _forward(self, x, train_flg):
        self.y = super()._forward(x, train_flg)
        return self.y * self.scale

    def _backward(self, dout):
        self.gradient_of_scale = 3 * (self.y * dout).sum(axis=0)
        return super()._backward(dout * self.scale)


class Holds(Layer):
    def __init__(self, W):
        self.inner = Affine(W, None)

    def _forward(self, x, train_flg):
        return self.inner.forward(x)

    def _backward(self, dout):
        return self.inner.backward(dout)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (NotDeclared, "NotDeclared.W is an array whose gradient is unknown: list the parameters"),
        (InAList, "InAList.params is an array whose gradient is unknown"),
        (HasItsGradient, "HasItsGradient.W has a gradient, so it must be in .*param_names"),
        (WithScale, "WithScale.scale is an array whose gradient is unknown"),
        (Holds, "Holds.inner must be in Holds.layers too"),
    ],
)
def test_parameters_of_a_subclass_that_it_does_not_declare_are_an_error(kind, message):
    with pytest.raises(ValueError, match=message):
        check_gradients(kind(normal(4, 3)), X)
    with pytest.raises(ValueError, match=message):
        check_gradients(Network([kind(normal(4, 3))]), X, [0, 1, 2, 0, 1])


def test_a_subclass_that_says_what_its_parameters_are_is_checked_also_after_use():
    class Says(WithScale):
        param_names = ("W", "b")

    layer = Says(normal(4, 3))
    for _ in range(2):
        assert check_gradients(layer, X)
        layer.backward(layer.forward(X))
    used = Tanh()
    used.backward(used.forward(X))
    assert check_gradients(used, X)


class LossWithWeights(LossLayer):
    def __init__(self, W):
        self.W = W

    def forward(self, x, t):
        self.x, self.t = x, t
        return float(np.sum((x @ self.W - t) ** 2) / 2)

    def backward(self, dout=1):
        return dout * (self.x @ self.W - self.t) @ self.W.T


def test_a_loss_layer_with_an_array_that_it_does_not_declare_is_an_error():
    class Constant(LossWithWeights):
        param_names = ()

    with pytest.raises(ValueError, match=r"LossWithWeights.W is an array whose gradient is unkn"):
        check_gradients(LossWithWeights(normal(4, 3)), X, normal(5, 3))
    assert check_gradients(Constant(normal(4, 3)), X, normal(5, 3))


def test_a_network_whose_params_are_no_dict_is_an_error():
    class Lists:
        params = (normal(4, 3),)

        def gradient(self, x, t):
            return [np.zeros((4, 3))]

    with pytest.raises(TypeError, match="params, and what gradient returns, must be dicts, got tu"):
        check_gradients(Lists(), X, [0, 1, 2, 0, 1])
