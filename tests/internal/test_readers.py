"""Layers that a reader typed without our base class, as layers of our networks."""

import copy
import pickle
from contextlib import nullcontext
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from dlbasics import SGD, Adam, Network, Trainer, check_gradients, plain
from dlbasics._internal.readers import parts
from dlbasics.layers import Affine, BatchNorm, LossLayer, Relu, Sigmoid, SoftmaxWithLoss
from dlbasics.regularizers import L2
from tests.helpers import damaged, normal
from tests.internal.cases import (
    BookAffine,
    BookDropout,
    BookRelu,
    BookSoftmaxWithLoss,
    ListAffine,
    ListEmbedding,
    ListSigmoid,
)

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


def assert_numerical_gradient_is_right(network, x=X, t=T):
    numeric, grads = network.numerical_gradient(x, t), network.gradient(x, t)
    for key in grads:
        np.testing.assert_allclose(numeric[key], grads[key], rtol=1e-5, atol=1e-7)


@both
def test_gradient_loss_accuracy_and_predictions_are_those_of_our_layers(readers, ours):
    found, expected = readers(), ours()
    grads, wanted = found.gradient(X, T), expected.gradient(X, T)
    assert [*grads] == [*found.params] == ["W1", "b1", "W2", "b2"]
    assert found.last_loss == pytest.approx(expected.last_loss)
    assert found.loss(X, T) == pytest.approx(expected.loss(X, T))
    assert found.accuracy(X, T) == expected.accuracy(X, T)
    np.testing.assert_allclose(found.predict(X), expected.predict(X))
    assert [row[1] for row in found.summary(5).rows] == [(4,), (4,), (3,)]
    assert found.summary(5).total == 39
    found.gradient(2 * X, T)
    for key in wanted:
        np.testing.assert_allclose(grads[key], wanted[key], rtol=1e-10, atol=1e-12)
    for layer in found.layers.values():
        if layer.param_names:
            layer.dW *= 0.5
    np.testing.assert_array_equal(found.gradient(X, T)["W1"], grads["W1"])


@both
def test_params_are_live_and_saved_and_loaded(readers, ours, tmp_path):
    network, other, W = readers(), readers(), normal(5, 4, seed=9)
    before = network.loss(X, T)
    network.params["W1"] = W
    assert network.params["W1"] is W
    assert network.loss(X, T) != before
    network.params["W1"][...] = weights()[0]
    assert network.loss(X, T) == before
    for param in other.params.values():
        param[...] = 0
    network.save_params(tmp_path / "w.npz")
    other.load_params(tmp_path / "w.npz")
    assert other.loss(X, T) == before


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
def test_check_gradients_passes_for_network_and_layers(readers, ours):
    for dtype in (np.float64, np.float32):
        assert check_gradients(readers(dtype=dtype), X, T)
    assert_numerical_gradient_is_right(readers())
    affine, activation, _ = (layer.own for layer in readers().layers.values())
    for layer, names in ((affine, ["x", "W", "b"]), (activation, ["x"])):
        report = check_gradients(layer, X)
        assert report and [check.name for check in report.checks] == names


@both
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301
def test_a_network_of_them_is_copied_and_pickled(readers, ours, copied):
    network = readers()
    twin = copied(network)
    twin.params["W1"][...] = 0
    assert twin.loss(X, T) != network.loss(X, T) == readers().loss(X, T)


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
    whole.folder = None  # two trainings do not write to one folder
    assert resumed.train().train_loss == whole.train().train_loss


@pytest.mark.parametrize("way", [nullcontext, plain])
def test_readers_layers_and_ours_go_together(way):
    W1, b1, W2, b2 = weights()
    layers = [BookAffine(W1, b1), BatchNorm.create(4, dtype=np.float64), Relu(), ListAffine(W2, b2)]
    with way():
        assert check_gradients(Network(layers), X, T)


def test_the_flag_and_what_is_set_reach_the_readers_layer():
    layer, W, x = BookDropout(0.25), np.eye(5, 3), np.ones((4, 5))
    network = Network([layer, Affine(W, None)])
    network.layers["BookDropout1"].dropout_ratio = 0.5
    assert layer.dropout_ratio == 0.5
    np.testing.assert_array_equal(network.predict(x), 0.5 * x @ W)
    assert set(np.unique(network.predict(x, train_flg=True))) == {0.0, 1.0}


# Loss layers


