"""Files that are written whole or not at all."""

import os

import pytest

from dlbasics._internal import files
from dlbasics._internal.files import atomic_write, write_text


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
