"""Train the pad's three networks.  This command, in the project's folder, made their files:

    python -m dlbasics.pad.train

The training images are MNIST's and some embedded digits.  They vary: each batch is turned, scaled,
moved and bent, the pen becomes wider or narrower, and some images become coarse.  The files hold
the averages of the weights, in float16 to be small.  On another kind of processor they differ by
rounding.  The command also prints the accuracy on MNIST's test images and on new embedded digits.

The settings are first guesses.  They were checked with `--validation`, which holds back the last
5,000 training images and prints the accuracy on those, not on the test images.  No network has
learned from a drawing on the pad or from a digit of scikit-learn's.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.augmentation import warp
from dlbasics.averaging import WeightAverage
from dlbasics.data import label_smoothing
from dlbasics.datasets.digits import load_digits
from dlbasics.datasets.images.digit import means
from dlbasics.datasets.mnist import load_mnist
from dlbasics.layers import Dropout
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet, SimpleConvNet, TwoLayerNet
from dlbasics.optimizers import Adam
from dlbasics.pad.networks import FILES
from dlbasics.schedules import CosineDecay, Warmup
from dlbasics.trainer import Trainer

EMBEDDED = 0.4
"""The number of embedded digits for each image of MNIST's."""

HELD_BACK = 5_000
"""The number of MNIST's training images that `--validation` holds back."""

SMOOTHING = 0.05
"""The probability that a label gives to the other digits."""

DROPOUT = (0.25, 0.0)
"""The ratios of DeepConvNet's two Dropout layers.  The images vary, so less needs to be dropped."""

BOOKS_DROPOUT = 0.5
"""The ratio that DeepConvNet has where its weights are read from a file."""


@dataclass(frozen=True)
class Plan:
    """How a network is made and trained.

    Args:
        make: A function that makes the network from a random generator.
        epochs: The number of epochs.
        lr: The highest learning rate of Adam.
        strength: How much the images are changed: 1 for the network with the most layers.
    """

    make: Callable[[np.random.Generator], Network]
    epochs: int
    lr: float
    strength: float


PLANS = {
    "TwoLayerNet": Plan(lambda rng: TwoLayerNet(784, 50, 10, rng=rng), 30, 0.003, 0.5),
    "SimpleConvNet": Plan(lambda rng: SimpleConvNet(rng=rng), 14, 0.002, 0.9),
    "DeepConvNet": Plan(lambda rng: DeepConvNet(rng=rng), 12, 0.002, 1.0),
}


