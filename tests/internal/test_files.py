"""Files that are written completely or not at all, and the check of a path before the work."""

import os

import pytest

from dlbasics._internal.files import atomic_write, check_output_file, write_text


def test_a_text_is_written_in_utf_8_over_an_older_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "ü.txt"
    for text in ("old and longer", "größer"):
        write_text(path, text)
    assert path.read_bytes() == "größer".encode()
    assert os.listdir(tmp_path) == ["ü.txt"]


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_there_only_when_it_is_whole(tmp_path):
    with atomic_write(str(tmp_path / "file")) as file:
        file.write(b"half")
        file.flush()
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"half"


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing"):
        write_text(path, "text")
    with pytest.raises(
        ValueError, match=r"out must be a file in a folder that exists, got .*missing"
    ):
        check_output_file(path, "out")


def test_an_output_file_is_no_folder(tmp_path):
    check_output_file(tmp_path / "new.json", "out")
    with pytest.raises(ValueError, match="out must be a file"):
        check_output_file(tmp_path, "out")
