"""WeightAverage: its numbers by hand, and that the network itself is left alone."""

import numpy as np
import pytest

from dlbasics.averaging import WeightAverage
from dlbasics.layers import Affine, BatchNorm, Relu
from dlbasics.network import Network
from dlbasics.networks import TwoLayerNet


def small():
    layers = [Affine.create(3, 4, rng=0), BatchNorm.create(4), Relu(), Affine.create(4, 2, rng=1)]
    return Network(layers, rng=0)


def batch(n=20):
    x = np.random.default_rng(2).standard_normal((n, 3)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


def test_the_average_by_hand():
    """d is 0.1, 2/11, 3/12, ... until `decay` is reached."""
    network = TwoLayerNet(2, 2, 2, rng=0)
    W = network.params["W1"]
    W[...] = 0
    average = WeightAverage(network, decay=0.25)
    expected = 0.0
    W[...] = 7
    assert not average.network().params["W1"].any(), "before any update: as it was given"
    for value, d in zip((10, -4, 6, 8, 2), (0.1, 2 / 11, 0.25, 0.25, 0.25), strict=True):
        W[...] = value
        average.update()
        expected = d * expected + (1 - d) * value
        found = average.network().params["W1"]
        np.testing.assert_allclose(found, np.full((2, 2), expected), rtol=1e-6)
        assert found.dtype == np.float32


def test_running_statistics_are_averaged_from_the_first_batch_on():
    network, (x, t) = small(), batch()
    norm, means = network.layers["BatchNorm1"], []
    average = WeightAverage(network, decay=0.5)
    assert average.network().layers["BatchNorm1"].running_mean is None
    for shift in (0, 10):
        network.gradient(x + shift, t)
        average.update()
        means.append(norm.running_mean.copy())
    found = average.network().layers["BatchNorm1"].running_mean
    np.testing.assert_allclose(found, 2 / 11 * means[0] + 9 / 11 * means[1], rtol=1e-5)


def test_the_network_and_earlier_copies_are_left_alone():
    network, (x, t) = small(), batch()
    average = WeightAverage(network)
    network.gradient(x, t)
    before = {key: param.copy() for key, param in network.params.items()}
    mean = network.layers["BatchNorm1"].running_mean.copy()
    average.update()
    first = average.network()
    scores = first.predict(x)
    for param in network.params.values():
        param += 1
    average.update()
    for key, param in network.params.items():
        np.testing.assert_array_equal(param, before[key] + 1)
    np.testing.assert_array_equal(network.layers["BatchNorm1"].running_mean, mean)
    np.testing.assert_array_equal(first.predict(x), scores)
    assert not np.array_equal(average.network().predict(x), scores)


def test_in_half_precision_small_steps_are_not_lost():
    network = TwoLayerNet(2, 2, 2, rng=0, dtype=np.float16)
    W = network.params["W1"]
    W[...] = 1
    average = WeightAverage(network)
    W[...] = 1.05
    for _ in range(5_000):
        average.update()
    found = average.network().params["W1"]
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, W)


def test_infinite_weights_are_averaged_without_a_warning():
    network = TwoLayerNet(2, 2, 2, rng=0)
    average = WeightAverage(network)
    network.params["W1"][...] = np.inf
    for _ in range(2):
        average.update()
    assert not np.isfinite(average.network().params["W1"]).any()


@pytest.mark.parametrize("network", [None, 0, "x", [], {1}, object(), Network, {"params": {}}])
def test_what_is_no_network_is_an_error(network):
    with pytest.raises(TypeError, match="network must be a Network, got"):
        WeightAverage(network, 0.9)


def test_integer_weights_are_an_error():
    network = Network([Affine(np.ones((3, 2), int), np.zeros(2))])
    with pytest.raises(TypeError, match=r"floating-point weights, got integers in .*W1"):
        WeightAverage(network)


def test_decay_must_be_a_number_from_0_to_below_1():
    for bad in (-0.1, 1, 1.5, np.nan):
        with pytest.raises(ValueError, match="decay must be"):
            WeightAverage(small(), bad)
    for bad in ("0.9", None):
        with pytest.raises(TypeError, match="decay must be"):
            WeightAverage(small(), bad)
