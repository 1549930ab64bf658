"""Memory is used again as soon as nobody holds it, and not before."""

import copy
import gc
import threading

import numpy as np
import pytest

from dlbasics._internal.fast import memory

LARGE = (100, 30, 24, 24)


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    monkeypatch.setattr(memory, "_kept", {})


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", [bool, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [LARGE, (3, 2), (0, 5), (1 << 20,), (7, 99_991)])
def test_is_what_np_empty_returns(shape, dtype):
    array = memory.empty(shape, dtype)
    assert array.shape == shape and array.dtype == dtype
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
    array[...] = 1
    assert (array == 1).all()


def test_memory_that_nobody_holds_is_used_again_by_an_array_that_fits():
    where = address(memory.empty((128, 1000), np.float32))
    assert address(memory.empty((128, 1000), np.float32)) == where
    assert address(memory.empty((96, 1000), np.float32)) == where


HOLDERS = {
    "the array": lambda array: array,
    "a view": lambda array: array[50:, 3],
    "a view of a view": lambda array: array.transpose(0, 2, 3, 1)[:, ::2].reshape(-1)[5:],
    "another dtype's view": lambda array: array.view(np.uint8),
    "a memoryview": memoryview,
    "an element's array": lambda array: array[0, 0, 0, :1],
    "a flat iterator": lambda array: array.flat,
    "a copy": copy.deepcopy,
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS.keys())
def test_memory_that_somebody_holds_is_not(hold):
    array = memory.empty(LARGE, np.float32)
    array[...] = 7
    held = hold(array)
    del array
    gc.collect()
    others = [memory.empty(LARGE, np.float32) for _ in range(3)]
    for other in others:
        other[...] = -1
    values = np.asarray(held if not isinstance(held, np.flatiter) else held.base)
    assert (values.view(np.float32) == 7).all()


def test_arrays_that_live_at_once_are_apart():
    arrays = [memory.empty(LARGE, np.float32) for _ in range(5)]
    del arrays[1], arrays[2]
    arrays += [memory.empty(LARGE, np.float32) for _ in range(4)]
    for i, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[i + 1 :])


def test_threads_do_not_share_it():
    problems = []

    def work(value):
        for _ in range(200):
            array = memory.empty((1 << 17,), np.float32)
            array[...] = value
            if not (array == value).all():
                problems.append(value)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_no_more_is_kept_than_the_limit(monkeypatch):
    monkeypatch.setattr(memory, "LIMIT", 4 << 20)
    arrays = [memory.empty((1 << 18,), np.float32) for _ in range(10)]
    del arrays
    kept = sum(size * len(blocks) for size, blocks in memory._kept.items())
    assert 2 << 20 <= kept <= 4 << 20


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0), (1, 0, 3, 2)])
def test_like_lies_in_memory_as_x_does(axes):
    x = np.empty((20, 30, 24, 25), np.float32).transpose(axes)
    like = memory.like(x)
    assert like.shape == x.shape and like.strides == x.strides and like.dtype == x.dtype
    mask = memory.like(x, bool)
    assert mask.shape == x.shape and mask.dtype == bool
    assert [4 * stride for stride in mask.strides] == [*x.strides]
    assert memory.like(np.empty((100, 50))) is None  # small ones are left to NumPy


def test_blocks_cover_everything_once(monkeypatch):
    monkeypatch.setattr(memory, "BLOCK", 1000)
    for count, size in ((10, 300), (10, 1), (10, 5000), (0, 10), (7, 0)):
        blocks = [*memory.blocks(count, size)]
        assert [i for block in blocks for i in range(count)[block]] == [*range(count)]
        assert all((block.stop - block.start) * size <= max(1000, size) for block in blocks)
    assert [*memory.blocks(10, 300)] == [slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 10)]
