"""Arrays are saved in .npz files.  Any other file leads to a clear error."""

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.files import atomic_write

__all__ = ["load_arrays", "save_arrays"]

PathLike = str | os.PathLike[str]


def save_arrays(path: PathLike, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an .npz file, completely or not at all.

    Args:
        path: The file, under exactly this name.
        arrays: The arrays by name.
    """
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


def load_arrays(path: PathLike) -> dict[str, Array]:
    """Read the arrays of an .npz file.

    Args:
        path: The file.

    Returns:
        The arrays by name, for instance W1, b1, ...

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or not an .npz file.  A pickle can run any code when it
            is loaded; for a pickle, the message has the command that converts it.
    """
    path = Path(path)
    with open(path, "rb") as file:
        start = file.read(64)
        if not start.startswith(b"PK"):
            raise ValueError(_not_npz(path, start))
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except Exception as error:  # its class depends on which bytes are damaged
            raise ValueError(f"{path} is damaged, or not .npz of plain arrays: {error}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{path} must hold arrays only, got the entry {name}")
    return arrays


def without_addresses(text: str) -> str:
    """Return a `repr` without addresses in memory, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _not_npz(path: Path, start: bytes) -> str:
    if start.startswith((b"\x80", b"(dp", b"}q", b"ccollections")):
        target = path.with_suffix(".npz")
        return (
            f"{path} is a pickle, which can run any code when it is loaded. If you trust it, "
            f'convert it once: python -c "import pickle, numpy; '
            f"numpy.savez(r'{target}', **pickle.load(open(r'{path}', 'rb')))\""
        )
    return f"{path} must be an .npz file, got one that starts with {start[:8]!r}"
