"""The book's networks, what a network may be built from, and its summary."""

import math

import numpy as np
import pytest
from blocks import Block

from dlbasics import networks
from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    AveragePooling,
    BatchNorm,
    Dropout,
    IdentityWithLoss,
    LeakyRelu,
    Pooling,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.networks import (
    DeepConvNet,
    LeNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    ResNet,
    SimpleConvNet,
    TwoLayerNet,
)
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
    assert {"SimpleConvNet", "DeepConvNet", "LeNet", "ResNet"} <= set(networks.__all__)
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


def test_simple_conv_net_is_the_books():
    net = SimpleConvNet()
    assert [*net.layers] == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    assert shapes(net) == {
        "W1": (30, 1, 5, 5),
        "b1": (30,),
        "W2": (4320, 100),
        "b2": (100,),
        "W3": (100, 10),
        "b3": (10,),
    }
    assert net.summary().total == 433_890
    assert isinstance(net.last_layer, SoftmaxWithLoss)
    pool = net.layers["Pool1"]
    assert (pool.pool_h, pool.pool_w, pool.stride, pool.pad) == (2, 2, 2, 0)


def test_simple_conv_net_takes_the_books_arguments_by_name_and_place():
    conv_param = {"filter_num": 4, "filter_size": 3, "pad": 1, "stride": 1}
    by_place = SimpleConvNet((2, 8, 6), conv_param, 7, 5, 0.5, rng=0)
    by_name = SimpleConvNet(
        input_dim=(2, 8, 6),
        conv_param=conv_param,
        hidden_size=7,
        output_size=5,
        weight_init_std=0.5,
        rng=0,
    )
    assert shapes(by_name)["W1"] == (4, 2, 3, 3) and shapes(by_name)["W2"] == (4 * 4 * 3, 7)
    for key, param in by_name.params.items():
        np.testing.assert_array_equal(by_place.params[key], param)
    assert conv_param == {"filter_num": 4, "filter_size": 3, "pad": 1, "stride": 1}


def test_simple_conv_net_starts_with_small_weights_and_no_bias():
    net = SimpleConvNet(rng=0)
    for i in (1, 2, 3):
        assert net.params[f"W{i}"].std() == pytest.approx(0.01, rel=0.05)
        assert net.params[f"W{i}"].dtype == np.float32
        assert not net.params[f"b{i}"].any()
    named = SimpleConvNet(weight_init_std="he", rng=0)
    assert named.params["W2"].std() == pytest.approx(math.sqrt(2 / 4320), rel=0.02)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad", [0, 1, 2])
def test_every_filter_size_works_that_can_and_the_error_names_them(stride, pad):
    works, named = [], set()
    for filter_size in range(1, 17):
        conv_param = {"filter_num": 2, "filter_size": filter_size, "pad": pad, "stride": stride}
        try:
            net = SimpleConvNet((1, 10, 10), conv_param, hidden_size=3, output_size=2, rng=0)
        except ValueError as error:
            assert str(error).endswith(f"got {filter_size}")
            named.add(str(error).split("[")[1].split("]")[0])
        else:
            works.append(filter_size)
            assert net.predict(np.ones((2, 1, 10, 10))).shape == (2, 2)
    sides = {size: (10 + 2 * pad - size) / stride + 1 for size in range(1, 11 + 2 * pad)}
    assert works == [size for size, side in sides.items() if side % 2 == 0]
    assert named == {", ".join(map(str, works))}


def test_images_need_not_be_square():
    net = SimpleConvNet((3, 13, 9), {"filter_size": 2, "filter_num": 2, "pad": 0, "stride": 1})
    assert net.layers["Affine1"].W.shape[0] == 2 * 6 * 4
    with pytest.raises(
        ValueError, match=r"input_dim must be a size that .* can tile, got images of 12 by 9"
    ):
        SimpleConvNet((3, 12, 9), {"filter_size": 2})


