"""Parameters that a subclass of Layer or LossLayer does not declare, so that nobody trains them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics._internal.readers import ReadersLayer, is_layer, parts, set_by
from dlbasics.layers import Layer


def check_attributes(layer: Layer) -> None:
    """Raise ValueError if a subclass of Layer has layers or gradients that it does not declare."""
    if isinstance(layer, ReadersLayer):
        return
    gradients = {*vars(layer), *set_by(layer, "_backward"), *set_by(layer, "backward")}
    for name, value in vars(layer).items():
        if any(is_layer(part) and part not in layer.layers for part in parts(value)):
            raise ValueError(
                f"{layer.kind}.{name} must be in {layer.kind}.layers too, or it would be "
                "neither trained nor saved"
            )
        declared = name in layer.param_names + layer.state_names
        if isinstance(value, np.ndarray) and f"d{name}" in gradients and not declared:
            raise ValueError(
                f"{layer.kind}.{name} has a gradient, so it must be in {layer.kind}.param_names"
            )


def undeclared_arrays(layers: Iterable[Any]) -> list[tuple[Any, str, Array]]:
    """Return layer, attribute and array of what may be a parameter though nothing says so.

    These are the floating-point arrays of a reader's subclasses of Layer and LossLayer.  A class
    that has `param_names` of its own says which of its arrays are parameters.
    """
    return [
        (layer, name, part)
        for layer in layers
        if not _says_its_parameters(layer)
        for name, value in vars(layer).items()
        if name not in (*getattr(layer, "param_names", ()), *getattr(layer, "state_names", ()))
        for part in parts(value)
        if isinstance(part, np.ndarray) and part.dtype.kind == "f"
    ]


def check_were_replaced(arrays: Iterable[tuple[Any, str, Array]]) -> None:
    """Raise ValueError if passes since `undeclared_arrays` have left one of its arrays in place."""
    for layer, name, array in arrays:
        if any(part is array for part in parts(vars(layer).get(name))):
            kind = type(layer).__name__
            raise ValueError(
                f"{kind}.{name} is an array whose gradient is unknown: list the parameters of the "
                f"class in {kind}.param_names, which may be empty"
            )


def _says_its_parameters(layer: Any) -> bool:
    own = [kind for kind in type(layer).__mro__ if kind.__module__.partition(".")[0] != "dlbasics"]
    is_ours = type(layer) not in own
    return is_ours or any("param_names" in vars(kind) for kind in own)
