"""What Ctrl-C does: it waits for the end of an iteration, or it ends a program at once."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GRACE = 1.0
"""The seconds after Ctrl-C in which a program may end by itself."""

PATIENCE = 10
"""The number of such periods in which a program may write its files."""


@contextmanager
def hold_interrupt() -> Iterator[threading.Event]:
    """Within the block, the first Ctrl-C only sets the event that this function yields.

    The second Ctrl-C acts as it does outside the block: it raises KeyboardInterrupt.  Nothing sets
    the event in a thread other than the main one, or if Ctrl-C does something else than Python's
    default outside the block: an experiment, for example, ends at once.
    """
    interrupted = threading.Event()
    if not _is_pythons_default():
        yield interrupted
        return

    def hold(signum: int, frame: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, hold)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def raise_at_once() -> Iterator[None]:
    """Within the block, no `hold_interrupt` holds Ctrl-C: it raises KeyboardInterrupt."""
    if not _is_pythons_default():
        yield
        return

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class EndOnCtrlC:
    """Within the block, Ctrl-C raises KeyboardInterrupt once, but not while files are written.

    Further ones do nothing.  If the block has not ended GRACE seconds later, because some code
    waits or swallows the exception, the process ends with the exit code 130.  `came` says whether
    Ctrl-C was pressed.

    Args:
        clean_up: A function that is called before the process ends in that way.
    """

    def __init__(self, clean_up: Callable[[], None]) -> None:
        self.clean_up = clean_up
        self.came = False
        self._held = False
        self._installed = False
        self._over = threading.Event()

    def __enter__(self) -> "EndOnCtrlC":
        if not _is_pythons_default():
            return self
        self._installed = True
        # Python calls a handler only between two of its own instructions.  The socket gets a byte
        # from the signal itself, so the thread also ends a program that waits in compiled code.
        self._writer, self._reader = socket.socketpair()
        self._writer.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._end_after_grace, daemon=True)
        self._thread.start()
        self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *error: object) -> None:
        if self._installed:
            self._over.set()
            sys.unraisablehook = self._hook
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.set_wakeup_fd(self._before)
            self._writer.close()
            self._thread.join()
            self._reader.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block, Ctrl-C waits; the end of the block raises KeyboardInterrupt."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.came:
            raise KeyboardInterrupt

    def _interrupt(self, signum: int, frame: object) -> None:
        if not self.came:
            self.came = True
            if not self._held:
                raise KeyboardInterrupt

    def _unraisable(self, unraisable: Any) -> None:
        # Python swallows KeyboardInterrupt in a destructor.  The thread ends the process then.
        if not (self.came and isinstance(unraisable.exc_value, KeyboardInterrupt)):
            self._hook(unraisable)

    def _end_after_grace(self) -> None:
        while (signals := self._reader.recv(1)) and signals[0] != signal.SIGINT:
            pass
        if not signals:  # the block has ended
            return
        for _ in range(PATIENCE):
            if self._over.wait(GRACE):
                return
            if not self._held:
                break
        # It may wait for ever, too, if nobody reads what it prints.
        clean_up = threading.Thread(target=self.clean_up, daemon=True)
        clean_up.start()
        clean_up.join(GRACE)
        os._exit(130)


def _is_pythons_default() -> bool:
    """Return whether Ctrl-C raises KeyboardInterrupt by Python's own handler, in this thread."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
