"""A training that goes on from its checkpoints; test_checkpoints.py runs and kills it.

usage: killed_training.py FOLDER FINAL.npz; prints "training" when it begins.
"""

import sys
from pathlib import Path

import numpy as np

from dlbasics import Adam, Affine, BatchNorm, Dropout, Network, Relu
from dlbasics._internal.network_state import arrays_of
from dlbasics.schedules import CosineDecay, Warmup
from dlbasics.storage import save_arrays
from dlbasics.trainer import Trainer


def noisy(x, rng):
    return x + 0.1 * rng.standard_normal(x.shape, dtype=np.float32)


def trainer(folder):
    """Everything that has a state: statistics, two generators, an order, moments, a schedule."""
    data = np.random.default_rng(0)
    x = data.standard_normal((230, 8), dtype=np.float32)
    t = (x[:, :4].argmax(axis=1) + (data.random(230) < 0.2)) % 4
    layers = [
        Affine.create(8, 16, rng=1),
        BatchNorm.create(16),
        Relu(),
        Dropout(0.2, rng=2),
        Affine.create(16, 4, rng=3),
    ]
    return Trainer(
        Network(layers),
        x[:130],
        t[:130],
        x[130:],
        t[130:],
        epochs=40,
        mini_batch_size=16,
        optimizer=Adam(0.02),
        sampling="epoch",
        augment=noisy,
        schedule=Warmup(2, CosineDecay()),
        max_norm=1.0,
        patience=30,
        checkpoints=folder,
        checkpoint_every=2,
        verbose=False,
        rng=4,
    )


def final_arrays(finished):
    history = {key: np.asarray(v) for key, v in vars(finished.history).items() if key != "seconds"}
    moments = {key: np.asarray(v) for key, v in finished.optimizer.state_dict().items()}
    return {**history, **moments, **arrays_of(finished.network)}


if __name__ == "__main__":
    running = trainer(Path(sys.argv[1]))
    running.resume()
    print("training", flush=True)
    running.train()
    save_arrays(sys.argv[2], final_arrays(running))
