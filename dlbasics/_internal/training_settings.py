"""The settings and the data of a training, which its checkpoints hold to be known again."""

import inspect
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal import device
from dlbasics._internal.checks import Array
from dlbasics._internal.readers import ReadersLayer, ReadersLoss
from dlbasics.layers import Layer
from dlbasics.network import Network
from dlbasics.storage import without_addresses

if TYPE_CHECKING:
    from dlbasics.trainer import Trainer

WHOLE = 2**28
"""The number of bytes of which a checksum is computed.  Of a larger array it takes some samples."""

ADDED = ("floor",)
"""Arguments that earlier versions did not have.  They did what False stands for."""

ROWS = 1024
"""The number of samples that are laid out in memory at a time."""


def settings_of(trainer: "Trainer") -> dict[str, Any]:
    """Return the settings that a checkpoint and the trainer that loads it must have in common."""
    return {
        "train_size": trainer.train_size,
        "mini_batch_size": trainer.batch_size,
        "sampling": trainer.sampling,
        "schedule": without_addresses(repr(trainer.schedule)),
        "max_norm": trainer.max_norm,
        "patience": trainer.patience,
        "monitor": trainer.monitor,
        "sharded": getattr(trainer.network, "sharded", False),
        "augment": None if trainer.augment is None else _kind(trainer.augment),
        "evaluate_sample_num_per_epoch": trainer.evaluate_sample_num_per_epoch,
        "optimizer": trainer._optimizer_settings,
        "network": trainer._network_settings,
        "data": trainer._data_settings,
    }


def check_settings(trainer: "Trainer", stored: Any) -> None:
    """Raise ValueError if `stored`, from a checkpoint, differs from the trainer's settings.

    Files of earlier versions lack some settings, which are not compared.
    """
    if not isinstance(stored, Mapping):
        raise ValueError(f"settings must be a JSON object, got {stored!r}")
    for key, own in json.loads(json.dumps(settings_of(trainer))).items():
        _check_same(key, own, stored.get(key, own))


def _check_same(name: str, own: Any, given: Any) -> None:
    if isinstance(own, dict) and isinstance(given, dict):
        for key in dict.fromkeys([*own, *given]):
            _check_same(key, own.get(key), given.get(key))
    elif own != given:
        raise ValueError(f"{name} must be {own}, got {given}")


def data_settings(arrays: Mapping[str, Array]) -> dict[str, str]:
    """Return dtype, shape and checksum of each array, by its name."""
    return {
        name: f"{array.dtype} of shape {array.shape} with the checksum {_checksum(array):08x}"
        for name, array in arrays.items()
    }


def settings_of_part(name: str, part: Any) -> dict[str, Any]:
    """Return the kind of a layer or optimizer, and its settings by names like 'layer 1.pad'.

    The settings are those arguments of its constructor that are numbers or texts, or lists of
    these, and that it keeps as attributes of the same names.
    """
    own = part.own if isinstance(part, ReadersLayer | ReadersLoss) else part
    try:
        arguments = [*inspect.signature(type(own)).parameters]
    except ValueError:  # a class that is not written in Python
        arguments = []
    attributes = getattr(own, "__dict__", {})
    values = {key: _plain(attributes[key]) for key in arguments if key in attributes}
    settings = {
        f"{name}.{key}": value
        for key, value in values.items()
        if value is not None and (value or key not in ADDED)
    }
    return {name: _kind(part), **settings}


def network_settings(network: Any) -> dict[str, Any]:
    """Return the kinds and settings of a network, of its layers, and of its regularizer."""
    found = settings_of_part("network", network)
    if isinstance(network, Network):
        # Classes such as TwoLayerNet only choose the layers.
        found["network"] = Network.__name__
        found.pop("network.input_dim", None)
    for i, layer in enumerate(_layers(network), start=1):
        found |= settings_of_part(f"layer {i}", layer)
    last_layer = getattr(network, "last_layer", getattr(network, "lastLayer", None))
    found |= settings_of_part("last_layer", last_layer)
    return found | settings_of_part("regularizer", getattr(network, "regularizer", None))


def _layers(network: Any) -> Iterator[Any]:
    """Yield the layers, each followed by its inner layers; a reader's may be any objects."""
    layers = getattr(network, "layers", ())
    for layer in layers.values() if isinstance(layers, Mapping) else layers:
        yield from layer.walk() if isinstance(layer, Layer) else [layer]


def _kind(part: Any) -> str:
    if isinstance(part, Layer):
        return part.kind
    if isinstance(part, ReadersLoss):
        part = part.own
    if part is None:
        return "None"
    return str(getattr(part, "__name__", type(part).__name__))  # a function has a name


def _plain(value: Any) -> Any:
    """Return numbers, texts, and lists of them as JSON can hold them; None for anything else."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return None if None in items else items
    return value if isinstance(value, bool | int | float | str) else None


def _checksum(array: Array) -> int:
    step = 1 + array.nbytes // WHOLE
    checksum = 0
    for start in range(0, len(array), ROWS * step):
        rows = np.ascontiguousarray(device.get(array[start : start + ROWS * step : step]))
        checksum = zlib.crc32(rows.data, checksum)
    return checksum