def test_a_readers_loss_layer_in_a_network():
    network, expected = ours(), ours()
    network.lastLayer = BookSoftmaxWithLoss()
    grads, wanted = network.gradient(X, T), expected.gradient(X, T)
    for key in wanted:
        np.testing.assert_allclose(grads[key], wanted[key], rtol=1e-9, atol=1e-12)
    assert network.accuracy(X, T) == expected.accuracy(X, T)
    assert check_gradients(network, X, T)
    assert_numerical_gradient_is_right(network)


class SumOfSquares:
    def forward(self, x, t):
        self.y, self.t = x, t
        return 0.5 * np.sum((x - t) ** 2)

    def backward(self, dout=1):
        return dout * (self.y - self.t)


class YesOrNo:
    """A loss of one output, as the author's second book has it."""

    def forward(self, x, t):
        self.y, self.t = 1 / (1 + np.exp(-x)), t.reshape(x.shape)
        return -np.log(np.where(self.t == 1, self.y, 1 - self.y)).mean()

    def backward(self, dout=1):
        return dout * (self.y - self.t) / len(self.t)


def with_one_output(loss):
    return Network([Affine(normal(5, 1, seed=1), normal(1, seed=2))], loss)


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_a_readers_loss_of_one_output_has_the_share_of_right_answers(shape):
    net, t = with_one_output(YesOrNo()), (T > 0).astype(int)
    expected = ((net.predict(X)[:, 0] > 0) == t).mean()
    assert 0 < expected < 1
    assert net.accuracy(X, t.reshape(shape)) == expected
    trainer = Trainer(net, X, t.reshape(shape), X, t.reshape(shape), epochs=1, verbose=False)
    trainer.train()
    assert trainer.test_acc_list == [net.accuracy(X, t)]


class WithoutY(YesOrNo):
    def forward(self, x, t):
        loss = super().forward(x, t)
        self.p = vars(self).pop("y")
        return loss


@pytest.mark.parametrize(("loss", "t"), [(WithoutY, T > 0), (YesOrNo, T), (SumOfSquares, T)])
def test_a_readers_loss_of_one_output_may_have_no_accuracy(loss, t):
    with pytest.raises(TypeError, match=f"{loss.__name__} has no accuracy: with one output"):
        with_one_output(loss()).accuracy(X, t.astype(int)[:, np.newaxis])


class OwnLoss(SumOfSquares, LossLayer):
    """A subclass of ours that has forward and backward instead of the formulas."""


@pytest.mark.parametrize("kind", [SumOfSquares, OwnLoss])
def test_a_loss_need_not_be_a_mean(kind):
    t = normal(12, 3, seed=5)
    assert_numerical_gradient_is_right(ours(last_layer=kind()), X, t)
    assert check_gradients(ours(last_layer=kind()), X, t)
    assert check_gradients(kind(), normal(12, 3), t)


@pytest.mark.parametrize(
    "network", [book(), ours(last_layer=BookSoftmaxWithLoss()), ours(last_layer=OwnLoss())]
)
def test_halves_are_refused_for_what_ours_does_not_run(network):
    with pytest.raises(ValueError, match="sharded must be False for layers that"):
        network.sharded = True
    assert not network.sharded


def test_a_readers_loss_layer_is_checked_with_labels():
    """The book's loss layer is right though it ignores dout."""

    class Scales(BookSoftmaxWithLoss):
        def backward(self, dout=1):
            return dout * super().backward()

    x, t = normal(4, 3), [0, 1, 2, 0]
    assert check_gradients(BookSoftmaxWithLoss(), x, t)
    assert check_gradients(Scales(), x, t)
    assert not check_gradients(damaged(Scales, dx=lambda dx, *_: 1.01 * dx), x, t)


class LossWithParameter(SumOfSquares):
    """A loss layer that is a whole network, as the second book's are."""

    def __init__(self, factor=1.0):
        self.W, self.factor = normal(3, 3), factor

    def forward(self, x, t):
        self.x = x
        return super().forward(x @ self.W, t)

    def backward(self, dout=1):
        dout = super().backward(dout)
        self.dW = self.factor * self.x.T @ dout
        return dout @ self.W.T


class LossWithList(LossWithParameter):
    def __init__(self, factor=1.0):
        super().__init__(factor)
        self.params, self.grads = [self.W], [np.zeros((3, 3))]

    def backward(self, dout=1):
        dx = super().backward(dout)
        self.grads[0][...] = self.dW
        return dx


