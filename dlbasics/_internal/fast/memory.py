"""Large arrays: in memory that was used before, and a block at a time.

The operating system clears a page of memory when it is first written to, which for an array of some
megabytes takes as long as the arithmetic on it.  Training makes arrays of the same sizes in every
step, so their memory is kept for the next ones.  As long as anybody holds an array made here, or a
view of it, its memory belongs to that array alone.
"""

import math
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array

SMALLEST = 1 << 18
"""Bytes below which an array is NumPy's own: malloc has kept memory of that size anyway."""

LIMIT = 1 << 28
"""Bytes that are kept at most."""

BLOCK = 1 << 20
"""Bytes worked on at once: few enough to be in the processor's cache still when needed again."""

_kept: dict[int, list[memoryview]] = {}


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """What np.empty returns."""
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    size = count * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    # Whole powers of 2, so that arrays of other sizes fit; what is never touched takes no memory.
    size = 1 << (size - 1).bit_length()
    try:
        memory = _kept[size].pop()
    except LookupError:
        memory = np.empty(size, np.uint8).data
    flat = np.frombuffer(memory, dtype, count)
    weakref.finalize(flat, _keep, memory).atexit = False
    return flat.reshape(shape)


def like(x: Array, dtype: Any = None) -> Array | None:
    """An array that lies in memory as x does, for `out` of a ufunc; None where x is small."""
    if x.nbytes < SMALLEST:
        return None
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    array = empty(tuple(x.shape[axis] for axis in order), x.dtype if dtype is None else dtype)
    return array.transpose(np.argsort(order))


def blocks(count: int, bytes_each: int) -> Iterator[slice]:
    """0 to count as slices, each of as many items of that size as fit into `BLOCK`."""
    step = max(1, BLOCK // max(1, bytes_each))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _keep(memory: memoryview) -> None:
    if memory.nbytes + sum(size * len(kept) for size, kept in [*_kept.items()]) <= LIMIT:
        _kept.setdefault(memory.nbytes, []).append(memory)
