"""The gradient check is itself checked: it must catch errors planted in right layers."""

from functools import partial

import numpy as np
import pytest

from dlbasics import layers
from dlbasics.gradient import check_gradients, numerical_gradient
from dlbasics.network import Network
from tests.helpers import Block, damaged, normal

pytestmark = pytest.mark.long

affine = partial(damaged, layers.Affine, normal(4, 4, seed=1), normal(4, seed=2))
batch_norm = partial(damaged, layers.BatchNorm, np.ones(4), np.zeros(4))
X = normal(5, 4)


def convolution(stride, **damage):
    return damaged(
        layers.Convolution, normal(3, 3, 3, 3, seed=1), normal(3, seed=2), stride, 1, **damage
    )


def wrong_names(report):
    return [check.name for check in report.checks if not report.passed(check)]


def on_each_gradient(what, change):
    return {f"{name} {what}": {name: change} for name in ("dW", "db", "dx")}


AFFINE_ERRORS = {
    **on_each_gradient("1.001 times too large", lambda grad, *_: 1.001 * grad),
    **on_each_gradient("of the wrong sign", lambda grad, *_: -grad),
    **on_each_gradient("zero", lambda grad, *_: np.zeros_like(grad)),
    **on_each_gradient("not a number", lambda grad, *_: np.full_like(grad, np.nan)),
    "dW divided by N": {"dW": lambda dW, _, dout: dW / len(dout)},
    "db averaged, not summed": {"db": lambda db, _, dout: dout.mean(axis=0)},
    "dW transposed": {"dW": lambda dW, *_: dW.T},
    "W transposed in dx": {"dx": lambda dx, layer, dout: dout @ layer.W},
    "dW of the first sample only": {"dW": lambda dW, layer, dout: np.outer(layer.x[0], dout[0])},
    "db of the first sample only": {"db": lambda db, _, dout: dout[0]},
    "one element of dW zero": {"dW": lambda dW, *_: dW * (np.arange(16).reshape(4, 4) != 5)},
    "samples of dx in reverse": {"dx": lambda dx, *_: dx[::-1]},
    "first of db not a number": {"db": lambda db, *_: np.r_[np.nan, db[1:]]},
    "last of db not a number": {"db": lambda db, *_: np.r_[db[:-1], np.nan]},
    "first of db infinite": {"db": lambda db, *_: np.r_[np.inf, db[1:]]},
    "db not summed over the samples": {"db": lambda db, _, dout: dout},
    "dW not summed over the samples": {
        "dW": lambda dW, layer, dout: layer.x[:, :, np.newaxis] * dout[:, np.newaxis]
    },
    "db a row, not a vector": {"db": lambda db, *_: db[np.newaxis]},
}


@pytest.mark.parametrize("damage", AFFINE_ERRORS.values(), ids=AFFINE_ERRORS.keys())
def test_an_error_in_an_affine_layer_is_caught(damage):
    (name,) = damage
    assert check_gradients(affine(), X)
    report = check_gradients(affine(**damage), X)
    assert not report, f"\n{report}"
    assert wrong_names(report) == [name.removeprefix("d")]


def with_other_filters(change):
    """Return the damage that computes dx by changed filters."""

    def dx(dx, layer, dout):
        twin = layers.Convolution(change(layer.W), None, layer.stride, layer.pad)
        twin.forward(layer.x)
        return twin.backward(dout)

    return {"dx": dx}


