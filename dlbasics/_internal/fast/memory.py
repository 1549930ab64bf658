"""Functions that make large arrays in memory that was used before, and divide work into blocks.

The operating system clears a page of memory when a program first writes to it.  For an array of
some megabytes, that takes as long as the arithmetic.  Training makes arrays of the same sizes in
every step, so this module keeps their memory for the next ones.  As long as anybody holds an array
made here, or a view of it, its memory belongs to that array alone.
"""

import math
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array

SMALLEST = 1 << 18
"""The size in bytes below which NumPy makes an array, because malloc keeps memory of that size."""

LIMIT = 1 << 28
"""The number of bytes that this module keeps at most."""

BLOCK = 3 << 20
"""The number of bytes that all arrays of a block take together.

They stay in the processor's cache until the next operation.
"""

_kept: dict[int, list[memoryview]] = {}


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array as np.empty does."""
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    size = count * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    # A power of 2 fits arrays of other sizes, too.  The pages that no array touches cost nothing.
    size = 1 << (size - 1).bit_length()
    try:
        memory = _kept[size].pop()
    except LookupError:
        memory = np.empty(size, np.uint8).data
    flat = np.frombuffer(memory, dtype, count)
    weakref.finalize(flat, _keep, memory).atexit = False
    return flat.reshape(shape)


def like(x: Array, dtype: Any = None) -> Array | None:
    """Return an array in the memory order of x, for `out` of a ufunc, or None if x is small."""
    if x.nbytes < SMALLEST:
        return None
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    array = empty(tuple(x.shape[axis] for axis in order), x.dtype if dtype is None else dtype)
    return array.transpose(np.argsort(order))


def blocks(count: int, bytes_each: int) -> Iterator[slice]:
    """Yield slices of range(count), each with as many items of that size as fit into `BLOCK`."""
    step = max(1, BLOCK // max(1, bytes_each))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _keep(memory: memoryview) -> None:
    if memory.nbytes + sum(size * len(kept) for size, kept in [*_kept.items()]) <= LIMIT:
        _kept.setdefault(memory.nbytes, []).append(memory)
