"""The MNIST loader, on small files and a local server; and on the real files where they are."""

import gzip
import hashlib
import io
import json
import math
import os
import re
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlbasics.datasets import download, mnist
from dlbasics.datasets.idx import idx_header, read_idx
from dlbasics.datasets.images import cache_folder
from dlbasics.datasets.mnist import load_mnist, mnist_is_local

REAL_DATA = os.environ.get("DLBASICS_DATA", "")
needs_real_data = pytest.mark.skipif(
    not (REAL_DATA and Path(REAL_DATA).is_dir()),
    reason="needs the real MNIST: DLBASICS_DATA names no folder",
)
TIMEOUT = 0.8
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (file.name for file in mnist.FILES)


def idx_bytes(array):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim)
    return header + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def small_arrays():
    rng = np.random.default_rng(0)
    for name, n in ((TRAIN_IMAGES, 30), (TRAIN_LABELS, 30), (TEST_IMAGES, 20), (TEST_LABELS, 20)):
        shape = (n, 28, 28) if "images" in name else (n,)
        yield name, rng.integers(0, 10, shape, dtype=np.uint8)


ARRAYS = dict(small_arrays())
CONTENTS = {name: idx_bytes(array) for name, array in ARRAYS.items()}
ARCHIVES = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
FILES = tuple(
    mnist.MnistFile(
        name,
        len(ARCHIVES[f"{name}.gz"]),
        hashlib.md5(ARCHIVES[f"{name}.gz"]).hexdigest(),
        hashlib.sha256(content).hexdigest(),
    )
    for name, content in CONTENTS.items()
)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 3
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, no DLBASICS_DATA, no mirrors: nothing of the machine is seen or touched."""
    monkeypatch.delenv("DLBASICS_DATA", raising=False)
    monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(mnist, "_failures", {})
    return tmp_path / "cache" / "mnist"


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(mnist, "FILES", FILES)


@pytest.fixture
def data(small, tmp_path, monkeypatch) -> Path:
    """A folder with the four small files, plain, that DLBASICS_DATA names."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("DLBASICS_DATA", str(folder))
    return folder