def test_what_conv_param_leaves_out_is_the_books():
    assert SimpleConvNet(conv_param={"filter_num": 7}).params["W1"].shape == (7, 1, 5, 5)
    assert DeepConvNet(conv_param_2={"filter_num": 7}).params["W3"].shape == (32, 7, 3, 3)
    assert DeepConvNet(conv_param_4={"filter_num": 7}).layers["Conv4"].pad == 2


def test_deep_conv_net_is_the_books():
    net = DeepConvNet()
    stage = "Conv{} Relu{} Conv{} Relu{} Pool{}"
    names = " ".join(stage.format(2 * i - 1, 2 * i - 1, 2 * i, 2 * i, i) for i in (1, 2, 3))
    assert [*net.layers] == [*names.split(), *"Affine1 Relu7 Dropout1 Affine2 Dropout2".split()]
    sizes = {key: shape for key, shape in shapes(net).items() if key.startswith("W")}
    assert sizes == {
        "W1": (16, 1, 3, 3),
        "W2": (16, 16, 3, 3),
        "W3": (32, 16, 3, 3),
        "W4": (32, 32, 3, 3),
        "W5": (64, 32, 3, 3),
        "W6": (64, 64, 3, 3),
        "W7": (1024, 50),
        "W8": (50, 10),
    }
    assert net.summary().total == 123_552
    pads = [net.layers[f"Conv{i}"].pad for i in range(1, 7)]
    assert pads == [1, 1, 1, 2, 1, 1]
    assert net.layers["Dropout1"].dropout_ratio == net.layers["Dropout2"].dropout_ratio == 0.5


def test_deep_conv_net_starts_as_he_et_al_have_it():
    for key, W in DeepConvNet(rng=0).params.items():
        if key.startswith("W"):
            fan_in = W[0].size if W.ndim == 4 else len(W)
            assert W.std() == pytest.approx(math.sqrt(2 / fan_in), rel=0.1)


def test_deep_conv_net_computes_its_sizes():
    small = {f"conv_param_{i}": {"filter_num": i, "filter_size": 3, "pad": 1} for i in range(1, 7)}
    net = DeepConvNet((3, 16, 24), **small, hidden_size=9, output_size=4, rng=0)
    assert shapes(net)["W7"] == (6 * 2 * 3, 9) and shapes(net)["W8"] == (9, 4)
    assert net.predict(np.ones((2, 3, 16, 24))).shape == (2, 4)
    with pytest.raises(ValueError, match=r"Pool: x must have a height of 6 or 8 .* got 7"):
        DeepConvNet(conv_param_4={"filter_num": 32, "filter_size": 3, "pad": 1, "stride": 1})


@pytest.mark.parametrize("modern", [False, True])
def test_lenet(modern):
    net = LeNet(modern=modern)
    a, p = ("Relu", "Pool") if modern else ("Sigmoid", "AveragePooling")
    assert [*net.layers] == [
        *("Conv1", f"{a}1", f"{p}1", "Conv2", f"{a}2", f"{p}2"),
        *("Affine1", f"{a}3", "Affine2", f"{a}4", "Affine3"),
    ]
    assert isinstance(net.layers[f"{p}1"], Pooling if modern else AveragePooling)
    assert net.summary().total == 61_706  # those of 1998, with 16 full filters in C3
    assert net.summary().rows[5][1] == (16, 5, 5)
    assert net.params["W2"].std() == pytest.approx(math.sqrt((1 + modern) / 150), rel=0.1)


def test_resnet():
    net = ResNet(filter_nums=(4, 6), blocks=2, rng=0)
    stage = ["Conv", "BatchNorm", "Relu", *["Residual", "Relu"] * 2]
    wanted = [*stage, "Pool", *stage, "GlobalAveragePooling", "Affine"]
    assert [layer.kind for layer in net.layers.values()] == wanted
    inner = net.layers["Residual1"].layers
    assert [layer.kind for layer in inner] == ["Conv", "BatchNorm", "Relu", "Conv", "BatchNorm"]
    assert net.summary().rows[-3][1] == (6, 14, 14)
    convolutions = 9 * (1 * 4 + 4 * 4 * 4 + 4 * 6 + 4 * 6 * 6) + 5 * (4 + 6)
    assert net.summary().total == convolutions + 2 * 5 * (4 + 6) + 7 * 10
    assert inner[0].W.std() == pytest.approx(math.sqrt(2 / 36), rel=0.2)


