"""What a prompt and a notebook show of a history, and of the trainer that writes it."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal.figures import images
from dlbasics._internal.reprs import brief, html_table, text_table

if TYPE_CHECKING:
    from dlbasics.history import History
    from dlbasics.trainer import Trainer

HEADER = ("", "number", "first", "last", "lowest", "highest")


def history_text(history: "History") -> str:
    """Return a few lines about the history: a row for each curve that is not empty."""
    rows = [*_rows(history)]
    return "\n".join([_title(history), *([text_table([HEADER, *rows])] if rows else [])])


def history_html(history: "History") -> str:
    """Return the same as a table, and the figures of `plot` below it."""
    title = f"<p>{escape(_title(history))}</p>"
    if not (rows := [*_rows(history)]):
        return title
    return title + html_table(HEADER, rows) + images(history.plot())


def trainer_text(trainer: "Trainer") -> str:
    """Return how far the training is, on one line."""
    history = trainer.history
    curves = {"loss": history.train_loss, "test accuracy": history.test_acc}
    last = [f", {name} {curve[-1]:.4f}" for name, curve in curves.items() if len(curve)]
    stopped = f", stopped: {history.stopped}" if history.stopped else ""
    return (
        f"Trainer({type(trainer.network).__name__}, optimizer={brief(trainer.optimizer)}): "
        f"epoch {trainer.current_epoch} of {trainer.epochs}{''.join(last)}{stopped}"
    )


def _title(history: "History") -> str:
    parts = [f"{len(history.seconds):,} epochs", f"{len(history.train_loss):,} iterations"]
    if history.seconds:
        parts.append(f"{history.seconds[-1]:.1f} seconds")
    if history.best_epoch:
        parts.append(f"best epoch {history.best_epoch}")
    if history.stopped:
        parts.append(f"stopped: {history.stopped}")
    return f"History: {', '.join(parts)}"


def _rows(history: "History") -> Iterator[tuple[str, ...]]:
    for name, curve in _curves(vars(history)):
        known = [value for value in curve if value == value] or [np.nan]  # without NaN
        values = curve[0], curve[-1], min(known), max(known)
        yield name, f"{len(curve):,}", *(f"{value:.4g}" for value in values)


def _curves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield name and numbers of each curve that is not empty, also of those in a mapping."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _curves({f"{name}[{key!r}]": curve for key, curve in value.items()})
        elif name != "seconds" and isinstance(value, list | tuple | np.ndarray) and len(value):
            yield name, value
