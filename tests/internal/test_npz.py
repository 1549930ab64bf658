"""The reader of .npz files: forms first, and nothing that a header or the zip file only claims."""

import io
import warnings
import zipfile

import numpy as np
import pytest

from dlbasics._internal import npz
from dlbasics._internal.npz import Form, Npz
from dlbasics.storage import load_arrays, open_npz, save_arrays


def npy(descr="<f4", shape=(2, 3), version=(1, 0), data=bytes(24), header=None):
    """Return the bytes of an array's entry, whose parts need not agree."""
    form = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}"
    text = form.encode("latin1")
    length = len(text).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + length + text + data


def write(path, *entries, kind=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name for the second time
        for name, content in entries:
            archive.writestr(name, content)


def test_forms_are_read_before_any_data(tmp_path, monkeypatch):
    path = tmp_path / "arrays.npz"
    arrays = {"W": np.ones((2, 3), np.float32), "names": np.array(["a", "bc"]), "n": np.array(7)}
    save_arrays(path, arrays)
    read = []
    monkeypatch.setattr(npz.np.lib.format, "read_array", lambda file, **_: read.append(file))
    with open_npz(path) as file:
        assert file.forms == {name: Form(a.shape, a.dtype) for name, a in arrays.items()}
        assert {name: form.size for name, form in file.forms.items()} == {
            name: array.nbytes for name, array in arrays.items()
        }
        assert str(file.forms["W"]) == "float32 of shape (2, 3)"
    assert read == []


@pytest.mark.parametrize("make", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3)),
        np.array(5, ">i2"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(["ü", "abc"]),
        np.array(["", ""], "<U0"),
        np.array([(1, 2.0)], [("a", "<i4"), ("b", "<f8")]),
        np.array(["2026-11-27"], "M8[D]"),
        np.ones(200_000),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_what_numpy_writes_is_read(tmp_path, make, array):
    make(tmp_path / "arrays.npz", array, b=array)
    found = load_arrays(tmp_path / "arrays.npz")
    assert [*found] == ["b", "arr_0"] or [*found] == ["arr_0", "b"]
    for each in found.values():
        assert each.flags.writeable
        np.testing.assert_array_equal(each, array, strict=True)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (npy(shape=(2, 4)), r"must have \d+ bytes as float32 of shape \(2, 4\), got"),
        (npy(shape=(2, 2)), r"must have \d+ bytes as float32 of shape \(2, 2\), got"),
        (npy(shape=(10**12, 10**12)), "must have .* bytes as float32 of shape"),
        (npy(shape=(-2, -3)), "negative|unknown dimension"),
        (npy("|O", (3,)), "must hold plain arrays, got objects"),
        (npy("|V1000000000"), "must have .* bytes as"),
        (npy(version=(4, 0)), "version"),
        (npy(header="(" * 9_000), "header"),
        (npy(header="{'descr'"), "header"),
        (
            npy(header=f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 5000},)}}"),
            "Cannot parse header",
        ),
        (npy(version=(2, 0), header=" " * 100_000), "EOF|[Hh]eader"),
        (npy(data=b"")[:30], "EOF|header"),
        (b"", "EOF|magic"),
    ],
)
def test_an_array_whose_header_and_size_do_not_agree_is_refused(tmp_path, entry, message):
    path = tmp_path / "arrays.npz"
    write(path, ("good.npy", npy()), ("W.npy", entry))
    with pytest.raises(ValueError, match=message) as caught:
        load_arrays(path)
    assert str(caught.value).startswith(f"{path} is damaged, or not .npz of plain arrays: ")


@pytest.mark.parametrize(
    ("entries", "options", "message"),
    [
        ([("W.npy", npy())] * 2, {}, "must hold one array 'W', got two"),
        ([("W.npy", npy()), ("W", b"no array")], {}, "arrays only|one array"),
        ([("W", b"")], {}, "must hold arrays only, got the entry 'W'"),
        ([("W.npy", npy())], {"kind": zipfile.ZIP_BZIP2}, "compressed as by NumPy, got 12"),
        ([("W.npy", npy())], {"kind": zipfile.ZIP_LZMA}, "compressed as by NumPy, got 14"),
    ],
)
def test_other_entries_than_those_of_numpy_are_refused(tmp_path, entries, options, message):
    write(tmp_path / "arrays.npz", *entries, **options)
    with pytest.raises(ValueError, match=message) as caught:
        load_arrays(tmp_path / "arrays.npz")
    assert "arrays.npz" in str(caught.value)


def test_an_encrypted_entry_is_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    write(path, ("W.npy", npy()))
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"arrays\.npz is damaged.*encrypted"):
        load_arrays(path)


def test_a_sum_that_is_wrong_is_found_even_where_there_are_no_data(tmp_path):
    path = tmp_path / "arrays.npz"
    write(path, ("W.npy", npy(shape=(0,), data=b"")), kind=zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(0,)", b"(00)").replace(b"'<f4'", b"'<i4'"))
    with pytest.raises(ValueError, match=r"arrays\.npz is damaged"):
        load_arrays(path)


def test_more_data_than_a_file_of_that_size_should_hold_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.zeros(1000), b=np.zeros(1000))
    assert len(load_arrays(path)) == 2, "few bytes may be anything"
    monkeypatch.setattr(npz, "most_unpacked", lambda size: 10 * size)
    with pytest.raises(
        ValueError, match=r"arrays.npz, a file of \d+ bytes, must hold at .* got 16000"
    ):
        load_arrays(path)
    with open(path, "rb") as file:
        opened = Npz(file, path)
        opened.check_size(["no such name"])
        assert opened.read("a").nbytes == 8000, "who knows the form need not ask"
    np.savez(path, a=np.zeros(100_000))
    assert io.BytesIO(path.read_bytes()).getbuffer().nbytes > 800_000
    load_arrays(path)
