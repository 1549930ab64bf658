"""Ctrl-C while an iteration is under way."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hold_interrupt() -> Iterator[threading.Event]:
    """Within the block, the first Ctrl-C only sets the event that this yields.

    The second Ctrl-C acts as usual, and raises KeyboardInterrupt.  The block changes nothing
    outside the main thread, which alone receives signals, nor where the process ignores Ctrl-C.
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
