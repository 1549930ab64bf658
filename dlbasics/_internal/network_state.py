"""The parts of a network that training changes: parameters, running statistics, generators.

`save` and `load` write and read the file of one of our networks.  The other functions are for
checkpoints.  Their network may be one that a reader wrote.  It has `params`, a mapping from keys to
arrays.  If it also has `layers`, our layers among them have the running statistics and generators.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlbasics._internal import device
from dlbasics._internal.checks import Array
from dlbasics._internal.npz import Form
from dlbasics._internal.params import Slot, slots
from dlbasics._internal.readers import ReadersLayer
from dlbasics.layers import Layer
from dlbasics.storage import PathLike, open_npz, save_arrays

LAYERS = "layers"
"""The entry of a network's file that holds the names of the layers."""

MAX_NAMES = 1_000_000
"""An entry of more bytes cannot be one with names."""

Layers = Mapping[str, Layer]


def save(layers: Layers, path: PathLike) -> None:
    """Write the parameters and running statistics of the layers to exactly `path`."""
    arrays = {key: getattr(*slot) for key, slot in _stored(layers).items()}
    present = {key: device.get(array) for key, array in arrays.items() if array is not None}
    save_arrays(path, {**present, LAYERS: np.array(_names(layers))})


def load(layers: Layers, path: PathLike) -> None:
    """Read what `save` wrote to `path` into the layers; raise ValueError if it does not fit.

    Nothing but names, shapes and dtypes is read of a file that does not fit, and no layer changes.
    """
    own = _names(layers)
    with open_npz(path) as file:
        forms = dict(file.forms)
        if (form := forms.pop(LAYERS, None)) is not None:
            names = file.read(LAYERS).tolist() if form.size < MAX_NAMES else form
            if names != own:
                raise ValueError(f"{path} holds layers {names!s:.500}, this network has {own}")
        _check_file(layers, path, forms)
        file.check_size(key for key, slot in _stored(layers).items() if getattr(*slot) is None)
        arrays = {key: file.read(key) for key in forms}
    for key, (layer, name) in _stored(layers).items():
        setattr(layer, name, None if key not in arrays else on_its_device(layer, arrays[key]))


def arrays_of(network: Any) -> dict[str, Array]:
    """Return copies of the parameters and running statistics, under names like 'params/W1'."""
    arrays = {f"params/{key}": device.get(param.copy()) for key, param in network.params.items()}
    for key, slot in _states(network).items():
        if (state := getattr(*slot)) is not None:
            arrays[key] = device.get(state.copy())
    return arrays


def check_fit(network: Any, arrays: Mapping[str, Array]) -> None:
    """Raise ValueError unless `arrays_of` a network of the same kind returned `arrays`."""
    params = {f"params/{key}": param for key, param in network.params.items()}
    if wrong := (params.keys() ^ arrays.keys()) - _states(network).keys():
        raise ValueError(f"the network and the checkpoint differ in {sorted(wrong)!s:.500}")
    for key, param in params.items():
        given = arrays[key]
        if (given.shape, given.dtype) != (param.shape, param.dtype):
            raise ValueError(f"{key} must be {_form(param)}, got {_form(given)}")
        if given.dtype.kind == "f" and not np.isfinite(given).all():
            raise ValueError(f"{key} must hold finite numbers")
        if not device.is_elsewhere(param) and not param.flags.writeable:
            raise ValueError(f"{key} must be writable, but the network's array is read-only")
    _check_states(_states(network), arrays)


def _check_states(states: Mapping[str, Slot], arrays: Mapping[str, Array]) -> None:
    """Raise ValueError unless each layer may have the running statistics among the arrays."""
    has_states: dict[Layer, bool] = {}
    for key, (layer, name) in states.items():
        if has_states.setdefault(layer, key in arrays) != (key in arrays):
            raise ValueError(f"it must hold all of {layer.state_names} or none; see {key}")
        if (given := arrays.get(key)) is None:
            continue
        like = getattr(layer, name)
        if like is None and not isinstance(layer, ReadersLayer):
            like = getattr(layer, layer.param_names[0])
        if like is not None and (
            given.shape != like.shape or given.dtype not in dtypes_of_state(like)
        ):
            raise ValueError(f"{key} must be {_form(like)}, got {_form(given)}")
        if np.isnan(given).any() or (name == "running_var" and (given < 0).any()):
            raise ValueError(f"{key} must be a running statistic, got {given.min()}")


