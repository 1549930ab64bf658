"""Writes more files beside it: `python -m tests.old_files.write_before_joining FOLDER`.

The files in git were written at commit 41e05ca.  There, the last batch of an epoch could be one
sample, and checkpoints held nothing of the layers' settings or of the data.  Every later version
must read them, so they are never written anew.
"""

import sys
from pathlib import Path

import numpy as np

from dlbasics import (
    L2,
    Adam,
    Affine,
    Dropout,
    LeakyRelu,
    Network,
    Trainer,
    load_arrays,
    save_arrays,
)
from tests.old_files.write import outcome


def data(n):
    x = np.random.default_rng(n).standard_normal((n, 5), dtype=np.float32)
    return x, x[:, :3].argmax(axis=1)


def rest_of_one_trainer(folder):
    """The last batch of each epoch holds one sample: 41 samples, batches of 8."""
    layers = [Affine.create(5, 6, rng=1), LeakyRelu(0.1), Dropout(0.2), Affine.create(6, 3, rng=3)]
    return Trainer(
        Network(layers, regularizer=L2(0.01), rng=2), *data(41), *data(20), epochs=4,
        mini_batch_size=8, optimizer=Adam(0.02), sampling="epoch", patience=30, checkpoints=folder,
        verbose=False, rng=4,
    )  # fmt: skip


class Readers:
    """A network as a reader types it, with a layer of ours."""

    def __init__(self):
        W = np.random.default_rng(1).standard_normal((5, 3))
        self.params = {"W1": W, "b1": np.zeros(3)}
        self.layers = {"dropout": Dropout(0.3), "affine": Affine(W, self.params["b1"])}

    def predict(self, x, train_flg=False):
        for layer in self.layers.values():
            x = layer.forward(x, train_flg)
        return x

    def loss(self, x, t):
        return float(((self.predict(x) - np.eye(3)[t]) ** 2).mean())

    def gradient(self, x, t):
        dout = 2 * (self.predict(x, train_flg=True) - np.eye(3)[t]) / (3 * len(x))
        self.layers["affine"].backward(dout)
        return {"W1": self.layers["affine"].dW, "b1": self.layers["affine"].db}

    def accuracy(self, x, t):
        return float((self.predict(x).argmax(axis=1) == t).mean())


def readers_trainer(folder):
    return Trainer(
        Readers(), *data(40), *data(20), epochs=4, mini_batch_size=8, optimizer="RMSprop",
        optimizer_param={"lr": 0.02, "decay_rate": 0.9}, checkpoints=folder, verbose=False, rng=4,
    )  # fmt: skip


TRAINERS = {"rest_of_one": rest_of_one_trainer, "readers": readers_trainer}


def write(trainers, folder):
    for name, make in trainers.items():
        trainer = make(folder / name)
        for _ in range(2 * trainer.iter_per_epoch - 1):
            trainer.train_step()
        trainer._save_checkpoint()
        save_arrays(folder / f"{name}_checkpoint.npz", load_arrays(trainer.folder.newest()))
        trainer.train()
        save_arrays(folder / f"{name}_end.npz", outcome(trainer))
        trainer.history.save(folder / f"{name}_history.json")


if __name__ == "__main__":
    write(TRAINERS, Path(sys.argv[1]))
