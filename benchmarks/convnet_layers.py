"""The time of each layer in a training step, and the time of its matrix products alone.

The networks are SimpleConvNet and DeepConvNet, with batches of 100, in float32, on one thread.
Each number is the shortest of 40 times.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import timeit
from collections.abc import Callable, Iterable

import numpy as np

from ch08_deep.where_time_goes import layer_seconds
from dlbasics import Adam, Affine, Convolution, DeepConvNet, Layer, Network, SimpleConvNet

STEPS = 40


def products(layer: Layer, y_shape: tuple[int, ...], first: bool) -> list[Callable[[], object]]:
    """Return the matrix products that forward and backward need at least, with random matrices."""
    if not isinstance(layer, Convolution | Affine):
        return [lambda: None, lambda: None]
    rows, values = 100 * int(np.prod(y_shape[1:])), y_shape[0]
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


def table(network: Network) -> None:
    rng = np.random.default_rng(0)
    x, t = rng.random((100, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 100)
    times = layer_seconds(network, x, t, STEPS, iter)
    first = next(iter(network.layers))
    for name, y_shape, _ in network.summary().rows:
        alone = fastest(products(network.layers[name], y_shape, name == first))
        for way, seconds in zip(("forward", "backward"), alone, strict=True):
            times.setdefault(f"{way} alone", {})[name] = seconds
    adam, gradients = Adam(), network.gradient(x, t)
    (update,) = fastest([lambda: adam.update(network.params, gradients)])
    times["forward"]["Adam"] = update
    columns = ("forward", "forward alone", "backward", "backward alone")
    print(f"\n{type(network).__name__:<13}", *(f"{column:>15}" for column in columns))
    for name in times["forward"]:
        row = (times[column].get(name, 0.0) for column in columns)
        print(f"{name:<13}", *(f"{seconds * 1e3:>12.2f} ms" for seconds in row))
    totals = (sum(times[column].values()) for column in columns)
    print(f"{'total':<13}", *(f"{seconds * 1e3:>12.2f} ms" for seconds in totals))


if __name__ == "__main__":
    table(SimpleConvNet(rng=0))
    table(DeepConvNet(rng=0))