def dtypes_of_state(param: Array) -> set[np.dtype[Any]]:
    """Return the dtypes of what goes with a parameter: its own, or float32 for half precision."""
    return {param.dtype, np.result_type(param.dtype, np.float32)}


def put_back(network: Any, arrays: Mapping[str, Array]) -> None:
    """Undo `arrays_of`: copy the parameters in place, and set the running statistics."""
    for key, param in network.params.items():
        param[...] = device.like(arrays[f"params/{key}"], param)
    for key, (layer, name) in _states(network).items():
        state = arrays[key].copy() if key in arrays else None
        setattr(layer, name, None if state is None else on_its_device(layer, state))


def on_its_device(layer: Layer, array: Array) -> Array:
    """Return the array on the device of the layer's parameters."""
    params = (getattr(layer, name) for name in layer.param_names)
    return device.like(array, next((param for param in params if param is not None), array))


def move(layers: Layers, name: str) -> None:
    """Move the parameters and running statistics of the layers to the device of that name."""
    slots_of = [slot for slot in _stored(layers).values() if getattr(*slot) is not None]
    moved = [device.put(getattr(*slot), name) for slot in slots_of]
    for slot, array in zip(slots_of, moved, strict=True):
        setattr(*slot, array)


def generators_of(network: Any) -> list[np.random.Generator]:
    """Return the generators of the layers and of the two halves of a batch, each once."""
    of_layers = [layer.rng for layer in _walk(network) if layer.rng is not None]
    of_shards = [rng for rngs in getattr(network, "shard_rngs", []) for rng in rngs]
    return [*dict.fromkeys([*of_layers, *of_shards])]


def set_missing_generators(network: Any, rng: np.random.Generator) -> None:
    """Give `rng` to every layer that has no random generator."""
    for layer in _walk(network):
        layer.rng = layer.rng or rng


def layers_of(network: Any) -> dict[str, Layer]:
    """Return those layers of the network that are ours, by name."""
    layers = getattr(network, "layers", {})
    found = layers.items() if isinstance(layers, Mapping) else enumerate(layers)
    return {str(name): layer for name, layer in found if isinstance(layer, Layer)}


def _walk(network: Any) -> Iterator[Layer]:
    """Return those layers of the network that are ours, and their inner layers."""
    return (layer for top in layers_of(network).values() for layer in top.walk())


def _states(network: Any) -> dict[str, Slot]:
    """Return layer and attribute of each running statistic, by names like 'states/running_var1'."""
    found = slots(layers_of(network), ["state_names"])
    return {f"states/{key}": slot for key, slot in found.items()}


def _stored(layers: Layers) -> dict[str, Slot]:
    return slots(layers, ["param_names", "state_names"])


def _names(layers: Layers) -> list[str]:
    return [
        "/".join([name, *(inner.kind for inner in [*layer.walk()][1:])])
        for name, layer in layers.items()
    ]


def _check_file(layers: Layers, path: PathLike, arrays: Mapping[str, Form]) -> None:
    if unknown := arrays.keys() - _stored(layers).keys():
        raise ValueError(f"{path} holds {sorted(unknown)!s:.500}, which this network does not have")
    has_states: dict[Layer, bool] = {}
    for key, (layer, name) in _stored(layers).items():
        is_state, is_given = name in layer.state_names, key in arrays
        is_unset = is_state and getattr(layer, name) is None
        own = _form(getattr(layer, layer.param_names[0] if is_unset else name))
        given = _form(arrays.get(key))
        if is_unset and isinstance(layer, ReadersLayer):
            own = given  # its class chooses shape and dtype
        if given != own and (is_given or not is_state):
            raise ValueError(f"{path} holds {key}: {given}, this network has {own}")
        if is_state and has_states.setdefault(layer, is_given) != is_given:
            raise ValueError(f"{path} must hold all of {layer.state_names} or none; see {key}")


def _form(array: Array | Form | None) -> str:
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"
