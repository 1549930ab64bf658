"""Download a file over HTTP from a server that may be down, stop halfway or be very slow.

One rule says when a server is too slow: every TIMEOUT seconds it must send MIN_BYTES more bytes, or
all remaining ones.  The rule covers the whole download, from the look-up of the server's name to
the last byte.  The slowest server that it accepts needs half an hour for MNIST.  Callers who cannot
wait so long also set a deadline, in seconds on the clock `time.monotonic`.
"""

import math
import queue
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import TypeAlias

Chunks: TypeAlias = "queue.SimpleQueue[bytes | Exception]"

TIMEOUT = 15.0
MIN_BYTES = 100_000


class DeadlineError(TimeoutError):
    """The error for a deadline that has passed.  The server itself may be in order."""


def fetch(
    url: str, output_file: str, _pooch: object, *, size: int, deadline: float = math.inf
) -> None:
    """Download the `size` bytes of `url` into `output_file`.  Pooch calls this as its downloader.

    Args:
        url: The address of the file.
        output_file: The path to write to.
        size: The number of bytes that the file must have.  The function reads no more.
        deadline: The time on the clock `time.monotonic` at which to stop.

    Raises:
        ConnectionError: If the server fails, or sends too few bytes.
        TimeoutError: If the server is too slow.
        DeadlineError: If the deadline has passed.
    """
    # Another thread receives, and this one watches the clock.  A socket's own timeout is not
    # enough: it starts anew for each address of the server and for each packet, and the look-up of
    # the server's name has none.
    chunks: Chunks = queue.SimpleQueue()
    given_up = threading.Event()
    threading.Thread(target=_receive, args=(url, size, chunks, given_up), daemon=True).start()
    try:
        with open(output_file, "wb") as output:
            for chunk in _with_progress_bar(_in_time(chunks, size, deadline), url, size):
                output.write(chunk)
    finally:
        given_up.set()


def _receive(url: str, size: int, chunks: Chunks, given_up: threading.Event) -> None:
    """Put the first `size` bytes of `url` into `chunks`, in pieces; end with b"" or an error."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        # This timeout only ends the thread.  `_in_time` decides whether the server is too slow.
        with urlopen(url, timeout=2 * TIMEOUT, context=_tls_context()) as response:
            while not given_up.is_set() and (chunk := response.read1(min(size, 1 << 16))):
                chunks.put(chunk)
                size -= len(chunk)
        chunks.put(b"")
    except Exception as error:
        if isinstance(error, HTTPError):
            error.close()
        chunks.put(error)


@cache
def _tls_context() -> ssl.SSLContext:
    """Return a context that trusts the certificates of the system and those of certifi."""
    import certifi

    # A school or a company may have added its own certificate to the system.  Python on macOS may
    # have no certificates at all.
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _in_time(chunks: Chunks, size: int, deadline: float) -> Iterator[bytes]:
    """Yield chunks until they hold `size` bytes.  Raise an error if they end early or are late."""
    received = due = 0
    wait = late = 0.0
    while received < size:
        if received >= due:
            now = time.monotonic()
            # One server gets a third of the remaining time, so that another one can follow.
            wait = min(TIMEOUT, (deadline - now) / 3)
            due, late = received + MIN_BYTES, now + wait
        try:
            chunk = chunks.get(timeout=max(0.0, late - time.monotonic()))
        except queue.Empty:
            reason = (
                f"no answer or too slow: after {received:,} of {size:,} bytes, fewer than "
                f"{MIN_BYTES:,} more (or the rest) came in {max(wait, 0):.2g} s"
            )
            raise (TimeoutError if wait == TIMEOUT else DeadlineError)(reason) from None
        if isinstance(chunk, Exception):
            raise ConnectionError(str(chunk) or repr(chunk)) from chunk
        if not chunk:
            raise ConnectionError(f"ended after {received:,} of {size:,} bytes")
        received += len(chunk)
        yield chunk


def _with_progress_bar(chunks: Iterator[bytes], url: str, size: int) -> Iterator[bytes]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield from chunks
        return
    from tqdm import tqdm

    name = url.rpartition("/")[2].removesuffix(".gz")
    with tqdm(desc=name, total=size, unit="B", unit_scale=True) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk))
