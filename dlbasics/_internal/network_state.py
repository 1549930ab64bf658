"""All that training changes in a network: ours, or one that a reader wrote.

Such a network has `params`, a mapping from keys to arrays.  Where it has `layers` too, running
statistics and random generators are found in those that are ours.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.params import slots
from dlbasics.layers import Layer


def layers_of(network: Any) -> dict[str, Layer]:
    """The layers by name; of a reader's network, those that are layers of ours."""
    layers = getattr(network, "layers", {})
    found = layers.items() if isinstance(layers, Mapping) else enumerate(layers)
    return {str(name): layer for name, layer in found if isinstance(layer, Layer)}


def arrays_of(network: Any) -> dict[str, Array]:
    """Copies of the parameters and of the running statistics that there are, as 'params/W1'."""
    arrays = {f"params/{key}": param.copy() for key, param in network.params.items()}
    for key, slot in slots(layers_of(network), ["state_names"]).items():
        if (state := getattr(*slot)) is not None:
            arrays[f"states/{key}"] = state.copy()
    return arrays


def check_fit(network: Any, arrays: Mapping[str, Array]) -> None:
    """Raise ValueError unless the arrays are what `arrays_of` returned for such a network."""
    states = {f"states/{key}" for key in slots(layers_of(network), ["state_names"])}
    params = {f"params/{key}": param for key, param in network.params.items()}
    if wrong := (params.keys() ^ arrays.keys()) - states:
        raise ValueError(f"the network and what was stored differ in {sorted(wrong)}")
    for key, param in params.items():
        given = arrays[key]
        if (given.shape, given.dtype) != (param.shape, param.dtype):
            raise ValueError(
                f"{key} must be {param.dtype} of shape {param.shape}, "
                f"got {given.dtype} of shape {given.shape}"
            )


def put_back(network: Any, arrays: Mapping[str, Array]) -> None:
    """Write what `arrays_of` returned into the network's own parameters, and set its statistics."""
    for key, param in network.params.items():
        param[...] = arrays[f"params/{key}"]
    for key, slot in slots(layers_of(network), ["state_names"]).items():
        state = arrays.get(f"states/{key}")
        setattr(*slot, None if state is None else state.copy())


def generators_of(network: Any) -> list[np.random.Generator]:
    """The generators that layers and shards draw from, each once."""
    inner = [layer for top in layers_of(network).values() for layer in top.walk()]
    of_layers = [layer.rng for layer in inner if layer.rng is not None]
    of_shards = [rng for rngs in getattr(network, "shard_rngs", []) for rng in rngs]
    return [*dict.fromkeys([*of_layers, *of_shards])]
