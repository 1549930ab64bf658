"""The download over HTTP, from servers that are down, stop halfway or are very slow."""

import math
import queue
import re
import threading
import time
from http.client import HTTPResponse
from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics.datasets import download
from dlbasics.datasets.download import MIN_BYTES, DeadlineError
from tests.datasets.helpers import (
    as_terminal,
    good,
    missing,
    serving,
    silent,
    truncating,
)

pytestmark = pytest.mark.usefixtures("no_thread_is_left")
CONTENT = np.random.default_rng(0).bytes(20_000)
SLOW = "no answer or too slow: after "


def fetch(url, path, **options):
    download.fetch(f"{url}file.gz", str(path), None, size=len(CONTENT), **options)


def served(behave):
    return serving(behave, {"file.gz": CONTENT})


def trickling_header(handler, content):
    handler.trickle(b"HTTP/1.0 200 OK\r\nServer: " + b"slow" * 1000)


def trickling(handler, content):
    handler.begin(len(content))
    handler.trickle(content)


def stalling(handler, content):
    handler.begin(len(content))
    handler.wfile.write(content[:-10])
    handler.wfile.flush()
    handler.server.closing.wait()


def endless(handler, content):
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.closing.is_set():
        handler.wfile.write(bytes(1 << 16))


def redirecting_for_ever(handler, content):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


@pytest.mark.parametrize(
    ("behave", "error", "message"),
    [
        (silent, TimeoutError, f"{SLOW}0 of 20,000 bytes"),
        (trickling_header, TimeoutError, f"{SLOW}0 of 20,000 bytes"),
        (trickling, TimeoutError, SLOW),
        (stalling, TimeoutError, SLOW),
        (truncating, ConnectionError, "ended after 19,990 of 20,000 bytes"),
        (lambda server, content: good(server, content[1:]), ConnectionError, "after 19,999 of"),
        (missing, ConnectionError, "404"),
        (lambda server, _: server.send_error(500), ConnectionError, "500"),
        (lambda server, _: server.wfile.write(b"not HTTP\r\n\r\n"), ConnectionError, "not HTTP"),
        (redirecting_for_ever, ConnectionError, "302"),
    ],
)
def test_a_bad_server_is_an_error_that_says_what_is_bad(
    tmp_path, monkeypatch, behave, error, message
):
    """A deadline that is far off changes nothing: a slow server is no DeadlineError."""
    if error is TimeoutError:
        monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with served(behave) as server, pytest.raises(OSError, match=message) as raised:
        fetch(server.url, tmp_path / "file", deadline=time.monotonic() + 600)
    assert raised.type is error


def test_the_file_is_written_as_it_came(tmp_path):
    with served(good) as server:
        fetch(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def longer(handler, content):
    good(handler, content + b"x")


@pytest.mark.parametrize("behave", [endless, longer])
def test_no_more_is_read_and_written_than_is_expected(tmp_path, monkeypatch, behave):
    read = []
    read1 = HTTPResponse.read1

    def count(response, size):
        read.append(read1(response, size))
        return read[-1]

    monkeypatch.setattr(HTTPResponse, "read1", count)
    with served(behave) as server:
        fetch(server.url, tmp_path / "file")
    assert (tmp_path / "file").stat().st_size == len(CONTENT)
    assert sum(map(len, read)) == len(CONTENT)


@pytest.mark.parametrize("behave", [silent, trickling_header, trickling, stalling])
def test_a_deadline_ends_it_after_a_third_of_the_time_that_is_left(tmp_path, behave):
    with served(behave) as server, pytest.raises(DeadlineError, match=SLOW) as raised:
        fetch(server.url, tmp_path / "file", deadline=time.monotonic() + 0.6)
    assert float(re.search(r"came in (\S+) s$", str(raised.value))[1]) <= 0.2


@pytest.mark.parametrize(
    ("each", "size", "fails"),
    [
        (0.99, MIN_BYTES, False),
        (0.33, MIN_BYTES // 3 + 1, False),
        (0.33, MIN_BYTES // 3 - 1, True),
        (1.01, 5 * MIN_BYTES, True),
    ],
)
def test_a_slow_server_is_waited_for_while_enough_comes_in_each_timeout(
    monkeypatch, each, size, fails
):
    """The clock is one of the test: a piece of `size` comes each so many TIMEOUTs."""
    clock = SimpleNamespace(now=0.0, due=0.0)
    clock.monotonic = lambda: clock.now

    def get(timeout):
        due = clock.due + each * download.TIMEOUT
        if due > clock.now + timeout:
            raise queue.Empty
        clock.now = clock.due = due
        return bytes(size)

    monkeypatch.setattr(download, "time", clock)
    chunks = download._in_time(SimpleNamespace(get=get), 10 * MIN_BYTES, math.inf)
    if fails:
        with pytest.raises(TimeoutError, match=SLOW):
            list(chunks)
    else:
        assert sum(map(len, chunks)) >= 10 * MIN_BYTES
        assert clock.now > 9 * download.TIMEOUT


def is_receiving() -> bool:
    return any("_receive" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("seconds", [0.1, math.inf])
@pytest.mark.parametrize("behave", [trickling, endless])
def test_it_hangs_up_when_it_is_done(tmp_path, monkeypatch, behave, seconds):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with served(behave) as server:
        try:
            fetch(server.url, tmp_path / "file", deadline=time.monotonic() + seconds)
        except TimeoutError:
            pass
        until = time.monotonic() + 30
        while is_receiving() and time.monotonic() < until:
            time.sleep(0.01)
        assert not is_receiving()


def test_a_progress_bar_is_shown_on_a_terminal(tmp_path, monkeypatch):
    terminal = as_terminal(monkeypatch)
    with served(good) as server:
        fetch(server.url, tmp_path / "file")
    assert "file: 100%" in terminal.getvalue()
