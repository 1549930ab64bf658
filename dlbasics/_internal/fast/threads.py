"""The two halves of a batch at the same time, each in a thread of its own.

NumPy lets go of Python's lock while it computes, so that two threads keep two cores busy.  That
pays with convolutions, whose many steps between the matrix products take as long as these.
Without convolutions a layer takes less time than two threads need to take turns.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from dlbasics._internal.halves import HALVES

_limit_lock = threading.Lock()
_limited = 0  # how many callers hold BLAS to one core just now
_limiter: Any = None


def run_all(work: Callable[[int], None]) -> None:
    """work(0) and work(1) at the same time, BLAS on one core in each.

    One after the other where BLAS cannot be held to one core: its threads would get in each
    other's way.  What the first that fails raises is raised, Ctrl-C when all have ended.
    """
    with _one_blas_thread() as is_limited:
        if not is_limited:
            for i in range(HALVES):
                work(i)
            return
        errors: dict[int, BaseException] = {}
        settings = np.geterr()  # a thread begins with NumPy's own

        def guarded(i: int) -> None:
            try:
                with np.errstate(**settings):
                    work(i)
            except BaseException as error:
                errors[i] = error

        def in_thread(i: int) -> None:
            # Some BLAS have a limit for each thread; it ends with this one.
            _blas().limit(limits=1)
            guarded(i)

        threads = [
            threading.Thread(target=in_thread, args=(i,), daemon=True) for i in range(1, HALVES)
        ]
        for thread in threads:
            thread.start()
        guarded(0)
        for thread in threads:
            while thread.is_alive():
                try:
                    thread.join()
                except KeyboardInterrupt as error:
                    errors[0] = error
    if errors:
        raise errors[min(errors)]


@contextmanager
def _one_blas_thread() -> Iterator[bool]:
    """Matrix products on one core within the block; yields whether that is so.

    The limit is the whole process's.  The first that comes sets it, the last that goes lifts it.
    """
    global _limited, _limiter
    controller = _blas()
    if not controller.lib_controllers:
        yield False
        return
    with _limit_lock:
        if _limited == 0:
            _limiter = controller.limit(limits=1)
        _limited += 1
    try:
        yield True
    finally:
        with _limit_lock:
            _limited -= 1
            if _limited == 0:
                _limiter.restore_original_limits()


@cache
def _blas() -> Any:
    """What controls the threads of BLAS; it takes 60 times as long to find as to use."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")
