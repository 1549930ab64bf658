"""Writes more files beside it: `python -m tests.old_files.write_before_floor FOLDER`.

The files in git were written at commit d6e14e4.  There, layers had no argument `floor`, and a
training kept no loss of the test samples.  Every later version must read them, so they are never
written anew.
"""

import sys
from pathlib import Path

from dlbasics import Trainer
from tests.old_files.write import batch, networks
from tests.old_files.write_before_joining import write


def windows_trainer(folder):
    """Checkpoints with the settings of all layers, and with the best weights so far."""
    network = networks()["simple_convnet"]
    x, t = batch(network, 30)
    return Trainer(
        network, x[:20], t[:20], x[20:], t[20:], epochs=4, mini_batch_size=6, optimizer="Adam",
        sampling="epoch", patience=30, checkpoints=folder, verbose=False, rng=5,
    )  # fmt: skip


TRAINERS = {"windows": windows_trainer}

if __name__ == "__main__":
    write(TRAINERS, Path(sys.argv[1]))
