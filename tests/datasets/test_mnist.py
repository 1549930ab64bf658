"""The MNIST loader, on small files and local servers; and on the real files where they are."""

import gzip
import hashlib
import json
import math
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from dlbasics._internal.image_forms import images, labels
from dlbasics.datasets import download, mnist
from dlbasics.datasets.mnist import load_mnist, mnist_is_local
from tests.conftest import closed_url
from tests.datasets.helpers import (
    ARCHIVES,
    ARRAYS,
    CONTENTS,
    FILES,
    NAMES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    good,
    idx_bytes,
    missing,
    serving,
    silent,
    truncating,
    wrong_file,
)
from tests.helpers import ROOT

pytestmark = pytest.mark.usefixtures("no_thread_is_left")
REAL_DATA = os.environ.get("DLBASICS_DATA", "")
DOWNLOADED = {f"{name}.{suffix}" for name in NAMES for suffix in ("gz", "npy")} | {"verified"}
"""What is in the cache after a download."""


@pytest.fixture
def cache(cache) -> Path:
    """The folder in the cache that is MNIST's."""
    return cache / "mnist"


@pytest.fixture
def mirrors(monkeypatch, small):
    """A context in which servers that behave so, one after the other, are the mirrors."""

    @contextmanager
    def use(*behaviours, down=()):
        with ExitStack() as stack:
            servers = [stack.enter_context(serving(behave)) for behave in behaviours]
            monkeypatch.setattr(mnist, "MIRRORS", (*down, *(server.url for server in servers)))
            yield servers[0] if len(servers) == 1 else servers

    return use


def arrays_of(loaded):
    return [array for pair in loaded for array in pair]