def assert_is_small_mnist(loaded):
    arrays = [array for pair in loaded for array in pair]
    for array, expected in zip(arrays, ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(array, expected)


def load_raw():
    return load_mnist(normalize=False, flatten=False)


def assert_loads_small_mnist():
    (x_train, t_train), (x_test, t_test) = load_raw()
    assert_is_small_mnist(((x_train[:, 0], t_train), (x_test[:, 0], t_test)))


def files_in(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


# ---- A server that can misbehave ----


class Mirror(ThreadingHTTPServer):
    """Answers as `behave(handler, content)` does; counts the requests."""

    daemon_threads = True

    def __init__(self, behave) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave = behave
        self.requests: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self):
        self.server.requests.append(self.path)
        try:
            self.server.behave(self, ARCHIVES[self.path.removeprefix("/")])
        except ConnectionError:
            pass  # the loader has hung up

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
def serving(behave) -> Iterator[Mirror]:
    server = Mirror(behave)
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


def trickling_header(handler, content):
    handler.trickle(b"HTTP/1.0 200 OK\r\nServer: " + b"slow" * 1000)


def trickling(handler, content):
    handler.begin(len(content))
    handler.trickle(content)


def trickling_at_the_end(handler, content):
    handler.begin(len(content))
    handler.wfile.write(content[:-100])
    handler.trickle(content[-100:])


def stalling(handler, content):
    handler.begin(len(content))
    handler.wfile.write(content[:-10])
    handler.wfile.flush()
    handler.server.closing.wait()


def truncating(handler, content):
    handler.begin(len(content))
    handler.wfile.write(content[:-10])


def shorter(handler, content):
    good(handler, content[:-10])


def wrong_file(handler, content):
    good(handler, bytes(len(content)))


def endless(handler, content):
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.closing.is_set():
        handler.wfile.write(bytes(1 << 16))


def missing(handler, content):
    handler.send_error(404)


def broken(handler, content):
    handler.send_error(500)


def garbage(handler, content):
    handler.wfile.write(b"no HTTP at all\r\n\r\n")


def redirecting_for_ever(handler, content):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


MISBEHAVIOURS = [
    (silent, "no answer or too slow: after 0 of"),
    (trickling_header, "no answer or too slow: after 0 of"),
    (trickling, "no answer or too slow"),
    (trickling_at_the_end, "no answer or too slow"),
    (stalling, "no answer or too slow"),
    (truncating, "ended after"),
    (shorter, "ended after"),
    (wrong_file, "MD5"),
    (endless, "MD5"),
    (missing, "404"),
    (broken, "500"),
    (garbage, "no HTTP at all"),
    (redirecting_for_ever, "302"),
]


def use_mirrors(monkeypatch, *urls):
    monkeypatch.setattr(mnist, "MIRRORS", urls)


def is_receiving() -> bool:
    return any("_receive" in thread.name for thread in threading.enumerate())


def closed_url() -> str:
    with Mirror(good) as server:
        return server.url


# ---- What is returned ----


@pytest.mark.usefixtures("data")
class TestArrays:
    @pytest.mark.parametrize("normalize", [True, False])
    @pytest.mark.parametrize("flatten", [True, False])
    @pytest.mark.parametrize("one_hot_label", [True, False])
    def test_shapes_dtypes_and_values(self, normalize, flatten, one_hot_label):
        loaded = load_mnist(normalize, flatten, one_hot_label)
        for (x, t), names in zip(
            loaded, ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)), strict=True
        ):
            images, labels = (ARRAYS[name] for name in names)
            n = len(images)
            assert x.shape == ((n, 784) if flatten else (n, 1, 28, 28))
            assert x.dtype == (np.float32 if normalize else np.uint8)
            expected = images.astype(np.float32) / np.float32(255) if normalize else images
            np.testing.assert_array_equal(x, expected.reshape(x.shape))
            assert t.dtype == (np.float32 if one_hot_label else np.uint8)
            np.testing.assert_array_equal(t, np.eye(10)[labels] if one_hot_label else labels)

    @pytest.mark.parametrize("one_hot_label", [True, False])
    @pytest.mark.parametrize("normalize", [True, False])
    def test_arrays_are_the_callers_own(self, normalize, one_hot_label):
        load_mnist()  # the next one comes from the cache
        for _ in range(2):
            for array in (a for p in load_mnist(normalize, True, one_hot_label) for a in p):
                assert array.flags.writeable
                array[...] = 77
        assert_loads_small_mnist()

    def test_arrays_read_from_the_source_are_writable_too(self):
        for array in (a for pair in load_raw() for a in pair):
            array[...] = 77
        assert_loads_small_mnist()


@needs_real_data
class TestRealMnist:
    @pytest.fixture(autouse=True)
    def real_data(self, monkeypatch, tmp_path_factory):
        monkeypatch.setenv("DLBASICS_DATA", REAL_DATA)
        shared = tmp_path_factory.getbasetemp() / "real-mnist-cache"
        monkeypatch.setenv("DLBASICS_CACHE", str(shared))

    def test_training_and_test_data(self):
        (x_train, t_train), (x_test, t_test) = load_mnist()
        assert x_train.shape == (60_000, 784)
        assert x_test.shape == (10_000, 784)
        assert t_train[:5].tolist() == [5, 0, 4, 1, 9]
        assert t_test[:5].tolist() == [7, 2, 1, 0, 4]
        assert (x_train.min(), x_train.max()) == (0.0, 1.0)
        counts = np.bincount(t_train, minlength=10)
        assert counts.sum() == 60_000
        assert counts[:3].tolist() == [5923, 6742, 5958]
        assert np.bincount(t_test).tolist()[:3] == [980, 1135, 1032]

    def test_images_one_hot_and_from_the_cache_alone(self, monkeypatch):
        (_, t_train), _ = load_mnist()
        monkeypatch.delenv("DLBASICS_DATA")
        assert mnist_is_local()
        (x_train, one_hot), (x_test, _) = load_mnist(
            normalize=False, flatten=False, one_hot_label=True
        )
        assert x_train.shape == (60_000, 1, 28, 28)
        assert x_test.shape == (10_000, 1, 28, 28)
        assert x_train.dtype == np.uint8
        np.testing.assert_array_equal(one_hot, np.eye(10)[t_train])


