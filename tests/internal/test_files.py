"""Files that are written whole or not at all."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dlbasics._internal import files
from dlbasics._internal.files import (
    as_path,
    atomic_write,
    number_of,
    parse_json,
    remove_parts,
    write_text,
)
from tests.helpers import ROOT


def test_a_file_appears_when_it_is_whole_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "ü name"
    for content in (b"older, and longer", b"new"):
        with atomic_write(str(path)) as file:
            file.write(content)
            file.flush()
            assert not path.exists() or path.read_bytes() == b"older, and longer"
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == [path.name]


def test_two_that_write_one_file_at_once_do_not_mix(tmp_path):
    path = tmp_path / "file"
    with atomic_write(path) as first:
        with atomic_write(path) as second:
            first.write(b"first")
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("when", ["writing", "replacing"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, old, when):
    def fail(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"), atomic_write(path) as file:
        file.write(b"half")
        if when == "writing":
            fail()
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == ([old] if old else [])


def test_a_missing_folder_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"file cannot be written: there is no folder"):
        write_text(tmp_path / "none" / "file", "text")


def test_text_is_written_in_utf_8_with_the_line_ends_that_it_has(tmp_path):
    write_text(tmp_path / "file", "größer\n")
    assert (tmp_path / "file").read_bytes() == "größer\n".encode()


def test_a_lock_that_its_holder_removed_in_the_meantime_is_no_lock(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    lock = files.lock

    def lock_too_late(file):
        lock(file)
        monkeypatch.setattr(files, "lock", lock)
        if os.name != "nt":
            path.unlink()

    monkeypatch.setattr(files, "lock", lock_too_late)
    with files.locked(path) as first:
        assert first is not None
        with pytest.raises(BlockingIOError):
            files.locked(path)


def test_the_lock_of_another_user_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.open", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert files.locked(tmp_path / "lock") is None


# ---- Parts ----

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no open part")
KILLED = """
import os, signal, sys
from dlbasics._internal.files import atomic_write

with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
@pytest.mark.long
def test_the_part_of_a_writer_that_was_killed_goes_and_that_of_another_file_stays(tmp_path):
    path = tmp_path / "a[1]*.npz"
    for target in (path, tmp_path / "b.npz"):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", KILLED, str(target)], env=environment)
        assert done.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    write_text(path, "whole")
    left = sorted(os.listdir(tmp_path))
    assert left[0].startswith(".b.npz.") and left[1:] == [path.name]


@posix
def test_the_part_of_a_writer_that_lives_stays_even_if_it_is_not_locked_at_once(
    tmp_path, monkeypatch
):
    """Another process may look for parts between the birth of a part and its lock."""
    path = tmp_path / "file"
    lock = files.lock

    def lock_too_late(file):
        monkeypatch.setattr(files, "lock", lock)
        remove_parts(tmp_path, "file")
        lock(file)

    monkeypatch.setattr(files, "lock", lock_too_late)
    with atomic_write(path) as file:
        remove_parts(tmp_path, "file")
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_parts_stay_where_nobody_can_lock_them(tmp_path, monkeypatch):
    def lock(file):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(files, "lock", lock)
    with atomic_write(tmp_path / "file") as file:
        remove_parts(tmp_path, "file")
        file.write(b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"


# ---- Paths ----


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (None, TypeError, "to must be the path of a file, got NoneType"),
        (b"file", TypeError, "to must be the path of a file, got bytes"),
        (2, TypeError, "to must be the path of a file, got int"),
        ("", ValueError, "to must be the path of a file, got ''"),
        (Path(), ValueError, "to must be the path of a file, got '.'"),
        ("/", ValueError, "to must be the path of a file, got '/'"),
        ("a\0b", ValueError, "to must be the path of a file, got"),
        (ROOT, ValueError, "to must be the path of a file, got the folder"),
    ],
)
def test_what_cannot_be_the_path_of_a_file_is_refused(path, error, message):
    with pytest.raises(error, match=message):
        as_path(path, "to")


def test_a_folder_that_takes_no_file_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError) as raised, atomic_write(tmp_path / "file"):
        pass
    assert raised.value.filename == str(tmp_path / "file")


# ---- JSON ----


@pytest.mark.parametrize("text", ["", "[" * 100_000, '{"a":' * 100_000, "9" * 10_000 + "x"])
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        parse_json(text)


@pytest.mark.parametrize("value", [None, True, "1", "NaN", "", [], {}, 10**400])
def test_only_numbers_and_the_names_of_those_that_are_not_finite_are_numbers(value):
    assert [number_of(each) for each in (1, 0.5, "inf", "-inf")] == [1, 0.5, math.inf, -math.inf]
    assert math.isnan(number_of("nan"))
    with pytest.raises(ValueError, match="expected a number"):
        number_of(value)
