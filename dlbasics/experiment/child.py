"""Runs one experiment for `dlbasics.reproduce`, and ends as soon as that process does."""

import os
import sys
import threading

from dlbasics.experiment.catalog import find


def end_with_parent(pipe: int) -> None:
    """Wait until the pipe from the other process is closed, however that process ended."""
    os.read(pipe, 1)
    os._exit(1)


def take_stdin() -> int:
    """Put an empty file in the place of the standard input, and return what it was.

    On Windows, NumPy looks at the standard input, and would wait for the thread that reads it.
    """
    pipe = os.dup(0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    return pipe


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, args=(take_stdin(),), daemon=True).start()
    name, out, data, seed, *flags = sys.argv[1:]
    (entry,) = find(name)
    experiment = entry.load()
    flags += ["--out", out]
    flags += ["--data", data] * experiment.takes_data
    flags += ["--seed", seed] * experiment.draws
    experiment.main(flags)