# ---- DLBASICS_DATA ----


class TestDataFolder:
    def test_comes_first(self, data, monkeypatch):
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            assert_loads_small_mnist()
        assert server.requests == []

    @pytest.mark.parametrize("level", [1, 9])
    def test_gzipped_in_any_way(self, data, level):
        for name, content in CONTENTS.items():
            (data / name).unlink()
            (data / f"{name}.gz").write_bytes(gzip.compress(content, level, mtime=123))
        assert_loads_small_mnist()

    def test_what_is_gzipped_is_told_by_content(self, data):
        (data / TRAIN_IMAGES).write_bytes(ARCHIVES[f"{TRAIN_IMAGES}.gz"])
        (data / TRAIN_LABELS).rename(data / f"{TRAIN_LABELS}.gz")
        assert_loads_small_mnist()

    def test_relative_folder_and_home(self, data, monkeypatch):
        monkeypatch.chdir(data.parent)
        monkeypatch.setenv("DLBASICS_DATA", "data")
        assert_loads_small_mnist()
        monkeypatch.setenv("HOME", str(data.parent))
        monkeypatch.setenv("USERPROFILE", str(data.parent))
        monkeypatch.setenv("DLBASICS_DATA", os.path.join("~", "data"))
        assert_loads_small_mnist()

    def test_missing_folder_is_an_error_and_no_download(self, data, monkeypatch):
        load_mnist()  # even the cache is no excuse
        monkeypatch.setenv("DLBASICS_DATA", str(data / "nowhere"))
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            with pytest.raises(FileNotFoundError) as error:
                load_mnist()
        assert server.requests == []
        for part in (str(data / "nowhere"), "not a folder", "DLBASICS_DATA", *CONTENTS, ".gz"):
            assert part in str(error.value)

    def test_missing_file_is_an_error_and_no_download(self, data, monkeypatch):
        load_mnist()
        (data / TEST_IMAGES).unlink()
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            with pytest.raises(FileNotFoundError, match=f"has no {TEST_IMAGES}") as error:
                load_mnist()
        assert server.requests == []
        assert str(data) in str(error.value)

    def test_empty_variable_is_as_good_as_none(self, small, monkeypatch):
        monkeypatch.setenv("DLBASICS_DATA", "")
        with pytest.raises(ConnectionError):
            load_mnist()

    def test_another_file_of_the_same_shape(self, data):
        other = np.zeros_like(ARRAYS[TRAIN_IMAGES])
        (data / TRAIN_IMAGES).write_bytes(idx_bytes(other))
        with pytest.raises(ValueError, match="SHA-256") as error:
            load_mnist()
        assert str(data / TRAIN_IMAGES) in str(error.value)
        assert FILES[0].sha256 in str(error.value)
        assert hashlib.sha256(idx_bytes(other)).hexdigest() in str(error.value)

    def test_verified_once(self, data, monkeypatch):
        load_mnist()
        monkeypatch.setattr(mnist, "read_idx", lambda path: pytest.fail(f"{path} was read again"))
        assert_loads_small_mnist()

    @pytest.mark.parametrize("keep_mtime", [False, True])
    def test_changed_file_is_noticed_though_the_cache_is_good(self, data, keep_mtime):
        load_mnist()
        path = data / TRAIN_LABELS
        before = path.stat()
        changed = bytearray(CONTENTS[TRAIN_LABELS])
        changed[-1] ^= 1
        time.sleep(0.02)  # file systems may count in ticks of some milliseconds
        path.write_bytes(changed)
        if keep_mtime:
            if os.name == "nt":
                pytest.skip("Windows has no time of the last change but mtime")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(ValueError, match=TRAIN_LABELS):
            load_mnist()
        assert not mnist_is_local()
        path.write_bytes(CONTENTS[TRAIN_LABELS])
        assert_loads_small_mnist()


