"""A reader of .npz files that takes no more memory than a file of that size should need.

It reads the headers of the arrays first.  So a caller can compare their shapes and dtypes with what
it expects, before any data are read.
"""

import io
import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import most_unpacked

HEADER = 10_000 + 12
"""The number of bytes of an array's header that are read.  NumPy accepts no longer header."""

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compressions that NumPy writes.  zipfile reads the others in pieces of any size."""


class Form(NamedTuple):
    """The shape and the dtype of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """The number of bytes of the data."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} of shape {self.shape}"


class Npz:
    """The arrays in an open .npz file.

    Args:
        file: The file.
        path: Its path, which messages name.

    Attributes:
        forms: The shape and the dtype of each array, by name.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.forms: dict[str, Form] = {}
        self._path = path
        self._entries: dict[str, zipfile.ZipInfo] = {}
        with self._named():
            self._archive = zipfile.ZipFile(file)
            for entry in self._archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name in self._entries:
                    raise ValueError(f"it must hold one array {name!r}, got two")
                self._entries[name] = entry
                self.forms[name] = self._form(entry)
            self._file_size = file.seek(0, io.SEEK_END)

    def check_size(self, names: Iterable[str]) -> None:
        """Raise ValueError if the arrays of these names, where they are in the file, are too large.

        They are if a file of this size should not hold them.
        """
        size = sum(self.forms[name].size for name in names if name in self.forms)
        if size > (most := most_unpacked(self._file_size)):
            raise ValueError(
                f"{self._path}, a file of {self._file_size} bytes, must hold at most {most} bytes "
                f"of data, got {size}"
            )

    def read(self, name: str) -> Array:
        """Return the array of that name; raise ValueError if it is damaged."""
        with self._named(), self._archive.open(self._entries[name]) as data:
            array: Array = np.lib.format.read_array(data, allow_pickle=False)
            data.read()  # checks the sum at the end of an array without data
            return array

    def _form(self, entry: zipfile.ZipInfo) -> Form:
        if not entry.filename.endswith(".npy"):
            raise ValueError(f"it must hold arrays only, got the entry {entry.filename!r}")
        if entry.compress_type not in COMPRESSIONS:
            raise ValueError(f"it must be compressed as by NumPy, got {entry.compress_type}")
        with self._archive.open(entry) as data:
            start = io.BytesIO(data.read(HEADER))
        version = np.lib.format.read_magic(start)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(start)
        else:  # version 3.0 only has other letters in the names of fields
            shape, _, dtype = np.lib.format.read_array_header_2_0(start)
        form = Form(shape, dtype)
        if dtype.hasobject:
            raise ValueError(f"it must hold plain arrays, got objects in {entry.filename!r}")
        if start.tell() + form.size != entry.file_size:
            raise ValueError(
                f"{entry.filename!r} must have {start.tell() + form.size} bytes as {form}, "
                f"got {entry.file_size}"
            )
        return form

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn any error into a ValueError that names the file."""
        try:
            yield
        except Exception as error:  # its class depends on which bytes are damaged
            raise ValueError(
                f"{self._path} is damaged, or not .npz of plain arrays: {error!r:.500}"
            ) from error
