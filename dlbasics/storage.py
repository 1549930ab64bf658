"""Arrays are saved in .npz files.  Any other file leads to a clear error."""

import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, is_masked
from dlbasics._internal.files import as_path, atomic_write
from dlbasics._internal.npz import Npz

__all__ = ["load_arrays", "save_arrays"]

PathLike = str | os.PathLike[str]


def save_arrays(path: PathLike, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an .npz file, completely or not at all.

    Args:
        path: The file, under exactly this name.
        arrays: The arrays by name.

    Raises:
        TypeError: If `arrays` is not a mapping from names to arrays of numbers or texts.
        ValueError: If `path` cannot be the path of a file, or a name that of an array in one.
        OSError: If the file cannot be written.
    """
    plain = _plain(arrays)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in plain.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def load_arrays(path: PathLike) -> dict[str, Array]:
    """Read the arrays of an .npz file.

    Args:
        path: The file.

    Returns:
        The arrays by name, for instance W1, b1, ...

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or not an .npz file, or if it is compressed so far (30
            times, and more than 100 MB of data) that reading it might exhaust the memory.  A pickle
            can run any code when it is loaded; for a pickle, the message has the command that
            converts it.
    """
    with open_npz(path) as npz:
        npz.check_size(npz.forms)
        return {name: npz.read(name) for name in npz.forms}


@contextmanager
def open_npz(path: PathLike) -> Iterator[Npz]:
    """Open an .npz file, and read only the shapes and dtypes of its arrays.

    Raises:
        FileNotFoundError, ValueError: As `load_arrays` does.
    """
    path = as_path(path)
    with open(path, "rb") as file:
        start = file.read(64)
        if not start.startswith(b"PK"):
            raise ValueError(_not_npz(path, start))
        file.seek(0)
        yield Npz(file, path)


def without_addresses(text: str) -> str:
    """Return a `repr` without addresses in memory, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _plain(arrays: Any) -> dict[str, Array]:
    """Return arrays of numbers or texts under the names that they have in the file."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"arrays must be a mapping of names to arrays, got {type(arrays).__name__}")
    plain = {}
    for name, given in arrays.items():
        if not isinstance(name, str):
            raise TypeError(f"arrays must have texts as names, got {name!r}")
        entry = f"{name}.npy"
        if zipfile.ZipInfo(entry).filename != entry:  # it ends names at a NUL
            raise ValueError(f"arrays must have names that a file can hold, got {name!r}")
        if is_masked(given):
            raise TypeError(f"arrays[{name!r}] must be an array without a mask, got a masked array")
        try:
            plain[entry] = np.asarray(given)
        except ValueError:
            raise TypeError(f"arrays[{name!r}] must be an array, got a ragged list") from None
        if plain[entry].dtype.hasobject:
            raise TypeError(
                f"arrays[{name!r}] must hold numbers or texts, got dtype {plain[entry].dtype}"
            )
    return plain


def _not_npz(path: Path, start: bytes) -> str:
    if start.startswith((b"\x80", b"(dp", b"}q", b"ccollections")):
        # The name of the file is no part of the command: a name could be code, too.
        return (
            f"{path} is a pickle, which can run any code when it is loaded. If you trust it, "
            "convert it once, with its name and a name that ends with .npz at the end of this "
            'line: python -c "import pickle, sys, numpy; '
            "numpy.savez(sys.argv[2], **pickle.load(open(sys.argv[1], 'rb')))\""
        )
    return f"{path} must be an .npz file, got one that starts with {start[:8]!r}"