class LossWithWeights(SumOfSquares):
    def __init__(self):
        self.weights = np.array([1.0, 2.0, 3.0])

    def forward(self, x, t):
        return super().forward(np.sqrt(self.weights) * x, np.sqrt(self.weights) * t)

    def backward(self, dout=1):
        return np.sqrt(self.weights) * super().backward(dout)


@pytest.mark.parametrize("kind", [LossWithParameter, LossWithList])
def test_the_parameters_of_a_readers_loss_layer_are_compared_and_a_network_refuses_them(kind):
    x, t = normal(12, 3), normal(12, 3, seed=5)
    report = check_gradients(kind(), x, t)
    assert report and [check.name for check in report.checks] == ["x", "W"]
    report = check_gradients(kind(factor=3.0), x, t)
    assert [check.name for check in report.checks if not report.passed(check)] == ["W"]
    with pytest.raises(TypeError, match=f"{kind.__name__} must have no parameters, as a loss la"):
        ours(last_layer=kind())


def test_constants_of_a_readers_loss_layer_are_declared_or_an_error():
    class Declared(LossWithWeights):
        param_names = ()

    x, t = normal(12, 3), normal(12, 3, seed=5)
    with pytest.raises(ValueError, match=r"LossWithWeights.weights is an array whose gradient is"):
        check_gradients(LossWithWeights(), x, t)
    assert check_gradients(Declared(), x, t)
    assert ours(last_layer=LossWithWeights()).gradient(X, t)


def test_a_readers_loss_layer_may_take_any_arguments():
    class Any(SumOfSquares):
        def forward(self, *arguments):
            return super().forward(*arguments)

    assert check_gradients(Any(), normal(12, 3), normal(12, 3, seed=5))


def test_a_readers_loss_layer_needs_labels():
    with pytest.raises(TypeError, match=r"t must be the labels, which SumOfSquares.forward needs"):
        check_gradients(SumOfSquares(), X)


# Wrong layers are caught, and what cannot be told is an error


@pytest.mark.parametrize(
    "wrong",
    [
        ListAffine(*weights()[:2], factor=1.001),
        damaged(BookAffine, *weights()[:2], dW=lambda dW, *_: 1.001 * dW),
    ],
)
def test_a_wrong_gradient_is_caught(wrong):
    report = check_gradients(wrong, X)
    assert [check.name for check in report.checks if not report.passed(check)] == ["W"]
    report = check_gradients(Network([wrong, ListAffine(*weights()[2:])]), X, T)
    assert [check.name for check in report.checks if not report.passed(check)] == ["W1"]


class InAnyContainer:
    """It keeps W and b in a container, and its gradients in one of the same kind."""

    def __init__(self, pack, factor=1.0):
        self.pack, self.factor = pack, factor
        self.params = pack(*weights()[:2])
        self.grads = pack(np.zeros((5, 4)), np.zeros(4))

    def forward(self, x):
        self.x = x
        W, b = parts(self.params)
        return x @ W + b

    def backward(self, dout):
        W, _ = parts(self.params)
        self.grads = self.pack(self.factor * self.x.T @ dout, dout.sum(axis=0))
        return dout @ W.T


class FilledInBackward(InAnyContainer):
    def __init__(self, pack, factor=1.0):
        super().__init__(pack, factor)
        self.grads = []


class MadeInBackward(InAnyContainer):
    def __init__(self, pack, factor=1.0):
        super().__init__(pack, factor)
        del self.grads


class Pair(NamedTuple):
    W: np.ndarray
    b: np.ndarray


PACKED = {
    "list": lambda W, b: [W, b],
    "tuple": lambda W, b: (W, b),
    "dict": lambda W, b: {"W": W, "b": b},
    "nested lists": lambda W, b: [[W], [b]],
    "named tuple": Pair,
    "dict of tuples": lambda W, b: {"first": (W,), "second": (b,)},
}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED.keys())
@pytest.mark.parametrize("kind", [InAnyContainer, FilledInBackward, MadeInBackward])
def test_parameters_in_any_container_are_compared_trained_saved_and_loaded(pack, kind, tmp_path):
    assert check_gradients(kind(pack), X)
    report = check_gradients(kind(pack, factor=3.0), X)
    assert [check.name for check in report.checks if not report.passed(check)] == ["W"]
    network, loaded = (Network([kind(pack), ListAffine(*weights()[2:])]) for _ in range(2))
    assert [*network.params] == ["W1", "b1", "W2", "b2"]
    assert check_gradients(network, X, T)
    before = network.loss(X, T)
    SGD(0.1).update(network.params, network.gradient(X, T))
    assert network.loss(X, T) < before
    network.save_params(tmp_path / "w.npz")
    loaded.load_params(tmp_path / "w.npz")
    np.testing.assert_array_equal(loaded.predict(X), network.predict(X))
    assert type(loaded.layers[f"{kind.__name__}1"].own.params) is type(pack(1, 2))