# ---- The cache ----


class TestCache:
    def test_serves_without_the_source_and_the_network(self, data, monkeypatch):
        load_mnist()
        monkeypatch.delenv("DLBASICS_DATA")
        assert_loads_small_mnist()

    def test_without_stamps_is_verified_anew(self, data, cache, monkeypatch):
        load_mnist()
        monkeypatch.delenv("DLBASICS_DATA")
        for _ in range(2):
            for stamp in (cache / "verified").iterdir():
                stamp.unlink()
            assert_loads_small_mnist()
        assert len(files_in(cache / "verified")) == 4

    @pytest.mark.parametrize(
        "damage",
        [
            lambda npy: npy[:-1],
            lambda npy: npy[:90],
            lambda npy: b"",
            lambda npy: b"PK\x03\x04" + npy[4:],
            lambda npy: b"\x93NUMPY\x01\x00\x10\x00{'descr': (((((\n",
            lambda npy: npy[:-1] + bytes([npy[-1] ^ 1]),
            lambda npy: npy.replace(b"|u1", b"|i1"),
            lambda npy: npy.replace(b"(30, 28, 28)", b"(28, 30, 28)"),
            lambda npy: npy.replace(b"(30, 28, 28)", b"(30, 784)   "),
        ],
    )
    @pytest.mark.parametrize("from_folder", [True, False])
    def test_damaged_array_is_rebuilt(self, data, cache, monkeypatch, damage, from_folder):
        if not from_folder:
            monkeypatch.delenv("DLBASICS_DATA")
            with serving(good) as server:
                use_mirrors(monkeypatch, server.url)
                load_mnist()
        load_mnist()
        path = cache / f"{TRAIN_IMAGES}.npy"
        whole = path.read_bytes()
        time.sleep(0.02)
        path.write_bytes(damage(whole))
        assert path.read_bytes() != whole
        assert_loads_small_mnist()
        assert path.read_bytes() == whole

    def test_never_unpickles(self, data, cache):
        load_mnist()
        path = cache / f"{TRAIN_LABELS}.npy"
        np.save(path, np.array([Unpicklable()], dtype=object), allow_pickle=True)
        assert_loads_small_mnist()

    def test_damaged_archive_is_downloaded_again(self, small, cache, monkeypatch):
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            load_mnist()
            (cache / f"{TRAIN_IMAGES}.npy").unlink()
            (cache / f"{TRAIN_IMAGES}.gz").write_bytes(b"\x1f\x8bdamaged")
            assert not mnist_is_local()
            assert_loads_small_mnist()
        assert server.requests.count(f"/{TRAIN_IMAGES}.gz") == 2
        assert (cache / f"{TRAIN_IMAGES}.gz").read_bytes() == ARCHIVES[f"{TRAIN_IMAGES}.gz"]

    @pytest.mark.parametrize("from_folder", [True, False])
    def test_that_cannot_be_written_only_costs_time(self, data, tmp_path, monkeypatch, from_folder):
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path / "file" / "cache"))
        if not from_folder:
            monkeypatch.delenv("DLBASICS_DATA")
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            for _ in range(2):
                assert_loads_small_mnist()
        assert len(server.requests) == (0 if from_folder else 8)

    def test_holds_no_temporary_files(self, data, cache):
        load_mnist()
        assert {path.name for path in cache.iterdir()} == {f"{n}.npy" for n in CONTENTS} | {
            "verified"
        }

    def test_default_is_the_users_cache_folder(self, monkeypatch):
        import platformdirs

        monkeypatch.delenv("DLBASICS_CACHE")
        expected = platformdirs.user_cache_path("dlbasics", appauthor=False) / "mnist"
        assert cache_folder("mnist") == expected


class Unpicklable:
    def __reduce__(self):
        return (pytest.fail, ("the array was unpickled",))


