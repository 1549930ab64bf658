"""The book's networks of fully connected layers: TwoLayerNet and MultiLayerNet."""

import math

import numpy as np
import pytest

from dlbasics import networks
from dlbasics.layers import Affine, Elu, LeakyRelu, Relu, SoftmaxWithLoss
from dlbasics.networks import MultiLayerNet, MultiLayerNetExtend, TwoLayerNet
from dlbasics.optimizers import SGD, Adam
from dlbasics.regularizers import L2
from tests.helpers import train


def clusters(n=300, seed=0):
    """Points around 3 centres, and which: no straight line parts the first from the others."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, 3, n)
    centres = np.array([[0, 0], [2, 1], [-2, -1]])
    return (centres[t] + 0.4 * rng.standard_normal((n, 2))).astype(np.float32), t


def two_layers(**options):
    return TwoLayerNet(300, 200, 150, **options)


def three_layers(**options):
    return MultiLayerNet(300, [200, 100], 150, **options)


class Typed:
    """A layer as a reader types it."""

    def forward(self, x):
        return np.sin(x)

    def backward(self, dout):
        return dout


def hidden(kind):
    return "Affine1", f"{kind}1", "Affine2", f"{kind}2"


def test_every_network_is_exported():
    ours = {"MultiLayerNet", "MultiLayerNetExtend", "TwoLayerNet", "SimpleConvNet"}
    assert ours | {"DeepConvNet", "LeNet", "ResNet"} <= set(networks.__all__)
    assert MultiLayerNetExtend is MultiLayerNet


def test_two_layer_net_lists_its_layers():
    net = TwoLayerNet(784, 50, 10)
    assert [*net.layers] == ["Affine1", "Relu1", "Affine2"]
    shapes = {key: param.shape for key, param in net.params.items()}
    assert shapes == {"W1": (784, 50), "b1": (50,), "W2": (50, 10), "b2": (10,)}
    assert isinstance(net.last_layer, SoftmaxWithLoss)
    assert net.regularizer is None


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["Affine1", "Relu1", "Affine2", "Relu2", "Affine3"]),
        ({"activation": "sigmoid"}, ["Affine1", "Sigmoid1", "Affine2", "Sigmoid2", "Affine3"]),
        ({"activation": "TANH"}, ["Affine1", "Tanh1", "Affine2", "Tanh2", "Affine3"]),
        ({"activation": "leaky_relu"}, [*hidden("LeakyRelu"), "Affine3"]),
        ({"activation": "elu"}, [*hidden("Elu"), "Affine3"]),
        ({"activation": "identity"}, [*hidden("Identity"), "Affine3"]),
        ({"activation": Elu}, [*hidden("Elu"), "Affine3"]),
        ({"activation": lambda: LeakyRelu(0.2)}, [*hidden("LeakyRelu"), "Affine3"]),
        ({"activation": Typed}, [*hidden("Typed"), "Affine3"]),
        (
            {"use_dropout": True},
            ["Affine1", "Relu1", "Dropout1", "Affine2", "Relu2", "Dropout2", "Affine3"],
        ),
        (
            {"use_batchnorm": True},
            ["Affine1", "BatchNorm1", "Relu1", "Affine2", "BatchNorm2", "Relu2", "Affine3"],
        ),
        (
            {"use_batchnorm": True, "use_dropout": True, "hidden_size_list": [4]},
            ["Affine1", "BatchNorm1", "Relu1", "Dropout1", "Affine2"],
        ),
        ({"hidden_size_list": []}, ["Affine1"]),
    ],
)
def test_multi_layer_net_lists_its_layers(options, names):
    net = MultiLayerNet(
        **{"input_size": 3, "hidden_size_list": (5, 4), "output_size": 2, **options}
    )
    assert [*net.layers] == names


@pytest.mark.parametrize("wrong", [Relu(), Affine, lambda: 3, lambda x: x, np.tanh, int, 0.5])
def test_what_makes_no_activation_is_refused(wrong):
    with pytest.raises(TypeError, match=r"activation must be one of .* or a class of layers"):
        MultiLayerNet(3, [5], 2, wrong)


def test_each_hidden_layer_has_its_own_activation():
    net = MultiLayerNet(3, [5, 4], 2, lambda: LeakyRelu(0.2))
    assert net.layers["LeakyRelu1"] is not net.layers["LeakyRelu2"]
    assert net.layers["LeakyRelu1"].slope == 0.2


def test_multi_layer_net_takes_the_books_arguments_in_their_order():
    net = MultiLayerNetExtend(3, [5], 2, "sigmoid", 0.3, 0.2, True, 0.4, True)
    assert [*net.layers] == ["Affine1", "BatchNorm1", "Sigmoid1", "Dropout1", "Affine2"]
    assert net.layers["Dropout1"].dropout_ratio == 0.4
    assert type(net.regularizer) is L2 and net.regularizer.weight_decay_lambda == 0.2


def he(n, m):
    return math.sqrt(2 / n)


def xavier(n, m):
    return math.sqrt(1 / n)


@pytest.mark.parametrize(
    ("build", "options", "std"),
    [
        (two_layers, {}, lambda n, m: 0.01),
        (two_layers, {"weight_init_std": 0.2}, lambda n, m: 0.2),
        (three_layers, {}, he),
        *((three_layers, {"weight_init_std": name}, he) for name in ("relu", "he", "He")),
        *((three_layers, {"weight_init_std": name}, xavier) for name in ("sigmoid", "Xavier")),
        (three_layers, {"weight_init_std": "glorot"}, lambda n, m: math.sqrt(2 / (n + m))),
        (three_layers, {"weight_init_std": 0}, lambda n, m: 0),
        (three_layers, {"weight_init_std": 1}, lambda n, m: 1),
        (three_layers, {"weight_init_std": np.float64(0.5)}, lambda n, m: 0.5),
    ],
)
def test_initial_standard_deviation_of_every_layer(build, options, std):
    for key, param in build(**options, rng=0).params.items():
        assert param.dtype == np.float32
        if key.startswith("W"):
            assert param.std() == pytest.approx(std(*param.shape), rel=0.03), key
            assert abs(param.mean()) <= 0.03 * std(*param.shape), key
        else:
            assert not param.any(), key


both_networks = pytest.mark.parametrize(
    "build", [TwoLayerNet, lambda n, hidden, k, **options: MultiLayerNet(n, [hidden], k, **options)]
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@both_networks
def test_dtype_goes_all_the_way(build, dtype):
    x, t = clusters(10)
    net = build(2, 6, 3, dtype=dtype, rng=0)
    arrays = [*net.params.values(), net.predict(x.astype(dtype))]
    arrays += net.gradient(x.astype(dtype), t).values()
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    double = build(2, 6, 3, dtype=np.float64, rng=0)
    np.testing.assert_array_equal(net.params["W1"], double.params["W1"].astype(dtype))


@pytest.mark.parametrize("dtype", [int, bool, complex, "U1"])
@both_networks
def test_a_dtype_that_cannot_hold_weights_is_refused(build, dtype):
    with pytest.raises((TypeError, ValueError), match="dtype"):
        build(4, 3, 2, dtype=dtype)


def full_net(rng):
    return MultiLayerNet(2, [8, 8], 3, use_dropout=True, use_batchnorm=True, rng=rng)


def test_the_same_seed_gives_the_same_training():
    (x, t), rng = clusters(), np.random.default_rng(5)
    first, second = full_net(5), full_net(rng)
    assert second.layers["Dropout1"].rng is second.layers["Dropout2"].rng is rng
    for net in (first, second):
        train(net, x, t, SGD(0.1), steps=5)
    for key, param in first.params.items():
        np.testing.assert_array_equal(second.params[key], param)
    for seed, other in ((6, 5), (None, None), (rng, rng)):
        assert not np.array_equal(full_net(seed).params["W1"], full_net(other).params["W1"])


def test_an_initializer_of_ones_own_gets_a_generator_for_a_seed():
    def init(shape, rng):
        return rng.normal(5, 1, shape)

    W = TwoLayerNet(4, 3, 2, init, rng=3).params["W1"]
    expected = np.random.default_rng(3).normal(5, 1, (4, 3))
    np.testing.assert_array_equal(W, expected.astype(np.float32))
    assert MultiLayerNet(4, [3], 2, weight_init_std=init, rng=3).params["W1"].min() > 0


def test_numpys_global_generator_is_left_alone():
    state = np.random.get_state()  # noqa: NPY002
    net, (x, t) = full_net(None), clusters()
    train(net, x, t, SGD(0.1), steps=2)
    net.numerical_gradient(x[:3], t[:3])
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(state, after, strict=True))


@pytest.mark.parametrize("name", ["input_size", "hidden_size", "output_size"])
def test_two_layer_net_names_the_size_that_makes_no_sense(name):
    for value in (0, -1):
        with pytest.raises(ValueError, match=rf"{name}.*{value}"):
            TwoLayerNet(**{"input_size": 4, "hidden_size": 3, "output_size": 2, name: value})


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("input_size", [2.5], TypeError),
        ("input_size", [0], ValueError),
        ("hidden_size_list", [[5, 2.0], 5, "55"], TypeError),
        ("hidden_size_list", [[5, 0]], ValueError),
        ("output_size", [-3], ValueError),
        ("activation", [None, Relu()], TypeError),
        ("activation", ["softmax"], ValueError),
        ("weight_init_std", [None], TypeError),
        ("weight_init_std", ["lecun", -0.1, math.nan], ValueError),
        ("weight_decay_lambda", ["L2"], TypeError),
        ("weight_decay_lambda", [-1], ValueError),
        ("dropout_ration", [1.5], ValueError),
        ("dropout_ratio", [1.5], ValueError),
        ("dropout_ratio", ["0.5"], TypeError),
        ("use_dropout", ["False", 1, None], TypeError),
        ("use_batchnorm", ["False", 0, None], TypeError),
        ("rng", ["seed"], TypeError),
    ],
)
def test_multi_layer_net_names_the_argument_that_makes_no_sense(name, values, error):
    arguments = {"input_size": 4, "hidden_size_list": [5], "output_size": 2, "use_dropout": True}
    for value in values:
        with pytest.raises(error, match=f"{name} must"):
            MultiLayerNet(**{**arguments, name: value})


@pytest.mark.parametrize("name", ["dropout_ration", "dropout_ratio"])
def test_the_dropout_ratio_has_the_books_spelling_and_the_usual_one(name):
    net = MultiLayerNet(4, [5], 2, use_dropout=True, **{name: 0.25})
    assert net.layers["Dropout1"].dropout_ratio == 0.25


def test_the_two_spellings_must_agree():
    both = {"dropout_ration": 0.25, "dropout_ratio": 0.25}
    net = MultiLayerNet(4, [5], 2, use_dropout=True, **both)
    assert net.layers["Dropout1"].dropout_ratio == 0.25
    with pytest.raises(
        ValueError, match=r"dropout_ratio must be 0\.25, as dropout_ration, got 0\.3"
    ):
        MultiLayerNet(4, [5], 2, **both | {"dropout_ratio": 0.3})


CLASSIFIERS = {
    "two layers": lambda: (TwoLayerNet(2, 20, 3, 0.1, rng=0), SGD(0.5)),
    "deep": lambda: (MultiLayerNet(2, [20, 20, 20], 3, rng=0), SGD(0.1)),
    "sigmoid": lambda: (MultiLayerNet(2, [20], 3, "sigmoid", "sigmoid", rng=0), Adam(0.03)),
    "tanh": lambda: (MultiLayerNet(2, [20, 10], 3, "tanh", "glorot", rng=0), SGD(0.3)),
    "everything": lambda: (
        MultiLayerNet(2, [30, 30], 3, "relu", "he", 1e-4, True, 0.1, True, rng=0),
        Adam(0.01),
    ),
}


@pytest.mark.parametrize("build", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_network_learns_to_tell_clusters_apart(build):
    net, optimizer = build()
    (x, t), (x_test, t_test) = clusters(seed=0), clusters(seed=1)
    before = net.loss(x, t)
    train(net, x, t, optimizer)
    assert net.loss(x, t) < 0.2 * before
    assert net.accuracy(x_test, t_test) > 0.97
