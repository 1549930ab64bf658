"""The gradient of a batch in two halves at a time, each in a thread of its own.

NumPy lets go of Python's lock while it computes, so that two threads keep two cores busy: with
convolutions, whose many steps between the matrix products take as long as these.  The halves are
the same on any machine, whatever its number of cores, and so is the result.

Without convolutions it is not worth it: a layer then takes less time than two threads need to take
turns.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.layers import Layer, LossLayer, Pooling, Relu

SHARDS = 2

_limit_lock = threading.Lock()
_limited = 0  # how many callers hold BLAS to one core just now
_limiter: Any = None


def gradient_in_shards(
    layers: Sequence[Layer],
    last_layer: LossLayer,
    x: Array,
    t: Array,
    rngs: Sequence[Sequence[np.random.Generator]],
) -> float:
    """Set d<name> of every parameter to the gradient of the batch's mean loss, which is returned.

    Each shard goes through replicas of the layers, which share the parameters and draw from
    generators of the shard, `rngs[shard][layer]`.  Running statistics become the mean of those of
    the shards.
    """
    bounds = [len(x) * i // SHARDS for i in range(SHARDS + 1)]
    replicas = [[layer.replica() for layer in layers] for _ in rngs]
    last_layers = [copy.copy(last_layer) for _ in rngs]
    losses = [0.0] * SHARDS

    def work(i: int) -> None:
        part = slice(bounds[i], bounds[i + 1])
        for layer, rng in zip(all_of(replicas[i]), rngs[i], strict=True):
            layer.rng = rng
        share = (part.stop - part.start) / len(x)
        losses[i] = share * forward_and_backward(
            in_cheaper_order(replicas[i]), last_layers[i], x[part], t[part], share
        )

    in_threads(work)
    for layer, *twins in zip(all_of(layers), *map(all_of, replicas), strict=True):
        for name in layer.param_names:
            if getattr(layer, name) is not None:
                total, *others = (getattr(twin, f"d{name}") for twin in twins)
                for other in others:
                    total += other
                setattr(layer, f"d{name}", total)
        for name in layer.state_names:
            setattr(layer, name, sum(getattr(twin, name) for twin in twins) / SHARDS)
    last_layer.join(last_layers, t, sum(losses))
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
    other's way.  What the first that fails raises is raised, Ctrl-C when all have ended.
    """
    with _one_blas_thread() as is_limited:
        if not is_limited:
            for i in range(SHARDS):
                work(i)
            return
        errors: dict[int, BaseException] = {}
        settings = np.geterr()  # a thread begins with NumPy's own

        def guarded(i: int) -> None:
            try:
                with np.errstate(**settings):
                    work(i)
            except BaseException as error:
                errors[i] = error

        def in_thread(i: int) -> None:
            # Some BLAS have a limit for each thread; it ends with this one.
            _blas().limit(limits=1)
            guarded(i)

        threads = [
            threading.Thread(target=in_thread, args=(i,), daemon=True) for i in range(1, SHARDS)
        ]
        for thread in threads:
            thread.start()
        guarded(0)
        for thread in threads:
            while thread.is_alive():
                try:
                    thread.join()
                except KeyboardInterrupt as error:
                    errors[0] = error
    if errors:
        raise errors[min(errors)]


@contextmanager
def _one_blas_thread() -> Iterator[bool]:
    """Matrix products on one core within the block; yields whether that is so.

    The limit is the whole process's.  The first that comes sets it, the last that goes lifts it.
    """
    global _limited, _limiter
    controller = _blas()
    if not controller.lib_controllers:
        yield False
        return
    with _limit_lock:
        if _limited == 0:
            _limiter = controller.limit(limits=1)
        _limited += 1
    try:
        yield True
    finally:
        with _limit_lock:
            _limited -= 1
            if _limited == 0:
                _limiter.restore_original_limits()


@cache
def _blas() -> Any:
    """What controls the threads of BLAS; it takes 60 times as long to find as to use."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")


def all_of(layers: Sequence[Layer]) -> list[Layer]:
    """The layers and all that they contain."""
    return [inner for layer in layers for inner in layer.walk()]
