"""The cores that matrix products use.  NumPy leaves the products to a library called BLAS.

On a quiet machine, a second core saves a fifth to a third of the time of a training step whose
products are as small as in the book's networks.  But if another program keeps that core busy, each
product waits for it, and a step takes twice as long as on one core, or 20 times.  So the networks
of this library keep small products to one core (`python -m benchmarks.cores`).
"""

import math
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""The environment variables by which users choose the number of cores."""

SMALL = 2**25
"""The largest number of multiplications, samples times elements of W, in a small product."""

_lock = threading.Lock()
_blocks: set[object] = set()  # a token of each block that now keeps to one core
_counts: list[int] = []  # the number of threads of each library before the first of these blocks


@contextmanager
def one_core() -> Iterator[bool]:
    """Keep matrix products to one core within the block; yield whether that is possible.

    The limit holds for the whole process, from the first block that begins to the last one that
    ends, in whatever threads they run.  Only for an OpenMP library, each thread has its own limit.
    """
    shared, own = _libraries()
    own_counts = [library.num_threads for library in own]
    block = object()
    try:
        _begin(block, shared)
        for library in own:
            _set(library, 1)
        libraries = (*shared, *own)
        yield bool(libraries) and all(library.num_threads == 1 for library in libraries)
    finally:
        try:
            _end(block, shared, own, own_counts)
        except KeyboardInterrupt:  # it may have come before the end was complete
            _end(block, shared, own, own_counts)
            raise


def _begin(block: object, shared: list[Any]) -> None:
    global _counts
    with _lock:
        if not _blocks:
            _counts = [library.num_threads for library in shared]
        _blocks.add(block)
        for library in shared:
            _set(library, 1)


def _end(block: object, shared: list[Any], own: list[Any], own_counts: list[int]) -> None:
    """Undo the beginning of a block, or what there is of it.  To do so twice does no harm."""
    with _lock:
        if _blocks == {block}:
            for library, count in zip(shared, _counts, strict=True):
                _set(library, count)
        _blocks.discard(block)
        for library, count in zip(own, own_counts, strict=True):
            _set(library, count)


def one_core_by_default() -> AbstractContextManager[Any]:
    """Keep matrix products to one core within the block, unless the environment says otherwise."""
    return nullcontext() if _is_chosen() else one_core()


def one_core_if_small(params: Any, samples: int) -> AbstractContextManager[Any]:
    """Keep to one core within the block, by default, if all products x W of the network are small.

    Args:
        params: The parameters, a mapping.  One that has more than two dimensions is a filter,
            whose products are not small.
        samples: The number of samples in a batch x.
    """
    if _is_chosen():
        return nullcontext()
    shapes = [np.shape(param) for _, param in params.items()]
    is_small = all(len(shape) <= 2 and samples * math.prod(shape) <= SMALL for shape in shapes)
    return one_core() if is_small else nullcontext()


@cache
def _is_chosen() -> bool:
    """Return whether the user chose a number of cores; BLAS looks only once, too."""
    return any(map(os.environ.get, VARIABLES))


@cache
def _libraries() -> tuple[list[Any], list[Any]]:
    """Return those that have one limit for the process, and those that have one for each thread.

    It takes 60 times as long to find them as to use them.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    own = [library for library in found if getattr(library, "threading_layer", "") == "openmp"]
    return [library for library in found if library not in own], own


def _set(library: Any, count: int) -> None:
    """Let the library use so many threads."""
    if library.num_threads != count:
        # From threadpoolctl 3.8 on, only the thread that set a number before may set another one.
        # Here, the last block may end in another thread than the one where the first began.
        free = getattr(library, "clear_controlling_thread", lambda force: None)
        free(force=True)
        library.set_num_threads(count)
        free(force=True)
