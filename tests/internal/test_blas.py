"""Matrix products keep to one core where that is better, and get their cores back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
import threadpoolctl

from dlbasics import MultiLayerNet, SimpleConvNet, Trainer
from dlbasics._internal import blas
from dlbasics._internal.blas import (
    SMALL,
    one_core,
    one_core_by_default,
    one_core_if_small,
)
from dlbasics.layers import Affine, Relu
from dlbasics.network import Network
from tests.helpers import cores

ONE, BOTH = {1}, {2}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """No variable chooses a number of cores, and BLAS may use two."""
    if "openblas" not in {each["internal_api"] for each in threadpoolctl.threadpool_info()}:
        pytest.skip("another BLAS than OpenBLAS")
    for name in blas.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    blas._is_chosen.cache_clear()
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield
        assert cores() == BOTH
    blas._is_chosen.cache_clear()


def in_thread(function, *args):
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *args).result(20)


@pytest.mark.fast
def test_the_limit_ends_with_the_outermost_block():
    with one_core() as first:
        with one_core() as second:
            assert cores() == ONE
        assert cores() == ONE
    assert first and second


def test_the_limit_ends_with_an_error():
    with pytest.raises(ZeroDivisionError), one_core():
        raise ZeroDivisionError
    assert cores() == BOTH


@pytest.mark.parametrize("name", ["_begin", "_end", "_set"])
def test_the_limit_ends_whenever_ctrl_c_comes(monkeypatch, name):
    """Ctrl-C raises KeyboardInterrupt at the beginning of any call."""
    function, calls = getattr(blas, name), 0

    def interrupted(*args):
        nonlocal calls
        calls += 1
        if calls == n:
            raise KeyboardInterrupt
        function(*args)

    monkeypatch.setattr(blas, name, interrupted)
    n = 1
    while n <= calls + 1:
        calls = 0
        with suppress(KeyboardInterrupt), one_core():
            pass
        assert (cores(), blas._blocks) == (BOTH, set())
        n += 1
    assert n > 2


@pytest.mark.fast
def test_a_second_thread_can_set_the_limit_after_the_first():
    def limited():
        with one_core() as is_limited:
            return is_limited, cores()

    assert limited() == in_thread(limited) == limited() == in_thread(limited) == (True, ONE)


@pytest.mark.fast
def test_a_limit_that_another_thread_has_set_does_not_last():
    """threadpoolctl lets only the thread that set a limit last set the next one."""
    threadpoolctl.threadpool_limits(2, user_api="blas")

    def limited():
        with one_core() as is_limited:
            return is_limited, cores()

    assert in_thread(limited) == (True, ONE)


@pytest.mark.fast
def test_the_limit_lasts_until_the_last_thread_leaves():
    entered, leave = threading.Event(), threading.Event()

    def work():
        with one_core():
            entered.set()
            leave.wait(20)
            seen = cores()
        return seen, cores()

    with ThreadPoolExecutor(1) as thread:
        with one_core():
            future = thread.submit(work)
            entered.wait(20)
        assert cores() == ONE
        leave.set()
        assert future.result(20) == (ONE, BOTH)


@pytest.mark.parametrize("variable", blas.VARIABLES)
def test_the_environment_chooses_the_number_of_cores(monkeypatch, variable):
    monkeypatch.setenv(variable, "2")
    with one_core_by_default():
        assert cores() == BOTH
    with one_core_if_small({"W1": np.ones((2, 2))}, 1):
        assert cores() == BOTH


@pytest.mark.parametrize(
    ("shape", "samples", "expected"),
    [
        ((784, 50), 100, ONE),
        ((50,), 100, ONE),
        ((2**10, 2**10), SMALL // 2**20, ONE),
        ((2**10, 2**10), SMALL // 2**20 + 1, BOTH),
        ((30, 1, 5, 5), 1, BOTH),
    ],
)
def test_small_products_keep_to_one_core(shape, samples, expected):
    with one_core_if_small({"b": np.float64(3), "W": np.ones(shape)}, samples):
        assert cores() == expected


class Look(Relu):
    """A Relu that remembers how many cores matrix products could use."""

    def _forward(self, x, train_flg):
        seen.append((threading.current_thread() is threading.main_thread(), cores()))
        return super()._forward(x, train_flg)


seen = []


@pytest.mark.parametrize("method", ["predict", "loss", "gradient", "accuracy"])
@pytest.mark.parametrize("call", [lambda f, *args: f(*args), in_thread])
@pytest.mark.parametrize(("samples", "expected"), [(3, ONE), (9, BOTH)])
def test_a_network_keeps_small_products_to_one_core(monkeypatch, method, call, samples, expected):
    monkeypatch.setattr(blas, "SMALL", 20)
    seen.clear()
    network = Network([Affine.create(2, 3, rng=0), Look(), Affine.create(3, 2, rng=0)])
    t = () if method == "predict" else (np.zeros(samples, int),)
    call(getattr(network, method), np.ones((samples, 2)), *t)
    assert [found for _, found in seen] == [expected]


def test_predictions_in_blocks_are_as_large_as_a_block(monkeypatch):
    monkeypatch.setattr(blas, "SMALL", 20)
    seen.clear()
    network = Network([Affine.create(2, 3, rng=0), Look()])
    network.block_size = 3
    network.predict(np.ones((8, 2)))
    assert [found for _, found in seen] == [ONE] * 3


@pytest.mark.fast
@pytest.mark.parametrize("call", [lambda f, *args: f(*args), in_thread])
def test_a_convolutional_network_computes_each_half_on_one_core(call):
    network = SimpleConvNet((1, 8, 8), {"filter_size": 3}, 5, 3, rng=0)
    layers = dict(network.layers)
    layers["Relu1"] = Look()
    network = Network([*layers.values()])
    network.sharded = True
    seen.clear()
    call(network.gradient, np.ones((4, 1, 8, 8)), np.zeros(4, int))
    assert [found for _, found in seen] == [ONE, ONE]


def test_threads_that_share_the_limit_give_the_same_bits():
    rng = np.random.default_rng(0)
    network = SimpleConvNet(rng=0)
    x, t = rng.random((40, 1, 28, 28), np.float32), np.arange(40) % 10
    wanted = network.gradient(x, t)
    twins = [Network([*SimpleConvNet(rng=0).layers.values()]) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        for found in threads.map(lambda twin: twin.gradient(x, t), twins):
            for key, array in wanted.items():
                np.testing.assert_array_equal(found[key], array)


class TypedFromTheBook:
    """A network that a reader wrote."""

    def __init__(self):
        self.network = MultiLayerNet(4, [3], 2, rng=0)
        self.params = dict(self.network.params)

    def gradient(self, x, t):
        seen.append(cores())
        return self.network.gradient(x, t)

    def loss(self, x, t):
        return self.network.loss(x, t)

    def accuracy(self, x, t):
        return self.network.accuracy(x, t)


@pytest.mark.parametrize("samples", [2, 4])
def test_trainer_keeps_a_training_with_small_products_to_one_core(monkeypatch, samples):
    monkeypatch.setattr(blas, "SMALL", 30)
    seen.clear()
    x, t = np.ones((8, 4)), np.zeros(8, int)
    Trainer(TypedFromTheBook(), x, t, x, t, 2, samples, verbose=False, rng=0).train()
    assert seen == [ONE if samples == 2 else BOTH] * (16 // samples)
