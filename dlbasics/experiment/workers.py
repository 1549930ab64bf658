"""Cores and processes: how many of them an experiment uses."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.process import BaseProcess

from dlbasics._internal.blas import one_core_by_default

_whole_life = ExitStack()
"""What a worker enters and never leaves."""


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """Yield an executor of `count` processes; None for the count 1.

    Each process keeps matrix products to one core.  If the block ends with an error or Ctrl-C, the
    processes end at once.
    """
    if count == 1:
        yield None
        return
    # The start method is the same on every system; a forked process can hang if it has threads.
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(count, context, initializer=_start_worker)
    try:
        with _children_without_ctrl_c():
            for _ in range(count):
                pool.submit(int)  # the pool starts a process for each of its first tasks
        yield pool
    except BaseException:
        stop_children(others)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def stop_children(others: Sequence[BaseProcess] = ()) -> None:
    """End the processes that this one has started, but for `others`."""
    for child in multiprocessing.active_children():
        if child not in others:
            child.terminate()


def _start_worker() -> None:
    # Ctrl-C reaches every process of a terminal; the one that started the others ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _whole_life.enter_context(one_core_by_default())


def _end_with_parent() -> None:
    """Wait until the process that started this one is gone, however it ended, and end, too."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _children_without_ctrl_c() -> Iterator[None]:
    """Start processes within the block, which Ctrl-C does not reach before `_start_worker` runs.

    In this process, Ctrl-C waits for the end of the block, so that no process is started by half.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = threading.Event()
    handler = signal.signal(signal.SIGINT, lambda *_: came.set())
    has_masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    if has_masks:  # a new process inherits the mask
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if has_masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if came.is_set():
            signal.raise_signal(signal.SIGINT)
