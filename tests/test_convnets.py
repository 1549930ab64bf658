"""The networks for images: SimpleConvNet, DeepConvNet, LeNet and ResNet."""

import copy
import math
import re

import numpy as np
import pytest

from dlbasics.convnets import DeepConvNet, LeNet, ResNet, SimpleConvNet, residual_block
from dlbasics.gradient import check_gradients
from dlbasics.layers import SoftmaxWithLoss
from dlbasics.network import Network
from dlbasics.optimizers import Adam
from tests.helpers import normal, train

STAGE = ["Conv", "BatchNorm", "Relu", *["Residual", "Relu"] * 2]
DEEP_STAGE = ["Conv", "Relu", "Conv", "Relu", "Pool"]
LENET = [(6, 1, 5, 5), (16, 6, 5, 5), (400, 120), (120, 84), (84, 10)]


@pytest.mark.parametrize(
    ("net", "kinds", "weights", "parameters"),
    [
        (
            SimpleConvNet,
            ["Conv", "Relu", "Pool", "Affine", "Relu", "Affine"],
            [(30, 1, 5, 5), (4320, 100), (100, 10)],
            433_890,
        ),
        (
            DeepConvNet,
            [*DEEP_STAGE * 3, "Affine", "Relu", "Dropout", "Affine", "Dropout"],
            [
                *[(16, 1, 3, 3), (16, 16, 3, 3), (32, 16, 3, 3), (32, 32, 3, 3), (64, 32, 3, 3)],
                *[(64, 64, 3, 3), (1024, 50), (50, 10)],
            ],
            123_552,
        ),
        (
            LeNet,
            [*["Conv", "Sigmoid", "AveragePooling"] * 2, *["Affine", "Sigmoid"] * 2, "Affine"],
            LENET,
            61_706,  # those of 1998, with 16 full filters in C3
        ),
        (
            lambda: LeNet(modern=True),
            [*["Conv", "Relu", "Pool"] * 2, *["Affine", "Relu"] * 2, "Affine"],
            LENET,
            61_706,
        ),
        (
            lambda: ResNet(filter_nums=(4, 6), blocks=2),
            [*STAGE, "Pool", *STAGE, "GlobalAveragePooling", "Affine"],
            [(4, 1, 3, 3), *[(4, 4, 3, 3)] * 4, (6, 4, 3, 3), *[(6, 6, 3, 3)] * 4, (6, 10)],
            9 * (1 * 4 + 4 * 4 * 4 + 4 * 6 + 4 * 6 * 6) + (1 + 2) * 5 * (4 + 6) + 7 * 10,
        ),
    ],
)
def test_a_network_has_the_layers_and_parameters_of_its_source(net, kinds, weights, parameters):
    net = net()
    assert [layer.kind for layer in net.layers.values()] == kinds
    assert [param.shape for key, param in net.params.items() if key.startswith("W")] == weights
    assert net.summary().total == parameters
    assert isinstance(net.last_layer, SoftmaxWithLoss)


def test_pooling_padding_and_dropout_are_the_books():
    pool, net = SimpleConvNet().layers["Pool1"], DeepConvNet()
    assert (pool.pool_h, pool.pool_w, pool.stride, pool.pad) == (2, 2, 2, 0)
    assert [net.layers[f"Conv{i}"].pad for i in range(1, 7)] == [1, 1, 1, 2, 1, 1]
    assert net.layers["Dropout1"].dropout_ratio == net.layers["Dropout2"].dropout_ratio == 0.5


def test_simple_conv_net_takes_the_books_arguments_by_name_and_place():
    conv_param = {"filter_num": 4, "filter_size": 3, "pad": 1, "stride": 1}
    arguments = {"input_dim": (2, 8, 6), "conv_param": conv_param}
    arguments |= {"hidden_size": 7, "output_size": 5, "weight_init_std": 0.5}
    given = copy.deepcopy(arguments)
    by_place, by_name = SimpleConvNet(*given.values(), rng=0), SimpleConvNet(**given, rng=0)
    assert (by_name.params["W1"].shape, by_name.params["W2"].shape) == ((4, 2, 3, 3), (48, 7))
    for key, param in by_name.params.items():
        np.testing.assert_array_equal(by_place.params[key], param)
    assert given == arguments