class TestIsLocal:
    def test_nothing_there(self, small):
        assert not mnist_is_local()

    def test_data_folder(self, data):
        assert mnist_is_local()
        (data / TEST_LABELS).unlink()
        assert not mnist_is_local()

    def test_data_folder_missing_does_not_fall_back_on_the_cache(self, data, monkeypatch):
        load_mnist()
        monkeypatch.setenv("DLBASICS_DATA", str(data / "nowhere"))
        assert not mnist_is_local()
        monkeypatch.delenv("DLBASICS_DATA")
        assert mnist_is_local()

    def test_downloaded(self, small, cache, monkeypatch):
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            assert not mnist_is_local()
            assert server.requests == []
            load_mnist()
        for path in cache.glob("*.npy"):
            path.unlink()
        assert mnist_is_local()


# ---- The download ----


@pytest.mark.usefixtures("small")
class TestDownload:
    def test_is_kept(self, cache, monkeypatch):
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            assert_loads_small_mnist()
            assert_loads_small_mnist()
        assert server.requests == [f"/{name}.gz" for name in CONTENTS]
        assert_loads_small_mnist()
        for name in ARCHIVES:
            assert (cache / name).read_bytes() == ARCHIVES[name]
        expected = {f"{name}.{suffix}" for name in CONTENTS for suffix in ("gz", "npy")}
        assert {path.name for path in cache.iterdir()} == expected | {"verified"}

    @pytest.mark.parametrize(("behave", "reason"), MISBEHAVIOURS)
    def test_bad_mirror_is_given_up_for_the_next(self, monkeypatch, behave, reason):
        if "too slow" in reason:
            monkeypatch.setattr(download, "TIMEOUT", TIMEOUT)
        with serving(behave) as bad, serving(good) as server:
            use_mirrors(monkeypatch, bad.url, server.url)
            assert_loads_small_mnist()
        assert set(bad.requests) == {f"/{TRAIN_IMAGES}.gz"}, "a failed mirror was asked again"
        assert len(server.requests) == 4
        assert reason in mnist._failures[bad.url]

    @pytest.mark.parametrize("behave", [trickling, endless])
    def test_hangs_up_on_a_mirror_that_is_given_up(self, monkeypatch, behave):
        monkeypatch.setattr(download, "TIMEOUT", TIMEOUT)
        with serving(behave) as bad:
            use_mirrors(monkeypatch, bad.url)
            with pytest.raises(ConnectionError):
                load_mnist()
            deadline = time.monotonic() + 3
            while is_receiving() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not is_receiving()

    def test_mirror_that_is_down(self, monkeypatch):
        url = closed_url()
        with serving(good) as server:
            use_mirrors(monkeypatch, url, server.url)
            assert_loads_small_mnist()
        assert list(mnist._failures) == [url]

    def test_slow_but_steady_mirror_is_not_given_up(self, monkeypatch):
        def slow(handler, content):
            pieces = 8 if TRAIN_IMAGES in handler.path else 1
            step = math.ceil(len(content) / pieces)
            handler.begin(len(content))
            for start in range(0, len(content), step):
                time.sleep(TIMEOUT / 4)
                handler.wfile.write(content[start : start + step])

        monkeypatch.setattr(download, "TIMEOUT", TIMEOUT)
        monkeypatch.setattr(download, "MIN_BYTES", FILES[0].size // 9)
        with serving(slow) as server:
            use_mirrors(monkeypatch, server.url)
            assert_loads_small_mnist()

    def test_all_bad(self, cache, monkeypatch):
        down = closed_url()
        with serving(missing) as first, serving(truncating) as second:
            use_mirrors(monkeypatch, first.url, second.url, down)
            with pytest.raises(ConnectionError) as error:
                load_mnist()
            message = str(error.value)
            assert f"{first.url}: {TRAIN_IMAGES}.gz: HTTP Error 404" in message
            assert f"{second.url}: {TRAIN_IMAGES}.gz: ended after" in message
            assert f"{down}: {TRAIN_IMAGES}.gz: " in message
            for part in ("by hand", "DLBASICS_DATA", *ARCHIVES):
                assert part in message
            with pytest.raises(ConnectionError) as again:
                load_mnist()
            assert str(again.value) == message
        assert len(first.requests) == len(second.requests) == 1
        assert not files_in(cache)

    def test_data_folder_helps_after_a_failure(self, data, monkeypatch):
        monkeypatch.delenv("DLBASICS_DATA")
        use_mirrors(monkeypatch, closed_url())
        with pytest.raises(ConnectionError):
            load_mnist()
        monkeypatch.setenv("DLBASICS_DATA", str(data))
        assert_loads_small_mnist()

    def test_no_progress_bar_but_on_a_terminal(self, monkeypatch, capsys):
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            load_mnist()
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "%" not in captured.err

    def test_progress_bar_on_a_terminal(self, monkeypatch):
        import tqdm

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)  # else it leaves a thread
        with serving(good) as server:
            use_mirrors(monkeypatch, server.url)
            assert_loads_small_mnist()
        for name in CONTENTS:
            assert f"{name}: 100%" in terminal.getvalue()