def assert_loads_small_mnist():
    loaded = arrays_of(load_mnist(normalize=False, flatten=False))
    for array, expected in zip(loaded, ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(array[:, 0] if array.ndim == 4 else array, expected)


def files_in(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


# ---- What is returned ----


@pytest.mark.usefixtures("data")
class TestArrays:
    @pytest.mark.parametrize("options", [(), (True, False), (False, True, True)])
    def test_formats_are_chosen_by_the_arguments_in_the_books_order(self, options):
        normalize, flatten, one_hot_label = options + (True, True, False)[len(options) :]
        for array, raw in zip(arrays_of(load_mnist(*options)), ARRAYS.values(), strict=True):
            is_x = raw.ndim == 3
            expected = images(raw, normalize, flatten) if is_x else labels(raw, one_hot_label)
            np.testing.assert_array_equal(array, expected, strict=True)

    @pytest.mark.parametrize("options", [(True, True, True), (False, True, False)])
    def test_arrays_are_the_callers_own(self, options):
        for _ in range(3):  # the first comes from the source, the others from the cache
            for array in arrays_of(load_mnist(*options)):
                assert array.flags.writeable
                array[...] = 77
        assert_loads_small_mnist()

    def test_the_timeout_is_given_by_name(self):
        with pytest.raises(TypeError):
            load_mnist(True, True, False, 5.0)


@pytest.mark.mnist
@pytest.mark.long
@pytest.mark.skipif(
    not (REAL_DATA and Path(REAL_DATA).is_dir()),
    reason="needs the real MNIST: DLBASICS_DATA names no folder",
)
def test_real_mnist_from_its_files_and_then_from_the_cache_alone(monkeypatch):
    monkeypatch.setenv("DLBASICS_DATA", REAL_DATA)
    (x_train, t_train), (x_test, t_test) = load_mnist()
    assert (x_train.shape, x_test.shape) == ((60_000, 784), (10_000, 784))
    assert (x_train.min(), x_train.max()) == (0.0, 1.0)
    assert t_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert t_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(t_train)[:3].tolist() == [5923, 6742, 5958]
    assert np.bincount(t_test)[:3].tolist() == [980, 1135, 1032]
    monkeypatch.delenv("DLBASICS_DATA")
    assert mnist_is_local()
    (raw, one_hot), _ = load_mnist(normalize=False, flatten=False, one_hot_label=True)
    assert (raw.shape, raw.dtype) == ((60_000, 1, 28, 28), np.uint8)
    np.testing.assert_array_equal(raw[-9:].reshape(9, 784) / np.float32(255), x_train[-9:])
    np.testing.assert_array_equal(one_hot, np.eye(10)[t_train])


# ---- DLBASICS_DATA ----


class TestDataFolder:
    def test_what_is_gzipped_is_told_by_content_and_packed_in_any_way(self, data):
        (data / TRAIN_IMAGES).write_bytes(ARCHIVES[f"{TRAIN_IMAGES}.gz"])
        (data / TRAIN_LABELS).rename(data / f"{TRAIN_LABELS}.gz")
        (data / TEST_IMAGES).unlink()
        packed = gzip.compress(CONTENTS[TEST_IMAGES], compresslevel=1, mtime=123)
        (data / f"{TEST_IMAGES}.gz").write_bytes(packed)
        assert_loads_small_mnist()

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_names_with_a_dot_are_found(self, data, pack):
        for name in NAMES:
            ending = ".gz" if pack is gzip.compress else ""
            (data / name).unlink()
            (data / f"{name.replace('-idx', '.idx')}{ending}").write_bytes(pack(CONTENTS[name]))
        assert_loads_small_mnist()

    def test_relative_folder_and_home(self, data, monkeypatch):
        monkeypatch.chdir(data.parent)
        monkeypatch.setenv("HOME", str(data.parent))
        monkeypatch.setenv("USERPROFILE", str(data.parent))
        for folder in ("data", os.path.join("~", "data")):
            monkeypatch.setenv("DLBASICS_DATA", folder)
            assert_loads_small_mnist()

    @pytest.mark.parametrize("lacking", ["the folder", "a file"])
    def test_what_is_missing_is_an_error_and_no_download(self, data, mirrors, monkeypatch, lacking):
        load_mnist()  # even the cache is no excuse
        if lacking == "a file":
            (data / TEST_IMAGES).unlink()
            parts = [str(data), f"has no {TEST_IMAGES}"]
        else:
            monkeypatch.setenv("DLBASICS_DATA", str(data / "nowhere"))
            parts = [str(data / "nowhere"), "not a folder", "DLBASICS_DATA", *NAMES, ".gz"]
        with mirrors(good) as server, pytest.raises(FileNotFoundError) as error:
            load_mnist()
        assert server.requests == []
        assert [part for part in parts if part not in str(error.value)] == []
        assert not mnist_is_local()

    def test_empty_variable_is_as_good_as_none(self, small, monkeypatch):
        monkeypatch.setenv("DLBASICS_DATA", "")
        with pytest.raises(ConnectionError):
            load_mnist()

    def test_another_file_of_the_same_shape_is_refused(self, data):
        other = idx_bytes(np.zeros_like(ARRAYS[TRAIN_IMAGES]))
        (data / TRAIN_IMAGES).write_bytes(other)
        with pytest.raises(ValueError, match="SHA-256") as error:
            load_mnist()
        for part in (data / TRAIN_IMAGES, FILES[0].sha256, hashlib.sha256(other).hexdigest()):
            assert str(part) in str(error.value)

    def test_comes_first_and_is_verified_once(self, data, mirrors, monkeypatch):
        with mirrors(good) as server:
            assert_loads_small_mnist()
        assert server.requests == []
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


class Unpicklable:
    def __reduce__(self):
        return (pytest.fail, ("the array was unpickled",))


class TestCache:
    def test_serves_without_the_source_and_is_verified_anew_without_stamps(
        self, data, cache, monkeypatch
    ):
        load_mnist()
        assert {path.name for path in cache.iterdir()} == {f"{n}.npy" for n in NAMES} | {"verified"}
        monkeypatch.delenv("DLBASICS_DATA")
        assert_loads_small_mnist()
        for stamp in (cache / "verified").iterdir():
            stamp.unlink()
        assert_loads_small_mnist()
        assert len(files_in(cache / "verified")) == 4

    @pytest.mark.parametrize(
        "damage",
        [
            lambda npy: npy[:-1],
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
    def test_damaged_array_is_rebuilt(self, data, cache, mirrors, monkeypatch, damage, from_folder):
        if not from_folder:
            monkeypatch.delenv("DLBASICS_DATA")
            with mirrors(good):
                load_mnist()
        load_mnist()
        path = cache / f"{TRAIN_IMAGES}.npy"
        whole = path.read_bytes()
        time.sleep(0.02)
        path.write_bytes(damage(whole))
        assert path.read_bytes() != whole
        assert_loads_small_mnist()
        assert path.read_bytes() == whole

    def test_is_never_unpickled(self, data, cache):
        load_mnist()
        array = np.array([Unpicklable()], dtype=object)
        np.save(cache / f"{TRAIN_LABELS}.npy", array, allow_pickle=True)
        assert_loads_small_mnist()

    def test_damaged_archive_is_downloaded_again(self, cache, mirrors):
        archive = f"{TRAIN_IMAGES}.gz"
        with mirrors(good) as server:
            load_mnist()
            (cache / f"{TRAIN_IMAGES}.npy").unlink()
            (cache / archive).write_bytes(b"\x1f\x8bdamaged")
            assert not mnist_is_local()
            assert_loads_small_mnist()
        assert server.requests.count(f"/{archive}") == 2
        assert (cache / archive).read_bytes() == ARCHIVES[archive]

    @pytest.mark.parametrize("from_folder", [True, False])
    def test_that_cannot_be_written_only_costs_time(
        self, data, tmp_path, mirrors, monkeypatch, from_folder
    ):
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path / "file" / "cache"))
        if not from_folder:
            monkeypatch.delenv("DLBASICS_DATA")
        with mirrors(good) as server:
            for _ in range(2):
                assert_loads_small_mnist()
        assert len(server.requests) == (0 if from_folder else 8)


def test_mnist_is_local_where_its_folder_or_its_cache_is(data, cache, mirrors, monkeypatch):
    assert mnist_is_local()
    (data / TEST_LABELS).unlink()
    assert not mnist_is_local()
    monkeypatch.delenv("DLBASICS_DATA")
    assert mnist_is_local()
    for path in cache.glob("*.npy"):
        path.unlink()
    with mirrors(good) as server:
        assert not mnist_is_local()
        assert server.requests == []
        load_mnist()
    for path in cache.glob("*.npy"):
        path.unlink()
    assert mnist_is_local()  # from the archives


# ---- The download ----


@pytest.mark.usefixtures("small")
class TestDownload:
    def test_is_kept_and_nothing_is_printed(self, cache, mirrors, capsys):
        with mirrors(good) as server:
            assert_loads_small_mnist()
            assert_loads_small_mnist()
        assert server.requests == [f"/{name}" for name in ARCHIVES]
        assert_loads_small_mnist()
        for name in ARCHIVES:
            assert (cache / name).read_bytes() == ARCHIVES[name]
        assert {path.name for path in cache.iterdir()} == DOWNLOADED
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("behave", "reason"),
        [
            (silent, "no answer or too slow: after 0 of"),
            (truncating, "ended after"),
            (wrong_file, "MD5"),
            (missing, "404"),
        ],
    )
    def test_bad_mirror_is_given_up_for_the_next(self, mirrors, monkeypatch, behave, reason):
        if behave is silent:
            monkeypatch.setattr(download, "TIMEOUT", 0.8)
        with mirrors(behave, good) as (bad, server):
            assert_loads_small_mnist()
        assert bad.requests == [f"/{TRAIN_IMAGES}.gz"], "a failed mirror was asked again"
        assert len(server.requests) == 4
        assert reason in mnist._failures[bad.url]

    @pytest.mark.parametrize("timeout", [math.inf, 60])
    def test_all_bad_is_said_at_once_and_for_good(self, data, cache, mirrors, monkeypatch, timeout):
        monkeypatch.delenv("DLBASICS_DATA")
        down = closed_url()
        with mirrors(missing, truncating, down=[down]) as (first, second):
            with pytest.raises(ConnectionError) as error:
                load_mnist(timeout=timeout)
            message = str(error.value)
            assert f"{down}: {TRAIN_IMAGES}.gz: " in message
            assert f"{first.url}: {TRAIN_IMAGES}.gz: HTTP Error 404" in message
            assert f"{second.url}: {TRAIN_IMAGES}.gz: ended after" in message
            for part in ("does not ask them again", "by hand", "DLBASICS_DATA", *ARCHIVES):
                assert part in message
            with pytest.raises(ConnectionError) as again:
                load_mnist(timeout=timeout)
            assert str(again.value) == message
        assert len(first.requests) == len(second.requests) == 1
        assert list(mnist._failures) == [down, first.url, second.url]
        assert not files_in(cache)
        monkeypatch.setenv("DLBASICS_DATA", str(data))
        assert_loads_small_mnist()


class TestTimeout:
    """`timeout` is for those who do not want to wait; it says nothing about a mirror."""

    @pytest.mark.parametrize(
        ("timeout", "error"), [("1", TypeError), (None, TypeError), (np.nan, ValueError)]
    )
    def test_is_a_number(self, timeout, error):
        with pytest.raises(error, match="timeout must be a"):
            load_mnist(timeout=timeout)

    def test_slow_mirror_is_not_waited_for_and_not_given_up(self, cache, mirrors):
        with mirrors(silent) as server:
            with pytest.raises(ConnectionError, match=r"not be downloaded in time:") as error:
                load_mnist(timeout=0.3)
            assert f"{server.url}: {TRAIN_IMAGES}.gz: no answer" in str(error.value)
            assert "does not ask them again" not in str(error.value)
            assert mnist._failures == {}
            assert not files_in(cache)
            server.behave = good
            assert_loads_small_mnist()
        assert len(server.requests) == 5

    def test_is_one_for_all_files_and_mirrors_and_what_came_in_time_is_kept(
        self, small, monkeypatch
    ):
        asked, deadlines = [], []

        def fetch(url, output_file, _pooch, *, size, deadline):
            asked.append(url)
            deadlines.append(deadline)
            mirror, _, name = url.rpartition("/")
            if mirror == "http://down":
                raise ConnectionError
            if mirror == too_slow or name in late:
                raise download.DeadlineError
            Path(output_file).write_bytes(ARCHIVES[name])

        urls = "http://down/", "http://slow/", "http://good/"
        monkeypatch.setattr(mnist, "MIRRORS", urls)
        monkeypatch.setattr(download, "fetch", fetch)
        too_slow, late = "http://slow", {f"{TRAIN_LABELS}.gz"}
        with pytest.raises(ConnectionError, match="in time"):
            load_mnist(timeout=60)
        images, labels, *rest = ARCHIVES
        assert asked == [url + images for url in urls] + [url + labels for url in urls[1:]]
        assert len(set(deadlines)) == 1
        assert list(mnist._failures) == ["http://down/"]
        asked.clear()
        late.clear()
        assert_loads_small_mnist()
        assert asked == [url + name for name in (labels, *rest) for url in urls[1:]]

    @pytest.mark.parametrize("timeout", [0, -1])
    def test_what_is_local_needs_no_time(self, data, mirrors, monkeypatch, timeout):
        with mirrors(silent) as server:
            assert len(load_mnist(timeout=timeout)[0][0]) == 30
            monkeypatch.delenv("DLBASICS_DATA")  # now from the cache
            assert len(load_mnist(timeout=timeout)[1][0]) == 20
        assert server.requests == []


# ---- Other processes ----

NOTHING_FOR_THE_NETWORK = """
import json, os, sys
from dlbasics.datasets import mnist
mnist.FILES = tuple(mnist.MnistFile(*file) for file in json.loads(sys.argv[1]))
mnist.load_mnist()
del os.environ["DLBASICS_DATA"]  # now from the cache
mnist.load_mnist()
assert mnist.mnist_is_local()
print({"pooch", "tqdm", "requests", "urllib.request"} & sys.modules.keys())
"""


@pytest.mark.long
def test_nothing_for_the_network_is_imported_without_need(data):
    command = [sys.executable, "-W", "error", "-c", NOTHING_FOR_THE_NETWORK, json.dumps(FILES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_two_downloads_at_once_leave_whole_files(small, cache, mirrors):
    both_are_here = threading.Barrier(2, timeout=60)

    def wait_for_the_other(handler, content):
        both_are_here.wait()
        good(handler, content)

    with mirrors(wait_for_the_other) as server, ThreadPoolExecutor(2) as pool:
        for download_it in [pool.submit(load_mnist) for _ in range(2)]:
            download_it.result()
    assert len(server.requests) == 8
    assert_loads_small_mnist()
    assert {path.name for path in cache.iterdir()} == DOWNLOADED


def test_a_file_that_is_half_downloaded_is_not_in_the_cache(cache, mirrors):
    """So a process that is killed meanwhile leaves nothing half written."""
    seen = []

    def stopping_half_way(handler, content):
        before = files_in(cache)
        handler.begin(len(content))
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        time.sleep(0.05)  # the other side writes what has come
        seen.append(files_in(cache) - before)
        handler.wfile.write(content[len(content) // 2 :])

    with mirrors(stopping_half_way):
        assert_loads_small_mnist()
    assert seen == [set()] * 4
