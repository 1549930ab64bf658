"""The gradient of a batch in two halves at a time, each in a thread of its own.

NumPy lets go of Python's lock while it computes, so that two threads keep two cores busy: with
convolutions, whose many steps between the matrix products take as long as these.  The halves are
the same on any machine, whatever its number of cores, and so is the result.

Where networks have other layers than convolutions mostly, halves are too small to be worth it.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any

import numpy as np

from dlbasics.arrays import Array
from dlbasics.layers import Layer, LossLayer, Pooling, Relu

SHARDS = 2


def gradient_in_shards(
    layers: Sequence[Layer],
    last_layer: LossLayer,
    x: Array,
    t: Array,
    rngs: Sequence[np.random.Generator],
) -> float:
    """Set d<name> of every parameter to the gradient of the batch's mean loss, which is returned.

    Each shard goes through replicas of the layers, which share the parameters and draw from the
    shard's own generator.  Running statistics become the mean of those of the shards.
    """
    bounds = [len(x) * i // SHARDS for i in range(SHARDS + 1)]
    replicas = [[layer.replica() for layer in layers] for _ in rngs]
    losses = [0.0] * SHARDS

    def work(i: int) -> None:
        part = slice(bounds[i], bounds[i + 1])
        for layer in _all(replicas[i]):
            layer.rng = rngs[i]
        share = (part.stop - part.start) / len(x)
        losses[i] = share * forward_and_backward(
            in_cheaper_order(replicas[i]), copy.copy(last_layer), x[part], t[part], share
        )

    in_threads(work)
    for layer, *twins in zip(_all(layers), *map(_all, replicas), strict=True):
        for name in layer.param_names:
            if getattr(layer, name) is not None:
                total, *others = (getattr(twin, f"d{name}") for twin in twins)
                for other in others:
                    total += other
                setattr(layer, f"d{name}", total)
        for name in layer.state_names:
            setattr(layer, name, sum(getattr(twin, name) for twin in twins) / SHARDS)
    return sum(losses)


def forward_and_backward(
    layers: Sequence[Layer], last_layer: LossLayer, x: Array, t: Any, dout: float = 1
) -> float:
    """The mean loss, in training mode; sets d<name> of parameters to their gradients times dout."""
    for layer in layers:
        x = layer.forward(x, True)
    loss = last_layer.forward(x, t)
    gradient = last_layer.backward(dout)
    for layer in reversed(layers[1:]):
        gradient = layer.backward(gradient)
    layers[0].backward_params(gradient)
    return loss


def in_cheaper_order(layers: Sequence[Layer]) -> list[Layer]:
    """Max pooling before ReLU, which then has less to do: the same function, the same gradient.

    The largest of max(x, 0) is max(largest x, 0); where that is 0, no gradient passes either way.
    """
    order = [*layers]
    for i in range(len(order) - 1):
        if type(order[i]) is Relu and type(order[i + 1]) is Pooling:
            order[i : i + 2] = order[i + 1], order[i]
    return order


def in_threads(work: Callable[[int], None]) -> None:
    """work(0), ..., work(SHARDS - 1), at the same time, BLAS on one core in each.

    One after the other where BLAS cannot be held to one core: its threads would get in each
    other's way.  What the first that fails raises is raised.
    """
    with _one_blas_thread() as is_limited:
        if not is_limited:
            for i in range(SHARDS):
                work(i)
            return
        errors: dict[int, BaseException] = {}

        def guarded(i: int) -> None:
            try:
                with _one_blas_thread():  # some BLAS have a limit for each thread
                    work(i)
            except BaseException as error:
                errors[i] = error

        threads = [
            # A context of its own for each, with NumPy's settings for non-finite numbers.
            threading.Thread(target=copy_context().run, args=(guarded, i), daemon=True)
            for i in range(1, SHARDS)
        ]
        for thread in threads:
            thread.start()
        guarded(0)
        for thread in threads:
            thread.join()
    if errors:
        raise errors[min(errors)]


@contextmanager
def _one_blas_thread() -> Iterator[bool]:
    """Matrix products on one core within the block; yields whether that is so."""
    controller = _blas()
    if not controller.lib_controllers:
        yield False
        return
    with controller.limit(limits=1):
        yield True


@cache
def _blas() -> Any:
    """What controls the threads of BLAS; it takes 60 times as long to find as to use."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")


def _all(layers: Sequence[Layer]) -> list[Layer]:
    return [inner for layer in layers for inner in layer.walk()]
