"""The curves of a training, with its duration and the reason for its end."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from dlbasics._internal.files import write_text
from dlbasics.storage import PathLike

__all__ = ["History"]


@dataclass
class History:
    """The curves of a training.

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
        """Return two figures: "accuracy" over the epochs and "loss", smoothed, over iterations."""
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
        return {"accuracy": accuracy, "loss": loss}

    def save(self, path: PathLike) -> None:
        """Write the history to a JSON file, completely or not at all."""
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: PathLike) -> "History":
        """Read the history that `save` wrote to `path`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not one that `save` wrote.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} holds no history: {error}") from None

    def to_json(self) -> str:
        """Return the history as JSON; numbers that are not finite become "nan", "inf", "-inf"."""
        curves = {name: _plain(value) for name, value in asdict(self).items()}
        return json.dumps(curves, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Return the history that `to_json` turned into this text.

        Raises:
            ValueError: If the text is not one that `to_json` returned.
        """
        found = json.loads(text)
        names = [item.name for item in fields(cls)]
        if not isinstance(found, Mapping) or [*found] != names:
            raise ValueError(f"text must be a JSON object with the entries {names}")
        *names, _ = names  # all but `stopped`
        if not all(isinstance(found[name], list) for name in names):
            raise ValueError(f"text must have lists of numbers under {names}")
        try:
            curves = {name: [float(item) for item in found[name]] for name in names}
        except TypeError as error:
            raise ValueError(f"text must have lists of numbers: {error}") from None
        return cls(**curves, stopped=str(found["stopped"]))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return [item if math.isfinite(item) else str(item) for item in value]
