"""What the embedded digits are worth: networks that learned only them, on MNIST's test images.

The time to draw them all, and for several seeds the accuracy of 784-100-100-10 after 3,000
iterations of 100 with Adam; then what the first of these networks takes MNIST's digits for.
"""

import time

import numpy as np

from dataset.digits import draw_all
from dataset.mnist import load_mnist
from dataset.shared import images
from dlbasics.arrays import Array
from dlbasics.experiment import one_blas_thread
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam

SEEDS = range(5)


def trained(x: Array, t: Array, seed: int) -> MultiLayerNet:
    rng = np.random.default_rng(seed)
    network, optimizer = MultiLayerNet(784, [100, 100], 10, rng=rng), Adam(lr=0.001)
    for _ in range(3_000):
        batch = rng.choice(len(x), 100)
        optimizer.update(network.params, network.gradient(x[batch], t[batch]))
    return network


def main() -> None:
    start = time.perf_counter()
    drawn = draw_all(60_000, 10_000, seed=0)
    print(f"drawing 70,000 digits: {time.perf_counter() - start:.1f} s")

    x_train, x_test = (images(drawn[name], True, True) for name in ("x_train", "x_test"))
    t_train, t_test = drawn["t_train"], drawn["t_test"]
    _, (x_mnist, t_mnist) = load_mnist()
    with one_blas_thread():
        networks = [trained(x_train, t_train, seed) for seed in SEEDS]
    for name, x, t in (("digits", x_test, t_test), ("MNIST", x_mnist, t_mnist)):
        accuracies = [network.accuracy(x, t) for network in networks]
        each = " ".join(f"{accuracy:.4f}" for accuracy in accuracies)
        print(f"accuracy on the test images of {name}: mean {np.mean(accuracies):.4f} ({each})")

    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (t_mnist, networks[0].predict(x_mnist).argmax(axis=1)), 1)
    print("\nMNIST's digits (rows), and what the first network takes them for (columns):")
    print("    " + "".join(f"{digit:6}" for digit in range(10)))
    for digit, row in enumerate(confusion):
        print(f"{digit:4}" + "".join(f"{count:6}" for count in row))


if __name__ == "__main__":
    main()
