"""The folder of a training's checkpoints, to which only one training writes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dlbasics._internal.checks import Array
from dlbasics._internal.files import locked, unlock
from dlbasics.storage import PathLike, save_arrays


class CheckpointFolder:
    """A folder with the last `keep` checkpoints of one training, and the best one.

    A file appears only when it is complete.  The constructor makes a missing folder.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep
        self.folder.mkdir(parents=True, exist_ok=True)
        self._known: set[Path] = set()  # the checkpoints that this training has seen or saved
        self._is_held = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_is_held": False}  # a copy of this training is another one

    @property
    def best(self) -> Path:
        """The path of the best checkpoint."""
        return self.folder / "best.npz"

    def newest(self) -> Path | None:
        """Return the checkpoint with the most iterations; None if there is none."""
        return next(iter(self.newest_first()), None)

    def newest_first(self) -> list[Path]:
        """Return all checkpoints, those of later iterations first, and the best one at the end.

        A training that was killed in its first epoch may have left the best one alone.
        """
        best = [self.best] if self.best.exists() else []
        return [*reversed(self._numbered()), *best]

    def resume_from(self, path: PathLike, seen: Sequence[Path]) -> None:
        """Take note that the training goes on from `path`.

        Args:
            path: The checkpoint.
            seen: What `newest_first` returned before the checkpoint was read.
        """
        is_here = Path(path).resolve().parent == self.folder.resolve()
        self._known = set(seen) if is_here else set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block, no other training writes to the folder.

        Raises:
            BlockingIOError: If another training writes to it now.
        """
        if self._is_held:
            yield
            return
        try:
            lock = locked(self.folder / ".lock")
        except BlockingIOError:
            raise BlockingIOError(
                f"another training writes its checkpoints to {self.folder} now: wait for its end, "
                "or choose another folder"
            ) from None
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            if lock is not None:
                unlock(lock)

    def claim(self) -> None:
        """Remove what a process that was killed has left of unfinished files.

        Raises:
            BlockingIOError: If another training writes to the folder now.
            ValueError: If it holds checkpoints of another training.
        """
        with self.held():
            self._check_known()
            for part in self.folder.glob(".*.npz.*.part"):
                with suppress(OSError):
                    part.unlink()

    def save(self, arrays: Mapping[str, Array], iteration: int, *, is_best: bool) -> Path:
        """Write a checkpoint; remove all but the last `keep`, and those of later iterations.

        There are later ones if the training was resumed from an earlier checkpoint.

        Raises:
            BlockingIOError, ValueError: As `claim` does.
        """
        with self.held():
            self._check_known()
            path = self.folder / f"checkpoint-{iteration:08d}.npz"
            for file in [self.best, path] if is_best else [path]:
                self._known.add(file)
                save_arrays(file, arrays)
            written = self._numbered()
            here = written.index(path) + 1
            for other in [*written[: max(0, here - self.keep)], *written[here:]]:
                with suppress(PermissionError):  # on Windows, somebody may be reading it
                    other.unlink()
        return path

    def _check_known(self) -> None:
        if set(self.newest_first()) - self._known:
            raise ValueError(
                "checkpoints must be a folder without any checkpoints of another training, got "
                f"{self.folder}: call resume() to continue the training that saved them"
            )

    def _numbered(self) -> list[Path]:
        """Return all checkpoints but the best, in the order of their iterations."""
        found = [(re.fullmatch(r"checkpoint-(\d+)\.npz", p.name), p) for p in self.folder.iterdir()]
        return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]
