"""What several test files share."""

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from dlbasics._internal.table import is_plain
from dlbasics.datasets import choice, digits
from dlbasics.datasets import mnist as mnist_module
from dlbasics.datasets.digits import load_digits
from dlbasics.experiment import Data, load_data
from tests.docs.texts import BOOK

pytest.register_assert_rewrite("tests.helpers")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Matrix products use one core, as they do in scripts; several processes may run tests."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture(scope="session")
def mnist() -> Data:
    """Real MNIST, for the tests that a stand-in would make meaningless."""
    if "DLBASICS_DATA" not in os.environ:
        pytest.skip("real MNIST: set DLBASICS_DATA to the folder with its four files")
    return load_data("mnist")


@pytest.fixture
def texts() -> None:
    """The book and the four other texts, for the tests that read them."""
    if not BOOK.is_here():
        pytest.skip("the texts: set DLBASICS_TEXTS to the folder with its five files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests on MNIST and those with PyTorch; with DLBASICS_PLAIN=1, skip the fast ones."""
    reason = pytest.mark.skip(reason="a test of the fast way, with DLBASICS_PLAIN=1")
    for item in items:
        if "mnist" in getattr(item, "fixturenames", ()):
            item.add_marker("mnist")
        if item.path.parent.name == "torch":
            item.add_marker("extra")
        if is_plain() and item.get_closest_marker("fast"):
            item.add_marker(reason)


@pytest.fixture
def no_mnist(tmp_path, monkeypatch) -> Path:
    """A machine without MNIST, digits or network; the folder of its cache."""
    monkeypatch.delenv("DLBASICS_DATA", raising=False)
    monkeypatch.setenv("DLBASICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(choice, "_out_of_reach", set())
    monkeypatch.setattr(mnist_module, "_failures", {})
    monkeypatch.setattr(mnist_module, "MIRRORS", (closed_url(),))
    return tmp_path / "cache"


def closed_url() -> str:
    """Return the address of a port to which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.fixture
def few_digits(monkeypatch) -> list[dict]:
    """With what load_digits was called; its default becomes 60 + 20."""
    calls = []

    def load_few(**options):
        calls.append(options)
        return load_digits(**{"train": 60, "test": 20} | options)

    monkeypatch.setattr(digits, "load_digits", load_few)
    monkeypatch.setattr(digits, "BLOCK", 50)
    return calls


@pytest.fixture
def found_mnist(no_mnist, monkeypatch) -> Path:
    """A machine with a (small) MNIST in the folder that DLBASICS_DATA names."""
    folder = no_mnist.with_name("data")
    folder.mkdir()
    files = []
    for file in mnist_module.FILES:
        shape = (5, 28, 28) if "images" in file.name else (5,)
        array = np.full(shape, len(files), np.uint8)
        content = mnist_module.idx_header(shape) + array.tobytes()
        (folder / file.name).write_bytes(content)
        files.append(file._replace(sha256=hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(mnist_module, "FILES", tuple(files))
    monkeypatch.setenv("DLBASICS_DATA", str(folder))
    return folder
