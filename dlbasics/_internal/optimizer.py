"""The base class of all optimizers does the plumbing; a subclass writes the formula."""

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from dlbasics._internal import device, table
from dlbasics._internal.checks import (
    Array,
    as_array,
    as_count,
    as_float,
    as_number,
    computed_in,
    is_masked,
    native_dtype,
    quiet,
)
from dlbasics._internal.reprs import made_by
from dlbasics.regularizers import is_weight


class ParamDict(Protocol):
    """The methods of `params` that `update` needs; a dict and a network's `params` have them."""

    def items(self) -> Any: ...
    def __setitem__(self, key: str, value: Any, /) -> None: ...


class Optimizer:
    """An optimizer changes parameters by their gradients, one step at each `update`.

    An optimizer of your own is a subclass with one method, which is its formula:

        def _step(self, W, dW, *state):  # changes W and the state in place

    `update` calls it for each parameter W.  For our own optimizers, `update` works on large arrays
    in pieces, which gives the same numbers in less time.  For a float16 parameter, W, dW and the
    state are float32, because squares of half-precision gradients overflow or vanish; `update` then
    rounds W.

    Args:
        lr: The learning rate, at least 0.  You may change it at any time.

    Attributes:
        iter: The number of steps so far, including the current one.
        state_names: The attributes that hold an array for each parameter, {key: array}, zeros at
            first.  `_step` gets them in this order.
        settings: The attributes that are numbers and arguments of the constructor.
        limits: The least and the largest value of a setting, by its name.  It is checked whenever
            the setting is assigned or loaded.  A setting without limits must be at least 0.
        weight_decay: If it is not 0, each step first computes W <- W - lr * weight_decay * W for
            the weights, which are the parameters whose names begin with W.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ("lr",)
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    lr: float
    weight_decay = 0.0

    _step: Callable[..., None]

    def __init__(self, lr: float) -> None:
        if not hasattr(self, "_step"):
            raise TypeError(f"{type(self).__name__} must define _step(W, dW, *state)")
        self.lr = lr
        self.iter = 0
        for name in self.state_names:
            setattr(self, name, {})

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, self._setting(name, value) if name in self.settings else value)

    @quiet
    def update(self, params: ParamDict, grads: Mapping[str, Any]) -> None:
        """Move every parameter by one step, in place.

        Args:
            params: The parameters of a network, or any dict of floating-point arrays or numbers.
            grads: The gradient of each parameter, under the same keys.

        Raises:
            ValueError: If a gradient is missing or has another shape than its parameter, or if the
                state belongs to other keys or shapes.
            TypeError: If params or grads is not a dict, or a parameter is not floating-point.
        """
        for name, argument in (("params", params), ("grads", grads)):
            if not hasattr(argument, "items"):
                raise TypeError(f"{name} must be a dict of arrays, got {type(argument).__name__}")
        given = dict(params.items())
        arrays = {key: _floating(key, param) for key, param in given.items()}
        checked = {key: _gradient(key, param, grads) for key, param in arrays.items()}
        states = self._states(arrays)
        in_chunks = table.fast(type(self), *arrays.values())
        self.iter += 1
        for key, array in arrays.items():
            is_half = array.dtype.char == "e"
            param = array.astype(np.float32) if is_half else array
            if self.weight_decay and is_weight(key):
                param *= 1 - self.lr * self.weight_decay
            own = [state[key] for state in states]
            if in_chunks is None:
                self._step(param, checked[key], *own)
            else:
                in_chunks(self, param, checked[key], *own)
            if is_half:
                array[...] = param
        for key, param in given.items():
            if param is not arrays[key]:
                params[key] = float(arrays[key])

    def __repr__(self) -> str:
        return made_by(self)

    def state_dict(self) -> dict[str, Any]:
        """Return copies of what a resumed training needs: kind, iter, settings and state.

        The arrays of the state have names like 'v/W1'.
        """
        arrays = {
            f"{name}/{key}": device.get(array.copy())
            for name in self.state_names
            for key, array in getattr(self, name).items()
        }
        settings = {name: getattr(self, name) for name in self.settings}
        return {"kind": type(self).__name__, "iter": self.iter, **settings, **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the state that `state_dict` of an optimizer of the same class returned.

        Raises:
            TypeError: If an entry has another type than `state_dict` gives it.
            ValueError: If the state is of another class or incomplete, or a setting is out of its
                limits.  After an error, the optimizer is as it was.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict, got {type(state).__name__}")
        if str(state.get("kind")) != type(self).__name__:
            raise ValueError(f"state must be of {type(self).__name__}, got {state.get('kind')}")
        single = {"kind", "iter", *self.settings}
        arrays: dict[str, dict[str, Array]] = {name: {} for name in self.state_names}
        for entry in state.keys() - single:
            name, _, key = str(entry).partition("/")
            if name not in arrays or not key:
                raise ValueError(f"state must be of {type(self).__name__}, got an entry {entry!r}")
            arrays[name][key] = _state_array(state[entry], entry)
        shapes = [_shapes(by_key) for by_key in arrays.values()]
        if not single <= state.keys() or any(other.keys() != shapes[0].keys() for other in shapes):
            raise ValueError(
                f"state must have all entries of {type(self).__name__}, got {[*state]}"
            )
        if any(other != shapes[0] for other in shapes):
            raise ValueError(f"state must have arrays of one shape for a parameter, got {shapes}")
        steps = as_count(_single(state["iter"]), "iter", least=0)
        settings = {name: self._setting(name, _single(state[name])) for name in self.settings}
        self.iter = steps
        for name, value in {**settings, **arrays}.items():
            setattr(self, name, value)

    def _setting(self, name: str, value: Any) -> float:
        """Return the value of a setting as a number; raise an error if it is out of its limits."""
        low, high = self.limits.get(name, (0, math.inf))
        return as_number(value, name, low=low, high=high)

    def _states(self, params: Mapping[str, Array]) -> list[dict[str, Array]]:
        states: list[dict[str, Array]] = [getattr(self, name) for name in self.state_names]
        for state in states:
            if not state:
                state.update(
                    (key, np.zeros_like(param, native_dtype(computed_in(param.dtype)), order="C"))
                    for key, param in params.items()
                )
            if _shapes(state) != _shapes(params):
                raise ValueError(
                    f"params must keep the keys and shapes that {type(self).__name__} has state "
                    f"for, {_shapes(state)}, got {_shapes(params)}: make an optimizer for each "
                    "network"
                )
            for key, param in params.items():  # the network may have moved to another device
                state[key] = device.like(state[key], param)
        return states


def _floating(key: str, param: Any) -> Array:
    """Return the parameter itself, or an array without dimensions for a plain number."""
    if device.is_elsewhere(param) and param.dtype.kind == "f":
        return param
    if isinstance(param, np.ndarray) and param.dtype.kind == "f" and not is_masked(param):
        if not param.flags.writeable:
            raise ValueError(f"params[{key!r}] must be writable, got a read-only array")
        return param
    if isinstance(param, numbers.Real):
        return np.array(param, dtype=np.float64)
    found = type(param).__name__ if is_masked(param) else getattr(param, "dtype", type(param))
    found = getattr(found, "__name__", found)
    raise TypeError(f"params[{key!r}] must be a floating-point array or number, got {found}")


def _gradient(key: str, param: Array, grads: Mapping[str, Any]) -> Array:
    if key not in grads:
        raise ValueError(f"grads must have an entry for {key!r}, got {list(grads)}")
    grad = grads[key]
    if type(grad) is not np.ndarray or grad.dtype.kind != "f":
        grad = device.like(as_float(grad, f"grads[{key!r}]"), param)
    if grad.shape != param.shape:
        raise ValueError(f"grads[{key!r}] must have shape {param.shape}, got {grad.shape}")
    return grad.astype(np.float32) if grad.dtype.char == "e" else grad


def _single(value: Any) -> Any:
    """Return the number in an array without dimensions, as a file holds it; else the value."""
    return value.item() if isinstance(value, np.ndarray | np.generic) and value.ndim == 0 else value


def _state_array(value: Any, name: str) -> Array:
    """Return a copy; a state of float16 is one of an older version, which kept it in half."""
    array = as_array(value, name)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold floating-point numbers, got {array.dtype}")
    return array.astype(native_dtype(computed_in(array.dtype)))


def _shapes(arrays: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    return {key: array.shape for key, array in arrays.items()}
