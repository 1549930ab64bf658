"""The plan of a pass: in which form a network calls its layers."""

from collections.abc import Sequence
from typing import Any

from dlbasics._internal.fast.order import pooling_before_relu
from dlbasics._internal.fast.step import without_checks
from dlbasics._internal.fast.together import Together, go_together
from dlbasics.layers import Layer


def for_replicas(layers: Sequence[Layer]) -> list[Any]:
    """Return a plan for replicas, of which nobody reads anything but gradients and statistics.

    In it, each Convolution goes together with the Pooling and the Relu after it.
    """
    plan: list[Any] = []
    rest = pooling_before_relu(layers)
    while rest:
        count = next((n for n in (2, 3) if go_together(rest[:n])), 1)
        plan += [Together(rest[:count])] if count > 1 else without_checks(rest[:1])
        del rest[:count]
    return plan
