"""The files of one run: the result as JSON and .npz, and the figures as PNG."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from dlbasics.experiment.results import save_result

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
        self.is_stored = False
        self.is_rescued = False
        self._lock: BinaryIO | None = None

    @property
    def json(self) -> Path:
        """The path of the JSON file."""
        return self.folder / f"{self.name}.json"

    def figure_path(self, name: str) -> Path:
        """Return the path of the figure of that name."""
        return self.folder / f"{self.name}_{name}.png"

    def reserve(self, folder: Path) -> None:
        """Make the folder, and keep other runs of this script out of it until `release`.

        Raises:
            OSError: If the folder takes no files.
            ValueError: If another run of this script uses it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        file = open(folder / f".{self.name}.lock", "ab")
        if not _lock(file):
            file.close()
            raise ValueError(f"another run of {self.name} writes to {folder}")
        self._lock = file
        file.write(bytes(PROBE))
        file.flush()
        file.truncate(0)

    def release(self) -> None:
        """Let other runs use the folder."""
        if self._lock is not None:
            with suppress(OSError):  # a full disk does not take the bytes of the probe
                self._lock.close()
            with suppress(OSError):
                os.unlink(self._lock.name)
            self._lock = None

    def store(self, result: Any, about: dict[str, Any]) -> None:
        """Write the result, and remove the figures of the run before."""
        if not self.is_stored:
            self._remove_old_figures()
        self._try(lambda: save_result(result, about, self.json))
        self.is_stored = True

    def save_figure(self, figure: Any, name: str, mark: str) -> None:
        """Write a figure with the text `mark` below it, and print where it is."""
        from dlbasics import plotting

        if mark:
            plotting.mark(figure, mark)
        self._try(lambda: plotting.save(figure, self.figure_path(name)))
        print(f"figure: {self.figure_path(name)}")

    def _try(self, write: Callable[[], None]) -> None:
        """Call `write`; if the folder takes no files, call it again with another folder."""
        try:
            write()
        except OSError as error:
            if self.is_rescued:
                raise
            self.is_rescued = True
            self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
            print(f"{error}: the files go to {self.folder}", file=sys.stderr)
            write()

    def _remove_old_figures(self) -> None:
        with suppress(OSError, AttributeError, TypeError, ValueError):  # a strange file
            for file in json.loads(self.json.read_text(encoding="utf-8")).get("figures", []):
                if file == os.path.basename(file) and file.startswith(f"{self.name}_"):
                    (self.folder / file).unlink(missing_ok=True)


def _lock(file: BinaryIO) -> bool:
    """Lock the file until it is closed; return False if another process has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network drives have no locks
        return True
    return True
