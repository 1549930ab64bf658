"""The curves of a training, with its duration and the reason for its end."""

import json
import math
import numbers
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from dlbasics._internal.files import as_path, number_of, parse_json, write_text
from dlbasics._internal.history_table import history_html, history_text
from dlbasics._internal.pictures import Figures
from dlbasics.storage import PathLike

__all__ = ["History"]


@dataclass
class History:
    """The curves of a training.

    A prompt shows a few lines about them, a notebook also the figures of `plot`.

    Attributes:
        train_loss: The loss of each iteration's batch.
        lr: The learning rate in each iteration.
        train_acc: The accuracy on training samples after each epoch.
        test_acc: The accuracy on test samples after each epoch.
        seconds: The time from the beginning of the training to the end of each epoch.
        stopped: The reason why the training ended before its last epoch, else "".
    """

    train_loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    test_acc: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""

    @property
    def best_epoch(self) -> int:
        """The first epoch, counted from 1, with the highest test accuracy; 0 if there is none."""
        return self.test_acc.index(max(self.test_acc)) + 1 if self.test_acc else 0

    def plot(self) -> dict[str, Any]:
        """Return two figures: "accuracy" over the epochs and "loss", smoothed, over iterations.

        A notebook shows them as pictures.
        """
        from dlbasics import plotting
        from dlbasics.data import smooth_curve

        accuracy = plotting.curves(
            {"training": self.train_acc, "test": self.test_acc},
            x=range(1, len(self.test_acc) + 1),
            xlabel="epoch",
            ylabel="accuracy",
            ylim=(0, 1.03),
            markers=True,
        )
        loss = plotting.curves(
            {"loss": smooth_curve(self.train_loss)},
            xlabel="iteration",
            ylabel="loss of the batch, smoothed",
        )
        return Figures({"accuracy": accuracy, "loss": loss})

    def __repr__(self) -> str:
        return history_text(self)

    def _repr_html_(self) -> str:
        return history_html(self)

    def save(self, path: PathLike) -> None:
        """Write the history to a JSON file, completely or not at all.

        Raises:
            TypeError: If a curve is no list of numbers, or `stopped` no text.
            ValueError: If `path` cannot be the path of a file.
            OSError: If the file cannot be written.
        """
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: PathLike) -> "History":
        """Read the history that `save` wrote to `path`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not one that `save` wrote.
        """
        path = as_path(path)
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} holds no history: {error}") from None

    def to_json(self) -> str:
        """Return the history as JSON; numbers that are not finite become "nan", "inf", "-inf".

        Raises:
            TypeError: If a curve is no list of numbers, or `stopped` no text.
        """
        if not isinstance(self.stopped, str):
            raise TypeError(f"stopped must be a text, got {self.stopped!r}")
        curves = {name: _plain(getattr(self, name), name) for name in CURVES}
        return json.dumps(curves | {"stopped": self.stopped}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Return the history that `to_json` turned into this text.

        Raises:
            TypeError: If `text` is no text.
            ValueError: If the text is not one that `to_json` returned.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be a text in JSON, got {type(text).__name__}")
        try:
            found = parse_json(text)
        except ValueError as error:
            raise ValueError(f"text must be JSON: {error}") from None
        if not isinstance(found, dict) or [*found] != [*CURVES, "stopped"]:
            raise ValueError(f"text must be a JSON object with the entries {[*CURVES, 'stopped']}")
        stopped = found.pop("stopped")
        if not isinstance(stopped, str):
            raise ValueError("text must have a text under stopped")
        return cls(**{name: _numbers(found[name], name) for name in CURVES}, stopped=stopped)


CURVES = [item.name for item in fields(History) if item.name != "stopped"]
"""The names of the curves."""


def _plain(curve: Any, name: str) -> list[float | str]:
    """Return the numbers of a curve as JSON can hold them."""
    if not isinstance(curve, list | tuple | np.ndarray):
        raise TypeError(f"{name} must be a list of numbers, got {type(curve).__name__}")
    for item in curve:
        if not isinstance(item, numbers.Real):
            raise TypeError(f"{name} must be a list of numbers, got one that holds {item!r}")
    return [float(item) if math.isfinite(item) else str(float(item)) for item in curve]


def _numbers(curve: Any, name: str) -> list[float]:
    """Undo `_plain`."""
    if not isinstance(curve, list):
        raise ValueError(f"text must have lists of numbers, got none under {name}")
    try:
        return [number_of(item) for item in curve]
    except ValueError as error:
        raise ValueError(f"text must have lists of numbers: {error} under {name}") from None
