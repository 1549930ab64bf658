"""What a network may be built from: layers and their names, loss layer, regularizer."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics._internal.assembly import affine_layers
from dlbasics.initializers import he
from dlbasics.layers import Affine, Dropout, Relu, Sigmoid, SoftmaxWithLoss, Tanh
from dlbasics.network import Network
from dlbasics.regularizers import L2
from tests.helpers import Block


class Swish(Sigmoid):
    """A class of a reader's own has its own name."""


class Conv2D(Affine):
    kind = "Conv"


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ([Sigmoid(), Relu(), Dropout(), Relu()], ["Sigmoid1", "Relu1", "Dropout1", "Relu2"]),
        ([Swish(), Sigmoid(), Swish()], ["Swish1", "Sigmoid1", "Swish2"]),
        ([Conv2D.create(2, 2), Conv2D.create(2, 2)], ["Conv1", "Conv2"]),
    ],
)
def test_layers_have_the_books_names(layers, names):
    assert Network(layers).layers == dict(zip(names, layers, strict=True))


def test_a_mapping_gives_layers_names_of_ones_own():
    layers = {"hidden": Affine.create(3, 4), "bend": Relu(), "out": Affine.create(4, 2)}
    net = Network(layers)
    assert net.layers == layers and isinstance(net.last_layer, SoftmaxWithLoss)
    assert list(net.layers) == ["hidden", "bend", "out"]
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    layers.clear()
    assert len(net.layers) == 3


shared = Affine.create(3, 3)


@pytest.mark.parametrize("layers", [[], {}, [shared, shared], [shared, Block(Tanh(), shared)]])
def test_layers_must_be_there_and_each_only_once(layers):
    with pytest.raises(ValueError, match="layers"):
        Network(layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": [Affine.create(2, 2), SoftmaxWithLoss()]}, "layers must hold layers"),
        ({"layers": [Affine.create(2, 2), Relu]}, "layers must hold layers"),
        ({"layers": {"out": "Affine"}}, "layers must hold layers"),
        ({"layers": Affine.create(2, 2)}, "layers must be a sequence or a mapping"),
        ({"layers": None}, "layers must be a sequence or a mapping"),
        ({"last_layer": Relu()}, "last_layer must be a loss layer"),
        ({"last_layer": SoftmaxWithLoss}, "last_layer must be a loss layer"),
        ({"regularizer": 0.1}, "regularizer must be a penalty such as L2"),
        ({"regularizer": L2}, "regularizer must be a penalty such as L2"),
        ({"regularizer": SimpleNamespace(penalty=abs)}, "regularizer must be a penalty such as L2"),
        ({"layers": "Relu"}, "layers must be a sequence or a mapping of layers, got 'Relu'"),
        ({"layers": 2}, "layers must be a sequence or a mapping of layers, got 2"),
    ],
)
def test_what_fits_no_network_is_refused_by_name(arguments, message):
    with pytest.raises(TypeError, match=message):
        Network(**{"layers": [Affine.create(2, 2)], **arguments})


def test_affine_layers_join_the_sizes_in_order():
    layers = affine_layers([5, 4, 3], he, np.random.default_rng(0), np.float64)
    assert [layer.W.shape for layer in layers] == [(5, 4), (4, 3)]
    assert {array.dtype for layer in layers for array in (layer.W, layer.b)} == {np.dtype(float)}
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(layers[0].W, Affine.create(5, 4, he, rng=rng, dtype=float).W)
