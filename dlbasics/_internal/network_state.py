"""The parts of a network that training changes: parameters, running statistics, generators.

The network may be one that a reader wrote.  It has `params`, a mapping from keys to arrays.  If it
has `layers`, too, running statistics and generators are those of our layers among them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.params import Slot, slots
from dlbasics.layers import Layer


def arrays_of(network: Any) -> dict[str, Array]:
    """Return copies of the parameters, as 'params/W1', and of the running statistics."""
    arrays = {f"params/{key}": param.copy() for key, param in network.params.items()}
    for key, slot in _states(network).items():
        if (state := getattr(*slot)) is not None:
            arrays[key] = state.copy()
    return arrays


def check_fit(network: Any, arrays: Mapping[str, Array]) -> None:
    """Raise ValueError unless `arrays` come from `arrays_of` a network of the same kind."""
    params = {f"params/{key}": param for key, param in network.params.items()}
    if wrong := (params.keys() ^ arrays.keys()) - _states(network).keys():
        raise ValueError(f"the network and what was stored differ in {sorted(wrong)}")
    for key, param in params.items():
        given = arrays[key]
        if (given.shape, given.dtype) != (param.shape, param.dtype):
            raise ValueError(
                f"{key} must be {param.dtype} of shape {param.shape}, "
                f"got {given.dtype} of shape {given.shape}"
            )


def put_back(network: Any, arrays: Mapping[str, Array]) -> None:
    """Copy `arrays`, from `arrays_of`, into the parameters in place, and set the statistics."""
    for key, param in network.params.items():
        param[...] = arrays[f"params/{key}"]
    for key, slot in _states(network).items():
        setattr(*slot, arrays[key].copy() if key in arrays else None)


def generators_of(network: Any) -> list[np.random.Generator]:
    """Return the generators of the layers and of the two halves of a batch, each once."""
    of_layers = [layer.rng for layer in _walk(network) if layer.rng is not None]
    of_shards = [rng for rngs in getattr(network, "shard_rngs", []) for rng in rngs]
    return [*dict.fromkeys([*of_layers, *of_shards])]


def set_missing_generators(network: Any, rng: np.random.Generator) -> None:
    """Let every layer that has no random generator draw from `rng`."""
    for layer in _walk(network):
        layer.rng = layer.rng or rng


def layers_of(network: Any) -> dict[str, Layer]:
    """Return the layers of ours in the network, by name."""
    layers = getattr(network, "layers", {})
    found = layers.items() if isinstance(layers, Mapping) else enumerate(layers)
    return {str(name): layer for name, layer in found if isinstance(layer, Layer)}


def _walk(network: Any) -> Iterator[Layer]:
    """Return the layers of ours and their inner layers."""
    return (layer for top in layers_of(network).values() for layer in top.walk())


def _states(network: Any) -> dict[str, Slot]:
    """Return layer and attribute of each running statistic, by names as 'states/running_mean1'."""
    found = slots(layers_of(network), ["state_names"])
    return {f"states/{key}": slot for key, slot in found.items()}