def trained(
    plan: Plan, x: Array, t: Array, rng: np.random.Generator, epochs: int | None = None
) -> Network:
    """Return a network that has learned the digits x (N, 1, 28, 28) with labels t (N,)."""
    network = plan.make(rng)
    for layer, ratio in zip(dropouts(network), DROPOUT, strict=False):
        layer.dropout_ratio = ratio
    flat = network.input_dim is None

    def augment(x: Array, rng: np.random.Generator) -> Array:
        x = varied(x.reshape(-1, 1, 28, 28), plan.strength, rng)
        return x.reshape(len(x), -1) if flat else x

    trainer = Trainer(
        network,
        x.reshape(len(x), -1) if flat else x,
        label_smoothing(t, epsilon=SMOOTHING),
        x[:1].reshape(1, -1) if flat else x[:1],
        t[:1],
        epochs=epochs or plan.epochs,
        mini_batch_size=100,
        optimizer=Adam(plan.lr),
        evaluate_sample_num_per_epoch=1,
        verbose=False,
        sampling="epoch",
        augment=augment,
        schedule=Warmup(0.3, CosineDecay()),
        rng=rng,
    )
    average = WeightAverage(network, 0.998)
    start = time.perf_counter()
    each = -(-trainer.max_iter // (epochs or plan.epochs))
    for i in range(trainer.max_iter):
        trainer.train_step()
        average.update()
        if (i + 1) % each == 0 or i + 1 == trainer.max_iter:
            loss = np.mean(trainer.train_loss_list[-each:])
            seconds = time.perf_counter() - start
            print(f"  epoch {(i + 1) / each:3.0f}: loss {loss:.4f}, {seconds:4.0f} s", flush=True)
    return with_the_books_dropout(average.network())


def with_the_books_dropout(network: Network) -> Network:
    """Return the network with the book's dropout ratio and the same predictions.

    Dropout multiplies by 1 - ratio where it drops nothing, so the weights after it are divided by
    as much.
    """
    found = dropouts(network)
    if found:  # the one before the last Affine layer, and the one after it
        inner, outer = ((1 - layer.dropout_ratio) / BOOKS_DROPOUT for layer in found)
        network.params["W8"] *= inner * outer
        network.params["b8"] *= outer
    for layer in found:
        layer.dropout_ratio = BOOKS_DROPOUT
    return network


def dropouts(network: Network) -> list[Dropout]:
    """Return the layers that drop units: the two of DeepConvNet."""
    return [layer for layer in network.layers.values() if isinstance(layer, Dropout)]


# ---- Augmentation ----


def varied(x: Array, strength: float, rng: np.random.Generator) -> Array:
    """Return images (N, 1, 28, 28) as other writers, pens and scanners would have made them."""
    x = warp(
        x,
        degrees=15 * strength,
        share=0.2 * strength,
        pixels=1.5 * strength,
        alpha=0.7 * strength,
        rng=rng,
    )
    return coarse(other_pens(x, strength, rng), 0.25 * strength, rng)


def other_pens(x: Array, strength: float, rng: np.random.Generator) -> Array:
    """Return the images with a wider or a narrower pen, by up to a pixel on each side.

    Each pixel goes some way, the same for all pixels of an image, from its value to the largest or
    the smallest value of it and its four neighbours.
    """
    amount = (strength * rng.uniform(-0.7, 1.0, (len(x), 1, 1, 1))).astype(x.dtype)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    neighbours = (
        wide[:, :, :-2, 1:-1],
        wide[:, :, 2:, 1:-1],
        wide[:, :, 1:-1, :-2],
        wide[:, :, 1:-1, 2:],
    )
    largest = smallest = x
    for neighbour in neighbours:
        largest, smallest = np.maximum(largest, neighbour), np.minimum(smallest, neighbour)
    return x + np.abs(amount) * (np.where(amount > 0, largest, smallest) - x)


def coarse(x: Array, share: float, rng: np.random.Generator) -> Array:
    """Return the images with a share of them scanned with fewer pixels, and enlarged again."""
    y = x.copy()
    chosen = rng.random(len(x)) < share
    side = int(rng.integers(10, 20))
    places = (np.arange(28) + 0.5) * side / 28 - 0.5
    enlarge = np.array([np.interp(places, np.arange(side), pixel) for pixel in np.eye(side)]).T
    matrix = (enlarge @ means(28, side)).astype(x.dtype)
    y[chosen] = matrix @ x[chosen] @ matrix.T
    return y


# ---- The command ----


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("dlbasics.pad.train", description=str(__doc__).splitlines()[0])
    parser.add_argument("--only", choices=PLANS, help="train only this network")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="of the files")
    parser.add_argument("--epochs", type=int, help="in place of the number of each network")
    parser.add_argument("--images", type=int, default=60_000, help="training images of MNIST")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation", action="store_true", help="hold back training images")
    options = parser.parse_args(argv)

    (x, t), (x_test, t_test) = load_mnist(flatten=False)
    if options.validation:
        x, x_test, t, t_test = x[:-HELD_BACK], x[-HELD_BACK:], t[:-HELD_BACK], t[-HELD_BACK:]
    x, t = x[: options.images], t[: options.images]
    drawn, unseen = load_digits(flatten=False, train=round(EMBEDDED * len(x)), test=len(x_test))
    x, t = np.concatenate([x, drawn[0]]), np.concatenate([t, drawn[1]])

    for name in [options.only] if options.only else PLANS:
        print(f"{name}: {len(x):,} images")
        network = trained(PLANS[name], x, t, np.random.default_rng(options.seed), options.epochs)
        network = network.astype(np.float16)
        network.save_params(options.folder / FILES[name])
        network = network.astype(np.float32)
        for what, (images, labels) in {
            "MNIST": (x_test, t_test),
            "embedded digits": unseen,
        }.items():
            flat = images.reshape(len(images), -1) if network.input_dim is None else images
            print(f"  accuracy on {what}: {network.accuracy(flat, labels):.4f}", flush=True)


if __name__ == "__main__":
    main()
