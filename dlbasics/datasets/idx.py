"""A reader of IDX, the file format of MNIST."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

UBYTE = 0x08
MAX_NDIM = 32  # older versions of NumPy allow no more
GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or plain.

    The content tells whether the file is gzipped; the name does not matter.  All numbers are
    big-endian.  An IDX file holds:

        2 bytes                      0
        1 byte                       the type of the values: 0x08 is unsigned byte
        1 byte                       the number of dimensions, 1 to 32
        4 bytes for each dimension   its size, at least 1
        the rest                     the values; the last dimension varies fastest

    Args:
        path: The file.

    Returns:
        A new uint8 array of the shape that the file states.

    Raises:
        ValueError: If the file is not an IDX file of unsigned bytes, or is damaged, too short or
            too long.  The message names the file.
        OSError: If the file cannot be opened.
    """
    content = _read_uncompressed(Path(path))
    shape = _read_shape(content, path)
    expected = len(idx_header(shape)) + math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{path}: expected {expected} bytes uncompressed for the counts {shape}, "
            f"got {len(content)}"
        )
    values = np.frombuffer(content, np.uint8, offset=len(idx_header(shape)))
    return values.reshape(shape).copy()


def idx_header(shape: tuple[int, ...]) -> bytes:
    """Return the bytes that precede the values in an IDX file of this shape."""
    return struct.pack(f">HBB{len(shape)}I", 0, UBYTE, len(shape), *shape)


def _read_uncompressed(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a whole gzip file, got a damaged one: {error}"
        ) from None


def _read_shape(content: bytes, path: str | os.PathLike[str]) -> tuple[int, ...]:
    if len(content) < 4:
        raise ValueError(f"{path}: expected an IDX file, got only {len(content)} bytes")
    zero, code, ndim = struct.unpack_from(">HBB", content)
    if zero != 0:
        raise ValueError(
            f"{path}: expected an IDX file, which begins with two zero bytes, "
            f"got {content[:2].hex(' ')}"
        )
    if code != UBYTE:
        raise ValueError(f"{path}: expected type code 0x08 (unsigned byte), got {code:#04x}")
    if not 1 <= ndim <= MAX_NDIM:
        raise ValueError(f"{path}: expected 1 to {MAX_NDIM} dimensions, got {ndim}")
    if len(content) < 4 + 4 * ndim:
        raise ValueError(
            f"{path}: expected {4 + 4 * ndim} bytes of header for {ndim} dimensions, "
            f"got only {len(content)} bytes"
        )
    shape = struct.unpack_from(f">{ndim}I", content, offset=4)
    if 0 in shape:
        raise ValueError(f"{path}: expected counts of at least 1, got {shape}")
    return shape
