"""Files: paths, writing completely or not at all, locks, JSON, and how much a file may hold."""

import glob
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

SMALL = 100_000_000
"""The number of bytes that any compressed file may hold."""

RATIO = 30
"""The number of bytes that a compressed file may hold for each of its own."""


def as_path(path: Any, name: str = "path") -> Path:
    """Return `path` as a Path; raise TypeError or ValueError unless it can name a file.

    Args:
        path: The path.
        name: The argument that the message names.
    """
    text = _text_of(path, name, "file")
    if not Path(text).name or "\0" in text:
        raise ValueError(f"{name} must be the path of a file, got {text!r}")
    if os.path.isdir(text):
        raise ValueError(f"{name} must be the path of a file, got the folder {text}")
    return Path(text)


def as_folder(path: Any, name: str) -> Path:
    """Return `path`, which must be that of a folder, or of one that can be made."""
    text = _text_of(path, name, "folder")
    if not text or "\0" in text or (os.path.lexists(text) and not os.path.isdir(text)):
        raise ValueError(f"{name} must be the path of a folder, got {text!r}")
    return Path(text)


def _text_of(path: Any, name: str, kind: str) -> str:
    with suppress(TypeError):
        if isinstance(text := os.fspath(path), str):
            return text
    raise TypeError(f"{name} must be the path of a {kind}, got {type(path).__name__}")


def most_unpacked(size: int) -> int:
    """Return how many bytes of data a compressed file of `size` bytes may hold.

    A file of a few MB can hold GBs of zeros, and whoever reads those runs out of memory.
    """
    return max(SMALL, RATIO * size)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that appears as `path` only when it is complete.

    The bytes go to a temporary file in the same folder, which takes the place of `path` at the end
    of the block.  If the block raises an error, `path` stays as it was.  A process that is killed
    leaves its temporary file behind; the next one that writes to `path` removes it.
    """
    path = as_path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}")
    remove_parts(path.parent, path.name)
    file = _new_part(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name != "nt":  # while it is locked
                os.replace(file.name, path)
        if os.name == "nt":  # Windows moves no open file
            os.replace(file.name, path)
    finally:
        Path(file.name).unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, completely or not at all."""
    content = text.encode("utf-8")
    with atomic_write(path) as file:
        file.write(content)


def remove_parts(folder: Path, name: str) -> None:
    """Remove what processes that were killed have left of the file `name`.

    The temporary files of processes that still write stay.  On Windows all of them stay.
    """
    if os.name == "nt":
        return
    for part in folder.glob(f".{glob.escape(name)}.*.part"):
        with suppress(OSError), open(part, "r+b") as file:
            lock(file)
            part.unlink()


def _new_part(path: Path) -> BinaryIO:
    """Return a new temporary file for `path`, locked so that `remove_parts` leaves it alone."""
    while True:
        name = f".{path.name}.{secrets.token_hex(8)}.part"
        try:
            file = open(path.with_name(name), "xb")
        except OSError as error:
            raise type(error)(error.errno, error.strerror, str(path)) from None
        if os.name == "nt" or _is_ours(file):
            return file
        file.close()


def _is_ours(file: BinaryIO) -> bool:
    """Lock a new file; return False if another process was faster and removes it."""
    try:
        lock(file)
    except BlockingIOError:
        return False
    except OSError:  # nobody can lock files of this file system
        return True
    return os.path.exists(file.name)


def locked(path: Path) -> BinaryIO | None:
    """Return an open file that no other process can lock until it is closed.

    None stands for a file that cannot be locked, such as another user's, or one on some network
    drives.

    Raises:
        BlockingIOError: If another process has locked it.
    """
    while True:
        try:
            file = open(path, "ab")
        except OSError:
            return None
        try:
            lock(file)
        except BlockingIOError:
            file.close()
            raise
        except OSError:
            file.close()
            return None
        # The process that had locked the file may have removed it in the meantime.
        with suppress(OSError):
            if os.name == "nt" or os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()


def unlock(file: BinaryIO) -> None:
    """Remove and close a file that `locked` returned."""
    if os.name == "nt":  # Windows removes no open file
        file.close()
    with closing(file), suppress(OSError):
        os.unlink(file.name)


def lock(file: BinaryIO) -> None:
    """Lock an open file until it is closed.

    Raises:
        BlockingIOError: If it is locked.
        OSError: If it cannot be locked.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except PermissionError:
            raise BlockingIOError from None
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def parse_json(text: str, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return what a text in JSON holds.

    Args:
        text: The text.
        object_hook: A function that returns what to put in the place of an object.

    Raises:
        ValueError: If the text is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, object_hook=object_hook)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def number_of(value: Any) -> float:
    """Return a number from a JSON file; the texts nan, inf and -inf stand for numbers, too.

    Raises:
        ValueError: If `value` is anything else, or an integer that is too large.
    """
    if isinstance(value, bool) or not (
        isinstance(value, int | float) or value in ("nan", "inf", "-inf")
    ):
        raise ValueError(f"expected a number, got a value of type {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("expected a number, got one too large") from None
