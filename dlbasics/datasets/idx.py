"""A reader of IDX, the file format of MNIST."""

import gzip
import math
import os
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dlbasics._internal.files import as_path, most_unpacked

UBYTE = 0x08
MAX_NDIM = 32  # older versions of NumPy allow no more
GZIP_MAGIC = b"\x1f\x8b"

PIECE = 1 << 20
"""The number of bytes that are read at a time."""


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
    path = as_path(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not file.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
            return _read(file, path, size, size)
        try:
            return _read(gzip.GzipFile(fileobj=file), path, size, most_unpacked(size))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{path}: expected a whole gzip file, got a damaged one: {error}"
            ) from None


def idx_header(shape: tuple[int, ...]) -> bytes:
    """Return the bytes that precede the values in an IDX file of this shape."""
    return struct.pack(f">HBB{len(shape)}I", 0, UBYTE, len(shape), *shape)


def _read(content: BufferedIOBase, path: Path, size: int, most: int) -> npt.NDArray[np.uint8]:
    """Return the values.

    Args:
        content: The uncompressed content.
        path: The file, for messages.
        size: The size of the file in bytes.
        most: The number of bytes that the content may have.
    """
    shape = _read_shape(content, path)
    header = len(idx_header(shape))
    expected = header + math.prod(shape)
    wanted = f"{path}: expected {expected} bytes uncompressed for the counts {shape}"
    if expected > most:
        raise ValueError(f"{wanted}, got {size} bytes, which are too few to hold them")
    array = np.empty(shape, np.uint8)
    values, got = array.reshape(-1), 0
    while piece := content.read(min(PIECE, len(values) - got + 1)):
        got += len(piece)
        if got > len(values):
            raise ValueError(f"{wanted}, got {header + got} or more")
        values[got - len(piece) : got] = np.frombuffer(piece, np.uint8)
    if got < len(values):
        raise ValueError(f"{wanted}, got {header + got}")
    return array


def _read_shape(content: BufferedIOBase, path: Path) -> tuple[int, ...]:
    start = content.read(4)
    if len(start) < 4:
        raise ValueError(f"{path}: expected an IDX file, got only {len(start)} bytes")
    zero, code, ndim = struct.unpack(">HBB", start)
    if zero != 0:
        raise ValueError(
            f"{path}: expected an IDX file, which begins with two zero bytes, "
            f"got {start[:2].hex(' ')}"
        )
    if code != UBYTE:
        raise ValueError(f"{path}: expected type code 0x08 (unsigned byte), got {code:#04x}")
    if not 1 <= ndim <= MAX_NDIM:
        raise ValueError(f"{path}: expected 1 to {MAX_NDIM} dimensions, got {ndim}")
    counts = content.read(4 * ndim)
    if len(counts) < 4 * ndim:
        raise ValueError(
            f"{path}: expected {4 + 4 * ndim} bytes of header for {ndim} dimensions, "
            f"got only {4 + len(counts)} bytes"
        )
    shape = struct.unpack(f">{ndim}I", counts)
    if 0 in shape:
        raise ValueError(f"{path}: expected counts of at least 1, got {shape}")
    return shape