# ---- Giving up in time ----


@pytest.mark.usefixtures("small")
class TestTimeout:
    """`timeout` is for those who do not want to wait; it says nothing about a mirror."""

    @pytest.mark.parametrize("behave", [silent, trickling_header, trickling, stalling])
    def test_slow_mirror_is_not_waited_for_and_not_given_up(self, cache, monkeypatch, behave):
        with serving(behave) as server:
            use_mirrors(monkeypatch, server.url)
            start = time.monotonic()
            with pytest.raises(ConnectionError, match=r"not be downloaded in time:") as error:
                load_mnist(timeout=0.3)
            assert 0.05 < time.monotonic() - start < 1.5
            assert re.search(r"after [\d,]+ of [\d,]+ bytes", str(error.value))
            assert f"{TRAIN_IMAGES}.gz" in str(error.value)
            assert "does not ask them again" not in str(error.value)
            assert mnist._failures == {}
            assert not files_in(cache)
            server.behave = good
            assert_loads_small_mnist()
        assert len(server.requests) == 5

    def test_hangs_up_on_the_mirror(self, monkeypatch):
        with serving(trickling) as server:
            use_mirrors(monkeypatch, server.url)
            with pytest.raises(ConnectionError):
                load_mnist(timeout=0.1)
            deadline = time.monotonic() + 3
            while is_receiving() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not is_receiving()

    def test_holds_for_all_files_together_and_what_came_is_kept(self, monkeypatch):
        def slow(handler, content):
            time.sleep(0.6)
            good(handler, content)

        with serving(slow) as server:
            use_mirrors(monkeypatch, server.url)
            with pytest.raises(ConnectionError, match=f"{TRAIN_LABELS}.gz: no answer"):
                load_mnist(timeout=2.1)
            assert server.requests == [f"/{TRAIN_IMAGES}.gz", f"/{TRAIN_LABELS}.gz"]
            server.behave = good
            assert_loads_small_mnist()
        assert server.requests.count(f"/{TRAIN_IMAGES}.gz") == 1

    def test_is_not_renewed_for_the_next_mirror(self, monkeypatch):
        """A mirror that fails in time is given up as ever; the last one only ran out of time."""
        with serving(missing) as bad, serving(silent) as server:
            use_mirrors(monkeypatch, bad.url, server.url)
            start = time.monotonic()
            with pytest.raises(ConnectionError, match="in time"):
                load_mnist(timeout=0.3)
            assert time.monotonic() - start < 1.5
        assert list(mnist._failures) == [bad.url]

    def test_silent_mirror_leaves_time_for_the_next(self, monkeypatch):
        with serving(silent) as first, serving(good) as server:
            use_mirrors(monkeypatch, first.url, server.url)
            (x_train, _), _ = load_mnist(timeout=3)
        assert len(x_train) == 30
        assert mnist._failures == {}

    def test_later_deadline_leaves_the_rule_for_slow_mirrors_as_it_is(self, monkeypatch):
        monkeypatch.setattr(download, "TIMEOUT", 0.3)
        with serving(silent) as bad, serving(good) as server:
            use_mirrors(monkeypatch, bad.url, server.url)
            (x_train, _), _ = load_mnist(timeout=60)
        assert len(x_train) == 30
        assert "no answer or too slow" in mnist._failures[bad.url]

    def test_all_mirrors_down_is_said_at_once(self, monkeypatch):
        url = closed_url()
        use_mirrors(monkeypatch, url)
        with pytest.raises(ConnectionError, match="does not ask them again"):
            load_mnist(timeout=60)
        assert list(mnist._failures) == [url]

    @pytest.mark.parametrize("timeout", [0, -1])
    def test_what_is_local_needs_no_time(self, data, monkeypatch, timeout):
        with serving(silent) as server:
            use_mirrors(monkeypatch, server.url)
            assert len(load_mnist(timeout=timeout)[0][0]) == 30
            monkeypatch.delenv("DLBASICS_DATA")  # now from the cache
            assert len(load_mnist(timeout=timeout)[1][0]) == 20
        assert server.requests == []

    def test_is_given_by_name(self, data):
        with pytest.raises(TypeError):
            load_mnist(True, True, False, 5.0)


