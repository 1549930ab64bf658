"""Two threads work on the two halves of a batch at the same time."""

import gc
import multiprocessing
import os
import threading
import weakref
from queue import SimpleQueue

import numpy as np
import pytest

from dlbasics import Relu
from dlbasics._internal import blas
from dlbasics._internal.fast import threads
from tests.helpers import cores
from tests.internal.convnet import T, X, net


def in_main_thread():
    return threading.current_thread() is threading.main_thread()


def sharded(layer):
    network = net(layer)
    network.sharded = True
    return network


@pytest.mark.fast
def test_both_halves_are_worked_on_at_the_same_time():
    """Each half waits for the other; one after the other they would wait in vain."""
    meeting = threading.Barrier(2, timeout=20)

    class Meet(Relu):
        def forward(self, x, train_flg=True):
            meeting.wait()
            return super().forward(x, train_flg)

    network = sharded(Meet())
    network.gradient(X, T)
    network.predict(np.concatenate([X] * 57))


def test_one_after_the_other_where_blas_cannot_be_limited(monkeypatch):
    network, seen = net(), []
    wanted = network.gradient(X, T)
    monkeypatch.setattr(blas, "_libraries", lambda: ([], []))
    monkeypatch.setattr(threads.Worker, "begin", lambda *_: seen.append(1))
    found = network.gradient(X, T)
    assert not seen
    for key in wanted:
        np.testing.assert_array_equal(found[key], wanted[key])


def test_blas_is_free_again_after_several_networks_at_once():
    before = cores()

    def work():
        network = net()
        for _ in range(30):
            network.gradient(X, T)

    others = [threading.Thread(target=work) for _ in range(3)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert cores() == before


@pytest.mark.fast
def test_ctrl_c_waits_for_the_other_half(monkeypatch):
    """Ctrl-C comes when the first half is done and waits for the second."""
    before, ended, interrupted = cores(), [], threading.Event()

    class Slow(Relu):
        def forward(self, x, train_flg=True):
            if not in_main_thread():
                ended.append(interrupted.wait(20))
            return super().forward(x, train_flg)

    class Interrupted:
        def __init__(self):
            self.queue = SimpleQueue()

        def put(self, item):
            self.queue.put(item)

        def get(self):
            if in_main_thread() and not interrupted.is_set():
                interrupted.set()
                raise KeyboardInterrupt
            return self.queue.get()

    network = sharded(Slow())
    monkeypatch.setattr(threads, "SimpleQueue", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.gradient(X, T)
    assert ended == [True]
    assert cores() == before
    network.gradient(X, T)


@pytest.mark.fast
def test_one_thread_serves_all_batches_of_one_network():
    seen = set()

    class Look(Relu):
        def forward(self, x, train_flg=True):
            seen.add(threading.current_thread())
            return super().forward(x, train_flg)

    network = sharded(Look())
    for _ in range(5):
        network.gradient(X, T)
        network.predict(np.concatenate([X] * 20))
    assert len(seen) == 2


@pytest.mark.fast
def test_a_waiting_thread_keeps_no_arrays():
    network = net()
    network.gradient(X, T)
    batch = np.concatenate([X] * 2)
    network.gradient(batch, np.concatenate([T] * 2))
    kept = weakref.ref(batch)
    del batch, network
    gc.collect()
    assert kept() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows starts processes without a fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")  # BLAS has threads, too
@pytest.mark.fast
def test_a_forked_process_has_a_thread_of_its_own():
    network = net()
    wanted = network.gradient(X, T)["W1"].copy()
    assert threads._idle
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        found = pool.apply_async(network.gradient, (X, T)).get(timeout=60)["W1"]
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(network.gradient(X, T)["W1"], wanted)


@pytest.mark.parametrize(
    ("fails", "raised"),
    [
        pytest.param(lambda: True, "MainThread", id="both"),
        pytest.param(lambda: not in_main_thread(), "Thread-", id="second", marks=pytest.mark.fast),
    ],
)
@pytest.mark.parametrize("method", ["forward", "backward"])
def test_what_a_half_raises_is_raised_and_blas_is_free_again(fails, raised, method):
    class Fails(Relu):
        pass

    def failing(self, *arguments):
        if fails():
            raise ZeroDivisionError(threading.current_thread().name)
        return getattr(super(Fails, self), method)(*arguments)

    setattr(Fails, method, failing)
    before, network = cores(), sharded(Fails())
    with pytest.raises(ZeroDivisionError, match=raised):
        network.gradient(X, T)
    assert cores() == before


def test_no_thread_warns_of_infinite_numbers():
    """Warnings are errors in these tests."""

    class Overflow(Relu):
        def forward(self, x, train_flg=True):
            return super().forward(x * np.float64(1e300) * 1e300, train_flg)

    network = sharded(Overflow())
    network.gradient(X, T)
    assert not np.isfinite(network.last_loss)
    network = net(dtype=np.float32)
    network.params["W1"][:] = 3e38
    network.gradient(np.full_like(X, 1e38, dtype=np.float32), T)
    assert not np.isfinite(network.last_loss)
