"""One file over HTTP, from a server that may be down, stall or trickle.

A server is given up when any TIMEOUT seconds pass without the next MIN_BYTES bytes of the file, or
its rest.  That one rule holds for finding and reaching the server, for its answer, and for the
transfer; the slowest that it lets pass takes half an hour for MNIST.  Who cannot wait so long sets
a deadline besides, on the clock time.monotonic.
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
    """The deadline has passed, for which the server may not be to blame."""


def fetch(
    url: str, output_file: str, _pooch: object, *, size: int, deadline: float = math.inf
) -> None:
    """Download the `size` bytes of `url` into `output_file`; called by pooch, as its downloader.

    Raises ConnectionError or TimeoutError where the server fails, ends early or is too slow,
    DeadlineError where the deadline has passed.
    A thread receives while this one watches the clock, as the timeouts of sockets hold for each
    address of the server and for each packet anew, and do not hold for looking up its name.
    """
    chunks: Chunks = queue.SimpleQueue()
    given_up = threading.Event()
    threading.Thread(target=_receive, args=(url, chunks, given_up), daemon=True).start()
    try:
        with open(output_file, "wb") as output:
            for chunk in _with_progress_bar(_in_time(chunks, size, deadline), url, size):
                output.write(chunk)
    finally:
        given_up.set()


def _receive(url: str, chunks: Chunks, given_up: threading.Event) -> None:
    """Put what comes from `url` into `chunks`; then b"" at its end, or an exception."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        # The socket's timeout only ends this thread; whether it was too slow, the other one says.
        with urlopen(url, timeout=2 * TIMEOUT, context=_tls_context()) as response:
            while not given_up.is_set() and (chunk := response.read1(1 << 16)):
                chunks.put(chunk)
        chunks.put(b"")
    except Exception as error:
        if isinstance(error, HTTPError):
            error.close()
        chunks.put(error)


@cache
def _tls_context() -> ssl.SSLContext:
    """Trusts the system's certificates, as a school or a company may have one of its own, and
    those of certifi, as Python on macOS may come without any."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _in_time(chunks: Chunks, size: int, deadline: float) -> Iterator[bytes]:
    """The chunks up to `size` bytes; an error if they end early or come too slowly."""
    received = due = 0
    wait = late = 0.0
    while received < size:
        if received >= due:
            now = time.monotonic()
            # A slow server must leave time to ask another one before the deadline.
            wait = min(TIMEOUT, (deadline - now) / 3)
            due, late = received + MIN_BYTES, now + wait
        try:
            chunk = chunks.get(timeout=max(0.0, late - time.monotonic()))
        except queue.Empty:
            reason = (
                f"no answer or too slow: after {received:,} of {size:,} bytes, less than "
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
