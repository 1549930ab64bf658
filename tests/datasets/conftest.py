"""What the tests of data sets share: a cache of their own, small files for MNIST's."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlbasics.datasets import mnist
from tests.datasets.helpers import CONTENTS, FILES


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, no DLBASICS_DATA, no mirrors: nothing of the machine is seen or touched."""
    monkeypatch.delenv("DLBASICS_DATA", raising=False)
    monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(mnist, "_failures", {})
    return tmp_path / "cache"


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 30
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


@pytest.fixture
def small(monkeypatch) -> None:
    """Four small files take the place of MNIST's."""
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
