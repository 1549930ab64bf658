"""The book's networks, what a network may be built from, and its summary."""

import math

import numpy as np
import pytest
from blocks import Block

from dlbasics import networks
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Dropout,
    IdentityWithLoss,
    LeakyRelu,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet, MultiLayerNetExtend, TwoLayerNet
from dlbasics.optimizers import SGD, Adam


def clusters(n=300, seed=0):
    """Points around 3 centres, and which: no straight line parts the first from the others."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, 3, n)
    centres = np.array([[0, 0], [2, 1], [-2, -1]])
    return (centres[t] + 0.4 * rng.standard_normal((n, 2))).astype(np.float32), t


def train(net, x, t, optimizer, steps=300):
    rng = np.random.default_rng(1)
    for _ in range(steps):
        chosen = rng.choice(len(x), 50)
        optimizer.update(net.params, net.gradient(x[chosen], t[chosen]))


def shapes(net):
    return {key: param.shape for key, param in net.params.items()}


def test_every_network_is_exported():
    assert {"MultiLayerNet", "MultiLayerNetExtend", "TwoLayerNet"} <= set(networks.__all__)
    assert MultiLayerNetExtend is MultiLayerNet


def test_two_layer_net_lists_its_layers():
    net = TwoLayerNet(784, 50, 10)
    assert [*net.layers] == ["Affine1", "Relu1", "Affine2"]
    assert shapes(net) == {"W1": (784, 50), "b1": (50,), "W2": (50, 10), "b2": (10,)}
    assert isinstance(net.last_layer, SoftmaxWithLoss)
    assert net.regularizer is None


def test_two_layer_net_takes_the_books_arguments_by_name_and_place():
    by_name = TwoLayerNet(
        input_size=9, hidden_size=8, output_size=7, weight_init_std=0.5, rng=0, dtype=np.float64
    )
    by_place = TwoLayerNet(9, 8, 7, 0.5, rng=0, dtype=np.float64)
    for key, param in by_name.params.items():
        np.testing.assert_array_equal(by_place.params[key], param)


def test_two_layer_net_starts_with_small_weights_and_no_bias():
    net = TwoLayerNet(784, 50, 10, rng=0)
    assert net.params["W1"].std() == pytest.approx(0.01, rel=0.03)
    assert abs(net.params["W1"].mean()) < 3e-4
    assert not net.params["b1"].any()
    assert not net.params["b2"].any()
    wide = TwoLayerNet(784, 50, 10, weight_init_std=0.2, rng=0)
    np.testing.assert_allclose(wide.params["W1"], 20 * net.params["W1"], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["Affine1", "Relu1", "Affine2", "Relu2", "Affine3"]),
        ({"activation": "sigmoid"}, ["Affine1", "Sigmoid1", "Affine2", "Sigmoid2", "Affine3"]),
        ({"activation": "TANH"}, ["Affine1", "Tanh1", "Affine2", "Tanh2", "Affine3"]),
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


def test_multi_layer_net_takes_the_books_arguments_in_their_order():
    net = MultiLayerNet(3, [5], 2, "sigmoid", 0.3, 0.2, True, 0.4, True, rng=0)
    assert [*net.layers] == ["Affine1", "BatchNorm1", "Sigmoid1", "Dropout1", "Affine2"]
    assert net.layers["Dropout1"].dropout_ratio == 0.4
    assert net.regularizer.weight_decay_lambda == 0.2
    named = MultiLayerNetExtend(
        input_size=3,
        hidden_size_list=[5],
        output_size=2,
        activation="sigmoid",
        weight_init_std=0.3,
        weight_decay_lambda=0.2,
        use_dropout=True,
        dropout_ration=0.4,
        use_batchnorm=True,
        rng=0,
    )
    np.testing.assert_array_equal(named.params["W1"], net.params["W1"])


@pytest.mark.parametrize(
    ("weight_init_std", "std"),
    [
        (0.01, lambda n, m: 0.01),
        (1, lambda n, m: 1),
        (np.float64(0.5), lambda n, m: 0.5),
        *((name, lambda n, m: math.sqrt(2 / n)) for name in ("relu", "he", "He")),
        *((name, lambda n, m: math.sqrt(1 / n)) for name in ("sigmoid", "xavier", "Xavier")),
        ("glorot", lambda n, m: math.sqrt(2 / (n + m))),
    ],
)
def test_initial_standard_deviation_of_every_layer(weight_init_std, std):
    sizes = [300, 200, 100, 150]
    net = MultiLayerNet(300, [200, 100], 150, weight_init_std=weight_init_std, rng=0)
    for i in (1, 2, 3):
        W = net.params[f"W{i}"]
        assert W.std() == pytest.approx(std(sizes[i - 1], sizes[i]), rel=0.03)
        assert W.dtype == np.float32
        assert not net.params[f"b{i}"].any()


def test_weights_are_zero_where_the_standard_deviation_is():
    assert not MultiLayerNet(4, [3], 2, weight_init_std=0).params["W1"].any()


def test_weight_decay_is_half_lambda_times_the_squares_of_the_weights():
    x, t = clusters(20)
    plain, decayed = (
        MultiLayerNet(2, [5, 4], 3, weight_decay_lambda=strength, rng=0, dtype=np.float64)
        for strength in (0, 0.1)
    )
    squares = sum(np.sum(plain.params[f"W{i}"] ** 2) for i in (1, 2, 3))
    assert decayed.loss(x, t) - plain.loss(x, t) == pytest.approx(0.05 * squares)
    gradients, expected = decayed.gradient(x, t), plain.gradient(x, t)
    np.testing.assert_allclose(gradients["W2"], expected["W2"] + 0.1 * plain.params["W2"])
    np.testing.assert_array_equal(gradients["b2"], expected["b2"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("build", [TwoLayerNet, lambda i, h, o, **k: MultiLayerNet(i, [h], o, **k)])
def test_dtype_goes_all_the_way(build, dtype):
    x, t = clusters(10)
    net = build(2, 6, 3, dtype=dtype)
    arrays = [*net.params.values(), net.predict(x.astype(dtype))]
    arrays += net.gradient(x.astype(dtype), t).values()
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_a_float64_net_is_the_float32_net_before_rounding():
    single, double = (TwoLayerNet(20, 5, 3, rng=3, dtype=d) for d in (np.float32, np.float64))
    np.testing.assert_array_equal(single.params["W1"], double.params["W1"].astype(np.float32))


@pytest.mark.parametrize("dtype", [int, bool, complex, "U1"])
@pytest.mark.parametrize("build", [TwoLayerNet, lambda i, h, o, **k: MultiLayerNet(i, [h], o, **k)])
def test_a_dtype_that_cannot_hold_weights_is_refused(build, dtype):
    with pytest.raises((TypeError, ValueError), match="dtype"):
        build(4, 3, 2, dtype=dtype)


def full_net(rng):
    return MultiLayerNet(2, [8, 8], 3, use_dropout=True, use_batchnorm=True, rng=rng)


def test_the_same_seed_gives_the_same_training():
    x, t = clusters()
    first, second = full_net(5), full_net(np.random.default_rng(5))
    for net in (first, second):
        train(net, x, t, SGD(0.1), steps=5)
    for key, param in first.params.items():
        np.testing.assert_array_equal(second.params[key], param)
    assert not np.array_equal(full_net(6).params["W1"], full_net(5).params["W1"])
    assert not np.array_equal(full_net(None).params["W1"], full_net(None).params["W1"])


def test_a_generator_given_is_the_one_that_is_drawn_from():
    rng = np.random.default_rng(0)
    net = full_net(rng)
    assert net.layers["Dropout1"].rng is rng
    assert net.layers["Dropout2"].rng is rng
    assert not np.array_equal(full_net(rng).params["W1"], net.params["W1"])


def test_numpys_global_generator_is_left_alone():
    state = np.random.get_state()  # noqa: NPY002
    net, (x, t) = full_net(None), clusters()
    train(net, x, t, SGD(0.1), steps=2)
    net.numerical_gradient(x[:3], t[:3])
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(state, after, strict=True))


@pytest.mark.parametrize("value", [0, -1])
@pytest.mark.parametrize("name", ["input_size", "hidden_size", "output_size"])
def test_two_layer_net_names_the_size_that_makes_no_sense(name, value):
    sizes = {"input_size": 4, "hidden_size": 3, "output_size": 2, name: value}
    with pytest.raises(ValueError, match=rf"{name}.*{value}"):
        TwoLayerNet(**sizes)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("input_size", 0, ValueError),
        ("input_size", 2.5, TypeError),
        ("hidden_size_list", [5, 0], ValueError),
        ("hidden_size_list", [5, 2.0], TypeError),
        ("hidden_size_list", 5, TypeError),
        ("hidden_size_list", "55", TypeError),
        ("output_size", -3, ValueError),
        ("activation", "softmax", ValueError),
        ("activation", None, TypeError),
        ("activation", Relu, TypeError),
        ("weight_init_std", "lecun", ValueError),
        ("weight_init_std", -0.1, ValueError),
        ("weight_init_std", math.nan, ValueError),
        ("weight_init_std", None, TypeError),
        ("weight_decay_lambda", -1, ValueError),
        ("weight_decay_lambda", "L2", TypeError),
        ("dropout_ration", 1.5, ValueError),
        ("rng", "seed", TypeError),
    ],
)
def test_multi_layer_net_names_the_argument_that_makes_no_sense(name, value, error):
    arguments = {"input_size": 4, "hidden_size_list": [5], "output_size": 2, "use_dropout": True}
    with pytest.raises(error, match={"dropout_ration": "dropout_ratio"}.get(name, name)):
        MultiLayerNet(**{**arguments, name: value})


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


def test_a_regression_learns_a_line():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    W, b = rng.standard_normal((3, 2)), np.array([0.5, -1])
    net = Network([Affine.create(3, 2, rng=0, dtype=np.float64)], IdentityWithLoss())
    train(net, x, x @ W + b, SGD(0.2))
    np.testing.assert_allclose(net.params["W1"], W, atol=1e-6)
    np.testing.assert_allclose(net.params["b1"], b, atol=1e-6)


def test_xor_is_learned_with_a_single_yes_or_no_output():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    t = np.array([[0], [1], [1], [0]])
    layers = [Affine.create(2, 8, rng=0), Tanh(), Affine.create(8, 1, rng=1)]
    net = Network(layers, SigmoidWithLoss())
    train(net, x, t, Adam(0.05))
    assert net.accuracy(x, t) == 1
    assert net.loss(x, t) < 0.05


def test_last_layer_has_the_books_other_name():
    net = TwoLayerNet(4, 3, 2)
    assert net.lastLayer is net.last_layer
    assert isinstance(net.lastLayer, SoftmaxWithLoss)
    net.last_layer = IdentityWithLoss()
    assert net.lastLayer is net.last_layer


shared = Affine.create(3, 3)


@pytest.mark.parametrize("layers", [[], {}, [shared, shared], [shared, Block(Tanh(), shared)]])
def test_layers_must_be_there_and_each_only_once(layers):
    with pytest.raises(ValueError, match="layers"):
        Network(layers)


@pytest.mark.parametrize(
    ("layers", "last_layer", "argument"),
    [
        ([Affine.create(2, 2), SoftmaxWithLoss()], None, "layers"),
        ([Affine.create(2, 2), Relu], None, "layers"),
        ({"out": "Affine"}, None, "layers"),
        (Affine.create(2, 2), None, "layers"),
        (None, None, "layers"),
        ([Affine.create(2, 2)], Relu(), "last_layer"),
        ([Affine.create(2, 2)], SoftmaxWithLoss, "last_layer"),
    ],
)
def test_what_is_no_layer_is_refused_by_name(layers, last_layer, argument):
    with pytest.raises(TypeError, match=argument):
        Network(layers, last_layer)


def summary_net():
    block = Block(Affine.create(1000, 3), Sigmoid())
    layers = {"in": Affine(np.ones((784, 1000)), None), "norm": BatchNorm.create(1000)}
    return Network({**layers, "block": block, "drop": Dropout()})


def test_summary_as_text():
    assert str(summary_net().summary()) == "\n".join(
        [
            "layer  output shape  parameters",
            "in     (N, 1000)        784,000",
            "norm   (N, 1000)          2,000",
            "block  (N, 1000)          3,003",
            "drop   (N, 1000)              0",
            "total                   789,003",
        ]
    )


def test_summary_as_a_table():
    html = summary_net().summary()._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == html.count("</tr>") == 6
    assert "<tr><td>norm</td><td>(N, 1000)</td><td>2,000</td></tr>" in html
    assert "<th>layer</th><th>output shape</th><th>parameters</th>" in html


def test_summary_in_numbers():
    net = TwoLayerNet(784, 50, 10)
    summary = net.summary()
    assert summary.rows == (("Affine1", (50,), 39250), ("Relu1", (50,), 0), ("Affine2", (10,), 510))
    assert summary.total == 39760 == sum(param.size for param in net.params.values())


def test_summary_follows_the_shape_of_one_sample():
    net = Network([LeakyRelu(), BatchNorm.create(3), Affine.create(12, 5)])
    rows = net.summary(input_shape=[3, 2, 2]).rows
    assert [shape for _, shape, _ in rows] == [(3, 2, 2), (3, 2, 2), (5,)]
    with pytest.raises(ValueError, match=r"input_shape.*LeakyRelu"):
        net.summary()
