"""A training that goes on from its checkpoints; test_checkpoint_folder.py runs and kills it.

usage: python -m tests.internal.killed_training EPOCHS FINAL.npz FOLDER [KILLED_AT]

It prints "training" when it begins, and kills itself before the file operation of that number.
"""

import builtins
import os
import signal
import sys
from pathlib import Path

import numpy as np

from dlbasics import Adam, Affine, BatchNorm, Dropout, Network, Relu, softmax
from dlbasics._internal.checkpoints import flat
from dlbasics._internal.network_state import arrays_of
from dlbasics.schedules import CosineDecay, Warmup
from dlbasics.storage import save_arrays
from tests.helpers import small_trainer


def noisy(x, rng):
    return x + 0.1 * rng.standard_normal(x.shape, dtype=np.float32)


def mean_error(y, t):
    return np.abs(softmax(y) - np.eye(3)[t]).mean()


def trainer(epochs, folder=None, **changes):
    """Everything that has a state: statistics, two generators, an order, moments, a schedule."""
    first, last = Affine.create(6, 16, rng=1), Affine.create(16, 3, rng=3)
    arguments = {
        "train_size": 130,
        "epochs": epochs,
        "optimizer": Adam(0.02),
        "sampling": "epoch",
        "augment": noisy,
        "schedule": Warmup(2, CosineDecay()),
        "max_norm": 1.0,
        "patience": 30,
        "metrics": {"mean error": mean_error},
        "checkpoints": folder,
        "checkpoint_every": folder and 2,
    }
    network = Network([first, BatchNorm.create(16), Relu(), Dropout(0.2, rng=2), last], rng=4)
    return small_trainer(network, **{**arguments, **changes})


def final_arrays(finished):
    history = {key: np.asarray(v) for key, v in flat(finished.history).items() if key != "seconds"}
    moments = {key: np.asarray(v) for key, v in finished.optimizer.state_dict().items()}
    return {**history, **moments, **arrays_of(finished.network)}


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        assert found[key].dtype == array.dtype, key
        np.testing.assert_array_equal(found[key], array, err_msg=key)


def before_each_file_operation(do, patch=setattr):
    """Call `do` before a file is opened for writing, written, moved or removed."""

    def wrapped(operation):
        def wrapper(*args, **options):
            if operation is not builtins_open or (len(args) > 1 and args[1][0] in "wxa"):
                do()
            return operation(*args, **options)

        return wrapper

    builtins_open = builtins.open
    patch(builtins, "open", wrapped(builtins_open))
    for name in ("fsync", "replace", "unlink"):
        patch(os, name, wrapped(getattr(os, name)))
    if sys.version_info < (3, 11):  # there, Path.unlink has kept os.unlink from before
        patch(Path, "unlink", wrapped(Path.unlink))


def kill_at(number):
    """Kill this process at the file operation of that number."""
    left = iter(range(number))

    def kill():
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    before_each_file_operation(kill)


if __name__ == "__main__":
    if len(sys.argv) > 4:
        kill_at(int(sys.argv[4]))
    running = trainer(int(sys.argv[1]), sys.argv[3])
    running.resume()
    print("training", flush=True)
    running.train()
    save_arrays(sys.argv[2], final_arrays(running))
