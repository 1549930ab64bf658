"""Threads may share a network."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dlbasics import Affine, MultiLayerNet, SimpleConvNet
from tests.helpers import normal


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (MultiLayerNet(20, [30, 30], 5, rng=0), (20,)),
        (SimpleConvNet((1, 8, 8), {"filter_size": 3}, 9, 5, rng=0), (1, 8, 8)),
    ],
)
def test_gradients_and_losses_of_several_threads_are_right(network, shape):
    batches = [(normal(6, *shape, seed=i), np.arange(6) % 5) for i in range(8)]
    wanted = [network.gradient(x, t) for x, t in batches]
    losses = [network.loss(x, t) for x, t in batches]
    start = threading.Barrier(8)

    def work(i):
        start.wait(20)
        return [(network.loss(*batches[i]), network.gradient(*batches[i])) for _ in range(30)]

    with ThreadPoolExecutor(8) as threads:
        for i, results in enumerate(threads.map(work, range(8))):
            for loss, gradient in results:
                assert loss == losses[i]
                for key, array in gradient.items():
                    np.testing.assert_array_equal(array, wanted[i][key])


def test_a_copy_and_a_pickle_have_a_lock_of_their_own():
    network, (x, t) = MultiLayerNet(4, [3], 2, rng=0), (normal(5, 4), np.zeros(5, int))
    with network._lock, ThreadPoolExecutor(1) as threads:
        for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):  # noqa: S301
            threads.submit(twin.gradient, x, t).result(20)


def test_a_layer_may_get_attributes_while_it_is_copied():
    """The first pass in another thread adds them."""

    class Slow:
        def __deepcopy__(self, memo):
            layer.added = 1
            return self

    layer = Affine.create(4, 3, rng=0)
    layer.slow = Slow()
    twin = copy.deepcopy(layer)
    assert (hasattr(layer, "added"), hasattr(twin, "added")) == (True, False)
