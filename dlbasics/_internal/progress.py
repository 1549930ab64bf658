"""The progress bar of a training, and the line that a training prints after each epoch."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlbasics.trainer import Trainer


@contextmanager
def progress_bar(trainer: "Trainer") -> Iterator[Callable[[], None]]:
    """Show a progress bar within the block, if the trainer is verbose and there is a terminal.

    Yields a function that updates the bar.
    """
    if not trainer.verbose or not (sys.stderr and sys.stderr.isatty()):
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(total=trainer.max_iter, initial=trainer.current_iter, leave=False) as bar:

        def show() -> None:
            if bar.update(trainer.current_iter - bar.n):  # tqdm draws ten times a second
                history = trainer.history
                has_accuracy = bool(history.test_acc) or not history.test_loss
                tested = (
                    {"accuracy": history.test_acc}
                    if has_accuracy
                    else {"test loss": history.test_loss}
                )
                curves = {"loss": history.train_loss, **tested}
                bar.set_postfix({name: f"{y[-1]:.3f}" for name, y in curves.items() if y})

        yield show


def report_epoch(trainer: "Trainer") -> None:
    """Print the mean loss of the epoch, and what the test samples reach, above the progress bar."""
    if sys.stdout is None:  # a program without a console on Windows
        return
    from tqdm import tqdm

    history = trainer.history
    values = {
        "mean loss": np.mean(history.train_loss[-trainer.iter_per_epoch :]),
        "test loss": history.test_loss[-1],
    }
    if history.test_acc:
        values["training accuracy"] = history.train_acc[-1]
        values["test accuracy"] = history.test_acc[-1]
    values |= {f"test {name}": curve[-1] for name, curve in history.test_metrics.items()}
    text = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
    tqdm.write(f"epoch {trainer.current_epoch}: {text}")
