"""The small networks of the ImageNet competition: AlexNet, VGG and GoogLeNet."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.imagenets import VGG, AlexNet, GoogLeNet, inception_block
from dlbasics.layers import Dropout, Pooling
from tests.helpers import normal

FIVE = ["Conv", "Relu"] * 3
HEAD = [*["Affine", "Relu", "Dropout"] * 2, "Affine"]
GOOGLENET = ["Conv", "Relu", *["Pool", "Concatenate"] * 2, "GlobalAveragePooling", "Affine"]
SIX = (2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(
    ("net", "kinds", "parameters"),
    [
        (
            AlexNet,
            [*["Conv", "Relu", "LocalResponseNorm", "Pool"] * 2, *FIVE, "Pool", *HEAD],
            96250,
        ),
        (
            lambda: AlexNet(normalize=False, dropout_ratio=0),
            [*["Conv", "Relu", "Pool"] * 2, *FIVE, "Pool", *["Affine", "Relu"] * 2, "Affine"],
            96_250,
        ),
        (VGG, [*["Conv", "Relu", "Conv", "Relu", "Pool"] * 2, *HEAD], 121_594),
        (
            lambda: VGG(convolutions=(1, 3), filter_nums=(2, 4), hidden_size=5),
            ["Conv", "Relu", "Pool", *FIVE, "Pool", *HEAD],
            20 + 76 + 2 * 148 + 985 + 30 + 60,
        ),
        (
            GoogLeNet,
            GOOGLENET,
            18_830,
        ),
        (
            lambda: GoogLeNet(reduce=False),
            GOOGLENET,
            68_874,
        ),
    ],
)
def test_a_network_has_the_layers_and_parameters_of_its_docstring(net, kinds, parameters):
    net = net()
    assert [layer.kind for layer in net.layers.values()] == kinds
    assert net.summary().total == parameters


def test_the_pooling_of_alexnet_overlaps_and_its_dropout_is_the_one_asked_for():
    net = AlexNet(dropout_ratio=0.3)
    layers = [*net.layers.values()]
    windows = [(p.pool_h, p.pool_w, p.stride) for p in layers if isinstance(p, Pooling)]
    assert windows == [(3, 3, 2)] * 3
    assert [d.dropout_ratio for d in layers if isinstance(d, Dropout)] == [0.3, 0.3]


def test_an_inception_block_has_four_branches():
    x = normal(2, 3, 6, 5, dtype=np.float32)
    for reduce, shapes in (
        (True, [[(2, 3, 1, 1)], [(3, 3, 1, 1), (4, 3, 3, 3)], [(5, 3, 1, 1), (6, 5, 5, 5)]]),
        (False, [[(2, 3, 1, 1)], [(4, 3, 3, 3)], [(6, 3, 5, 5)]]),
    ):
        block = inception_block(3, SIX, reduce, rng=0)
        found = [
            [layer.W.shape for layer in branch if layer.kind == "Conv"] for branch in block.branches
        ]
        assert found == [*shapes, [(7, 3, 1, 1)]]
        assert block.branches[3][0].kind == "Pool"
        assert block.forward(x).shape == (2, 2 + 4 + 6 + 7, 6, 5)
        assert all(branch[-1].kind == "Relu" for branch in block.branches)


NETS = {
    "AlexNet": lambda **options: AlexNet((1, 28, 28), 3, **options),
    "VGG": lambda **options: VGG((2, 8, 12), (2, 1), (2, 3), 4, 3, **options),
    "GoogLeNet": lambda **options: GoogLeNet((1, 8, 8), 3, **options),
    "GoogLeNet, not reduced": lambda **options: GoogLeNet((1, 8, 8), 3, False, **options),
}
every_net = pytest.mark.parametrize("build", NETS.values(), ids=NETS)


@every_net
def test_gradients(build):
    net = build(rng=0, dtype=np.float64)
    x = normal(3, *net.input_dim, seed=1)
    report = check_gradients(net, x, np.array([0, 2, 1]), sample=10)
    assert report, f"\n{report}"


@every_net
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_goes_all_the_way_through(build, dtype):
    net = build(rng=0, dtype=dtype)
    x = normal(3, *net.input_dim, seed=1, dtype=dtype)
    arrays = [*net.params.values(), net.predict(x), *net.gradient(x, np.array([0, 2, 1])).values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@every_net
def test_the_same_seed_makes_the_same_network_and_one_image_is_read_as_in_a_batch(build):
    nets = [build(rng=5, dtype=np.float64) for _ in range(2)]
    x = normal(120, *nets[0].input_dim, seed=1)
    whole, again = (net.predict(x) for net in nets)
    np.testing.assert_array_equal(whole, again)
    np.testing.assert_allclose(nets[0].predict(x[7]), whole[7], rtol=1e-9)


def test_floor_takes_images_that_no_window_tiles():
    for kind in (AlexNet, VGG, GoogLeNet):
        with pytest.raises(ValueError, match="input_dim must be that of images that all layers"):
            kind((3, 30, 30))
        images = normal(2, 3, 30, 30, dtype=np.float32)
        assert kind((3, 30, 30), floor=True, rng=0).predict(images).shape == (2, 10)


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "message"),
    [
        (AlexNet, {"dropout_ratio": 2}, ValueError, "dropout_ratio must be"),
        (AlexNet, {"normalize": "no"}, TypeError, "normalize must be True or False"),
        (AlexNet, {"input_dim": (28, 28)}, ValueError, r"input_dim must be \(C, H, W\)"),
        (VGG, {"convolutions": (2,)}, ValueError, "convolutions and filter_nums must hold a num"),
        (VGG, {"convolutions": (), "filter_nums": ()}, ValueError, "a number for each stage"),
        (VGG, {"convolutions": (0, 2)}, ValueError, "convolutions must be at least 1"),
        (VGG, {"convolutions": (10**6, 2)}, ValueError, "convolutions must be at most 100"),
        (VGG, {"hidden_size": 0}, ValueError, "hidden_size must be"),
        (GoogLeNet, {"reduce": 1}, TypeError, "reduce must be True or False"),
        (GoogLeNet, {"output_size": 0}, ValueError, "output_size must be"),
        (
            inception_block,
            {"channels": 2, "filter_nums": (1, 2)},
            ValueError,
            r"filter_nums must be six numbers of filters, got \(1, 2\)",
        ),
    ],
)
def test_the_argument_that_makes_no_sense_is_named(kind, arguments, error, message):
    with pytest.raises(error, match=message):
        kind(**arguments)
