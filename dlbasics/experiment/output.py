"""The files of one run: the result as JSON and .npz, and the figures as PNG."""

import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dlbasics._internal.checks import Array, is_masked
from dlbasics._internal.files import locked, unlock, write_text
from dlbasics.experiment.claims import any_number
from dlbasics.storage import save_arrays

LARGE = 1_000
"""An array of more numbers goes into the .npz file."""

PROBE = 64 * 1024
"""The number of bytes that are written before a run, to see whether the disk takes them."""


class Output:
    """Where a run stores its files.

    `reserve` tries the folder before the run.  If the folder takes no file after the run, the files
    go to a new folder for temporary files, so that no result is lost.

    Args:
        name: The name of the script, with which the name of each file begins.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = Path()
        self.stored: Path | None = None
        self.is_rescued = False
        self._lock: BinaryIO | None = None

    def figure_path(self, name: str) -> Path:
        """Return the path of the figure of that name."""
        return self.folder / f"{self.name}_{name}.png"

    def reserve(self, folder: Path) -> None:
        """Make the folder, and keep other runs of this script out of it until `release`.

        Raises:
            BlockingIOError: If another run of this script uses the folder.
            OSError: If the folder takes no files.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE))
        try:
            self._lock = locked(folder / f".{self.name}.lock")
        except BlockingIOError:
            raise BlockingIOError(
                f"another run of this script writes to {folder}: choose another folder (--out)"
            ) from None

    def release(self) -> None:
        """Let other runs use the folder."""
        if self._lock is not None:
            unlock(self._lock)
            self._lock = None

    def store(self, result: Any, about: dict[str, Any]) -> None:
        """Write the result; if it takes the place of an earlier one, remove that one's figures."""
        old_figures = [] if self.stored else self._figures_in(self.folder / f"{self.name}.json")
        self._write(lambda path: save_result(result, about, path), f"{self.name}.json")
        if not self.is_rescued:
            for path in old_figures:
                path.unlink(missing_ok=True)

    def save_figure(self, figure: Any, name: str, mark: str) -> None:
        """Write a figure with the text `mark` below it, and print where it is."""
        from dlbasics import plotting

        if mark:
            plotting.mark(figure, mark)
        path = self._write(lambda path: plotting.save(figure, path), self.figure_path(name).name)
        if path is not None:
            print(f"figure: {path}")

    def _write(self, write: Callable[[Path], None], file: str) -> Path | None:
        """Write a file, into another folder if the folder takes none; return its path."""
        try:
            write(self.folder / file)
        except OSError as error:
            if self.is_rescued:
                print(f"{error}: {file} is lost", file=sys.stderr)
                return None
            self.is_rescued = True
            with suppress(OSError):
                self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
                print(f"{error}: the files go to {self.folder}", file=sys.stderr)
            return self._write(write, file)
        path = self.folder / file
        if file == f"{self.name}.json":
            self.stored = path
        return path

    def _figures_in(self, json_file: Path) -> list[Path]:
        """Return the figures that an earlier result lists, none if the file is no such result."""
        with suppress(OSError, AttributeError, RecursionError, TypeError, ValueError):
            names = json.loads(json_file.read_text(encoding="utf-8")).get("figures", [])
            own = re.compile(rf"{re.escape(self.name)}_[^/\\\0]*\.png")
            return [self.folder / name for name in names if own.fullmatch(name)]
        return []


def save_result(result: Any, about: Mapping[str, Any], path: Path) -> None:
    """Write a result to a JSON file.

    Arrays and lists of more than 1,000 numbers, in mappings too, go into an .npz file of the same
    name; the JSON file then holds their entry and shape.  Numbers that are not finite become
    strings, and objects that JSON has not become their `repr`.

    Args:
        result: A dataclass or a mapping; anything else is stored as a mapping with the key 'value'.
        about: The facts about the run, which the file holds beside the result.
        path: The JSON file.

    Raises:
        TypeError: If an object has no `repr`, or an array a mask.
        ValueError: If two keys are the same as texts, or a list contains itself.
    """
    arrays: dict[str, Array] = {}
    values = {name: _stored(value, name, arrays) for name, value in _named_values(result).items()}
    written = _stored(about, "about", {}) | {"result": values}
    npz = path.with_suffix(".npz")
    if arrays:
        save_arrays(npz, arrays)
    else:
        npz.unlink(missing_ok=True)
    write_text(path, json.dumps(written, indent=1, allow_nan=False))


def not_finite(result: Any) -> list[str]:
    """Return the names of a result's values that hold NaN or infinite numbers."""
    values = _named_values(result)
    return [name for name in values if any_number(values[name], lambda x: ~np.isfinite(x))]


def _named_values(result: Any) -> dict[str, Any]:
    """Return the values of a dataclass or a mapping by name; anything else is named 'value'."""
    values = _fields(result, "result")
    return {"value": result} if values is None else values


def _fields(value: Any, entry: str) -> dict[str, Any] | None:
    """Return the fields of a dataclass or the items of a mapping; None for anything else."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if not isinstance(value, Mapping):
        return None
    items = {str(key): item for key, item in value.items()}
    if len(items) < len(value):
        raise ValueError(f"{entry} must have keys that differ as texts, got {[*value]}")
    return items


def _stored(value: Any, entry: str, arrays: dict[str, Array]) -> Any:
    """Return `value` as JSON can hold it; a large array goes into `arrays` as `entry`."""
    try:
        return _plain(value, entry, arrays)
    except RecursionError:
        raise ValueError(f"{entry} must not contain itself, got a cycle in it") from None


def _plain(value: Any, entry: str, arrays: dict[str, Array]) -> Any:
    if is_masked(value):
        raise TypeError(f"{entry} must be without a mask, got a masked array")
    if isinstance(value, np.ndarray | list | tuple) and _is_large(value):
        if entry in arrays:
            raise ValueError(f"{entry} must be the name of one array, got two")
        arrays[entry] = np.asarray(value)
        return {"npz": entry, "shape": list(arrays[entry].shape)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item, f"{entry}/{i}", arrays) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    items = _fields(value, entry)
    if items is None:
        return str(value) if isinstance(value, os.PathLike) else _repr(value, entry)
    return {key: _plain(item, f"{entry}/{key}", arrays) for key, item in items.items()}


def _repr(value: Any, entry: str) -> str:
    try:
        return repr(value)
    except RecursionError:
        raise
    except Exception as error:
        raise TypeError(
            f"{entry} must be numbers, texts, or an object with a repr, "
            f"got {type(value).__name__}, whose repr raises {error!r}"
        ) from error


def _is_large(value: Any) -> bool:
    """Return whether `value` is a rectangular array of more than LARGE numbers."""
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    return array.dtype.kind in "fiub" and array.size > LARGE