@pytest.mark.parametrize(
    ("network", "options", "variance"),
    [
        (SimpleConvNet, {}, lambda fan_in: 1e-4),
        (SimpleConvNet, {"weight_init_std": "he"}, lambda fan_in: 2 / fan_in),
        (DeepConvNet, {}, lambda fan_in: 2 / fan_in),
        (LeNet, {}, lambda fan_in: 1 / fan_in),
        (LeNet, {"modern": True}, lambda fan_in: 2 / fan_in),
        (ResNet, {"filter_nums": (4, 6), "blocks": 2}, lambda fan_in: 2 / fan_in),
    ],
)
def test_initial_weights_have_the_spread_of_their_initializer(network, options, variance):
    for key, param in network(**options, rng=0).params.items():
        assert param.dtype == np.float32
        if key.startswith("W"):
            fan_in = param[0].size if param.ndim == 4 else len(param)
            std, tolerance = math.sqrt(variance(fan_in)), 4 / math.sqrt(2 * param.size)
            assert param.std() == pytest.approx(std, rel=tolerance), key
        elif key.startswith("b"):
            assert not param.any(), key


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
    with pytest.raises(ValueError, match=r"input_dim must be .* tile, .* got images of 12 by 9"):
        SimpleConvNet((3, 12, 9), {"filter_size": 2})
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3, 13, 9\), .* got \(5, 784\)"):
        net.predict(np.ones((5, 784)))


def test_conv_param_takes_pairs():
    same = {"filter_size": (3, 5), "pad": (1, 2), "stride": [1, 1], "filter_num": 2}
    net = SimpleConvNet((1, 6, 8), same)
    assert net.params["W1"].shape == (2, 1, 3, 5) and net.params["W2"].shape[0] == 2 * 3 * 4
    named = r"one of \[1, 3, 5, 7\] by one of \[1, 3, 5, 7, 9, 11\] .* got \(3, 4\)"
    with pytest.raises(ValueError, match=f"filter_size must be {named}"):
        SimpleConvNet((1, 6, 8), {**same, "filter_size": (3, 4)})
    with pytest.raises(ValueError, match=r"conv_param\['pad'\] must be a number or a pair"):
        SimpleConvNet((1, 6, 8), {**same, "pad": (1, 2, 3)})
    with pytest.raises(TypeError, match=r"conv_param\['filter_num'\] must be an integer"):
        SimpleConvNet((1, 6, 8), {**same, "filter_num": (1, 2)})


FLOOR = {
    "SimpleConvNet": (
        lambda **more: SimpleConvNet((3, 32, 32), {"filter_size": 4}, **more),
        30 * 14 * 14,
    ),
    "SimpleConvNet, stride": (
        lambda **more: SimpleConvNet((3, 32, 32), {"filter_size": 5, "stride": 2}, **more),
        30 * 7 * 7,
    ),
    "DeepConvNet": (lambda **more: DeepConvNet((3, 32, 32), **more), 64 * 4 * 4),
    "LeNet": (lambda **more: LeNet((3, 30, 31), **more), 16 * 5 * 5),
    "ResNet": (lambda **more: ResNet((3, 30, 31), (4, 5, 6), **more), 6),
}


@pytest.mark.parametrize("name", FLOOR)
def test_floor_leaves_the_pixels_over_that_no_window_reaches(name):
    make, values = FLOOR[name]
    with pytest.raises(ValueError, match="unless floor=True, got"):
        make()
    net = make(floor=True, rng=0)
    assert net.layers["Affine1"].W.shape[0] == values
    images = normal(4, *net.input_dim, dtype=np.float32)
    assert net.predict(images).shape == (4, 10)
    assert all(np.isfinite(dW).all() for dW in net.gradient(images, np.arange(4)).values())


def test_with_floor_the_error_names_the_filter_sizes_that_leave_two_windows():
    with pytest.raises(ValueError, match=r"one of \[1, 2, 3, 4\] .* 6 by 6 .* pad 0, got 5"):
        SimpleConvNet((1, 6, 6), {"stride": 2}, floor=True)
    assert SimpleConvNet((1, 6, 6), {"stride": 2, "filter_size": 4}, floor=True)


def test_what_conv_param_leaves_out_is_the_books():
    assert SimpleConvNet(conv_param={"filter_num": 7}).params["W1"].shape == (7, 1, 5, 5)
    assert DeepConvNet(conv_param_2={"filter_num": 7}).params["W3"].shape == (32, 7, 3, 3)
    assert DeepConvNet(conv_param_4={"filter_num": 7}).layers["Conv4"].pad == 2


def test_deep_conv_net_computes_its_sizes():
    small = {f"conv_param_{i}": {"filter_num": i, "filter_size": 3, "pad": 1} for i in range(1, 7)}
    net = DeepConvNet((3, 16, 24), **small, hidden_size=9, output_size=4, rng=0)
    assert (net.params["W7"].shape, net.params["W8"].shape) == ((6 * 2 * 3, 9), (9, 4))
    assert net.predict(np.ones((2, 3, 16, 24))).shape == (2, 4)
    with pytest.raises(ValueError, match=r"Pool: x must have a height of 6 or 8 .* got 7"):
        DeepConvNet(conv_param_4={"filter_num": 32, "filter_size": 3, "pad": 1, "stride": 1})


