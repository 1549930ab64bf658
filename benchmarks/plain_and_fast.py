"""The time that the fast replacements save, from the plain formulas to compiled loops.

The table of `dlbasics/_internal/table.py` has the replacements; `dlbasics.plain` switches all of
them off.  For layers, the times are those of one thread, with and without a replacement.  For
networks, one replacement after the other joins those before it.  These times are by the clock, so
the machine must be idle otherwise.  Matrix products use one core.

    python -m benchmarks.plain_and_fast [--part layers|networks|numerical]
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.interleaved import Call, compare, plainly
from dlbasics import (
    Adam,
    Affine,
    BatchNorm,
    Convolution,
    DeepConvNet,
    Layer,
    MultiLayerNet,
    Network,
    Pooling,
    Relu,
    ResNet,
    SimpleConvNet,
    TwoLayerNet,
)
from dlbasics._internal import halves, table
from dlbasics._internal.blas import one_core

RNG = np.random.default_rng(0)


def images(*shape: int) -> np.ndarray:
    """Return random images, channels last, as layers return them."""
    N, C, H, W = shape
    return RNG.standard_normal((N, H, W, C), dtype=np.float32).transpose(0, 3, 1, 2)


LAYERS: dict[str, tuple[Callable[[], Layer], np.ndarray]] = {
    "Affine 784-50": (lambda: Affine.create(784, 50), RNG.random((100, 784), dtype=np.float32)),
    "Conv1 of SimpleConvNet": (lambda: Convolution.create(1, 30, 5), images(100, 1, 28, 28)),
    "Relu1 of SimpleConvNet": (Relu, images(100, 30, 24, 24)),
    "Pool1 of SimpleConvNet": (lambda: Pooling(2, 2, stride=2), images(100, 30, 24, 24)),
    "Conv2 of DeepConvNet": (lambda: Convolution.create(16, 16, 3, pad=1), images(100, 16, 28, 28)),
    "BatchNorm1 of ResNet": (lambda: BatchNorm.create(16), images(100, 16, 28, 28)),
}

NETWORKS: dict[str, tuple[Callable[[], Network], int]] = {
    "784-50-10": (lambda: TwoLayerNet(784, 50, 10, rng=0), 100),
    "784-100x5-10": (lambda: MultiLayerNet(784, [100] * 5, 10, rng=0), 50),
    "SimpleConvNet": (lambda: SimpleConvNet(rng=0), 8),
    "DeepConvNet": (lambda: DeepConvNet(rng=0), 3),
    "ResNet": (lambda: ResNet(rng=0), 2),
}
"""The networks, each with the number of training steps in a round."""

STEPS: dict[str, Any] = {
    "Affine": Affine,
    "Relu": Relu,
    "BatchNorm": BatchNorm,
    "Convolution": Convolution,
    "Pooling": Pooling,
    "Adam in chunks": Adam,
    "fewer checks": halves.without_checks.__wrapped__,  # type: ignore[attr-defined]
    "layers together": halves.in_working_order.__wrapped__,  # type: ignore[attr-defined]
    "memory that was used before": "memory",  # has no entry in the table
    "two threads": halves.run_all.__wrapped__,  # type: ignore[attr-defined]
}
"""What the library replaces, in the order in which the benchmark adds the replacements."""


def tables() -> tuple[dict[Any, Any], dict[Any, Any] | None]:
    """Return the replacements in NumPy, and those with compiled loops if numba is installed."""
    wanted = os.environ.pop("DLBASICS_NUMBA", None)
    os.environ["DLBASICS_NUMBA"] = "0"
    table.replacement(Affine)  # fills the table
    in_numpy = dict(table._fast)
    del os.environ["DLBASICS_NUMBA"]
    from dlbasics._internal.fast import compiled

    if wanted == "0" or not compiled.are_wanted():
        return in_numpy, None
    compiled.enter()
    return in_numpy, dict(table._fast)


def by(replacements: Mapping[Any, Any], call: Call) -> Call:
    """Return a function that does `call` with these replacements alone."""
    from dlbasics._internal.fast import memory

    smallest = memory.SMALLEST if "memory" in replacements else 1 << 62

    def call_with_these() -> None:
        with (
            mock.patch.dict(table._fast, replacements, clear=True),
            mock.patch.object(memory, "SMALLEST", smallest),
        ):
            call()

    return call_with_these


def layers() -> None:
    for name, (make, x) in LAYERS.items():
        fast, slow = make(), make()
        dout = np.ones_like(fast.forward(x))
        plainly(lambda slow=slow, x=x: slow.forward(x))()
        for title, way in (
            ("forward", lambda layer, x=x: layer.forward(x)),
            ("backward", lambda layer, dout=dout: layer.backward(dout)),
            ("backward, no dx", lambda layer, dout=dout: layer.backward_params(dout)),
        ):
            if title == "backward, no dx" and not fast.param_names:
                continue
            print(f"\n{name}, {title}")
            contenders: dict[str, Call] = {
                "as it is": lambda way=way, fast=fast: way(fast),
                "plain": plainly(lambda way=way, slow=slow: way(slow)),
            }
            compare(contenders, rounds=25, calls=5, clock=time.thread_time)


def networks() -> None:
    in_numpy, compiled = tables()
    for name, (make, steps) in NETWORKS.items():
        network, optimizer = make(), Adam()
        shape = network.input_dim or (784,)
        x, t = RNG.random((100, *shape), dtype=np.float32), RNG.integers(0, 10, 100)

        def step(
            network: Any = network, optimizer: Any = optimizer, x: Any = x, t: Any = t
        ) -> None:
            optimizer.update(network.params, network.gradient(x, t))

        inner = {type(layer) for layer in halves.all_of([*network.layers.values()])}
        contenders: dict[str, Call] = {"plain": by({}, step)}
        so_far: dict[Any, Any] = {}
        for title, original in STEPS.items():
            so_far = {**so_far, original: in_numpy.get(original)}
            is_layer = isinstance(original, type) and issubclass(original, Layer)
            is_for_all = title in ("Adam in chunks", "fewer checks")
            if original in inner if is_layer else network.input_dim or is_for_all:
                contenders[f"+ {title}"] = by(so_far, step)
        for title, replacements in (("all in NumPy", in_numpy), ("compiled", compiled)):
            if replacements is not None:
                contenders[title] = by({**replacements, "memory": None}, step)
        print(f"\nA training step of {name}")
        # Threads of BLAS would still be busy when the next contender begins.
        with one_core():
            compare(contenders, rounds=11, calls=steps)


def numerical() -> None:
    network = TwoLayerNet(784, 10, 10, rng=0)
    x, t = RNG.random((3, 784)), np.arange(3)
    print("\nThe numerical gradient of 784-10-10")
    call = lambda: network.numerical_gradient(x, t)  # noqa: E731
    compare({"by columns": call, "plain": plainly(call)}, rounds=3, calls=1)


PARTS = {"layers": layers, "networks": networks, "numerical": numerical}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=PARTS, action="append")
    for part in parser.parse_args().part or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