def test_resnet_without_skips_has_the_same_weights_but_not_the_same_scores():
    residual, plain = (ResNet((1, 8, 8), (3, 4), 2, skips=skips, rng=0) for skips in (True, False))
    assert residual.summary().total == plain.summary().total
    for one, other in zip(residual.params.values(), plain.params.values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert "Residual1" not in plain.layers
    x = images_for(plain, 5)
    residual_scores, plain_scores = residual.predict(x), plain.predict(x)
    assert np.abs(residual_scores - plain_scores).max() > 1e-3
    for layer in residual.layers.values():
        if layer.kind == "Residual":
            layer.layers[-1].gamma[...] = 0  # F(x) = 0: the block is the identity
    others = Network([layer for layer in residual.layers.values() if layer.kind != "Residual"])
    np.testing.assert_allclose(residual.predict(x), others.predict(x), rtol=1e-6)


def test_resnet_names_the_argument_that_makes_no_sense():
    with pytest.raises(ValueError, match=r"Pool: x must have a height of 6 or 8 .* got 7"):
        ResNet((1, 28, 28), (2, 2, 2, 2))
    for arguments, message in (
        ({"filter_nums": ()}, "filter_nums must hold a number for each stage"),
        ({"filter_nums": (4, 0)}, "filter_nums must be at least 1"),
        ({"blocks": -1}, "blocks must be at least 0"),
        ({"output_size": 0}, "output_size must be at least 1"),
        ({"input_dim": (28, 28)}, "input_dim must be"),
    ):
        with pytest.raises(ValueError, match=message):
            ResNet(**arguments)
    with pytest.raises(TypeError, match="filter_nums must be a list of integers, got 5"):
        ResNet(filter_nums=5)
    with pytest.raises(TypeError, match=r"conv_param_1 must be a dict, as .* got 5"):
        DeepConvNet(conv_param_1=5)


CONV_NETS = {
    "simple": lambda **options: SimpleConvNet(
        (1, 8, 8), {"filter_num": 3, "filter_size": 3}, 6, 3, "he", **options
    ),
    "deep": lambda **options: DeepConvNet(
        (1, 12, 12), *({"filter_num": 3} for _ in range(6)), 6, 3, **options
    ),
    "LeNet": lambda **options: LeNet((1, 16, 16), 3, **options),
    "modern LeNet": lambda **options: LeNet((1, 16, 16), 3, True, **options),
    "ResNet": lambda **options: ResNet((1, 8, 8), (2, 3), 1, 3, **options),
}
every_conv_net = pytest.mark.parametrize("build", CONV_NETS.values(), ids=CONV_NETS)


def images_for(net, n, dtype=np.float64):
    return np.random.default_rng(1).standard_normal((n, *net.input_dim)).astype(dtype)


@every_conv_net
def test_gradients_of_convolutional_networks(build):
    net = build(rng=0, dtype=np.float64)
    report = check_gradients(net, images_for(net, 3), np.array([0, 2, 1]), sample=15)
    assert report, f"\n{report}"


def test_the_fast_numerical_gradient_of_a_convolutional_network_is_the_plain_one():
    conv_param = {"filter_num": 2, "filter_size": 3}
    net = SimpleConvNet((1, 6, 6), conv_param, 4, 3, "he", rng=0, dtype=np.float64)
    x, t = images_for(net, 3), np.array([0, 2, 1])
    plain, fast = net.numerical_gradient(x, t, plain=True), net.numerical_gradient(x, t)
    for key, gradient in net.gradient(x, t).items():
        np.testing.assert_allclose(fast[key], plain[key], atol=1e-9)
        np.testing.assert_allclose(gradient, plain[key], atol=1e-7)


@every_conv_net
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_goes_all_the_way_through_images(build, dtype):
    net = build(rng=0, dtype=dtype)
    x = images_for(net, 3, dtype)
    arrays = [*net.params.values(), net.predict(x), *net.gradient(x, np.array([0, 2, 1])).values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert net.astype(np.float16).predict(x.astype(np.float16)).dtype == np.float16


@every_conv_net
def test_one_image_is_read_as_in_a_batch(build):
    net = build(rng=0, dtype=np.float64)
    x = images_for(net, 230)
    whole = net.predict(x)
    for i in (0, 229):
        np.testing.assert_allclose(net.predict(x[i : i + 1])[0], whole[i], rtol=1e-9)


@every_conv_net
def test_a_convolutional_network_comes_back_from_its_file(build, tmp_path):
    net, other = build(rng=0), build(rng=1)
    net.save_params(tmp_path / "net.npz")
    other.load_params(tmp_path / "net.npz")
    x = images_for(net, 4, np.float32)
    np.testing.assert_array_equal(net.predict(x), other.predict(x))


def bars(n, seed):
    """8 x 8 noise with a bar somewhere, upright (0), level (1) or slanting (2)."""
    rng = np.random.default_rng(seed)
    x, t = 0.3 * rng.standard_normal((n, 1, 8, 8)), rng.integers(0, 3, n)
    for image, label, (row, column) in zip(x[:, 0], t, rng.integers(0, 4, (n, 2)), strict=True):
        k = np.arange(4)
        image[row + (label != 1) * k, column + (label != 0) * k] += 1.5
    return x.astype(np.float32), t


def test_a_convolutional_network_finds_a_bar_wherever_it_is():
    net = CONV_NETS["simple"](rng=0)
    (x, t), (x_test, t_test) = bars(600, 0), bars(300, 1)
    train(net, x, t, Adam(0.01), steps=200)
    assert net.accuracy(x_test, t_test) > 0.95


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"input_dim": (28, 28)}, ValueError, r"input_dim must be \(C, H, W\), got \(28, 28\)"),
        ({"input_dim": 784}, ValueError, r"input_dim must be \(C, H, W\), got 784"),
        ({"input_dim": (1, 28, 0)}, ValueError, "input_dim must be at least 1"),
        ({"conv_param": {"filters": 3}}, ValueError, r"conv_param must have keys .*\['filters'\]"),
        ({"conv_param": {"filter_num": 0}}, ValueError, r"conv_param\['filter_num'\] must be at"),
        ({"conv_param": {"pad": -1}}, ValueError, r"conv_param\['pad'\] must be at least 0"),
        ({"conv_param": {"stride": 1.5}}, TypeError, r"conv_param\['stride'\] must be an integer"),
        ({"hidden_size": 0}, ValueError, "hidden_size must be"),
        ({"output_size": 0}, ValueError, "output_size must be"),
        ({"weight_init_std": -1}, ValueError, "weight_init_std must be"),
        ({"dtype": int}, TypeError, "dtype must be"),
    ],
)
def test_simple_conv_net_names_the_argument_that_makes_no_sense(arguments, error, message):
    with pytest.raises(error, match=message):
        SimpleConvNet(**arguments)


def test_deep_conv_net_names_the_argument_that_makes_no_sense():
    with pytest.raises(ValueError, match=r"conv_param_3\['filter_size'\] must be at least 1"):
        DeepConvNet(conv_param_3={"filter_size": 0})
    with pytest.raises(ValueError, match="output_size must be"):
        LeNet(output_size=0)


def test_a_convolutional_network_wants_images():
    with pytest.raises(ValueError, match=r"Conv: x must have shape \(N, 1, H, W\)"):
        SimpleConvNet().predict(np.ones((5, 784)))
