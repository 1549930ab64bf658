"""What a gradient check compares: the function, its arguments and their gradients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics._internal import readers
from dlbasics._internal.checks import Array
from dlbasics._internal.network_state import layers_of
from dlbasics._internal.undeclared import check_attributes, check_were_replaced, undeclared_arrays
from dlbasics.layers import Layer, LossLayer


@dataclass(frozen=True)
class Checked:
    """What the check compares: f, its arguments, and their gradients by backpropagation.

    Attributes:
        f: Returns the value for the present contents of the arrays.
        arrays: The arguments of f by name.  The check changes them in place.
        gradients: Returns the gradients of the arrays, in their order.
    """

    f: Callable[[], float]
    arrays: Mapping[str, Array]
    gradients: Callable[[], list[Array]]


def as_checked(target: Any, x: Array, t: Any, train_flg: bool, rng: np.random.Generator) -> Checked:
    """Return what to compare for a layer, a loss layer or a network.

    Raises:
        TypeError, ValueError: As `check_gradients` does.
    """
    if isinstance(target, LossLayer):
        return _loss_layer(target, x.astype(np.float64), t)
    # Integers may be indices, as in an embedding layer.
    double = x.astype(np.float64) if x.dtype.kind == "f" else x.copy()
    if hasattr(target, "gradient"):
        return _network(target, double, t, train_flg)
    if isinstance(target, Layer):
        return _layer(target, x.astype(np.float64), train_flg, rng)
    if not readers.is_layer(target):
        raise TypeError(f"target must be a layer, a loss layer or a network, got {target!r}")
    if t is None and readers.takes_labels(target):
        raise TypeError(f"t must be the labels, which {type(target).__name__}.forward needs")
    if t is not None:
        return _readers_loss_layer(target, x.astype(np.float64), t)
    x = double if x.dtype.kind in "iu" else x.astype(np.float64)
    return _layer(readers.ReadersLayer(target), x, train_flg, rng)


def _layer(layer: Layer, x: Array, train_flg: bool, rng: Any) -> Checked:
    layer.cast(np.float64)
    for inner in layer.walk():
        check_attributes(inner)
    undeclared = undeclared_arrays(layer.walk())
    given = x.copy()
    mode = _mode(layer.forward, train_flg)
    probe = rng.standard_normal(np.shape(layer.forward(x, **mode)))
    # The first passes get another dout: a gradient that they leave behind must not look right.
    layer.backward(-probe)
    layer.freeze()
    layer.forward(x, **mode)
    dout = -probe
    layer.backward(dout)
    if not np.array_equal(x, given, equal_nan=x.dtype.kind == "f"):
        raise ValueError(f"{layer.kind} must not change the x that it is given")
    if not np.array_equal(dout, -probe):
        raise ValueError(f"{layer.kind}.backward must not change the dout that it is given")
    check_were_replaced(undeclared)
    slots = {
        name if i == 0 else f"{inner.kind}[{i}].{name}": (inner, name)
        for i, inner in enumerate(layer.walk())
        for name in inner.param_names
        if getattr(inner, name) is not None
    }

    def gradients() -> list[Array]:
        layer.forward(x, **mode)
        dx = layer.backward(probe.copy())
        return [*([dx] if has_dx else []), *(getattr(o, f"d{name}") for o, name in slots.values())]

    has_dx = x.dtype.kind == "f"
    arrays = {label: _float64(getattr(*slot), label) for label, slot in slots.items()}
    return Checked(
        lambda: float(np.sum(probe * layer.forward(x, **mode))),
        {"x": x, **arrays} if has_dx else arrays,
        gradients,
    )


def _loss_layer(layer: LossLayer, x: Array, t: Any) -> Checked:
    undeclared = undeclared_arrays([layer])
    layer.forward(x, t)
    layer.backward(-2)  # another dout, as in _layer
    check_were_replaced(undeclared)

    def gradients() -> list[Array]:
        layer.forward(x, t)
        return [layer.backward(2)]

    return Checked(lambda: 2 * layer.forward(x, t), {"x": x}, gradients)


def _readers_loss_layer(own: Any, x: Array, t: Any) -> Checked:
    layer, found = readers.ReadersLoss(own), readers.ReadersLayer(own)
    found.cast(np.float64)
    layer.forward(0.9 * x, t)  # another x, as this loss layer may ignore dout
    layer.backward(1)
    found.check_gradients_are_known()
    names = found.param_names

    def gradients() -> list[Array]:
        layer.forward(x, t)
        # The book's own loss layer ignores dout, which in its networks is always 1.
        return [layer.backward(1), *(getattr(found, f"d{name}") for name in names)]

    arrays = {name: _float64(getattr(found, name), name) for name in names}
    return Checked(lambda: layer.forward(x, t), {"x": x, **arrays}, gradients)


def _network(network: Any, x: Array, t: Any, train_flg: bool) -> Checked:
    if not train_flg:
        raise ValueError("train_flg must be True for a network, whose gradient is that of training")
    if hasattr(network, "astype"):
        network = network.astype(np.float64).to("cpu")
    layers = [layer for top in layers_of(network).values() for layer in top.walk()]
    undeclared = undeclared_arrays([*layers])
    # A gradient that the first passes leave behind must not look right.
    other = 0.9 * x if x.dtype.kind == "f" else x
    network.gradient(other, t)
    for layer in layers:
        layer.frozen = True
    grads, params = network.gradient(other, t), network.params
    if not (isinstance(grads, Mapping) and isinstance(params, Mapping)):
        found = f"{type(params).__name__} and {type(grads).__name__}"
        raise TypeError(f"params, and what gradient returns, must be dicts, got {found}")
    if grads.keys() != params.keys():
        raise ValueError(f"gradient must return {[*params]}, as params has, got {[*grads]}")
    check_were_replaced(undeclared)
    arrays = {key: _float64(params[key], f"params[{key!r}]") for key in params}
    mode = _mode(network.loss, train_flg)

    def gradients() -> list[Array]:
        by_key = network.gradient(x, t)
        return [by_key[key] for key in arrays]

    return Checked(lambda: float(network.loss(x, t, **mode)), arrays, gradients)


def _mode(method: Callable[..., Any], train_flg: bool) -> dict[str, bool]:
    """Return train_flg as an argument if the method takes it; the book's first classes do not."""
    return {"train_flg": train_flg} if readers.takes(method, "train_flg") else {}


def _float64(array: Any, name: str) -> Array:
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        found = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"{name} must be a float64 array to be checked, got {found}")
    return array
