"""The file of a network: parameters, running statistics, and the names of the layers."""

from collections.abc import Mapping

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.params import Slot, slots
from dlbasics.layers import Layer
from dlbasics.storage import PathLike, load_arrays, save_arrays

LAYERS = "layers"
"""The entry that holds the layers' names."""

Layers = Mapping[str, Layer]


def save(layers: Layers, path: PathLike) -> None:
    """Write the parameters and running statistics of the layers to exactly `path`."""
    arrays = {key: getattr(*slot) for key, slot in _stored(layers).items()}
    present = {key: array for key, array in arrays.items() if array is not None}
    save_arrays(path, {**present, LAYERS: np.array(_names(layers))})


def load(layers: Layers, path: PathLike) -> None:
    """Read what `save` wrote to `path` into the layers; raise ValueError if it does not fit."""
    arrays, own = load_arrays(path), _names(layers)
    names = arrays.pop(LAYERS, np.array(own)).tolist()
    if names != own:
        raise ValueError(f"{path} holds layers {names}, this network has {own}")
    _check_fit(layers, path, arrays)
    for key, slot in _stored(layers).items():
        setattr(*slot, arrays.get(key))


def _stored(layers: Layers) -> dict[str, Slot]:
    return slots(layers, ["param_names", "state_names"])


def _names(layers: Layers) -> list[str]:
    return [
        "/".join([name, *(inner.kind for inner in [*layer.walk()][1:])])
        for name, layer in layers.items()
    ]


def _check_fit(layers: Layers, path: PathLike, arrays: Mapping[str, Array]) -> None:
    if unknown := arrays.keys() - _stored(layers).keys():
        raise ValueError(f"{path} holds {sorted(unknown)}, which this network does not have")
    has_states: dict[Layer, bool] = {}
    for key, (layer, name) in _stored(layers).items():
        is_state, is_given = name in layer.state_names, key in arrays
        own = _form(getattr(layer, layer.param_names[0] if is_state else name))
        given = _form(arrays.get(key))
        if given != own and (is_given or not is_state):
            raise ValueError(f"{path} holds {key}: {given}, this network has {own}")
        if is_state and has_states.setdefault(layer, is_given) != is_given:
            raise ValueError(f"{path} must hold all of {layer.state_names} or none; see {key}")


def _form(array: Array | None) -> str:
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"
