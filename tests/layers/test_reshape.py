"""Flatten and Reshape: the order of the values, and shapes that do not fit."""

import numpy as np
import pytest

from dlbasics import Affine, Convolution, Network, Relu, check_gradients
from dlbasics.layers import Flatten, Reshape
from tests.helpers import channels_last, normal


@pytest.mark.parametrize("relaid", [np.ascontiguousarray, channels_last, np.asfortranarray])
def test_values_keep_the_order_of_channel_row_and_column(relaid):
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    rows = Flatten().forward(relaid(x))
    np.testing.assert_array_equal(rows, np.arange(24.0).reshape(2, 12))
    np.testing.assert_array_equal(Reshape((3, 2, 2)).forward(relaid(rows[:, :, None, None])), x)


def test_backward_goes_back_to_the_shape_of_x():
    for layer in (Flatten(), Reshape((3, 4))):
        y = layer.forward(normal(2, 3, 2, 2))
        dout = normal(*y.shape, seed=1)
        np.testing.assert_array_equal(layer.backward(dout), dout.reshape(2, 3, 2, 2))


def test_shapes_for_a_summary():
    layers = [Reshape((1, 6, 6)), Convolution.create(1, 2, 3), Flatten(), Affine.create(32, 3)]
    rows = Network(layers).summary().rows
    assert [shape for _, shape, _ in rows] == [(1, 6, 6), (2, 4, 4), (32,), (3,)]
    assert Flatten().output_shape((3, 2, 2)) == (12,)
    with pytest.raises(ValueError, match=r"Reshape: a sample must have 36 values, got \(35,\)"):
        Reshape((1, 6, 6)).output_shape((35,))


@pytest.mark.parametrize("shape", [(36,), (6, 6), (5, 36), (5, 6, 6), (5, 1, 6, 6)])
def test_a_network_of_rows_may_hold_a_convolution(shape):
    make = {"rng": 0, "dtype": np.float64}
    layers = [Reshape((1, 6, 6)), Convolution.create(1, 2, 3, **make), Relu(), Flatten()]
    network = Network([*layers, Affine.create(32, 3, **make)])
    x = normal(*shape)
    assert network.predict(x).shape == ((3,) if x.size == 36 else (5, 3))
    if len(x) == 5:
        assert check_gradients(network, x, np.arange(5) % 3)


def test_flatten_takes_images_without_channels():
    network = Network([Flatten(), Affine.create(36, 3, rng=0)])
    x, t = normal(20, 6, 6), np.arange(20) % 3
    np.testing.assert_allclose(network.predict(x), network.predict(x.reshape(20, 36)))
    assert network.accuracy(x, t) == network.accuracy(x.reshape(20, 36), t)
    assert network.gradient(x, t).keys() == {"W1", "b1"}


def test_shapes_that_do_not_fit():
    for shape in ((), (5,), (5, 0), (5, 2, 0)):
        with pytest.raises(ValueError, match=r"Flatten: x must have shape \(N, ...\) .*, got \("):
            Flatten().forward(np.ones(shape))
    for shape in ((), (5,), (2, 7), (6, 5)):
        with pytest.raises(ValueError, match=r"Reshape: x must have 6 values a sample, got shape"):
            Reshape((2, 3)).forward(np.ones(shape))


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        (6, TypeError, "a list of integers, got 6"),
        ((2, -1), ValueError, "at least 1, got -1"),
        ((2, 1.5), TypeError, "an integer, got 1.5"),
        ("23", TypeError, "a list of integers, got '23'"),
    ],
)
def test_what_is_no_shape(shape, error, message):
    with pytest.raises(error, match=f"shape must be {message}"):
        Reshape(shape)