def test_lists_whose_structures_differ_after_backward_are_an_error():
    class Lacks(FilledInBackward):
        def backward(self, dout):
            super().backward(dout)
            self.grads = self.grads[:1]

    with pytest.raises(
        ValueError, match=r"Lacks.grads must hold an array for each of params, 2, g"
    ):
        check_gradients(Lacks(PACKED["list"]), X)


class WithoutBias:
    """It has no dW before its first backward pass."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


class NamedOtherwise(WithoutBias):
    def backward(self, dout):
        self.grad_W = self.x.T @ dout
        return dout @ self.W.T


class ForgetsTheBias(WithoutBias):
    def __init__(self, W, b):
        self.W, self.b = W, b


class ListForgetsTheBias(ListAffine):
    def __init__(self, W, b):
        super().__init__(W, np.zeros_like(b))
        self.b = b


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (NamedOtherwise(normal(5, 4)), "W"),
        (ForgetsTheBias(normal(5, 4), normal(4)), "b"),
        (ListForgetsTheBias(normal(5, 4), normal(4)), "b"),
    ],
)
def test_an_array_whose_gradient_cannot_be_told_is_an_error(layer, name):
    with pytest.raises(ValueError, match=rf"{type(layer).__name__}.{name} is an array whose grad"):
        check_gradients(layer, X)
    with pytest.raises(ValueError, match=rf"set self.d{name} in backward"):
        Network([layer]).gradient(X, T)


class WithConstant(BookRelu):
    param_names = ()

    def __init__(self):
        self.scale = np.full(5, 2.0)

    def forward(self, x):
        return x * self.scale

    def backward(self, dout):
        return dout * self.scale


def test_a_constant_is_no_parameter_where_param_names_says_so():
    assert check_gradients(WithConstant(), X)
    assert [*Network([WithConstant(), Affine(normal(5, 3), None)]).params] == ["W1"]


class WithClassAttribute(WithoutBias):
    dW = None


class WithSlots:
    __slots__ = ("W", "dW", "x")

    def __init__(self, W):
        self.W = W

    forward, backward = WithoutBias.forward, WithoutBias.backward


class WithProperty(WithoutBias):
    param_names = ("W",)
    W = property(lambda self: self._W, lambda self, W: setattr(self, "_W", W))


@pytest.mark.parametrize("kind", [WithoutBias, WithClassAttribute, WithSlots, WithProperty])
def test_parameters_are_found(kind):
    assert check_gradients(kind(normal(5, 4)), X)
    network = Network([kind(normal(5, 3))])
    assert [*network.params] == ["W1"]
    before = network.loss(X, T)
    SGD(0.1).update(network.params, network.gradient(X, T))
    assert network.loss(X, T) < before


class HoldsALayer:
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, dout):
        return self.inner.backward(dout)


@pytest.mark.parametrize(
    "inner",
    [
        Affine(np.eye(5), None),
        [BookAffine(np.eye(5), None)],
        {"W": np.eye(5)},
        (np.eye(5),),
        SimpleNamespace(data=np.eye(5), grad=None),
        [SimpleNamespace(held=SimpleNamespace(data=np.eye(5)))],
    ],
)
def test_parameters_that_would_not_be_found_are_an_error(inner):
    with pytest.raises(TypeError, match=r"HoldsALayer.inner must not hold layers or arrays"):
        Network([HoldsALayer(inner)])
    with pytest.raises(TypeError, match=r"derive the class from Layer"):
        check_gradients(HoldsALayer(inner), X)


class Gathers(HoldsALayer):
    """A block as the second book has them: its lists hold the arrays of the layers within."""

    def __init__(self, *layers):
        self.layers = layers
        self.params, self.grads = [], []
        for layer in layers:
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_block_that_gathers_lists_trains_loads_and_is_checked(dtype, tmp_path):
    def network(factor=1.0):
        W1, b1, W2, b2 = weights(dtype)
        return Network([Gathers(ListAffine(W1, b1, factor), ListSigmoid(), ListAffine(W2, b2))])

    assert [*network().params] == ["W1", "b1", "W_2_1", "b_2_1"]
    assert check_gradients(network(), X, T)
    assert not check_gradients(network(factor=3.0), X, T)
    assert check_gradients(Gathers(ListAffine(*weights(dtype)[:2])), X)
    assert_numerical_gradient_is_right(network())
    trained = network()
    SGD(0.5).update(trained.params, trained.gradient(X, T))
    trained.save_params(tmp_path / "w.npz")
    loaded = network()
    loaded.load_params(tmp_path / "w.npz")
    np.testing.assert_array_equal(loaded.predict(X), trained.predict(X))
    assert (loaded.predict(X) != network().predict(X)).any()
    np.testing.assert_allclose(loaded.gradient(X, T)["W1"], trained.gradient(X, T)["W1"])


class Rows(Gathers):
    """A block that keeps its layers in lists of lists, and their arrays in a dict."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.rows = [[layer] for layer in layers]
        self.layers = None
        self.arrays = {str(i): array for i, array in enumerate(self.params)}

    def forward(self, x):
        for (layer,) in self.rows:
            x = layer.forward(x)
        return x + 0 * self.arrays["0"].sum()

    def backward(self, dout):
        for (layer,) in reversed(self.rows):
            dout = layer.backward(dout)
        return dout


