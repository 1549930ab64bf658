"""Two threads compute the two halves of a batch at the same time.

NumPy releases Python's lock while it computes, so that two threads keep two cores busy.  That saves
time with convolutions, whose many steps between the matrix products take as long as the products.
Without convolutions, a layer takes less time than two threads need to take turns.
"""

import threading
from collections.abc import Callable

import numpy as np

from dlbasics._internal.blas import one_core


def run_all(work: Callable[[int], None]) -> None:
    """Run work(0) and work(1) at the same time, each with BLAS on one core.

    If nothing can limit BLAS to one core, they run one after the other, because its threads would
    get in each other's way.  An error in one of them, or Ctrl-C, is raised when both have ended.
    """
    with one_core() as is_limited:
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
            with one_core():  # some libraries have a limit for each thread
                guarded(1)

        thread = threading.Thread(target=in_thread, daemon=True)
        try:
            thread.start()
            guarded(0)
        except KeyboardInterrupt as error:  # while the thread starts
            errors[0] = error
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                errors[0] = error
    if errors:
        raise errors[min(errors)]
