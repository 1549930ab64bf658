"""Small files in the place of MNIST's, a server that can misbehave, a terminal, skeletons."""

import gzip
import hashlib
import io
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from dlbasics.datasets import mnist
from dlbasics.datasets.skeletons import STYLES

# ---- Four small files ----

NAMES = TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = [file.name for file in mnist.FILES]


def idx_bytes(array):
    """Return the IDX file of a uint8 array, as the format's definition has it."""
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return header + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def small_arrays():
    rng = np.random.default_rng(0)
    for name, n in zip(NAMES, (30, 30, 20, 20), strict=True):
        shape = (n, 28, 28) if "images" in name else (n,)
        yield name, rng.integers(0, 10, shape, dtype=np.uint8)


ARRAYS = dict(small_arrays())
CONTENTS = {name: idx_bytes(array) for name, array in ARRAYS.items()}
ARCHIVES = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
FILES = tuple(
    mnist.MnistFile(
        name,
        len(archive),
        hashlib.md5(archive).hexdigest(),
        hashlib.sha256(content).hexdigest(),
    )
    for (name, content), archive in zip(CONTENTS.items(), ARCHIVES.values(), strict=True)
)


# ---- A server that can misbehave ----


class Server(ThreadingHTTPServer):
    """Answers as `behave(handler, content)` does; keeps the paths that it was asked for."""

    daemon_threads = True

    def __init__(self, behave: Callable, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave, self.files = behave, files
        self.requests: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.requests.append(self.path)
        try:
            self.server.behave(self, self.server.files[self.path.removeprefix("/")])
        except ConnectionError:
            pass  # the other side has hung up

    def log_message(self, format, *args):
        pass

    def begin(self, length, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def trickle(self, content):
        for byte in content:
            if self.server.closing.wait(0.02):
                return
            self.wfile.write(bytes([byte]))


@contextmanager
def serving(behave: Callable, files: Mapping[str, bytes] = ARCHIVES) -> Iterator[Server]:
    server = Server(behave, files)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def good(handler, content):
    handler.begin(len(content))
    handler.wfile.write(content)


def silent(handler, content):
    handler.server.closing.wait()


def truncating(handler, content):
    handler.begin(len(content))
    handler.wfile.write(content[:-10])


def wrong_file(handler, content):
    good(handler, bytes(len(content)))


def missing(handler, content):
    handler.send_error(404)


# ---- A terminal ----


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def as_terminal(monkeypatch) -> Terminal:
    """Return what is written to stderr from now on, which looks like a terminal."""
    import tqdm

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)  # else it leaves a thread
    return terminal


# ---- Skeletons ----

SKELETONS = [
    (digit, style, text)
    for digit, styles in STYLES.items()
    for style in styles
    for text in style.skeletons
]


def knots_of(text: str) -> list[list[list[float]]]:
    """Return the points of each stroke of a skeleton."""
    return [[[float(n) for n in p.split()] for p in part.split(",")] for part in text.split("|")]