# ---- Other processes ----

PREAMBLE = """
import json, sys
from dlbasics.datasets import download, mnist
settings = json.loads(sys.argv[1])
mnist.FILES = tuple(mnist.MnistFile(*file) for file in settings["files"])
mnist.MIRRORS = tuple(settings["mirrors"])
"""


def start_python(code: str, mirrors=()) -> "subprocess.Popen[str]":
    settings = json.dumps({"files": FILES, "mirrors": mirrors})
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREAMBLE + code, settings],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(mnist.__file__).parents[2],
    )


def finish(process: "subprocess.Popen[str]") -> str:
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    return output


NETWORK_MODULES = "print({'pooch', 'tqdm', 'requests', 'urllib.request'} & sys.modules.keys())"


def test_nothing_for_the_network_is_imported_without_need(data, monkeypatch):
    assert finish(start_python(f"mnist.load_mnist(); {NETWORK_MODULES}")) == "set()\n"
    monkeypatch.delenv("DLBASICS_DATA")
    assert finish(start_python(f"mnist.load_mnist(); {NETWORK_MODULES}")) == "set()\n"
    assert finish(start_python(f"assert mnist.mnist_is_local(); {NETWORK_MODULES}")) == "set()\n"


def test_two_processes_download_at_once(small, cache):
    both_are_here = threading.Barrier(2)

    def wait_for_the_other(handler, content):
        both_are_here.wait(timeout=15)
        good(handler, content)

    with serving(wait_for_the_other) as server:
        processes = [start_python("mnist.load_mnist()", [server.url]) for _ in range(2)]
        for process in processes:
            finish(process)
    assert len(server.requests) == 8
    assert_loads_small_mnist()
    expected = {f"{name}.{suffix}" for name in CONTENTS for suffix in ("gz", "npy")}
    assert {path.name for path in cache.iterdir()} == expected | {"verified"}


