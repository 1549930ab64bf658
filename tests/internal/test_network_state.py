"""The parts of a network that training changes, for checkpoints.

tests/test_storage.py has the tests of the files of whole networks, `save` and `load`.
"""

import numpy as np
import pytest

from dlbasics._internal.network_state import (
    arrays_of,
    check_fit,
    generators_of,
    layers_of,
    put_back,
    set_missing_generators,
)
from dlbasics.layers import Affine, BatchNorm, Convolution, Dropout
from dlbasics.network import Network
from tests.helpers import Block, normal

BATCH = normal(5, 3, dtype=np.float32), np.array([0, 1, 0, 1, 1])


def net(seed=0):
    layers = [Affine.create(3, 4, rng=seed), Block(BatchNorm.create(4), Affine.create(4, 2, rng=1))]
    return Network(layers)


def trained_net(seed=0):
    network = net(seed)
    network.gradient(*BATCH)
    return network


class Readers:
    """A network that a reader wrote; its layers lie in a list, not all of them ours."""

    def __init__(self):
        self.dropout = Dropout()
        self.layers = [self.dropout, np.tanh]
        self.params = {"W": np.ones(3)}


def test_arrays_hold_parameters_and_running_statistics_of_inner_layers_too():
    params = [f"params/{key}" for key in ("W1", "b1", "gamma1", "beta1", "W2", "b2")]
    assert [*arrays_of(net())] == params
    assert [*arrays_of(trained_net())] == [*params, "states/running_mean1", "states/running_var1"]


@pytest.mark.parametrize("source", [net, trained_net])
def test_arrays_are_copies_and_go_back_into_the_very_parameters(source):
    """Statistics that were not set are unset again."""
    arrays, other = arrays_of(source()), trained_net(seed=5)
    W = other.params["W1"]
    put_back(other, arrays)
    assert other.params["W1"] is W
    found = arrays_of(other)
    norm = other.layers["Block1"].layers[0]
    for own in (*other.params.values(), norm.running_mean, norm.running_var):
        if own is not None:
            own += 1
    assert found.keys() == arrays.keys()
    for key, array in arrays_of(source()).items():
        np.testing.assert_array_equal(arrays[key], array, err_msg=key)
        np.testing.assert_array_equal(found[key], array, err_msg=key)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params/W3": np.ones(2)}, r"differ in \['params/W3'\]"),
        ({"params/b1": np.ones(4)}, r"params/b1 must be float32 .*got float64 of shape \(4,\)"),
    ],
)
def test_arrays_of_another_network_do_not_fit(changes, message):
    arrays = arrays_of(trained_net())
    check_fit(net(), arrays)
    with pytest.raises(ValueError, match=message):
        check_fit(net(), {**arrays, **changes})


def test_each_generator_of_layers_and_halves_comes_once():
    rng, own = np.random.default_rng(0), np.random.default_rng(1)
    network = Network([Block(Dropout(), Dropout(rng=own)), Affine.create(3, 2)], rng=rng)
    assert generators_of(network) == [rng, own]
    halved = Network([Convolution.create(1, 2, 3), Affine.create(2, 2)], rng=rng)
    first, second = (rngs[0] for rngs in halved.shard_rngs)
    assert generators_of(halved) == [rng, first, second]


def test_of_a_readers_network_only_layers_of_ours_count_and_get_a_missing_generator():
    network, own, rng = Readers(), np.random.default_rng(0), np.random.default_rng(1)
    assert layers_of(network) == {"0": network.dropout}
    set_missing_generators(network, own)
    set_missing_generators(network, rng)
    assert generators_of(network) == [own]
    assert [*arrays_of(network)] == ["params/W"]
    del network.layers
    assert layers_of(network) == {}
