"""The time of a training step if matrix products use one core, or all cores that BLAS would use.

Each network has one hidden layer, and learns from batches of 100 with SGD and float32.  The
benchmark prints times for a quiet machine, and then for one on which another program keeps one core
busy.  Networks keep small products to one core by themselves (`dlbasics/_internal/blas.py`); the
row "as it is" shows what they do, and its distance from the better row what the choice costs.

Run it without variables such as OPENBLAS_NUM_THREADS, on a machine that does nothing else.
"""

import multiprocessing
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from unittest import mock

import numpy as np

from benchmarks.interleaved import Call, compare
from dlbasics import SGD, TwoLayerNet
from dlbasics._internal import blas

HIDDEN = 50, 100, 300, 1_000, 3_000


def spin() -> None:
    """Keep a core busy."""
    while True:
        pass


def step(hidden: int) -> Call:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((100, 784), np.float32), rng.integers(0, 10, 100)
    network, optimizer = TwoLayerNet(784, hidden, 10, rng=0), SGD()
    return lambda: optimizer.update(network.params, network.gradient(x, t))


def within(block: Callable[[], AbstractContextManager[object]], call: Call) -> Call:
    """Return a function that does `call`, whose network chooses nothing by itself, in a block."""

    def call_within() -> None:
        with mock.patch.object(blas, "SMALL", -1), block():
            call()

    return call_within


def measure(title: str, rounds: int) -> None:
    for hidden in HIDDEN:
        print(f"\n{title}, 784-{hidden}-10, {100 * 784 * hidden:,} multiplications in x W1")
        call, calls = step(hidden), max(2, 20_000 // hidden)
        contenders = {
            "as it is": call,
            "one core": within(blas.one_core, call),
            "all cores": within(nullcontext, call),
        }
        compare(contenders, rounds, min(calls, 200))


def main() -> None:
    measure("Quiet", rounds=20)
    other = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    other.start()
    try:
        measure("Busy", rounds=10)
    finally:
        other.terminate()


if __name__ == "__main__":
    main()
