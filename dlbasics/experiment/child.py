"""Runs one experiment for `dlbasics.reproduce`, and ends as soon as that process does."""

import os
import sys
import threading

from dlbasics.experiment.catalog import find


def end_with_parent() -> None:
    """Wait until the pipe from the other process is closed, however that process ended."""
    os.read(sys.stdin.fileno(), 1)  # a read of sys.stdin itself would block the end of the program
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    name, out, data, seed, *flags = sys.argv[1:]
    (entry,) = find(name)
    experiment = entry.load()
    flags += ["--out", out]
    flags += ["--data", data] * experiment.takes_data
    flags += ["--seed", seed] * experiment.draws
    experiment.main(flags)