def test_arrays_within_lists_and_dicts_are_kept_in_step(tmp_path):
    first, second = (
        Network([Rows(ListAffine(normal(5, 4, seed=i), normal(4)), ListAffine(*weights()[2:]))])
        for i in (1, 2)
    )
    first.save_params(tmp_path / "w.npz")
    second.load_params(tmp_path / "w.npz")
    np.testing.assert_array_equal(second.predict(X), first.predict(X))
    assert second.layers["Rows1"].arrays["0"] is second.params["W1"]
    assert check_gradients(second, X, T)


class BookBatchNorm:
    def __init__(self, D):
        self.gamma, self.beta = np.ones(D, np.float32), np.zeros(D, np.float32)
        self.running_mean, self.running_var = np.zeros(D), np.zeros(D)
        self.dgamma = self.dbeta = None

    def forward(self, x, train_flg=True):
        mean, var = (x.mean(axis=0), x.var(axis=0)) if train_flg else (
            self.running_mean, self.running_var,
        )  # fmt: skip
        if train_flg:
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.running_var = 0.9 * self.running_var + 0.1 * var
        self.std = np.sqrt(var + 1e-6)
        self.xn = (x - mean) / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta, self.dgamma = dout.sum(axis=0), (self.xn * dout).sum(axis=0)
        centred = dout - dout.mean(axis=0) - self.xn * (self.xn * dout).mean(axis=0)
        return self.gamma / self.std * centred


@pytest.mark.parametrize("is_set", [True, False])
def test_running_statistics_of_another_dtype_are_saved_and_loaded(tmp_path, is_set):
    layers = [BookBatchNorm(5), BookBatchNorm(5)]
    network, fresh = (Network([layer, Affine(normal(5, 3), None)]) for layer in layers)
    if not is_set:
        layers[1].running_mean = layers[1].running_var = None
    network.gradient(X, T)
    network.save_params(tmp_path / "w.npz")
    fresh.load_params(tmp_path / "w.npz")
    np.testing.assert_array_equal(fresh.predict(X), network.predict(X))
    assert check_gradients(network, X, T)


def test_running_statistics_that_are_not_set_take_no_more_memory_than_a_file_should(
    tmp_path, monkeypatch
):
    """Their class chooses the shape, so that the network knows none to compare with."""
    layer = BookBatchNorm(5)
    layer.running_mean = layer.running_var = None
    network, path = Network([layer, Affine(normal(5, 3), None)]), tmp_path / "w.npz"
    arrays = {**network.params, "running_mean1": np.zeros(9_000), "running_var1": np.zeros(9_000)}
    np.savez_compressed(path, **arrays)
    monkeypatch.setattr("dlbasics._internal.npz.most_unpacked", lambda size: 10 * size)
    with pytest.raises(ValueError, match=r"must hold at most .* bytes of data, got 144000"):
        network.load_params(path)
    assert layer.running_mean is None


