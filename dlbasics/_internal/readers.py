"""Adapters for layers that a reader typed from the book, without our base class."""

import copy
import dis
import functools
import inspect
import numbers
import types
from collections.abc import Iterator, Mapping
from operator import getitem
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, NoAccuracyError, as_result
from dlbasics._internal.device import is_array
from dlbasics.layers import Layer, LossLayer, SoftmaxWithLoss

STATES = ("running_mean", "running_var")

NO_HOLDERS = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
)
"""Objects that hold no arrays of a layer, whatever their attributes are."""


def is_layer(layer: Any) -> bool:
    """Return whether it is an object with `forward` and `backward`, and no loss layer of ours."""
    has_both = callable(getattr(layer, "forward", None)) and hasattr(layer, "backward")
    return has_both and not isinstance(layer, type | LossLayer)


def is_loss_layer(layer: Any) -> bool:
    """Return whether it is an object with `forward` and `backward`, and no other layer of ours."""
    return isinstance(layer, LossLayer) or (is_layer(layer) and not isinstance(layer, Layer))


def takes(method: Any, argument: str) -> bool:
    """Return whether the method takes an argument of that name."""
    return argument in inspect.signature(method).parameters


def takes_labels(layer: Any) -> bool:
    """Return whether it is a loss layer, whose forward needs labels beside x."""
    try:
        inspect.signature(layer.forward).bind("x")
    except TypeError:
        return not takes(layer.forward, "train_flg")
    return takes(layer.forward, "t")


