"""The value of the embedded digits: networks that learned only them read MNIST's test images.

The benchmark prints the time to draw all digits.  Then it trains networks with several seeds, with
Adam and batches of 100, and prints their accuracies: 784-100-100-10 and SimpleConvNet after 3,000
iterations, and SimpleConvNet after 6,000 iterations on images that are warped anew each time.  For
the first network of each kind, it also prints which digits it confuses.
"""

import time
from collections.abc import Callable

import numpy as np

from dlbasics._internal.blas import one_core_by_default
from dlbasics._internal.image_forms import images
from dlbasics.augmentation import warp
from dlbasics.datasets.digits import draw_all
from dlbasics.datasets.mnist import load_mnist
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet, SimpleConvNet
from dlbasics.optimizers import Adam
from dlbasics.typing import Array

SEEDS = range(5)

KINDS: dict[str, tuple[Callable[[np.random.Generator], Network], int, dict[str, float]]] = {
    "784-100-100-10": (lambda rng: MultiLayerNet(784, [100, 100], 10, rng=rng), 3_000, {}),
    "SimpleConvNet": (lambda rng: SimpleConvNet(rng=rng), 3_000, {}),
    "SimpleConvNet, images warped": (
        lambda rng: SimpleConvNet(rng=rng),
        6_000,
        {"degrees": 5, "share": 0.1, "alpha": 1},
    ),
}
"""The network, the iterations, and the arguments of `augmentation.warp`."""


def trained(kind: str, x: Array, t: Array, seed: int) -> Network:
    make_network, iterations, amounts = KINDS[kind]
    rng = np.random.default_rng(seed)
    network, optimizer = make_network(rng), Adam(lr=0.001)
    for _ in range(iterations):
        batch = rng.choice(len(x), 100)
        x_batch = warp(x[batch], **amounts, rng=rng) if amounts else x[batch]
        optimizer.update(network.params, network.gradient(x_batch, t[batch]))
    return network


def main() -> None:
    start = time.perf_counter()
    drawn = draw_all(60_000, 10_000, seed=0)
    print(f"drawing 70,000 digits: {time.perf_counter() - start:.1f} s")

    x_train, x_test = (images(drawn[name], True, False) for name in ("x_train", "x_test"))
    t_train, t_test = drawn["t_train"], drawn["t_test"]
    _, (x_mnist, t_mnist) = load_mnist(flatten=False)

    for kind in KINDS:
        with one_core_by_default():
            networks = [trained(kind, x_train, t_train, seed) for seed in SEEDS]
        print(f"\n{kind}: accuracy on the test images of")
        for name, x, t in (("digits", x_test, t_test), ("MNIST", x_mnist, t_mnist)):
            accuracies = [network.accuracy(x, t) for network in networks]
            each = " ".join(f"{accuracy:.4f}" for accuracy in accuracies)
            print(f"  {name:6}  mean {np.mean(accuracies):.4f} ({each})")
        confusion = np.zeros((10, 10), int)
        np.add.at(confusion, (t_mnist, networks[0].predict(x_mnist).argmax(axis=1)), 1)
        print("MNIST's digits (rows), and the answers of the first network (columns):")
        print("    " + "".join(f"{digit:6}" for digit in range(10)))
        for digit, row in enumerate(confusion):
            print(f"{digit:4}" + "".join(f"{count:6}" for count in row))


if __name__ == "__main__":
    main()
