"""Printing that never ends a program: closed pipes, missing streams, narrow encodings."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


class _Stream:
    """A stream that drops what it cannot write, such as text for a pipe that is closed."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, call: Any, *args: str) -> None:
        try:
            call(*args)
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._discard()

    def _discard(self) -> None:
        """Send all further output to nowhere; what is still in a buffer, too."""
        try:
            number = self._stream.fileno()
        except (OSError, ValueError):
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """Within the block, no output to stdout or stderr raises an error.

    Characters that the encoding lacks are written as escapes.  What cannot be written is lost.
    """
    before = sys.stdout, sys.stderr
    with ExitStack() as opened:
        streams = []
        for stream in before:
            if stream is None:  # it was closed when Python started
                # The file takes the number of that stream.  The next file would get it otherwise,
                # and with it whatever is printed there.
                stream = opened.enter_context(open(os.devnull, "w", encoding="utf-8"))
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
            streams.append(_Stream(stream))
        sys.stdout, sys.stderr = streams
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = before
