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
                curves = {"loss": trainer.train_loss_list, "accuracy": trainer.test_acc_list}
                bar.set_postfix({name: f"{y[-1]:.3f}" for name, y in curves.items() if y})

        yield show


def report_epoch(trainer: "Trainer") -> None:
    """Print the mean loss of the epoch and the accuracies at its end, above the progress bar."""
    if sys.stdout is None:  # a program without a console on Windows
        return
    from tqdm import tqdm

    loss = np.mean(trainer.train_loss_list[-trainer.iter_per_epoch :])
    tqdm.write(
        f"epoch {trainer.current_epoch}: mean loss {loss:.4f}, "
        f"training accuracy {trainer.train_acc_list[-1]:.4f}, "
        f"test accuracy {trainer.test_acc_list[-1]:.4f}"
    )
