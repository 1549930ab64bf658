"""The cores that matrix products use.  NumPy leaves the products to a library called BLAS.

A second core hardly speeds up products as small as those of the book's networks.  If another
program keeps that core busy, each product waits for it, and a network becomes 20 times slower.  So
the networks of this library keep small products to one core.
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
_blocks = 0  # the number of blocks that now keep to one core
_counts: list[int] = []  # the number of threads of each library before the first of these blocks


@contextmanager
def one_core() -> Iterator[bool]:
    """Keep matrix products to one core within the block; yield whether that is possible.

    The limit holds for the whole process, from the first block that begins to the last one that
    ends, in whatever threads they run.  Only for an OpenMP library, each thread has its own limit.
    """
    global _blocks, _counts
    shared, own = _libraries()
    with _lock:
        if _blocks == 0:
            _counts = [_set(library, 1) for library in shared]
        _blocks += 1
        own_counts = [_set(library, 1) for library in own]
    try:
        libraries = (*shared, *own)
        yield bool(libraries) and all(library.num_threads == 1 for library in libraries)
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                for library, count in zip(shared, _counts, strict=True):
                    _set(library, count)
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


def _set(library: Any, count: int) -> int:
    """Let the library use so many threads; return the number before."""
    before: int = library.num_threads
    if before != count:
        # From threadpoolctl 3.8 on, only the thread that set a number before may set another one.
        # Here, the last block may end in another thread than the one where the first began.
        free = getattr(library, "clear_controlling_thread", lambda force: None)
        free(force=True)
        library.set_num_threads(count)
        free(force=True)
    return before
