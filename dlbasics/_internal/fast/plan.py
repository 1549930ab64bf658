"""The plan of a pass: in which form a network calls its layers."""

from collections.abc import Sequence
from typing import Any

from dlbasics._internal.fast.order import pooling_before_relu
from dlbasics._internal.fast.step import without_checks
from dlbasics._internal.fast.together import Together
from dlbasics._internal.table import replaceable
from dlbasics.layers import Layer

for_layers = replaceable(without_checks)


def for_replicas(layers: Sequence[Layer]) -> list[Any]:
    """Return a plan for replicas, of which nobody reads anything but gradients and statistics.

    In it, each Convolution goes together with the Pooling and the Relu after it.
    """
    plan: list[Any] = []
    rest = pooling_before_relu(layers)
    while rest:
        count = next((n for n in (2, 3) if Together.takes(rest[:n])), 0)
        plan.append(Together(rest[:count]) if count else rest[0])
        del rest[: max(count, 1)]
    return for_layers(plan)
