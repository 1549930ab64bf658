"""Cores and processes: how many of them an experiment uses."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing.process import BaseProcess
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep matrix products to one core within the block, unless the environment says otherwise.

    A second core hardly speeds up products as small as the book's, and slows them down many times
    if another program keeps it busy.  One core also rounds alike on every machine.
    """
    if any(os.environ.get(f"{name}_NUM_THREADS") for name in ("OMP", "OPENBLAS", "MKL", "VECLIB")):
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits


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
    one_blas_thread()


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
