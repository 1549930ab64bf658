"""What a training says about frequent mistakes: inputs that are large, an end at chance level."""

from typing import TYPE_CHECKING

import numpy as np

from dlbasics._internal.checks import quiet
from dlbasics.layers import BatchNorm
from dlbasics.network import Network

if TYPE_CHECKING:
    from dlbasics.trainer import Trainer

LARGE = 10.0
"""Inputs whose root mean square is above this number are large."""

ROWS = 100
"""The number of samples that are looked at."""


@quiet
def say_if_inputs_are_large(trainer: "Trainer") -> None:
    """Print a line if the training samples are large, and the network does not normalize them."""
    x = trainer.x_train[:ROWS]
    layers = [*trainer.network.layers.values()] if isinstance(trainer.network, Network) else []
    is_normalized = bool(layers) and isinstance(layers[0], BatchNorm)
    if is_normalized or x.dtype not in (np.uint8, np.float16, np.float32, np.float64):
        return  # other integers may be indices
    size, largest = np.sqrt(np.square(x, dtype=np.float64).mean()), x.max()
    if LARGE < size < np.inf:
        is_pixels = x.min() >= 0 and 1 < largest <= 255
        cure = "x / 255" if is_pixels else "(x - x_train.mean(axis=0)) / x_train.std(axis=0)"
        print(
            f"the inputs are large, up to {largest:.4g}: a network learns better from numbers of "
            f"about 1, such as {cure}, in training and in test"
        )


def say_if_at_chance_level(trainer: "Trainer") -> None:
    """Print a line if the network is right no more often than one that has a single answer."""
    history, n = trainer.history, trainer.evaluate_sample_num_per_epoch
    labels = trainer.t_test[:n]
    if not history.test_acc or labels.ndim > 2:
        return
    accuracy = max(history.test_acc) if trainer.patience is not None else history.test_acc[-1]
    _, counts = np.unique(labels.reshape(len(labels), -1), axis=0, return_counts=True)
    chance = counts.max() / len(labels)
    if accuracy <= chance < 1:
        print(
            f"the training ended at chance level: the test accuracy is {accuracy:.4f}, and "
            f"{chance:.4f} of the test samples are of one class. This usually helps: another "
            f"learning rate (it is {history.lr[-1]:g}), more epochs, initial weights 'he' or "
            "'xavier', inputs from 0 to 1"
        )
