"""Where a training step goes: each layer's time, and that of its matrix products alone.

SimpleConvNet and DeepConvNet, batch 100, float32, one thread, and its time alone.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from dlbasics import Adam, Affine, Convolution, DeepConvNet, Layer, Network, SimpleConvNet

STEPS = 40


def seconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


def products(layer: Layer, y_shape: tuple[int, ...], first: bool) -> list[Callable[[], object]]:
    """The products that forward and backward cannot do without, of matrices of the same sizes."""
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


def table(network: Network) -> None:
    rng = np.random.default_rng(0)
    x, t = rng.random((100, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 100)
    adam, layers = Adam(), network.layers
    first = next(iter(layers))
    shapes = {name: shape for name, shape, _ in network.summary().rows}
    alone = {name: products(layer, shapes[name], name == first) for name, layer in layers.items()}
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(STEPS):
        y = x
        for name, layer in layers.items():
            given = y
            start = time.thread_time()
            y = layer.forward(given)
            times[name, "forward"].append(time.thread_time() - start)
        network.last_layer.forward(y, t)
        dout = network.last_layer.backward()
        for name, layer in reversed(layers.items()):
            start = time.thread_time()
            if name == first:
                layer.backward_params(dout)
            else:
                dout = layer.backward(dout)
            times[name, "backward"].append(time.thread_time() - start)
        gradients = {
            key: getattr(layer, f"d{name}") for key, (layer, name) in network.params.slots().items()
        }
        times["Adam", "forward"].append(
            seconds(lambda: adam.update(network.params, gradients))  # noqa: B023
        )
        for name, (forward, backward) in alone.items():
            times[name, "forward alone"].append(seconds(forward))
            times[name, "backward alone"].append(seconds(backward))
    columns = ("forward", "forward alone", "backward", "backward alone")
    print(f"\n{type(network).__name__:<10}", *(f"{column:>15}" for column in columns))
    totals = dict.fromkeys(columns, 0.0)
    for name in [*layers, "Adam"]:
        middle = {c: statistics.median(times[name, c]) if times[name, c] else 0.0 for c in columns}
        totals = {c: totals[c] + middle[c] for c in columns}
        print(f"{name:<13}", *(f"{middle[c] * 1e3:>12.2f} ms" for c in columns))
    print(f"{'total':<13}", *(f"{totals[c] * 1e3:>12.2f} ms" for c in columns))


if __name__ == "__main__":
    table(SimpleConvNet(rng=0))
    table(DeepConvNet(rng=0))