@pytest.mark.parametrize("kind", [SimpleConvNet, DeepConvNet, LeNet, ResNet])
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_channels_of_images_come_first(kind, shape):
    H, W, C = shape
    message = re.escape(f"input_dim must be (C, H, W), as {(C, H, W)}, got {shape}")
    with pytest.raises(ValueError, match=message):
        kind(shape)


def test_a_residual_block_adds_x_unless_it_has_no_skip():
    inner = ["Conv", "BatchNorm", "Relu", "Conv", "BatchNorm"]
    block, relu = residual_block(4, rng=0)
    assert (block.kind, relu.kind) == ("Residual", "Relu")
    assert [layer.kind for layer in block.layers] == inner
    assert [layer.kind for layer in residual_block(4, skips=False)] == [*inner, "Relu"]
    assert block.layers[0].W.shape == block.layers[3].W.shape == (4, 4, 3, 3)


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
    return normal(n, *net.input_dim, seed=1, dtype=dtype)


@every_conv_net
def test_gradients_of_convolutional_networks(build):
    net = build(rng=0, dtype=np.float64)
    report = check_gradients(net, images_for(net, 3), np.array([0, 2, 1]), sample=15)
    assert report, f"\n{report}"


def test_the_fast_numerical_gradient_of_a_convolutional_network_is_the_plain_one():
    conv_param = {"filter_num": 2, "filter_size": 3}
    net = SimpleConvNet((1, 6, 6), conv_param, 4, 3, "he", rng=0, dtype=np.float64)
    x, t = images_for(net, 3), np.array([0, 2, 1])
    fast, plain = (net.numerical_gradient(x, t, plain=plain) for plain in (False, True))
    for key in plain:
        np.testing.assert_allclose(fast[key], plain[key], atol=1e-9)


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


NONSENSE = {
    ValueError: [
        (SimpleConvNet, {"input_dim": (28, 28)}, r"input_dim must be \(C, H, W\), got \(28, 28\)"),
        (SimpleConvNet, {"input_dim": 784}, r"input_dim must be \(C, H, W\), got 784"),
        (SimpleConvNet, {"input_dim": (1, 28, 0)}, "input_dim must be at least 1"),
        (SimpleConvNet, {"conv_param": {"filters": 3}}, r"conv_param must have keys .*'filters'"),
        (SimpleConvNet, {"conv_param": {"filter_num": 0}}, r"conv_param\['filter_num'\] must be"),
        (SimpleConvNet, {"conv_param": {"pad": -1}}, r"conv_param\['pad'\] must be at least 0"),
        (SimpleConvNet, {"hidden_size": 0}, "hidden_size must be"),
        (SimpleConvNet, {"output_size": 0}, "output_size must be"),
        (SimpleConvNet, {"weight_init_std": -1}, "weight_init_std must be"),
        (DeepConvNet, {"conv_param_3": {"filter_size": 0}}, r"_3\['filter_size'\] must be"),
        (LeNet, {"output_size": 0}, "output_size must be"),
        (ResNet, {"filter_nums": (2, 2, 2, 2)}, r"Pool: x must have a height of 6 or 8 .* got 7"),
        (ResNet, {"filter_nums": ()}, "filter_nums must hold a number for each stage"),
        (ResNet, {"filter_nums": (4, 0)}, "filter_nums must be at least 1"),
        (ResNet, {"blocks": -1}, "blocks must be at least 0"),
        (ResNet, {"blocks": 10**6}, "blocks must be at most 1,000 in a stage, got 1,000,000"),
        (residual_block, {"channels": 0}, "channels must be at least 1"),
        (ResNet, {"output_size": 0}, "output_size must be at least 1"),
        (ResNet, {"input_dim": (28, 28)}, "input_dim must be"),
    ],
    TypeError: [
        (SimpleConvNet, {"conv_param": {"stride": 1.5}}, r"conv_param\['stride'\] must be an int"),
        (SimpleConvNet, {"dtype": int}, "dtype must be"),
        (DeepConvNet, {"conv_param_1": 5}, "conv_param_1 must be a dict, as .* got 5"),
        (LeNet, {"modern": "False"}, "modern must be True or False, got 'False'"),
        (ResNet, {"skips": 0}, "skips must be True or False, got 0"),
        (residual_block, {"channels": 2, "skips": "no"}, "skips must be True or False, got 'no'"),
        (ResNet, {"filter_nums": 5}, "filter_nums must be a list of integers, got 5"),
    ],
}


@pytest.mark.parametrize(
    ("error", "network", "arguments", "message"),
    [(error, *case) for error, cases in NONSENSE.items() for case in cases],
)
def test_the_argument_that_makes_no_sense_is_named(error, network, arguments, message):
    with pytest.raises(error, match=message):
        network(**arguments)
