"""Functions that write a file completely or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def check_output_file(path: str | os.PathLike[str], name: str) -> None:
    """Raise ValueError unless `path` is a file in a folder that exists.

    Args:
        path: The path.
        name: The argument that the message names.
    """
    if Path(path).is_dir() or not Path(path).parent.is_dir():
        raise ValueError(f"{name} must be a file in a folder that exists, got {path}")


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that appears as `path` only when it is complete.

    The bytes go to a temporary file in the same folder, which takes the place of `path` at the end
    of the block.  If the block raises an error, `path` stays as it was.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8, completely or not at all."""
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


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
    removed_last = os.name == "nt"  # Windows removes no open file
    with suppress(OSError):
        if removed_last:
            file.close()
        os.unlink(file.name)
    file.close()


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