class TakesAScale(BookRelu):
    def forward(self, x, scale=1.0, train_flg=True):
        self.scale = scale if train_flg else 1.0
        return self.scale * x

    def backward(self, dout):
        return self.scale * dout


class TakesTheFlagByName(TakesAScale):
    def forward(self, x, *, train_flg):
        return super().forward(x, train_flg=train_flg)


@pytest.mark.parametrize("kind", [TakesAScale, TakesTheFlagByName])
def test_the_flag_is_passed_by_its_name(kind):
    np.testing.assert_array_equal(Network([kind()]).predict(X), X)
    assert check_gradients(kind(), X)


def test_a_layer_that_was_trained_before_has_the_same_parameters():
    class KeepsItsGradient(BookRelu):
        def forward(self, x):
            self.x = x
            return x**2

        def backward(self, dout):
            self.dx = 2 * self.x * dout
            return self.dx

    layers = [BookAffine(*weights()[:2]), ListSigmoid(), KeepsItsGradient()]
    y = X
    for layer in layers:
        y = layer.forward(y)
    layers[-1].backward(y)
    network = Network([*layers, BookAffine(*weights()[2:])])
    assert [*network.params] == ["W1", "b1", "W2", "b2"]
    assert check_gradients(network, X, T)
    network.gradient(X, T), network.gradient(X, T)


def test_a_mask_drawn_anew_is_an_error_not_a_wrong_gradient():
    network = Network([BookDropout(), Affine(normal(5, 3), None)])
    with pytest.raises(ValueError, match="BookDropout: two forward passes of the same x differ"):
        check_gradients(BookDropout(), X)
    with pytest.raises(ValueError, match="two forward passes of the same x differ"):
        network.numerical_gradient(X, T)


def test_a_layer_of_integers_is_checked_for_its_parameters():
    idx = np.array([0, 3, 3, 1])
    report = check_gradients(ListEmbedding(normal(5, 4)), idx)
    assert report and [check.name for check in report.checks] == ["W"]
    network = Network([ListEmbedding(normal(5, 4)), Affine(normal(4, 3), None)])
    assert check_gradients(network, idx, [0, 1, 2, 0])


@pytest.mark.parametrize("layer", [BookRelu, np.sin, 3, SoftmaxWithLoss()])
def test_what_is_no_layer_is_an_error(layer):
    with pytest.raises(TypeError, match="layers must hold layers"):
        Network([layer])


@pytest.mark.parametrize("layer", [BookSoftmaxWithLoss, np.sin, Relu()])
def test_what_is_no_loss_layer_is_an_error(layer):
    with pytest.raises(TypeError, match="last_layer must be a loss layer"):
        ours(last_layer=layer)


def with_attributes(layer, **attributes):
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


TWICE = BookRelu()
LIST = ListAffine(*weights()[:2])
REFUSED = [
    ([TWICE, Affine(np.eye(5, 3), None), TWICE], ValueError, "each only once"),
    (
        [with_attributes(BookRelu(), param_names=("rng",))],
        ValueError,
        r"other names for its parameters than \['rng'\]",
    ),
    (
        [with_attributes(ListAffine(*weights()[:2]), grads=[np.zeros((5, 4))])],
        ValueError,
        r"grads must hold an array for each of params, 2, got 1",
    ),
    (
        [with_attributes(HoldsALayer(None), slope=0.25, dslope=None)],
        TypeError,
        r"HoldsALayer.slope must be a floating-point array to be",
    ),
    *(
        (
            [with_attributes(Gathers(LIST), other=inner)],
            TypeError,
            r"whose parameters or running statistics would not be fou",
        )
        for inner in (BookAffine(*weights()[:2]), ListAffine(*weights()[:2]))
    ),
]


@pytest.mark.parametrize(("layers", "error", "message"), REFUSED)
def test_layers_that_would_train_wrongly_are_refused(layers, error, message):
    with pytest.raises(error, match=message):
        Network(layers)


def test_a_loss_layer_with_parameters_is_an_error():
    with pytest.raises(TypeError, match="BookSoftmaxWithLoss must have no parameters"):
        ours(last_layer=with_attributes(BookSoftmaxWithLoss(), params=[normal(3, 3)]))


def test_a_readers_objects_show_themselves():
    loss, layer = BookSoftmaxWithLoss(), BookRelu()
    network = Network({"bend": layer}, loss)
    assert repr(network.last_layer) == repr(loss)
    assert repr(network.layers) == f"{{'bend': {layer!r}}}"
