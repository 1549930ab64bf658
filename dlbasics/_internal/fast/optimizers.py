"""Optimizers work on large arrays in chunks that stay in the processor's cache."""

from dlbasics._internal.checks import Array
from dlbasics._internal.optimizer import Optimizer

CHUNK = 32_768
"""The number of elements in a chunk."""


def step_in_chunks(optimizer: Optimizer, *arrays: Array) -> None:
    """Do `optimizer._step(*arrays)` in chunks, for a method that works element by element.

    Args:
        optimizer: The optimizer.
        arrays: The parameter, its gradient, and the state.
    """
    size = arrays[0].size
    if size <= CHUNK or not all(array.flags.c_contiguous for array in arrays):
        optimizer._step(*arrays)
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, size, CHUNK):
        optimizer._step(*(array[start : start + CHUNK] for array in flat))
