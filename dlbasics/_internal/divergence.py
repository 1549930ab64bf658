"""Where numbers stopped being finite, when a training has failed."""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, quiet
from dlbasics._internal.params import slots
from dlbasics.network import Network


def not_finite_param(network: Any) -> str:
    """The first parameter that holds NaN or infinity, as "W1 holds 3 nan"; "" if none does."""
    for key, param in network.params.items():
        if found := _not_finite(param):
            return f"{key} holds {found}"
    return ""


@quiet
def first_not_finite(network: Any, x: Array) -> str:
    """What is NaN or infinite first on the way of the batch x through the network, in words.

    Input, then layer by layer parameters, running statistics and output.  A network that a reader
    wrote is searched for parameters only.
    """
    if found := _not_finite(x):
        return f"the input x of this batch: it holds {found}"
    layers = network.layers if isinstance(network, Network) else {}
    keys = {slot: key for key, slot in slots(layers, ["param_names", "state_names"]).items()}
    for name, layer in layers.items():
        for (owner, attribute), key in keys.items():
            array = getattr(owner, attribute)
            if owner in layer.walk() and array is not None and (found := _not_finite(array)):
                return f"layer {name}: {key} holds {found}"
        x = layer.replica().forward(x)
        if found := _not_finite(x):
            return f"layer {name}: its output holds {found}, though its input is finite"
    return not_finite_param(network) or "the loss, while all parameters are finite"


def _not_finite(array: Array) -> str:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    counts = {"nan": np.isnan(array).sum(), "inf": np.isinf(array).sum()}
    return " and ".join(f"{count} {word}" for word, count in counts.items() if count)
