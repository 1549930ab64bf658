"""What a training leaves behind: its curves, the time it took, and why it ended."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from dlbasics._internal.files import atomic_write
from dlbasics.storage import PathLike

__all__ = ["History"]


@dataclass
class History:
    """The curves of a training.

    train_loss, lr: by iteration, the loss of the batch and the learning rate.
    train_acc, test_acc, seconds: by epoch, at its end; seconds since the training began.
    stopped: why the training ended before its last epoch, else "".
    """

    train_loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    test_acc: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, after which test accuracy was highest first; 0 before any."""
        return self.test_acc.index(max(self.test_acc)) + 1 if self.test_acc else 0

    def plot(self) -> dict[str, Any]:
        """Figures by name: "accuracy" against epochs, "loss" (smoothed) against iterations."""
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
        """Write the history to exactly `path`, as JSON: completely, or not at all."""
        with atomic_write(path) as file:
            file.write(self.to_json().encode("utf-8"))

    @classmethod
    def load(cls, path: PathLike) -> "History":
        """What `save` wrote to `path`.  Raises FileNotFoundError, or ValueError for other files."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} holds no history: {error}") from None

    def to_json(self) -> str:
        """The fields as a JSON object; numbers that are not finite become "nan" or "inf"."""
        curves = {name: _plain(value) for name, value in asdict(self).items()}
        return json.dumps(curves, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """The history that `to_json` made this text of.  Raises ValueError for any other text."""
        found = json.loads(text)
        names = [item.name for item in fields(cls)]
        if not isinstance(found, Mapping) or [*found] != names:
            raise ValueError(f"text must be a JSON object with the entries {names}")
        *names, _ = names
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
