"""Layers that a reader typed: without our base class, with lists of gradients, or as subclasses."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics import (
    SGD,
    Adam,
    Affine,
    BatchNorm,
    Network,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Trainer,
    check_gradients,
    cross_entropy_error,
    plain,
    softmax,
)
from dlbasics.layers import Layer
from dlbasics.regularizers import L2

# As the book has them


class BookAffine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class BookRelu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class BookSoftmaxWithLoss:
    def __init__(self):
        self.loss = None
        self.y = None
        self.t = None

    def forward(self, x, t):
        self.t = t
        self.y = softmax(x)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dx / len(dx)


class BookDropout:
    def __init__(self, dropout_ratio=0.5):
        self.rng = np.random.default_rng(0)
        self.dropout_ratio = dropout_ratio
        self.mask = None

    def forward(self, x, train_flg=True):
        if not train_flg:
            return x * (1.0 - self.dropout_ratio)
        self.mask = self.rng.random(x.shape) > self.dropout_ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


# As the author's second book has them


class ListAffine:
    def __init__(self, W, b, factor=1.0):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None
        self.factor = factor

    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, dout):
        W, _ = self.params
        self.grads[0][...] = self.factor * np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T)


class ListSigmoid:
    def __init__(self):
        self.params, self.grads = [], []
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class ListEmbedding:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]

    def forward(self, idx):
        self.idx = idx
        return self.params[0][idx]

    def backward(self, dout):
        self.grads[0][...] = 0
        np.add.at(self.grads[0], self.idx, dout)
        return None


# As subclasses of ours


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


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


X, T = normal(12, 5, seed=7), np.arange(12) % 3


def weights(dtype=np.float64):
    return [
        normal(*shape, seed=i, dtype=dtype) for i, shape in enumerate([(5, 4), (4,), (4, 3), (3,)])
    ]


def ours(activation=Relu, dtype=np.float64, **options):
    W1, b1, W2, b2 = weights(dtype)
    return Network([Affine(W1, b1), activation(), Affine(W2, b2)], **options)


def book(dtype=np.float64, **options):
    W1, b1, W2, b2 = weights(dtype)
    return Network([BookAffine(W1, b1), BookRelu(), BookAffine(W2, b2)], **options)


def lists(dtype=np.float64, **options):
    W1, b1, W2, b2 = weights(dtype)
    return Network([ListAffine(W1, b1), ListSigmoid(), ListAffine(W2, b2)], **options)


PAIRS = {"book": (book, ours), "lists": (lists, lambda **options: ours(Sigmoid, **options))}
both = pytest.mark.parametrize(("readers", "ours"), PAIRS.values(), ids=PAIRS.keys())


@both
def test_gradient_loss_accuracy_and_predictions_are_those_of_our_layers(readers, ours):
    found, expected = readers(), ours()
    grads, wanted = found.gradient(X, T), expected.gradient(X, T)
    assert [*grads] == [*found.params] == ["W1", "b1", "W2", "b2"]
    for key in wanted:
        np.testing.assert_allclose(grads[key], wanted[key], rtol=1e-10, atol=1e-12)
    assert found.last_loss == pytest.approx(expected.last_loss)
    assert found.loss(X, T) == pytest.approx(expected.loss(X, T))
    assert found.accuracy(X, T) == expected.accuracy(X, T)
    np.testing.assert_allclose(found.predict(X), expected.predict(X))


@both
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_it_learns_what_our_layers_learn(readers, ours, optimizer):
    trained = []
    for make in (readers, ours):
        network, method = make(regularizer=L2(0.01)), optimizer(0.1)
        for _ in range(20):
            method.update(network.params, network.gradient(X, T))
        trained.append(network.loss(X, T))
    assert trained[0] == pytest.approx(trained[1], rel=1e-9)
    assert trained[0] < 0.9 * ours().loss(X, T)


@both
def test_earlier_gradients_stay_as_they_were(readers, ours):
    network = readers()
    first = network.gradient(X, T)
    kept = copy.deepcopy(first)
    network.gradient(2 * X, T)
    for key in kept:
        np.testing.assert_array_equal(first[key], kept[key])


@both
def test_check_gradients_passes_for_network_and_layers(readers, ours):
    for dtype in (np.float64, np.float32):
        assert check_gradients(readers(dtype=dtype), X, T)
    W, b = weights()[:2]
    for layer in (BookAffine(W, b), ListAffine(W, b)):
        report = check_gradients(layer, X)
        assert report and {check.name for check in report.checks} == {"x", "W", "b"}
    for layer in (BookRelu(), ListSigmoid()):
        assert check_gradients(layer, X)


@both
def test_numerical_gradients_are_those_of_our_layers(readers, ours):
    found, expected = (make().numerical_gradient(X[:3], T[:3]) for make in (readers, ours))
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-6, atol=1e-9)


@both
def test_params_are_live(readers, ours):
    network, W = readers(), normal(5, 4, seed=9)
    before = network.loss(X, T)
    network.params["W1"] = W
    assert network.params["W1"] is W
    assert network.loss(X, T) != before
    changed = network.loss(X, T)
    network.params["W1"][...] = weights()[0]
    assert network.loss(X, T) == before != changed


@both
def test_weights_are_saved_and_loaded(readers, ours, tmp_path):
    network, other = readers(), readers()
    for param in other.params.values():
        param[...] = 0
    network.save_params(tmp_path / "w.npz")
    other.load_params(tmp_path / "w.npz")
    assert other.loss(X, T) == network.loss(X, T)


@both
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301
def test_a_network_of_them_is_copied_and_pickled(readers, ours, copied):
    network = readers()
    twin = copied(network)
    twin.params["W1"][...] = 0
    assert twin.loss(X, T) != network.loss(X, T) == readers().loss(X, T)


def test_names_and_shapes_in_the_summary():
    assert [row[:2] for row in book().summary(5).rows] == [
        ("BookAffine1", (4,)),
        ("BookRelu1", (4,)),
        ("BookAffine2", (3,)),
    ]
    assert book().summary(5).total == lists().summary(5).total == 39


@both
def test_the_trainer_trains_them_and_resumes(readers, ours, tmp_path):
    def trainer():
        return Trainer(
            readers(), X, T, X, T, epochs=4, mini_batch_size=5, optimizer="Adam",
            checkpoints=tmp_path, verbose=False, rng=0,
        )  # fmt: skip

    whole = trainer()
    for _ in range(2 * whole.iter_per_epoch):
        whole.train_step()
    resumed = trainer()
    assert resumed.resume()
    history = resumed.train()
    assert history.train_loss == whole.train().train_loss


@pytest.mark.parametrize("way", ["fast", "plain"])
def test_readers_layers_and_ours_go_together(way):
    W1, b1, W2, b2 = weights()
    layers = [BookAffine(W1, b1), BatchNorm.create(4, dtype=np.float64), Relu(), ListAffine(W2, b2)]
    if way == "fast":
        assert check_gradients(Network(layers), X, T)
    else:
        with plain():
            assert check_gradients(Network(layers), X, T)


def test_the_flag_reaches_a_layer_that_takes_it():
    network = Network([BookDropout(0.5), Affine(np.eye(5, 3), None)])
    x = np.ones((4, 5))
    np.testing.assert_array_equal(
        network.predict(x), 0.5 * np.eye(5, 3).sum(axis=0) * np.ones((4, 1))
    )
    assert set(np.unique(network.predict(x, train_flg=True))) == {0.0, 1.0}


# Loss layers


def test_a_readers_loss_layer_in_a_network():
    network, expected = ours(last_layer=BookSoftmaxWithLoss()), ours()
    grads, wanted = network.gradient(X, T), expected.gradient(X, T)
    for key in wanted:
        np.testing.assert_allclose(grads[key], wanted[key], rtol=1e-9, atol=1e-12)
    assert network.accuracy(X, T) == expected.accuracy(X, T)
    assert check_gradients(network, X, T)
    numeric = network.numerical_gradient(X, T)
    np.testing.assert_allclose(numeric["W1"], wanted["W1"], rtol=1e-5, atol=1e-8)


def test_a_readers_loss_layer_is_set_under_the_books_name():
    network = ours()
    network.lastLayer = BookSoftmaxWithLoss()
    assert network.loss(X, T) == pytest.approx(ours().loss(X, T))


def test_a_readers_loss_layer_is_checked_with_labels():
    class Wrong(BookSoftmaxWithLoss):
        def backward(self, dout=1):
            return 1.01 * super().backward(dout)

    x = normal(4, 3)

    class Scaled(BookSoftmaxWithLoss):
        def backward(self, dout=1):
            return dout * super().backward()

    assert check_gradients(Scaled(), x, [0, 1, 2, 0])
    assert check_gradients(SoftmaxWithLoss(), x, [0, 1, 2, 0])
    assert not check_gradients(Wrong(), x, [0, 1, 2, 0])


# Wrong layers are caught, and what cannot be told is an error


def test_a_wrong_gradient_in_a_list_is_caught():
    W, b = weights()[:2]
    report = check_gradients(ListAffine(W, b, factor=3.0), X)
    assert [check.name for check in report.checks if not report.passed(check)] == ["W"]
    wrong = Network([ListAffine(W, b, factor=3.0), ListAffine(*weights()[2:])])
    report = check_gradients(wrong, X, T)
    assert [check.name for check in report.checks if not report.passed(check)] == ["W1"]


class NamedOtherwise(BookAffine):
    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.grad_W = 3 * self.x.T @ dout
        return dout @ self.W.T


class Late(NamedOtherwise):
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


@pytest.mark.parametrize("kind", [NamedOtherwise, Late])
def test_an_array_whose_gradient_cannot_be_told_is_an_error(kind):
    with pytest.raises(ValueError, match=rf"{kind.__name__}.W is an array whose gradient"):
        check_gradients(kind(weights()[0]), X)
    with pytest.raises(ValueError, match=r"set self.dW = None in __init__"):
        Network([kind(weights()[0])]).gradient(X, T)


def test_param_names_say_what_is_trained():
    class Named(Late):
        param_names = ("W",)

    assert check_gradients(Named(weights()[0]), X)


def test_a_layer_that_was_used_before_can_be_put_into_a_network():
    layers = [BookAffine(*weights()[:2]), ListSigmoid(), BookAffine(*weights()[2:])]
    y = X
    for layer in layers:
        y = layer.forward(y)
    assert check_gradients(Network(layers), X, T)


def test_lists_of_different_lengths_are_an_error():
    layer = ListAffine(*weights()[:2])
    layer.grads.pop()
    with pytest.raises(ValueError, match=r"grads must hold an array for each of params, 2, got 1"):
        Network([layer])


def test_a_mask_drawn_anew_is_an_error_not_a_wrong_gradient():
    with pytest.raises(ValueError, match="two forward passes of the same x differ"):
        check_gradients(BookDropout(), X)


def test_a_layer_of_integers_is_checked_for_its_parameters():
    idx = np.array([0, 3, 3, 1])
    report = check_gradients(ListEmbedding(normal(5, 4)), idx)
    assert report and [check.name for check in report.checks] == ["W"]


def test_the_same_layer_twice_is_an_error():
    layer = BookRelu()
    with pytest.raises(ValueError, match="each only once"):
        Network([layer, Affine(np.eye(5, 3), None), layer])


@pytest.mark.parametrize("layer", [BookRelu, np.sin, 3, SoftmaxWithLoss()])
def test_what_is_no_layer_is_an_error(layer):
    with pytest.raises(TypeError, match="layers must hold layers"):
        Network([layer])


@pytest.mark.parametrize("layer", [BookSoftmaxWithLoss, np.sin, Relu()])
def test_what_is_no_loss_layer_is_an_error(layer):
    with pytest.raises(TypeError, match="last_layer must be a loss layer"):
        ours(last_layer=layer)


# Subclasses


@pytest.mark.parametrize("kind", [OwnForward, OwnFormula])
def test_a_subclass_of_layer_with_either_pair(kind):
    assert check_gradients(kind(), X)
    assert check_gradients(Network([kind(), Affine(*weights()[:2])]), X, T)


@pytest.mark.parametrize("kind", [AffineTimes2, AffineFormulaTimes2])
@pytest.mark.parametrize("place", [0, 1])
def test_a_subclass_of_affine_with_either_pair(kind, place):
    layers = [kind(*weights()[:2]), kind(*weights()[2:])]
    layers[1 - place] = Affine(*weights()[2:] if place == 0 else weights()[:2])
    assert check_gradients(layers[place], X if place == 0 else normal(6, 4))
    assert check_gradients(Network(layers), X, T)


def test_a_subclass_of_layer_without_formulas_says_what_to_write():
    class Empty(Layer):
        pass

    with pytest.raises(TypeError, match=r"Empty must define _forward\(x, train_flg\)"):
        Empty().forward(X)
