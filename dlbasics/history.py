"""The curves of a training, with its duration and the reason for its end."""

import json
import math
import numbers
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from dlbasics._internal.figures import Figures
from dlbasics._internal.files import as_path, number_of, parse_json, write_text
from dlbasics._internal.history_table import history_html, history_text
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
        epoch_loss: The loss on training samples after each epoch, in test mode.
        test_loss: The loss on test samples after each epoch.
        train_metrics: The metrics of training samples after each epoch, by name.
        test_metrics: The metrics of test samples after each epoch, by name.
        monitor: What `best_epoch` looks at: 'accuracy' or 'loss'.

    A regression has no accuracies.  Losses and metrics are NaN in epochs from a checkpoint that
    does not hold them.
    """

    train_loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    test_acc: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""
    epoch_loss: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    train_metrics: dict[str, list[float]] = field(default_factory=dict)
    test_metrics: dict[str, list[float]] = field(default_factory=dict)
    monitor: str = "accuracy"

    @property
    def by_loss(self) -> bool:
        """Whether `best_epoch` looks at the loss, as it does if there is no accuracy."""
        return bool(self.test_loss) and (self.monitor == "loss" or not self.test_acc)

    @property
    def best_epoch(self) -> int:
        """The first epoch, counted from 1, with the highest test accuracy; 0 if there is none.

        If `by_loss`, it is the first epoch with the lowest test loss.
        """
        if self.by_loss:
            losses = [math.inf if math.isnan(loss) else loss for loss in self.test_loss]
            return losses.index(min(losses)) + 1
        return self.test_acc.index(max(self.test_acc)) + 1 if self.test_acc else 0

    def plot(self) -> dict[str, Any]:
        """Return figures by name.

        "loss" shows the loss of the batches, smoothed, over iterations.  "accuracy", "epoch_loss"
        and the names of the metrics show training and test samples over epochs; after a single
        epoch, as two bars.

        A notebook shows them as pictures.
        """
        from dlbasics import plotting
        from dlbasics.data import smooth_curve

        pairs = {}
        if self.test_acc or not self.test_loss:
            pairs["accuracy"] = self.train_acc, self.test_acc
        if self.test_loss:
            pairs["epoch_loss"] = self.epoch_loss, self.test_loss
        for name in self.test_metrics:
            pairs[name] = self.train_metrics[name], self.test_metrics[name]
        figures = {}
        for name, (training, test) in pairs.items():
            label = name.replace("epoch_loss", "loss")
            if len(test) == 1:
                numbers = {"training": training[0], "test": test[0]}
                figures[name] = plotting.bars(numbers, xlabel=f"{label} after one epoch")
            else:
                figures[name] = plotting.curves(
                    {"training": training, "test": test},
                    x=range(1, len(test) + 1),
                    xlabel="epoch",
                    ylabel=label,
                    markers=True,
                    accuracy=name == "accuracy",
                )
        figures["loss"] = plotting.curves(
            {"loss": smooth_curve(self.train_loss)},
            xlabel="iteration",
            ylabel="loss of the batch, smoothed",
        )
        return Figures(figures)

    def __repr__(self) -> str:
        return history_text(self)

    def _repr_html_(self) -> str:
        return history_html(self)

    def save(self, path: PathLike) -> None:
        """Write the history to a JSON file, completely or not at all.

        Raises:
            TypeError: If a curve is no list of numbers, or `stopped` or `monitor` no text.
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
            TypeError: If a curve is no list of numbers, or `stopped` or `monitor` no text.
        """
        entries = {}
        for name in ENTRIES:
            value = getattr(self, name)
            if name in TEXTS and not isinstance(value, str):
                raise TypeError(f"{name} must be a text, got {value!r}")
            if name in DICTS:
                if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
                    raise TypeError(f"{name} must be a dict of curves by name, got {value!r}")
                value = {key: _plain(curve, f"{name}[{key!r}]") for key, curve in value.items()}
            elif name not in TEXTS:
                value = _plain(value, name)
            entries[name] = value
        return json.dumps(entries, allow_nan=False)

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
        if not isinstance(found, dict) or [*found] not in (ENTRIES, FIRST):
            raise ValueError(f"text must be a JSON object with the entries {ENTRIES}")
        for name, value in found.items():
            if name in TEXTS and not isinstance(value, str):
                raise ValueError(f"text must have a text under {name}")
            if name in DICTS:
                if not isinstance(value, dict):
                    raise ValueError(f"text must have an object under {name}")
                found[name] = {key: _numbers(curve, name) for key, curve in value.items()}
            elif name not in TEXTS:
                found[name] = _numbers(value, name)
        return cls(**found)


ENTRIES = [item.name for item in fields(History)]
FIRST = ENTRIES[: ENTRIES.index("stopped") + 1]
"""The names of all entries, and of those that the first version had."""

TEXTS, DICTS = ("stopped", "monitor"), ("train_metrics", "test_metrics")
"""The entries that are no curves."""


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
