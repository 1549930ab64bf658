"""Ctrl-C waits until the current iteration has ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hold_interrupt() -> Iterator[threading.Event]:
    """Within the block, the first Ctrl-C only sets the event that this function yields.

    The second Ctrl-C acts as it does outside the block: it raises KeyboardInterrupt.  In a thread
    other than the main one, and in a process that ignores Ctrl-C, nothing sets the event.
    """
    interrupted = threading.Event()
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield interrupted
        return

    def hold(signum: int, frame: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, handler)

    signal.signal(signal.SIGINT, hold)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, handler)
