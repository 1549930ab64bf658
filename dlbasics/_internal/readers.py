"""Layers that a reader typed from the book, without our base class, as layers of a network."""

import copy
import inspect
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.layers import Layer, LossLayer, SoftmaxWithLoss

STATES = ("running_mean", "running_var")


def is_layer(layer: Any) -> bool:
    """Whether it is an object with `forward` and `backward`, and no loss layer of ours."""
    has_both = callable(getattr(layer, "forward", None)) and hasattr(layer, "backward")
    return has_both and not isinstance(layer, type | LossLayer)


def is_loss_layer(layer: Any) -> bool:
    """Whether it is an object with `forward` and `backward`, and no other layer of ours."""
    return isinstance(layer, LossLayer) or (is_layer(layer) and not isinstance(layer, Layer))


def takes(method: Any, argument: str) -> bool:
    """Whether the method takes an argument of that name."""
    return argument in inspect.signature(method).parameters


class ReadersLayer(Layer):
    """A layer that computes by `layer`, which has forward(x) and backward(dout).

    Its parameters are the arrays W with a dW beside them, or the names in `param_names`, or, as in
    the author's second book, the arrays in a list `params`, whose gradients are in a list `grads`.
    In that case matrices are called W, vectors b, and further ones of a layer W_2_, b_2_, ...

    Raises:
        ValueError: in backward, where an array of the layer stays without a gradient.
    """

    couples_samples = True  # it may, for all we know

    def __init__(self, layer: Any) -> None:
        places = _places(layer) if _has_lists(layer) else {}
        names = tuple(places) or tuple(getattr(layer, "param_names", _names(layer)))
        own = vars(self)
        own.update(layer=layer, kind=getattr(layer, "kind", type(layer).__name__))
        own.update(places=places, param_names=names)
        own.update(state_names=tuple(name for name in STATES if hasattr(layer, name)))
        own.update(unmatched={} if names else _float_arrays(layer))

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """What the reader's layer returns."""
        if takes(self.layer.forward, "train_flg"):
            return np.asarray(self.layer.forward(x, train_flg))
        return np.asarray(self.layer.forward(x))

    def backward(self, dout: Array) -> Any:
        """What the reader's layer returns: dL/dx, or None for an x of integers."""
        dx = self.layer.backward(dout.copy())  # the book's Relu writes into dout
        for name, array in self.unmatched.items():
            if getattr(self.layer, name, None) is array:
                raise ValueError(
                    f"{self.kind}.{name} is an array whose gradient cannot be told: set self."
                    f"d{name} = None in __init__, as the book does, and the gradient in backward, "
                    f"or list the parameters in {self.kind}.param_names"
                )
        return dx

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        return self.replica().forward(np.zeros((2, *x_shape), np.float32)).shape[1:]

    def replica(self) -> "ReadersLayer":
        twin = super().replica()
        vars(twin)["layer"] = copy.copy(self.layer)
        return twin

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        if "layer" not in own or name.startswith("__"):
            raise AttributeError(name)  # a copy under way
        if name in own["places"]:
            return own["layer"].params[own["places"][name]]
        if name.startswith("d") and name[1:] in own["places"]:
            return own["layer"].grads[own["places"][name[1:]]].copy()
        return getattr(own["layer"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.places:
            place = self.places[name]
            self.layer.params[place] = value
            self.layer.grads[place] = np.zeros_like(value)
        elif name in self.param_names + self.state_names:
            setattr(self.layer, name, value)
        else:
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        return repr(self.layer)


class ReadersLoss(SoftmaxWithLoss):
    """A loss layer that computes by `layer`, which has forward(x, t) and backward(dout=1).

    Its accuracy is that of `SoftmaxWithLoss`: the largest score is at the label's class.
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, x: Array, t: Any) -> float:
        """What the reader's layer returns."""
        self.loss = float(self.layer.forward(x, t))
        self.y, self.t = getattr(self.layer, "y", None), t
        return self.loss

    def backward(self, dout: float = 1) -> Array:
        """What the reader's layer returns, times dout."""
        if inspect.signature(self.layer.backward).parameters:
            return np.asarray(self.layer.backward(dout))
        return np.asarray(self.layer.backward()) * dout

    def losses(self, x: Array, t: Any) -> Array:
        """The loss of each sample, (N,)."""
        twin = copy.copy(self.layer)
        return np.array([twin.forward(x[i : i + 1], t[i : i + 1]) for i in range(len(x))])


def _has_lists(layer: Any) -> bool:
    return all(isinstance(getattr(layer, name, None), list) for name in ("params", "grads"))


def _places(layer: Any) -> dict[str, int]:
    """The place of each parameter in the lists, by its name."""
    if len(layer.params) != len(layer.grads):
        raise ValueError(
            f"{type(layer).__name__}.grads must hold an array for each of params, "
            f"{len(layer.params)}, got {len(layer.grads)}"
        )
    places: dict[str, int] = {}
    for place, param in enumerate(layer.params):
        letter = "W" if np.ndim(param) > 1 else "b"
        count = 1 + sum(name.startswith(letter) for name in places)
        places[letter if count == 1 else f"{letter}_{count}_"] = place
    return places


def _names(layer: Any) -> list[str]:
    """The attributes that are arrays and have an attribute for their gradient."""
    return [name for name in _float_arrays(layer) if f"d{name}" in vars(layer)]


def _float_arrays(layer: Any) -> dict[str, Array]:
    return {
        name: value
        for name, value in vars(layer).items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and name not in STATES
    }
