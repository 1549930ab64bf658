"""Parameters in .npz files, and clear words about files that are something else."""

import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import atomic_write

__all__ = ["load_arrays", "save_arrays"]

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    RuntimeError,  # an entry that claims to be encrypted
    SyntaxError,  # an entry whose header is no Python literal
    MemoryError,  # an entry that claims to be huge
)
PathLike = str | os.PathLike[str]


def save_arrays(path: PathLike, arrays: Mapping[str, Array]) -> None:
    """Write named arrays to exactly `path`, as .npz: completely, or not at all."""
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


def load_arrays(path: PathLike) -> dict[str, Array]:
    """The named arrays of an .npz file, for instance weights W1, b1, ... as a plain dict.

    Raises FileNotFoundError, or ValueError for a file that is not .npz, is damaged, or is a pickle
    (which could run code when loaded): then with the command that converts it.
    """
    path = Path(path)
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            raise ValueError(_not_npz(path, file))
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except DAMAGED as error:
            raise ValueError(f"{path} is damaged or no .npz of plain arrays: {error}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{path} must hold arrays only, got a file {name}")
    return arrays


def without_addresses(text: str) -> str:
    """A `repr` without places in memory, so that another process has the same."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _not_npz(path: Path, file: BinaryIO) -> str:
    start = file.read(64)
    if start.startswith((b"\x80", b"(dp", b"}q", b"ccollections")):
        target = path.with_suffix(".npz")
        return (
            f"{path} is a pickle, which can run any code when it is loaded. If you trust it, "
            f'convert it once: python -c "import pickle, numpy; '
            f"numpy.savez(r'{target}', **pickle.load(open(r'{path}', 'rb')))\""
        )
    return f"{path} must be an .npz file, got one that starts with {start[:8]!r}"
