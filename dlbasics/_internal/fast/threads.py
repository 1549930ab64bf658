"""Two threads compute the two halves of a batch at the same time.

NumPy releases Python's lock while it computes, so that two threads keep two cores busy.  That saves
time with convolutions, whose many steps between the matrix products take as long as the products.
Without convolutions, a layer takes less time than two threads need to take turns.

To wake a thread takes a third of the time that it takes to start one.  So the thread of the second
half waits for the next batch.
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

from dlbasics._internal.blas import one_core


class Worker:
    """A thread that runs one function after the other, as long as the process lives."""

    def __init__(self) -> None:
        self._functions: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def begin(self, function: Callable[[], None]) -> None:
        """Let the thread run a function, which must not raise an error."""
        self._functions.put(function)

    def end(self) -> None:
        """End the thread after the functions that it has begun."""
        self._functions.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (function := self._functions.get()) is not None:
            function()
            del function  # it holds the arrays of a batch


_idle: list[Worker] = []
"""The workers that wait.  Networks that train at the same time have a worker each."""


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
        settings = np.geterr()  # a thread has its own
        ended: SimpleQueue[None] = SimpleQueue()
        has_ended = False

        def guarded(half: int) -> None:
            try:
                # Some libraries have a limit for each thread.
                with one_core(), np.errstate(**settings):
                    work(half)
            except BaseException as error:
                errors[half] = error

        def in_thread() -> None:
            nonlocal has_ended
            guarded(1)
            has_ended = True
            ended.put(None)

        worker = _idle_worker() or Worker()
        worker.begin(in_thread)
        guarded(0)
        while not has_ended:
            try:
                ended.get()
            except KeyboardInterrupt as error:
                errors[0] = error
        _idle.append(worker)
    if errors:
        raise errors[min(errors)]


def _idle_worker() -> Worker | None:
    try:
        return _idle.pop()
    except IndexError:
        return None


def _end_idle_workers() -> None:
    while worker := _idle_worker():
        worker.end()


if hasattr(os, "register_at_fork"):
    # The new process has only the thread that forks.  Python warns if there are others.
    os.register_at_fork(before=_end_idle_workers)
