"""A training that goes on from its checkpoints; test_checkpoints.py runs and kills it.

usage: python -m tests.internal.killed_training EPOCHS FINAL.npz FOLDER

It prints "training" when it begins.
"""

import sys

import numpy as np

from dlbasics import Adam, Affine, BatchNorm, Dropout, Network, Relu
from dlbasics._internal.network_state import arrays_of
from dlbasics.schedules import CosineDecay, Warmup
from dlbasics.storage import save_arrays
from tests.helpers import small_trainer


def noisy(x, rng):
    return x + 0.1 * rng.standard_normal(x.shape, dtype=np.float32)


def trainer(epochs, folder=None):
    """Everything that has a state: statistics, two generators, an order, moments, a schedule."""
    first, last = Affine.create(6, 16, rng=1), Affine.create(16, 3, rng=3)
    return small_trainer(
        Network([first, BatchNorm.create(16), Relu(), Dropout(0.2, rng=2), last]),
        train_size=130,
        epochs=epochs,
        optimizer=Adam(0.02),
        sampling="epoch",
        augment=noisy,
        schedule=Warmup(2, CosineDecay()),
        max_norm=1.0,
        patience=30,
        checkpoints=folder,
        checkpoint_every=folder and 2,
    )


def final_arrays(finished):
    history = {key: np.asarray(v) for key, v in vars(finished.history).items() if key != "seconds"}
    moments = {key: np.asarray(v) for key, v in finished.optimizer.state_dict().items()}
    return {**history, **moments, **arrays_of(finished.network)}


if __name__ == "__main__":
    running = trainer(int(sys.argv[1]), sys.argv[3])
    running.resume()
    print("training", flush=True)
    running.train()
    save_arrays(sys.argv[2], final_arrays(running))
