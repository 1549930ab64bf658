"""Checkpoints: .npz files from which a training goes on where it was, and a folder of them."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.storage import PathLike, save_arrays

Groups = dict[str, dict[str, Array]]


def flat(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Array]:
    """The entries of all groups as arrays, as 'optimizer/lr'."""
    return {
        f"{group}/{key}": np.asarray(value)
        for group, entries in groups.items()
        for key, value in entries.items()
    }


def grouped(arrays: Mapping[str, Array]) -> Groups:
    """The groups that `flat` was given; one that was empty is missing."""
    groups: Groups = {}
    for name, array in arrays.items():
        group, _, key = name.partition("/")
        groups.setdefault(group, {})[key] = array
    return groups


def states_of(generators: Sequence[np.random.Generator]) -> list[str]:
    """The state of each generator, as JSON."""
    return [json.dumps(g.bit_generator.state, default=np.ndarray.tolist) for g in generators]


def as_states(states: Array, generators: Sequence[np.random.Generator]) -> list[dict[str, Any]]:
    """What `states_of` wrote, as the states themselves; ValueError if the generators differ."""
    found = [json.loads(str(state)) for state in states]
    kinds = [state["bit_generator"] for state in found]
    own = [generator.bit_generator.state["bit_generator"] for generator in generators]
    if kinds != own:
        raise ValueError(f"random generators must be {own}, got {kinds}")
    return found


class CheckpointFolder:
    """The last `keep` checkpoints, by iteration, and the best one, each whole or not there.

    The folder is made when it is missing.
    """

    def __init__(self, folder: PathLike, keep: int) -> None:
        self.folder, self.keep = Path(folder), keep
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def best(self) -> Path:
        """Where the best one is."""
        return self.folder / "best.npz"

    def is_empty(self) -> bool:
        """Whether no checkpoint is in there."""
        return not self.best.exists() and not self._numbered()

    def newest(self) -> Path | None:
        """The checkpoint that has come farthest; None in an empty folder."""
        return max(self._numbered(), key=_iteration, default=None)

    def save(self, arrays: Mapping[str, Array], iteration: int, *, is_best: bool) -> Path:
        """Write a checkpoint, then remove older ones but `keep`, and any of a later iteration.

        Later ones are of a training that was taken back.
        """
        if is_best:
            save_arrays(self.best, arrays)
        path = self.folder / f"checkpoint-{iteration:08d}.npz"
        save_arrays(path, arrays)
        written = sorted(self._numbered(), key=_iteration)
        here = written.index(path) + 1
        for other in [*written[: max(0, here - self.keep)], *written[here:]]:
            other.unlink()
        return path

    def remove_parts(self) -> None:
        """Remove what a process that was killed in the middle of writing has left."""
        for part in self.folder.glob(".*.npz.*.part"):
            part.unlink()

    def _numbered(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if _iteration(path) >= 0]


def _iteration(path: Path) -> int:
    found = re.fullmatch(r"checkpoint-(\d+)\.npz", path.name)
    return int(found[1]) if found else -1
