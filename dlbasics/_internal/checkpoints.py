"""Checkpoints: .npz files that hold everything that a Trainer needs to continue a training."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal.checks import Array, as_count
from dlbasics._internal.network_state import arrays_of, check_fit, generators_of, put_back
from dlbasics.history import History
from dlbasics.storage import PathLike, load_arrays, save_arrays, without_addresses

if TYPE_CHECKING:
    from dlbasics.trainer import Trainer


def checkpoint_of(trainer: "Trainer") -> dict[str, Array]:
    """Return all that training changes, as arrays under names like 'optimizer/lr'."""
    own = {
        "settings": json.dumps(_settings(trainer)),
        "generators": states_of(_generators(trainer)),
        "iteration": trainer.current_iter,
        "lr": trainer._initial_lr,
        "seconds": trainer._seconds(),
    }
    if trainer._order is not None:
        own["order"] = trainer._order
    groups: dict[str, Mapping[str, Any]] = {
        "trainer": own,
        "network": arrays_of(trainer.network),
        "best": trainer._best,
        "optimizer": trainer.optimizer.state_dict(),
        "history": vars(trainer.history),
    }
    entries = ((f"{name}/{key}", group[key]) for name, group in groups.items() for key in group)
    return {name: np.asarray(value) for name, value in entries}


def load_checkpoint(trainer: "Trainer", path: PathLike) -> None:
    """Bring `trainer` to the state that the checkpoint at `path` holds.

    If that fails, `trainer` stays as it was.

    Raises:
        FileNotFoundError: If there is no file at `path`.
        ValueError: If the file is not a checkpoint of this training.
    """
    groups: dict[str, dict[str, Array]] = {"best": {}}
    for name, array in load_arrays(path).items():
        group, _, key = name.partition("/")
        groups.setdefault(group, {})[key] = array
    try:
        _load(trainer, groups)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no checkpoint of this training: {error}") from None
    if trainer.folder is not None:
        trainer.folder.resume_from(path)


def _load(trainer: "Trainer", groups: Mapping[str, dict[str, Array]]) -> None:
    stored, network, best = groups["trainer"], groups["network"], groups["best"]
    settings = json.loads(str(stored["settings"]))
    for key, own in _settings(trainer).items():
        if settings.get(key, own) != own:  # an older file may lack it
            raise ValueError(f"{key} must be {own}, got {settings[key]}")
    history = History(**{key: array.tolist() for key, array in groups["history"].items()})
    for weights in [network, best] if best else [network]:
        check_fit(trainer.network, weights)
    generators = _generators(trainer)
    states = [json.loads(str(state)) for state in stored["generators"]]
    kinds = [state["bit_generator"] for state in states]
    own_kinds = [generator.bit_generator.state["bit_generator"] for generator in generators]
    if kinds != own_kinds:
        raise ValueError(f"random generators must be {own_kinds}, got {kinds}")
    trainer.optimizer.load_state_dict(groups["optimizer"])  # raises, or changes all
    put_back(trainer.network, network)
    for generator, state in zip(generators, states, strict=True):
        generator.bit_generator.state = state
    trainer.history, trainer._best, trainer._order = history, best, stored.get("order")
    trainer.current_iter, trainer._initial_lr = int(stored["iteration"]), float(stored["lr"])
    trainer._seconds_before, trainer._started = float(stored["seconds"]), None


def _settings(trainer: "Trainer") -> dict[str, Any]:
    """Return the settings that a checkpoint and the trainer that loads it must have in common."""
    return {
        "train_size": trainer.train_size,
        "mini_batch_size": trainer.batch_size,
        "sampling": trainer.sampling,
        "schedule": without_addresses(repr(trainer.schedule)),
        "max_norm": trainer.max_norm,
        "patience": trainer.patience,
        "sharded": getattr(trainer.network, "sharded", False),
    }


def _generators(trainer: "Trainer") -> list[np.random.Generator]:
    return [*dict.fromkeys([trainer.rng, *generators_of(trainer.network)])]


def states_of(generators: Sequence[np.random.Generator]) -> list[str]:
    """Return the state of each generator, as JSON."""
    return [json.dumps(g.bit_generator.state, default=np.ndarray.tolist) for g in generators]


class CheckpointFolder:
    """A folder with the last `keep` checkpoints of one training, and the best one.

    A file appears only when it is complete.  The constructor makes a missing folder.
    """

    def __init__(self, folder: PathLike, keep: int) -> None:
        self.folder, self.keep = Path(folder), as_count(keep, "keep")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._is_own = False

    @property
    def best(self) -> Path:
        """The path of the best checkpoint."""
        return self.folder / "best.npz"

    def newest(self) -> Path | None:
        """Return the checkpoint with the most iterations; None if there is none."""
        return next(reversed(self._numbered()), None)

    def resume_from(self, path: PathLike) -> None:
        """Remember whether `path`, from which the training goes on, lies in this folder."""
        self._is_own = Path(path).resolve().parent == self.folder.resolve()

    def claim(self) -> None:
        """Raise ValueError if the folder holds checkpoints of another training."""
        if not self._is_own and (self.best.exists() or self._numbered()):
            raise ValueError(
                f"checkpoints must be a folder without any checkpoints, got {self.folder}: "
                "call resume() to continue the training that saved them"
            )
        self._is_own = True

    def save(self, arrays: Mapping[str, Array], iteration: int, *, is_best: bool) -> Path:
        """Write a checkpoint; remove all but the last `keep`, and those of later iterations.

        There are later ones if the training was resumed from an earlier checkpoint.
        """
        if is_best:
            save_arrays(self.best, arrays)
        path = self.folder / f"checkpoint-{iteration:08d}.npz"
        save_arrays(path, arrays)
        written = self._numbered()
        here = written.index(path) + 1
        for other in [*written[: max(0, here - self.keep)], *written[here:]]:
            other.unlink()
        return path

    def remove_parts(self) -> None:
        """Remove the unfinished files of a process that was killed while it wrote them."""
        for part in self.folder.glob(".*.npz.*.part"):
            part.unlink()

    def _numbered(self) -> list[Path]:
        """Return all checkpoints but the best, in the order of their iterations."""
        found = [(re.fullmatch(r"checkpoint-(\d+)\.npz", p.name), p) for p in self.folder.iterdir()]
        return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]
