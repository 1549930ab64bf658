"""Files that are written whole or not at all."""

import os

import pytest

from dlbasics._internal.files import atomic_write, check_output_file, write_text


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


def test_an_output_file_must_be_one_in_a_folder_that_exists(tmp_path):
    check_output_file(tmp_path / "file", "path")
    for wrong in (tmp_path, tmp_path / "none" / "file"):
        with pytest.raises(ValueError, match="path must be a file in a folder") as raised:
            check_output_file(wrong, "path")
        assert str(raised.value).endswith(f"got {wrong}")