def test_killed_half_way_leaves_nothing_half_written(small, cache, tmp_path, monkeypatch):
    for variable in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(variable, str(tmp_path))
    half_way = threading.Event()

    def stall_half_way(handler, content):
        handler.begin(len(content))
        handler.wfile.write(content[: len(content) // 2])
        half_way.set()
        handler.server.closing.wait()

    with serving(stall_half_way) as server:
        process = start_python("mnist.load_mnist()", [server.url])
        assert half_way.wait(timeout=15)
        process.kill()
        process.communicate()
    assert not files_in(cache)
    with serving(good) as server:
        use_mirrors(monkeypatch, server.url)
        assert_loads_small_mnist()


# ---- The IDX format ----


@pytest.fixture
def read_bytes(tmp_path) -> Callable[[bytes], np.ndarray]:
    def read(content):
        path = tmp_path / "file-ubyte"
        path.write_bytes(content)
        return read_idx(path)

    return read


class TestIdx:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    @pytest.mark.parametrize("shape", [(1,), (7,), (2, 3, 4), (300, 2), (1,) * 32])
    def test_reads_what_was_written(self, read_bytes, shape, pack):
        array = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
        read = read_bytes(pack(idx_bytes(array)))
        assert read.dtype == np.uint8
        assert read.flags.writeable
        assert read.flags.owndata
        np.testing.assert_array_equal(read, array)

    def test_header(self):
        array = np.zeros((300, 2), np.uint8)
        assert idx_header(array.shape) + array.tobytes() == idx_bytes(array)

    def test_path_may_be_text(self, tmp_path):
        path = tmp_path / "labels"
        path.write_bytes(idx_bytes(np.array([5], np.uint8)))
        assert read_idx(str(path)).tolist() == [5]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "expected an IDX file, got only 0 bytes"),
            (b"\0\0\x08", "expected an IDX file, got only 3 bytes"),
            (b"<html>Not found</html>", "expected an IDX file, .* got 3c 68"),
            (b"\1\0\x08\1" + bytes(10), "two zero bytes, got 01 00"),
            (b"\0\0\x0d\1\0\0\0\1" + bytes(4), "type code 0x08 .* got 0x0d"),
            (b"\0\0\x08\0" + bytes(1), "1 to 32 dimensions, got 0"),
            (b"\0\0\x08\x21" + b"\0\0\0\1" * 33 + b"\0", "1 to 32 dimensions, got 33"),
            (b"\0\0\x08\3" + b"\0\0\0\1" * 2, "expected 16 bytes of header .* got only 12"),
            (b"\0\0\x08\2\0\0\0\0\0\0\0\5", r"counts of at least 1, got \(0, 5\)"),
            (b"\0\0\x08\1\0\0\0\5" + bytes(4), r"expected 13 bytes .* \(5,\), got 12"),
            (b"\0\0\x08\1\0\0\0\5" + bytes(6), r"expected 13 bytes .* \(5,\), got 14"),
            (b"\0\0\x08\1\5\0\0\0" + bytes(5), r"\(83886080,\), got 13"),
            (b"\0\0\x08\4" + b"\xff" * 16 + b"\0", f"expected {(2**32 - 1) ** 4 + 20} bytes"),
        ],
    )
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_malformed(self, read_bytes, content, message, pack):
        with pytest.raises(ValueError, match=message) as error:
            read_bytes(pack(content))
        assert "file-ubyte" in str(error.value)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda packed: packed[:2],
            lambda packed: packed[:12],
            lambda packed: packed[:-1],
            lambda packed: packed[:-8] + bytes(8),
            lambda packed: packed[:12] + bytes([packed[12] ^ 0xFF]) + packed[13:],
            lambda packed: packed + b"more",
        ],
    )
    def test_corrupt_gzip(self, read_bytes, damage):
        packed = gzip.compress(CONTENTS[TRAIN_LABELS])
        with pytest.raises(ValueError, match=r"file-ubyte: expected a whole gzip file, got"):
            read_bytes(damage(packed))

    def test_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            read_idx(tmp_path / "nowhere")


@given(position=st.integers(0, 60), value=st.integers(0, 255), end=st.integers(0, 60))
def test_damage_is_a_value_error_or_harmless(tmp_path_factory, position, value, end):
    path = tmp_path_factory.getbasetemp() / "damaged-ubyte"
    for content in (CONTENTS[TEST_LABELS], gzip.compress(CONTENTS[TEST_LABELS], mtime=0)):
        damaged = bytearray(content)
        damaged[position % len(content)] = value
        path.write_bytes(damaged[: len(content) - end % len(content)])
        try:
            array = read_idx(path)
        except ValueError as error:
            assert "damaged-ubyte" in str(error)
        else:
            assert array.shape == (20,)
