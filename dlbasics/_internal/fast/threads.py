"""Two threads compute the two halves of a batch at the same time.

NumPy releases Python's lock while it computes, so that two threads keep two cores busy.  That saves
time with convolutions, whose many steps between the matrix products take as long as the products.
Without convolutions, a layer takes less time than two threads need to take turns.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

_limit_lock = threading.Lock()
_limited = 0  # the number of callers that now limit BLAS to one core
_limiter: Any = None


def run_all(work: Callable[[int], None]) -> None:
    """Run work(0) and work(1) at the same time, each with BLAS on one core.

    If nothing can limit BLAS to one core, they run one after the other, because its threads would
    get in each other's way.  An error in one of them, or Ctrl-C, is raised when both have ended.
    """
    with _one_blas_thread() as is_limited:
        if not is_limited:
            work(0)
            work(1)
            return
        errors: dict[int, BaseException] = {}
        settings = np.geterr()  # a new thread begins with NumPy's defaults

        def guarded(half: int) -> None:
            try:
                with np.errstate(**settings):
                    work(half)
            except BaseException as error:
                errors[half] = error

        def in_thread() -> None:
            # Some BLAS libraries have a limit for each thread, which ends with the thread.
            _blas().limit(limits=1)
            guarded(1)

        thread = threading.Thread(target=in_thread, daemon=True)
        thread.start()
        guarded(0)
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                errors[0] = error
    if errors:
        raise errors[min(errors)]


@contextmanager
def _one_blas_thread() -> Iterator[bool]:
    """Limit matrix products to one core within the block; yield whether that is possible.

    The limit holds for the whole process: the first caller sets it, and the last one removes it.
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
    """Return the controller of BLAS's threads, which takes 60 times as long to find as to use."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")
