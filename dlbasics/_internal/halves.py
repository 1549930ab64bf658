"""Gradients of a batch in two halves, and predictions in blocks.

Networks with convolutions work on the two halves of a batch at the same time.  Each half has its
own replicas of the layers and its own generators.  The result depends on the halves alone: it is
the same with any number of cores, and in plain mode, which takes one half after the other.
"""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_rng, spawn
from dlbasics._internal.readers import ReadersLayer
from dlbasics._internal.table import replaceable
from dlbasics.layers import Layer, LossLayer

HALVES = 2

LEAST = 25
"""Predictions of fewer samples take too little time to divide them."""

Generators = list[list[np.random.Generator]]


@replaceable
def run_all(work: Callable[[int], None]) -> None:
    """Do work(0), then work(1)."""
    for half in range(HALVES):
        work(half)


@replaceable
def in_working_order(layers: Sequence[Layer]) -> list[Layer]:
    """Return replicas of layers in the form in which halves and predictions run them."""
    return [*layers]


@replaceable
def without_checks(layers: Sequence[Layer]) -> list[Layer]:
    """Return layers in the form in which a pass through the whole network runs them."""
    return [*layers]


def generators_for_halves(layers: Sequence[Layer]) -> Generators:
    """Return, for each half, a generator for each layer.

    Layers that share a generator also share the generators that it spawns.
    """
    rngs = [as_rng(layer.rng) for layer in all_of(layers)]
    spawned = {rng: spawn(rng, HALVES) for rng in dict.fromkeys(rngs)}
    return [[spawned[rng][half] for rng in rngs] for half in range(HALVES)]


def are_safe_for(layers: Sequence[Layer], last_layer: LossLayer) -> bool:
    """Return whether all layers are ours and none couples the samples of a batch."""
    kinds = {type(layer) for layer in (*layers, last_layer)}
    are_ours = all(kind.__module__.startswith("dlbasics.layers.") for kind in kinds)
    return are_ours and not any(layer.couples_samples for layer in layers)


def check_can_be_shared(
    layers: Sequence[Layer], last_layer: LossLayer, demand: str = "sharded must be False"
) -> None:
    """Raise ValueError, with what it demands, if a layer's replicas cannot compute the halves."""
    without_base = [layer.kind for layer in layers if isinstance(layer, ReadersLayer)]
    if type(last_layer).forward is not LossLayer.forward:
        without_base.append(type(last_layer).__name__)
    if without_base:
        raise ValueError(
            f"{demand} for layers that do not use the forward of Layer or LossLayer, "
            f"got {without_base}"
        )


def gradient_in_halves(
    backpropagate: Callable[..., float],
    layers: Sequence[Layer],
    last_layer: LossLayer,
    x: Array,
    t: Array,
    rngs: Generators,
) -> float:
    """Set d<name> of every parameter to the gradient of the mean loss; return the mean loss.

    Each half goes through replicas of the layers, which share the parameters.  Running statistics
    become the mean of those of the halves.
    """
    bounds = [len(x) * half // HALVES for half in range(HALVES + 1)]
    replicas = [[layer.replica() for layer in layers] for _ in rngs]
    last_layers = [copy.copy(last_layer) for _ in rngs]
    losses = [0.0] * HALVES

    def work(half: int) -> None:
        part = slice(bounds[half], bounds[half + 1])
        for layer, rng in zip(all_of(replicas[half]), rngs[half], strict=True):
            layer.rng = rng
        share = (part.stop - part.start) / len(x)
        losses[half] = share * backpropagate(
            in_working_order(replicas[half]), last_layers[half], x[part], t[part], share
        )

    problem: Exception | None = None
    try:
        run_all(work)
    except (TypeError, ValueError) as error:
        problem = error
    if problem is not None:
        # The message is about a half of the batch.  The whole batch meets the same error.
        backpropagate([layer.replica() for layer in layers], copy.copy(last_layer), x, t)
        raise problem
    for layer, *twins in zip(all_of(layers), *map(all_of, replicas), strict=True):
        _add_up(layer, twins)
    last_layer.join(last_layers, t, sum(losses))
    return sum(losses)


def blocks(x: Array, size: int, in_halves: bool) -> list[Array]:
    """Return the samples of a batch in blocks of at most `size`.

    With `in_halves` there is an even number of blocks, unless the samples are few.
    """
    if in_halves and len(x) >= LEAST:
        return np.array_split(x, HALVES * math.ceil(len(x) / (HALVES * size)))
    return [x[i : i + size] for i in range(0, len(x), size)] or [x]


def predict(
    run: Callable[..., Array],
    layers: Sequence[Layer],
    blocks: Sequence[Array],
    train_flg: bool,
    in_halves: bool,
) -> Array:
    """Return the scores of all blocks of a batch; `in_halves` gives each half every other block.

    Replicas compute, so that a later `backward` still finds the last pass in the layers.
    """
    scores: list[Any] = [None] * len(blocks)

    def work(part: slice) -> None:
        plan = in_working_order([layer.replica() for layer in layers])
        scores[part] = [run(plan, block, train_flg) for block in blocks[part]]

    if len(blocks) == 1 or not in_halves:
        work(slice(None))
    else:
        run_all(lambda half: work(slice(half, None, HALVES)))
    return scores[0] if len(blocks) == 1 else np.concatenate(scores)


def all_of(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers, each followed by its inner layers."""
    return [inner for layer in layers for inner in layer.walk()]


def _add_up(layer: Layer, twins: Sequence[Layer]) -> None:
    for name in layer.param_names:
        if getattr(layer, name) is not None:
            total, *others = (getattr(twin, f"d{name}") for twin in twins)
            for other in others:
                total += other
            setattr(layer, f"d{name}", total)
    for name in layer.state_names:
        setattr(layer, name, sum(getattr(twin, name) for twin in twins) / HALVES)
