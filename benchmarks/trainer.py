"""The time of the Trainer and of the same loop written by hand.

The network is 784-50-10, with batches of 100, SGD and float32.  An epoch is 600 iterations on
random data and an evaluation on 1,000 training and 1,000 test images.  The loop draws a batch,
computes gradients, updates, and appends the loss.  The Trainer also checks each loss and each
epoch's parameters, keeps the learning rates, and has a progress bar, which writes as to a terminal.
"""

import io
from collections.abc import Callable
from unittest import mock

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.interleaved import compare
from dlbasics import SGD, Trainer, TwoLayerNet

EPOCHS, BATCH, EVALUATED = 2, 100, 1_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def by_hand(x: np.ndarray, t: np.ndarray) -> Callable[[], object]:
    network, optimizer, rng = TwoLayerNet(784, 50, 10, rng=0), SGD(0.1), np.random.default_rng(0)

    def train() -> list[float]:
        train_loss_list: list[float] = []
        for _ in range(EPOCHS):
            for _ in range(len(x) // BATCH):
                batch_mask = rng.integers(len(x), size=BATCH)
                grads = network.gradient(x[batch_mask], t[batch_mask])
                optimizer.update(network.params, grads)
                train_loss_list.append(network.last_loss)
            network.accuracy(x[:EVALUATED], t[:EVALUATED])
            network.accuracy(x[-EVALUATED:], t[-EVALUATED:])
        return train_loss_list

    return train


def by_trainer(x: np.ndarray, t: np.ndarray) -> Callable[[], object]:
    network = TwoLayerNet(784, 50, 10, rng=0)

    def train() -> object:
        with mock.patch("sys.stderr", Terminal()), mock.patch("sys.stdout", Terminal()):
            trainer = Trainer(
                network,
                *(x, t, x[-EVALUATED:], t[-EVALUATED:]),
                epochs=EPOCHS,
                mini_batch_size=BATCH,
                optimizer=SGD(0.1),
                evaluate_sample_num_per_epoch=EVALUATED,
                rng=0,
            )
            return trainer.train()

    return train


def main() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.random((60_000, 784), dtype=np.float32), rng.integers(0, 10, 60_000)
    with threadpool_limits(limits=1, user_api="blas"):
        compare({"Trainer": by_trainer(x, t), "by hand": by_hand(x, t)}, rounds=21, calls=1)


if __name__ == "__main__":
    main()
