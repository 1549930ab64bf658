import copy

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    Concatenate,
    Convolution,
    Dropout,
    Identity,
    Pooling,
    Relu,
    Tanh,
)
from dlbasics.network import Network
from tests.helpers import normal


def block(dtype=np.float64):
    one, three = (
        Convolution.create(2, 3, size, pad=size // 2, rng=size, dtype=dtype) for size in (1, 3)
    )
    return Concatenate([[one], [three, Relu()], []])


def test_the_outputs_of_the_branches_are_the_channels():
    x, layer = normal(4, 2, 5, 6), block()
    (one,), (three, relu), _ = layer.branches
    y = layer.forward(x)
    assert layer.layers == [one, three, relu]
    assert layer.output_shape((2, 5, 6)) == y.shape[1:] == (3 + 3 + 2, 5, 6)
    np.testing.assert_allclose(y[:, :3], one.forward(x))
    np.testing.assert_allclose(y[:, 3:6], relu.forward(three.forward(x)))
    np.testing.assert_array_equal(y[:, 6:], x)


def test_gradients_through_the_branches_add():
    x, dout = normal(2, 3, 4, 5), normal(2, 9, 4, 5, seed=1)
    layer = Concatenate([[Tanh()], [Identity()], []])
    y = layer.forward(x)
    dx = dout[:, :3] * (1 - y[:, :3] ** 2) + dout[:, 3:6] + dout[:, 6:]
    np.testing.assert_allclose(layer.backward(dout), dx)


def test_gradients_of_a_network_with_branches():
    first = Convolution.create(1, 2, 3, rng=0)
    network = Network([first, block(), Pooling(2, 2, 2), Affine.create(32, 3, rng=3)], rng=0)
    report = check_gradients(network, normal(4, 1, 6, 6), np.array([0, 2, 1, 0]), sample=20)
    assert report, f"\n{report}"
    assert [*network.params] == ["W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"]


def test_a_replica_runs_its_own_layers_with_the_same_parameters():
    layer = block()
    x, other = normal(1, 2, 4, 4), normal(1, 2, 4, 4, seed=1)
    y = layer.forward(x)
    twin = layer.replica()
    assert [layer for branch in twin.branches for layer in branch] == twin.layers
    twin.forward(other)
    np.testing.assert_array_equal(layer.backward(y), copy.deepcopy(layer).backward(y))
    assert all(mine is not theirs for mine, theirs in zip(layer.layers, twin.layers, strict=True))
    assert twin.branches[0][0].W is layer.branches[0][0].W


def test_training_mode_and_generator_reach_the_branches():
    dropout = Dropout(0.5)
    network = Network([Concatenate([[dropout], []])], rng=0)
    assert dropout.rng is not None
    x = np.ones((2, 5, 3, 3))
    np.testing.assert_array_equal(network.predict(x)[:, :5], 0.5 * x)
    assert set(np.unique(network.predict(x, train_flg=True)[:, :5])) == {0, 1}


def test_a_network_knows_how_many_channels_the_branches_make():
    conv = Convolution.create(1, 2, 3, rng=0)
    assert Network([conv, block(np.float32), Convolution.create(8, 1, 3, rng=0)])
    with pytest.raises(ValueError, match=r"Conv2 gets the output of Concatenate1: .*7 channels"):
        Network([conv, block(np.float32), Convolution.create(7, 1, 3, rng=0)])
    with pytest.raises(ValueError, match=r"Concatenate1 gets the output of Conv1: .*2 channels"):
        Network([Convolution.create(1, 3, 3, rng=0), block(np.float32)])


def test_branches_that_make_images_of_different_sizes_are_refused():
    layer = Concatenate([[Pooling(2, 2)], []])
    sizes = r"same height and width, got \[\(3, 3, 4\), \(3, 4, 5\)\]"
    with pytest.raises(ValueError, match=sizes):
        layer.forward(normal(2, 3, 4, 5))
    with pytest.raises(ValueError, match=sizes):
        layer.output_shape((3, 4, 5))


def test_a_layer_that_occurs_twice_is_refused():
    relu = Relu()
    for branches in ([[relu], [relu]], [[Concatenate([[relu]])], [relu]], []):
        with pytest.raises(ValueError, match="each layer only once"):
            Concatenate(branches)


@pytest.mark.parametrize("branches", [Relu(), [Relu()], [[3]], None, [None]])
def test_what_are_no_branches_is_an_error(branches):
    with pytest.raises(TypeError, match="branches must be a list of lists of layers"):
        Concatenate(branches)