CONVOLUTION_ERRORS = {
    **on_each_gradient("1.001 times too large", lambda grad, *_: 1.001 * grad),
    "dW divided by N": {"dW": lambda dW, _, dout: dW / len(dout)},
    "db averaged over pixels": {"db": lambda db, _, dout: db / dout[0, 0].size},
    "dW of turned filters": {"dW": lambda dW, *_: dW[:, :, ::-1, ::-1]},
    "dW with rows and columns exchanged": {"dW": lambda dW, *_: dW.transpose(0, 1, 3, 2)},
    "dW with filters and channels exchanged": {"dW": lambda dW, *_: dW.transpose(1, 0, 2, 3)},
    "dW without its last column": {"dW": lambda dW, *_: dW * (np.arange(3) < 2)},
    "dx of turned filters": with_other_filters(lambda W: W[:, :, ::-1, ::-1]),
    "dx with rows and columns exchanged": with_other_filters(lambda W: W.transpose(0, 1, 3, 2)),
    "dx with filters and channels exchanged": with_other_filters(lambda W: W.transpose(1, 0, 2, 3)),
    "dx moved by one pixel": {"dx": lambda dx, *_: np.roll(dx, 1, axis=3)},
    "dx without the border": {
        "dx": lambda dx, *_: np.pad(dx[:, :, 1:-1, 1:-1], ((0, 0), (0, 0), (1, 1), (1, 1)))
    },
    "images of dx in reverse": {"dx": lambda dx, *_: dx[::-1]},
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("damage", CONVOLUTION_ERRORS.values(), ids=CONVOLUTION_ERRORS.keys())
def test_an_error_in_a_convolution_is_caught(damage, stride):
    (name,) = damage
    x = normal(2, 3, 5, 5)
    assert check_gradients(convolution(stride), x)
    report = check_gradients(convolution(stride, **damage), x)
    assert wrong_names(report) == [name.removeprefix("d")]


POOLING_ERRORS = {
    "to every pixel": (2, lambda dx, _, dout: dout.repeat(2, axis=2).repeat(2, axis=3) / 4),
    "to the left": (2, lambda dx, *_: np.roll(dx, -1, axis=3)),
    "to the left, stride 1": (1, lambda dx, *_: np.roll(dx, -1, axis=3)),
    "of one window only, not the sum of those that share a pixel": (
        1,
        lambda dx, _, dout: np.sign(dx) * np.minimum(np.abs(dx), np.abs(dout).max()),
    ),
}


@pytest.mark.parametrize(("stride", "dx"), POOLING_ERRORS.values(), ids=POOLING_ERRORS.keys())
def test_an_error_in_pooling_is_caught(stride, dx):
    x = normal(2, 3, 6, 6)
    assert not check_gradients(damaged(layers.Pooling, 2, 2, stride, dx=dx), x)
    assert check_gradients(layers.Pooling(2, 2, stride), x)


class Softmax(layers.Layer):
    """Softmax as a layer of its own, with the right gradient."""

    def forward(self, x, train_flg=True):
        exp = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = exp / exp.sum(axis=1, keepdims=True)
        return self.y.copy()

    def backward(self, dout):
        return self.y * (dout - (self.y * dout).sum(axis=1, keepdims=True))


def zeros(dx, layer, dout):
    return np.zeros_like(dx)


UNSEEN_BY_ONES = {
    "softmax that takes the plain mean": damaged(
        Softmax, dx=lambda dx, layer, dout: layer.y * (dout - dout.mean(axis=1, keepdims=True))
    ),
    "softmax, zeros": damaged(Softmax, dx=zeros),
    "batch norm whose variance is constant": batch_norm(
        dx=lambda dx, layer, dout: layer.gamma / layer._std * (dout - dout.mean(axis=0))
    ),
    "batch norm, zeros": batch_norm(dx=zeros),
}


@pytest.mark.parametrize("wrong", UNSEEN_BY_ONES.values(), ids=UNSEEN_BY_ONES.keys())
def test_an_error_that_a_probe_of_ones_lets_pass_is_caught(wrong):
    y = wrong.forward(X)
    numeric = numerical_gradient(lambda x: wrong.forward(x).sum(), X.copy())
    wrong.forward(X)
    np.testing.assert_allclose(wrong.backward(np.ones_like(y)), numeric, atol=1e-7)
    assert not check_gradients(wrong, X)


def test_a_batch_norm_whose_mean_is_taken_for_a_constant_is_caught():
    def dx(dx, layer, dout):
        return layer.gamma / layer._std * (dout - layer._xn * layer.dgamma / len(dout))

    assert not check_gradients(batch_norm(dx=dx), X)


@pytest.mark.parametrize("seed", range(3))
def test_the_probe_is_not_x_when_both_come_from_one_seed(seed):
    """With x itself as the probe, the gradient of batch normalization is almost 0 everywhere."""
    x = normal(6, 4, seed=seed)
    assert check_gradients(batch_norm(), x, rng=seed)
    assert not check_gradients(batch_norm(dx=zeros), x, rng=seed)


def test_over_one_sample_a_wrong_batch_norm_would_pass_over_two_it_is_caught():
    with pytest.raises(ValueError, match="x must hold 2 or more values"):
        check_gradients(batch_norm(dx=zeros), normal(1, 4))
    assert not check_gradients(batch_norm(dx=zeros), normal(2, 4))


FACTORS = [1.001, 0.999, -1, 0, 5]


@pytest.mark.parametrize(
    "kind", [layers.Relu, layers.Sigmoid, layers.Tanh, layers.Identity, Softmax]
)
def test_a_wrong_factor_in_an_activation_is_caught(kind):
    assert check_gradients(kind(), X)
    for factor in FACTORS:
        assert not check_gradients(damaged(kind, dx=lambda dx, *_, f=factor: f * dx), X)


LOSSES = {
    "softmax, classes": (layers.SoftmaxWithLoss, np.array([0, 1, 2, 2, 1])),
    "softmax, soft": (layers.SoftmaxWithLoss, np.random.default_rng(0).random((5, 3))),
    "sigmoid": (layers.SigmoidWithLoss, np.random.default_rng(0).random((5, 3))),
    "identity": (layers.IdentityWithLoss, normal(5, 3, seed=1)),
}


@pytest.mark.parametrize(("kind", "t"), LOSSES.values(), ids=LOSSES.keys())
def test_a_wrong_factor_or_a_missing_1_over_n_in_a_loss_is_caught(kind, t):
    x = normal(5, 3)
    assert check_gradients(kind(), x, t)
    for factor in FACTORS:
        assert not check_gradients(damaged(kind, dx=lambda dx, *_, f=factor: f * dx), x, t)


def test_a_softmax_with_loss_that_takes_every_row_to_sum_to_1_is_caught():
    class PlainDifference(layers.SoftmaxWithLoss):
        def _backward(self, y, t):
            return y - t

    x, soft = normal(5, 3), np.random.default_rng(0).random((5, 3))
    assert check_gradients(PlainDifference(), x, soft / soft.sum(axis=1, keepdims=True))
    assert not check_gradients(PlainDifference(), x, soft)


def test_a_loss_layer_that_ignores_dout_is_caught():
    class IgnoresDout(layers.SoftmaxWithLoss):
        def backward(self, dout=1):
            return super().backward(1)

    assert not check_gradients(IgnoresDout(), normal(4, 3), [0, 1, 2, 0])


def test_an_error_is_caught_inside_a_block():
    report = check_gradients(Block(affine(), layers.Tanh(), affine(db=lambda db, *_: 2 * db)), X)
    assert [report.passed(check) for check in report.checks] == [True, True, True, True, False]


@pytest.mark.parametrize("in_network", [False, True])
def test_a_gradient_of_the_pass_before_is_caught(in_network):
    class Late(layers.Affine):
        before = None

        def backward(self, dout):
            dx = super().backward(dout)
            self.dW, self.before = self.before, self.dW
            self.dW = np.zeros_like(self.W) if self.dW is None else self.dW
            return dx

    layer, x, t = Late.create(3, 2, rng=0), normal(4, 3), [0, 1, 1, 0]
    check = check_gradients(Network([layer]), x, t) if in_network else check_gradients(layer, x)
    assert [row.name[0] for row in check.checks if not check.passed(row)] == ["W"]


class KeepsTheFirst(layers.Affine):
    def backward(self, dout):
        first = self.dW
        dx = super().backward(dout)
        self.dW = self.dW if first is None else first
        return dx


class OwnLoss:
    """A mean of squares as a reader types it, which computes its gradient only once."""

    dx = None

    def forward(self, y, t):
        self.y, self.t = y, t
        return np.sum((y - t) ** 2) / len(y)

    def backward(self, dout=1):
        self.dx = 2 * (self.y - self.t) / len(self.y) if self.dx is None else self.dx
        return self.dx


class OwnNetwork:
    """A product as a reader types it, which computes its gradient only once."""

    grads = None

    def __init__(self):
        self.params = {"W": normal(4, 2, seed=1)}

    def loss(self, x, t):
        return np.sum((x @ self.params["W"] - t) ** 2)

    def gradient(self, x, t):
        self.grads = self.grads or {"W": 2 * x.T @ (x @ self.params["W"] - t)}
        return self.grads


class LossThatKeepsTheFirst(layers.IdentityWithLoss):
    dx = None

    def backward(self, dout=1):
        self.dx = super().backward(dout) if self.dx is None else self.dx
        return self.dx


COMPUTED_ONCE = {
    "layer": (lambda: KeepsTheFirst.create(4, 2, rng=0), None),
    "network": (lambda: Network([KeepsTheFirst.create(4, 2, rng=0)]), [0, 1, 1, 0, 1]),
    "loss layer": (LossThatKeepsTheFirst, normal(5, 4, seed=1)),
    "own loss layer": (OwnLoss, normal(5, 4, seed=1)),
    "own network": (OwnNetwork, normal(5, 2, seed=2)),
}


@pytest.mark.parametrize(("make", "t"), COMPUTED_ONCE.values(), ids=COMPUTED_ONCE)
def test_a_gradient_that_the_first_pass_has_left_behind_is_caught(make, t):
    report = check_gradients(make(), X, t)
    assert not report and "nothing could be checked" not in str(report)


def test_a_gradient_that_is_added_to_the_last_one_is_caught():
    class Accumulates(layers.Affine):
        total = 0.0

        def backward(self, dout):
            dx = super().backward(dout)
            self.total = self.total + self.dW
            self.dW = self.total
            return dx

    assert not check_gradients(Accumulates.create(3, 2, rng=0), normal(4, 3))
