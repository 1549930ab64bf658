"""Small trainings that tests/test_distributed.py runs by Trainer, and on several ranks.

mpiexec -n 3 python -m tests.distributed_cases weights FOLDER
mpiexec -n 3 python -m tests.distributed_cases end FOLDER raise
mpiexec -n 2 python -m tests.distributed_cases resume FOLDER
"""

import copy
import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np

from dlbasics import (
    L2,
    Adam,
    Affine,
    BatchNorm,
    Convolution,
    CosineDecay,
    Dropout,
    MultiLayerNet,
    Network,
    Pooling,
    Relu,
    Residual,
    Trainer,
    TwoLayerNet,
    save_arrays,
)
from dlbasics._internal.network_state import arrays_of

RNG = np.random.default_rng(0)
X, T = RNG.random((25, 36)), RNG.integers(0, 3, 25)
IMAGES = X.reshape(-1, 1, 6, 6)


def mlp(rng, **options):
    return MultiLayerNet(36, [8, 7], 3, rng=rng, dtype=np.float64, **options)


def convnet(rng, *more):
    he = {"rng": rng, "dtype": np.float64}
    layers = [Convolution.create(1, 4, 3, pad=1, **he), *more, Relu(), Pooling(2, 2, stride=2)]
    layers += [Affine.create(36, 8, **he), Relu(), Dropout(0.3), Affine.create(8, 3, **he)]
    return Network(layers, regularizer=L2(0.1), rng=rng)


def residual(rng):
    he = {"rng": rng, "dtype": np.float64, "pad": 1}
    block = [Convolution.create(4, 4, 3, **he), BatchNorm.create(4, dtype=np.float64)]
    return convnet(rng, BatchNorm.create(4, dtype=np.float64), Residual(block))


def noisy(x, rng):
    return x + 0.1 * rng.random(x.shape)


def slower_and_stop(trainer):
    """A callback that changes the learning rate, and stops after the third epoch."""
    if getattr(trainer, "comm", None) and trainer.comm.rank:
        raise ValueError("only rank 0 calls back")
    trainer.optimizer.lr *= 0.5
    if trainer.current_epoch == 3:
        trainer.stop("enough")


EPOCH = {"sampling": "epoch", "mini_batch_size": 7}
SYNC = {"sync_batch_norm": True}
DROPOUT = "dropout, and a rest of 4"
OWN = "batch normalization of each part"
CASES = {
    "two layers": (lambda rng: TwoLayerNet(36, 8, 3, rng=rng, dtype=np.float64), X, {}),
    "float32": (lambda rng: TwoLayerNet(36, 8, 3, rng=rng), X.astype(np.float32), {}),
    DROPOUT: (
        lambda rng: mlp(rng, use_dropout=True, dropout_ratio=0.4, weight_decay_lambda=0.1),
        X,
        {**EPOCH, "optimizer": Adam(0.01), "augment": noisy, "max_norm": 0.5},
    ),
    "fewer samples than ranks": (
        lambda rng: mlp(rng, use_dropout=True),
        X,
        {"mini_batch_size": 2, "schedule": CosineDecay()},
    ),
    "convolutions": (convnet, IMAGES, {"mini_batch_size": 9, "optimizer": Adam(0.01)}),
    "callbacks": (mlp, X, {"epochs": 9, "callbacks": [slower_and_stop]}),
    "patience": (
        mlp,
        X,
        {"epochs": 9, "patience": 2, "monitor": "loss", "optimizer_param": {"lr": 3.0}},
    ),
    "sync": (lambda rng: mlp(rng, use_batchnorm=True), X, {**EPOCH, **SYNC}),
    "sync on images": (residual, IMAGES, {**EPOCH, **SYNC, "optimizer": Adam(0.01)}),
    "sync, fewer samples": (residual, IMAGES, {"mini_batch_size": 2, **SYNC}),
}
"""Network, samples and options of each training, by name."""


def train(kind, name, *, resume=False, **more):
    """Train by Trainer or DistributedTrainer; return what the network holds, and the losses."""
    make, x, options = CASES[name]
    given = {"epochs": 2, "mini_batch_size": 10, "verbose": False, **options, **more}
    if "optimizer" in given:
        given["optimizer"] = copy.deepcopy(given["optimizer"])
    if kind is Trainer:
        given.pop("sync_batch_norm", None)
    network = make(np.random.default_rng(1))
    network.sharded = False
    trainer = kind(network, x, T, x[:9], T[:9], rng=2, **given)
    if resume and not trainer.resume():
        raise ValueError("there is no checkpoint")
    history = trainer.train()
    curves = {"train_loss": history.train_loss, "test_loss": history.test_loss}
    return {**arrays_of(network), **{key: np.array(curve) for key, curve in curves.items()}}


def one_step(kind, seeds=(1, 2), **more):
    """Do one iteration of a network with batch normalization; return what it then holds."""
    network = mlp(np.random.default_rng(seeds[0]), use_batchnorm=True)
    trainer = kind(network, X, T, X, T, 1, 11, rng=seeds[1], verbose=False, **more)
    trainer.train_step()
    return arrays_of(network)


def weights(folder):
    """Run all trainings; rank 0 writes what they reach, and checks that all ranks reach it."""
    from dlbasics.distributed import DistributedTrainer, ranks

    runs = {name: partial(train, name=name) for name in CASES}
    runs |= {OWN: one_step, "no seeds": partial(one_step, seeds=(None, None))}
    with ranks() as comm:
        for name, run in runs.items():
            found = run(DistributedTrainer)
            for rank, other in enumerate(comm.gather(found) or ()):
                for key, array in other.items():
                    np.testing.assert_array_equal(array, found[key], f"{name}, {rank}: {key}")
            if comm.rank == 0:
                save_arrays(folder / f"{name}.npz", found)


def end(folder, how):
    """Train with checkpoints until rank 1, or every rank, ends in the tenth iteration."""
    from dlbasics.distributed import DistributedTrainer, ranks

    calls = [0]
    with ranks() as comm:
        if how == "exit" and comm.rank == 1:
            sys.exit("no images here")
        if how == "data" and comm.rank == 1:
            X[0, 0] += 1

        def noisy(x, rng):
            calls[0] += 1
            if calls[0] == 10 and (comm.rank == 1 or how == "all"):
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if how in ("raise", "all"):
                    raise ValueError("the tenth batch is bad")
                if how == "batch":
                    return x[::-1]
            return x + 0.1 * rng.random(x.shape)

        print("one line")
        epochs = 100_000 if how == "interrupt" else 3
        train(DistributedTrainer, DROPOUT, augment=noisy, epochs=epochs, checkpoints=folder)


def resume(folder):
    """Go on from the checkpoint in the folder; write what the training reaches."""
    from dlbasics.distributed import DistributedTrainer, ranks

    with ranks() as comm:
        found = train(DistributedTrainer, DROPOUT, resume=True, epochs=3, checkpoints=folder)
        if comm.rank == 0:
            save_arrays(folder / "found.npz", found)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
