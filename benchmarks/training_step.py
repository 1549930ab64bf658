"""What the time of a training step is made of: the batch, each layer, the loss, the update.

The networks are the two-layer network of chapter 5, SimpleConvNet and DeepConvNet, with batches of
100, in float32.  Each number is the shortest of 40 times, in milliseconds.  A layer takes one core.
"Products" is the time of the same products alone, of whole matrices; a layer that multiplies blocks
in the cache may take less.  The last line is a step as `Network.gradient` and the optimizer take
it, without a clock between the layers; networks with convolutions take two cores for it.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import timeit
from collections.abc import Callable, Iterable

import numpy as np

from ch08_deep.where_time_goes import layer_seconds
from dlbasics import (
    SGD,
    Adam,
    Affine,
    Convolution,
    DeepConvNet,
    Layer,
    Network,
    Optimizer,
    SimpleConvNet,
    TwoLayerNet,
)

STEPS = 40
COLUMNS = ("forward", "products", "backward", "products")
NOTHING = [0.0, 0.0, 0.0]


def products(layer: Layer, y_shape: tuple[int, ...], first: bool) -> list[Callable[[], object]]:
    """Return the matrix products that forward and backward need at least, with random matrices."""
    if not isinstance(layer, Convolution | Affine):
        return []
    rows, values = 100 * int(np.prod(y_shape[1:])), y_shape[0]
    if isinstance(layer, Affine):
        rows = 100
    K = layer.W.size // values
    rng = np.random.default_rng(0)
    x, W, dout = (
        rng.standard_normal(shape, dtype=np.float32)
        for shape in ((rows, K), (K, values), (rows, values))
    )
    return [lambda: x @ W, lambda: (x.T @ dout, None if first else dout @ W.T)]


def fastest(calls: Iterable[Callable[[], object]]) -> list[float]:
    """Return the shortest time of each call, in seconds."""
    return [min(timeit.repeat(call, number=1, repeat=STEPS)) for call in calls]


def table(network: Network, optimizer: Optimizer, x_shape: tuple[int, ...]) -> None:
    """Print the times of a step: a line for each layer, and one for each other part."""
    rng = np.random.default_rng(0)
    x_train = rng.random((6000, *x_shape), dtype=np.float32)
    t_train, mask = rng.integers(0, 10, 6000), rng.choice(6000, 100)
    x, t = x_train[mask], t_train[mask]
    y, gradients, last_layer = network.predict(x), network.gradient(x, t), network.last_layer

    def step() -> None:
        optimizer.update(network.params, network.gradient(x_train[mask], t_train[mask]))

    rows = {"batch": fastest([lambda: (x_train[mask], t_train[mask])]) + NOTHING}
    times, first = layer_seconds(network, x, t, STEPS, iter), next(iter(network.layers))
    for name, y_shape, _ in network.summary().rows:
        forward, backward = fastest(products(network.layers[name], y_shape, name == first)) or (
            0,
            0,
        )
        rows[name] = [times["forward"][name], forward, times["backward"][name], backward]
    forward, backward = fastest([lambda: last_layer.forward(y, t), last_layer.backward])
    rows["loss"] = [forward, 0, backward, 0]
    update = fastest([lambda: optimizer.update(network.params, gradients)])
    rows[type(optimizer).__name__] = update + NOTHING
    rows["sum"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    rows["the whole step"] = fastest([step]) + NOTHING

    print(f"\n{type(network).__name__:<14}", *(f"{column:>9}" for column in COLUMNS))
    for name, seconds in rows.items():
        cells = (f"{each * 1e3:9.3f}" if each else " " * 9 for each in seconds)
        print(f"{name:<14}", *cells)


def main() -> None:
    table(TwoLayerNet(784, 50, 10, rng=0), SGD(0.1), (784,))
    table(SimpleConvNet(rng=0), Adam(), (1, 28, 28))
    table(DeepConvNet(rng=0), Adam(), (1, 28, 28))


if __name__ == "__main__":
    main()
