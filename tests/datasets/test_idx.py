"""The IDX format: what is read, and what is refused."""

import gzip
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbasics.datasets import idx
from dlbasics.datasets.idx import idx_header, read_idx
from tests.datasets.helpers import CONTENTS, TEST_LABELS, TRAIN_LABELS, idx_bytes


@pytest.fixture
def read_bytes(tmp_path) -> Callable[[bytes], np.ndarray]:
    def read(content):
        path = tmp_path / "file-ubyte"
        path.write_bytes(content)
        return read_idx(str(path))

    return read


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(1,), (7,), (2, 3, 4), (300, 2), (1,) * 32])
def test_reads_what_was_written(read_bytes, shape, pack):
    array = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    read = read_bytes(pack(idx_bytes(array)))
    assert read.dtype == np.uint8
    assert read.flags.writeable
    assert read.flags.owndata
    np.testing.assert_array_equal(read, array)
    assert idx_header(shape) + array.tobytes() == idx_bytes(array)


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
        (b"\0\0\x08\1\0\0\0\5" + bytes(9), r"expected 13 bytes .* \(5,\), got 14 or more"),
        (b"\0\0\x08\1\5\0\0\0" + bytes(5), r"\(83886080,\), got 13"),
        (b"\0\0\x08\4" + b"\xff" * 16 + b"\0", f"expected {(2**32 - 1) ** 4 + 20} bytes"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_malformed_file_is_refused(read_bytes, content, message, pack):
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
def test_a_damaged_gzip_file_is_refused(read_bytes, damage):
    packed = gzip.compress(CONTENTS[TRAIN_LABELS])
    with pytest.raises(ValueError, match=r"file-ubyte: expected a whole gzip file, got"):
        read_bytes(damage(packed))


@settings(deadline=None)
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
            assert array.ndim == 1 and len(array) <= 20


def test_a_gzip_file_that_claims_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "file-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros((100, 100), np.uint8))))
    assert read_idx(path).shape == (100, 100), "few bytes may be anything"
    monkeypatch.setattr(idx, "most_unpacked", lambda size: 10 * size)
    with pytest.raises(
        ValueError, match=r"expected 10012 bytes .* got \d+ bytes, which are too few"
    ):
        read_idx(path)


@pytest.mark.parametrize("path", ["", None, 2, "a\0b"])
def test_a_path_that_can_be_none_of_a_file_is_refused(path):
    with pytest.raises((TypeError, ValueError), match="path must be the path of a file, got"):
        read_idx(path)