class ReadersLayer(Layer):
    """A layer that computes by `own`, a reader's object with forward(x) and backward(dout).

    If `own` has `param_names`, these are its parameters.  If it has lists `params` and `grads`, as
    in the author's second book, its parameters are the arrays in `params`; a matrix gets the name
    W, a vector b, and further ones W_2_, b_2_, ...  Tuples, dicts and lists of lists will do, too.
    Otherwise, its parameters are the arrays W for which there is a dW.

    Raises:
        ValueError: In backward, if the gradient of an array is unknown.
        TypeError: If parameters may hide, as in layers within `own`, or in a number.
    """

    couples_samples = True  # we do not know, so we expect that it does

    def __init__(self, own: Any) -> None:
        kind = getattr(own, "kind", None)
        vars(self).update(own=own, kind=kind if isinstance(kind, str) else type(own).__name__)
        vars(self).update(places={}, unmatched={})
        names = getattr(own, "param_names", None)
        if names is None and _has_lists(own):
            self.places.update(_places(own))
            names = self.places
            listed = {
                id(array) for array in [*parts(own.params), *parts(getattr(own, "grads", None))]
            }
            self.unmatched.update(
                {name: array for name, array in _arrays(own).items() if id(array) not in listed}
            )
            _check_inner_layers(own)
        elif names is None:
            arrays = _arrays(own)
            names = [name for name in arrays if f"d{name}" in _gradients(own)]
            self.unmatched.update({name: arrays[name] for name in arrays.keys() - set(names)})
            _check_what_is_no_array(own)
        if wrong := [name for name in names if hasattr(Layer, name)]:
            raise ValueError(f"{self.kind} must have other names for its parameters than {wrong}")
        vars(self).update(param_names=tuple(names))
        states = getattr(own, "state_names", [name for name in STATES if hasattr(own, name)])
        vars(self).update(state_names=tuple(states))

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """Return what the reader's layer returns."""
        if takes(self.own.forward, "train_flg"):
            return as_result(self.own.forward(x, train_flg=train_flg))
        return as_result(self.own.forward(x))

    def backward(self, dout: Array) -> Any:
        """Return what the reader's layer returns: dL/dx, or None for an x of integers."""
        dx = self.own.backward(dout.copy())  # the book's Relu writes into dout
        self.check_gradients_are_known()
        return dx

    def check_gradients_are_known(self) -> None:
        """Raise ValueError if, after backward, an array has no gradient that we can find."""
        for name, array in self.unmatched.items():
            if getattr(self.own, name, None) is array:  # forward has not put another one there
                raise ValueError(
                    f"{self.kind}.{name} is an array whose gradient is unknown: set self."
                    f"d{name} in backward, as the book does, or list the parameters in "
                    f"{self.kind}.param_names"
                )
        if self.places:
            _check_grads(self.own, len(self.places))

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.replica().forward(np.zeros((2, *x_shape), np.float32)).shape[1:]

    def replica(self) -> "ReadersLayer":
        twin = super().replica()
        vars(twin)["own"] = copy.copy(self.own)
        return twin

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "own" not in vars(self):
            raise AttributeError(name)  # copy and pickle ask before the attributes exist
        if name in self.places:
            return functools.reduce(getitem, self.places[name], self.own.params)
        if name.startswith("d") and name[1:] in self.places:
            return np.array(functools.reduce(getitem, self.places[name[1:]], self.own.grads))
        return getattr(self.own, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.places:
            _replace(self.own, getattr(self, name), value)
            gradient = dict(_leaves(getattr(self.own, "grads", None))).get(self.places[name])
            if isinstance(gradient, np.ndarray) and gradient.dtype != value.dtype:
                _replace(self.own, gradient, np.zeros_like(value))
        elif name.startswith("d") and name[1:] in self.places:
            functools.reduce(getitem, self.places[name[1:]], self.own.grads)[...] = value
        elif not hasattr(Layer, name) and hasattr(self.own, name):
            setattr(self.own, name, value)
        else:
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        return repr(self.own)


class ReadersLoss(SoftmaxWithLoss):
    """A loss layer that computes by `own`, which has forward(x, t) and backward(dout=1).

    Its accuracy is that of `SoftmaxWithLoss`: the largest score is at the label's class.  With one
    output, it is the share of right answers: an answer is yes if the `y` of `own` is above 0.5.
    """

    def __init__(self, own: Any) -> None:
        self.own = own

    def __repr__(self) -> str:
        return repr(self.own)

    def forward(self, x: Array, t: Any) -> float:
        """Return what the reader's layer returns."""
        self.loss = float(self.own.forward(x, t))
        self.y, self.t = getattr(self.own, "y", None), t
        return self.loss

    def backward(self, dout: float = 1) -> Array:
        """Return what the reader's layer returns, times dout."""
        if inspect.signature(self.own.backward).parameters:
            return as_result(self.own.backward(dout))
        return as_result(self.own.backward()) * dout

    def correct(self, x: Array, t: Any) -> Array:
        """Return whether each sample is classified correctly, (N,).

        Raises:
            TypeError: If there is one output, and the labels are not 0 and 1, or `own` has no `y`.
        """
        if np.ndim(x) < 2 or np.shape(x)[1] > 1:
            return super().correct(x, t)
        own, labels = copy.copy(self.own), np.reshape(t, len(x))
        own.forward(x, t)
        y: Any = getattr(own, "y", None)
        if np.size(y) != len(x) or not np.isin(labels, (0, 1)).all():
            raise NoAccuracyError(
                f"{type(self.own).__name__} has no accuracy: with one output, it must have y, the "
                "probability that t is 1, and t must be 0 or 1"
            )
        is_yes: Array = np.reshape(y, len(x)) > 0.5
        return is_yes == labels

    def _probabilities(self, x: Array) -> Array:
        raise TypeError(
            f"{type(self.own).__name__} must tell how scores become probabilities: compute them "
            "from predict(x), for instance by softmax"
        )


def check_has_no_parameters(own: Any) -> None:
    """Raise TypeError if a reader's loss layer has parameters, which a network would not train."""
    trained = [name for name in _arrays(own) if f"d{name}" in _gradients(own)]
    if trained or any(True for _ in parts(getattr(own, "params", None) or ())):
        raise TypeError(f"{type(own).__name__} must have no parameters, as a loss layer")


def _attributes(own: Any) -> dict[str, Any]:
    slots = [name for kind in type(own).__mro__ for name in getattr(kind, "__slots__", ())]
    found = {name: getattr(own, name) for name in slots if hasattr(own, name)}
    return {**found, **getattr(own, "__dict__", {})}


def set_by(own: Any, method: str) -> set[str]:
    """Return the attributes that the method of that name sets, also by `super()`."""
    found: set[str] = set()
    for each in (vars(kind)[method] for kind in type(own).__mro__ if method in vars(kind)):
        code = getattr(each, "__code__", None)
        found |= _stored(code) if code else set()
        if not (code and "super" in code.co_names):
            break
    return found


@functools.lru_cache
def _stored(code: types.CodeType) -> set[str]:
    return {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}


def _arrays(own: Any) -> dict[str, Array]:
    """Return the floating-point arrays, except running statistics and what a pass leaves behind."""
    left_behind = {*set_by(own, "forward"), *set_by(own, "backward"), *STATES}
    return {
        name: value
        for name, value in _attributes(own).items()
        if is_array(value) and value.dtype.kind == "f" and name not in left_behind
    }


def _gradients(own: Any) -> set[str]:
    """Return the attributes that may be gradients: what the layer has, and what backward sets."""
    return {*set_by(own, "backward"), *_attributes(own), *vars(type(own))}


def _check_what_is_no_array(own: Any) -> None:
    """Raise TypeError if a parameter may hide in something other than an array."""
    kind = type(own).__name__
    for name, value in _attributes(own).items():
        hidden = not is_array(value) and any(_arrays_within(value, {id(own)}))
        if hidden or (not takes_labels(own) and any(map(is_layer, parts(value)))):
            raise TypeError(
                f"{kind}.{name} must not hold layers or arrays, whose parameters would not be "
                "found: derive the class from Layer, with its inner layers in self.layers, or list "
                f"all parameters in {kind}.param_names"
            )
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        is_other_array = is_array(value) and value.dtype.kind in "iu"
        if (is_number or is_other_array) and f"d{name}" in _gradients(own):
            raise TypeError(
                f"{kind}.{name} must be a floating-point array to be trained, got {value!r}"
            )


def _check_inner_layers(own: Any) -> None:
    """Raise TypeError if the lists of a block lack what a layer within it has."""
    listed = {id(array) for array in parts(own.params)}
    for value in _attributes(own).values():
        for inner in filter(is_layer, parts(value)):
            lists = parts(inner.params) if _has_lists(inner) else _arrays(inner).values()
            inner_params = [*lists]
            has_states = any(hasattr(inner, name) for name in STATES)
            if has_states or any(id(array) not in listed for array in inner_params):
                raise TypeError(
                    f"{type(own).__name__} holds a {type(inner).__name__} whose parameters or "
                    "running statistics would not be found: derive the class from Layer, with its "
                    "inner layers in self.layers"
                )


def _has_lists(own: Any) -> bool:
    has_grads = hasattr(own, "grads") or "grads" in set_by(own, "backward")
    return has_grads and isinstance(getattr(own, "params", None), Mapping | list | tuple)


def _places(own: Any) -> dict[str, tuple[Any, ...]]:
    """Return the indices or keys of each parameter in `own.params`, by its name."""
    leaves = [*_leaves(own.params)]
    if any(True for _ in _leaves(getattr(own, "grads", None))):  # else backward makes them
        _check_grads(own, len(leaves))
    places: dict[str, tuple[Any, ...]] = {}
    for place, param in leaves:
        if not is_array(param):
            raise TypeError(f"{type(own).__name__}.params must hold arrays, got {param!r}")
        letter = "W" if np.ndim(param) > 1 else "b"
        count = 1 + sum(name.startswith(letter) for name in places)
        places[letter if count == 1 else f"{letter}_{count}_"] = place
    return places


def _check_grads(own: Any, count: int) -> None:
    """Raise ValueError unless `own.grads` has the structure of `own.params`."""
    wanted = {place for place, _ in _leaves(own.params)}
    found = {place for place, _ in _leaves(getattr(own, "grads", None))}
    if wanted != found or len(wanted) != count:
        raise ValueError(
            f"{type(own).__name__}.grads must hold an array for each of params, "
            f"{count}, got {len(found)}"
        )


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the items of lists, tuples and mappings at any depth, with their indices or keys."""
    if isinstance(value, Mapping | list | tuple):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _leaves(item, (*place, key))
    elif place:
        yield place, value


def _arrays_within(value: Any, seen: set[int]) -> Iterator[bool]:
    """Yield True for each array that an attribute holds in containers, layers or other objects."""
    for part in parts(value):
        if is_array(part):
            yield True
        elif id(part) not in seen and not isinstance(part, NO_HOLDERS):
            seen.add(id(part))
            held = _arrays(part) if is_layer(part) else _attributes(part)
            yield from (found for item in held.values() for found in _arrays_within(item, seen))


def parts(value: Any) -> Iterator[Any]:
    """Yield the items of lists, tuples and mappings at any depth; else the value itself."""
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from parts(item)
    else:
        yield value


def _replace(own: Any, old: Array, new: Array) -> None:
    """Put `new` in each place where the layer, or a layer within it, holds `old`."""
    for name, value in _attributes(own).items():
        if (changed := _replaced(value, old, new)) is not value:
            setattr(own, name, changed)


def _replaced(value: Any, old: Array, new: Array) -> Any:
    """Return `new` for `old`; replace it within layers, lists, dicts and tuples."""
    if value is old:
        return new
    if is_layer(value):
        _replace(value, old, new)
    elif isinstance(value, list | dict):
        for key, item in [*(value.items() if isinstance(value, dict) else enumerate(value))]:
            value[key] = _replaced(item, old, new)
    elif isinstance(value, tuple):
        items = [_replaced(item, old, new) for item in value]
        if any(a is not b for a, b in zip(items, value, strict=True)):
            return value._make(items) if hasattr(value, "_make") else tuple(items)
    return value
