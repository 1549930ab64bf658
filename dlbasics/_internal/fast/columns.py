"""The numerical gradient of a network without a forward pass for each parameter.

The plain function moves each parameter by +h and -h and runs the network each time: 79,520 passes
for 784-50-10.  But an element of W[:, c] or b[c] changes only column c of its layer's output.  So
this file computes that column for all elements that feed it, with both signs at once, and sends it
through the next layers:

- a layer that works element by element, such as Relu, takes the column alone;
- the next Affine layer adds the change of the column times row c of its W;
- the layers after that run all changed batches as one large batch, a stack.

For the last step, every frozen layer above, also one that a reader wrote, must give the same result
for a batch in a stack as for the batch alone, unless it says `couples_samples`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_labels
from dlbasics._internal.halves import all_of
from dlbasics.functions import cross_entropies, log_softmax
from dlbasics.gradient import numerical_gradient
from dlbasics.layers import (
    Affine,
    Dropout,
    Elu,
    Identity,
    Layer,
    LeakyRelu,
    LossLayer,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from dlbasics.network import Network
from dlbasics.network import numerical_gradients as plain_gradients
from dlbasics.regularizers import is_weight

ELEMENTWISE = (Elu, Identity, LeakyRelu, Relu, Sigmoid, Tanh)
"""Layers whose y[i] depends on x[i] alone, by the same function for every i."""

STACK = 12_000
"""The number of elements of a stack.  For a larger one, malloc maps new pages of memory."""


def numerical_gradients(network: Network, x: Array, t: Any, h: float) -> dict[str, Array]:
    """Return what `dlbasics.network.numerical_gradients` returns, up to rounding."""
    if type(network.last_layer).forward is not LossLayer.forward:
        # The layer's loss need not be the mean over the samples.
        return plain_gradients(network, x, t, h)
    by_columns = ColumnGradient([*network.layers.values()], network.last_layer, x, t, h)
    gradients = {}
    for key, (layer, name) in network.params.slots().items():
        gradients[key] = by_columns.gradient(layer, name)
        if network.regularizer is not None and is_weight(name):
            # The penalty has one term for each weight.
            W, penalty = getattr(layer, name), network.regularizer.penalty
            gradients[key] += (penalty(W + h) - penalty(W - h)) / (2 * h)
    return gradients


class ColumnGradient:
    """Numerical gradients of the loss of `layers` and `last_layer` at x (N, ...) and t.

    The layers compute in training mode, have float64 parameters and are frozen.
    """

    def __init__(
        self, layers: Sequence[Layer], last_layer: LossLayer, x: Array, t: Any, h: float
    ) -> None:
        self.layers, self.last_layer, self.h = layers, last_layer, h
        self.t = np.asarray(t)
        self.inputs = [x]
        for layer in layers:
            self.inputs.append(layer.forward(self.inputs[-1]))
        # Changed batches run through replicas, because the layers must keep their own pass.
        self.replicas = [layer.replica() for layer in layers]
        pairs = zip(all_of(self.layers), all_of(self.replicas), strict=True)
        self.dropouts = [(own, twin) for own, twin in pairs if isinstance(own, Dropout)]
        self.is_elementwise = [
            any(computes_as(each, kind) for kind in ELEMENTWISE) for each in layers
        ]

    def gradient(self, layer: Layer, name: str) -> Array:
        """Return the gradient of the parameter `name` of `layer`, in the shape of the parameter."""
        start = next(i for i, top in enumerate(self.layers) if layer in top.walk())
        param: Array = getattr(layer, name)
        within = layer is not self.layers[start]
        is_affine = computes_as(layer, Affine) and name in ("W", "b") and "W" in vars(layer)
        if within or not is_affine or self._coupled_above(start):
            x = self.inputs[start]
            return numerical_gradient(lambda _: self._loss(start, x), param, h=self.h)
        # If an element in row k of the parameter grows by 1, a column of y grows by shifts[k].
        x, y = layer.x, self.inputs[start + 1]  # type: ignore[attr-defined]
        shifts = x.T if name == "W" else np.ones((1, len(x)))
        moves = np.concatenate([self.h * shifts, -self.h * shifts])
        gradient = np.empty((len(shifts), y.shape[1]))
        for column in range(y.shape[1]):
            above, below = np.split(self._losses(start + 1, column, y[:, column] + moves), 2)
            gradient[:, column] = (above - below) / (2 * self.h)
        return gradient.reshape(param.shape)

    def _coupled_above(self, start: int) -> bool:
        above = all_of(self.layers[start + 1 :])
        # Whether a mask can be stacked depends on what a block does with its Dropout.
        has_mask = any(isinstance(layer, Dropout) for layer in above)
        ours = all(type(layer).__module__.startswith("dlbasics.layers.") for layer in above)
        return any(layer.couples_samples for layer in above) or (has_mask and not ours)

    def _losses(self, i: int, column: int, moved: Array) -> Array:
        """Return the loss for each of P versions (P, N) of one column of layer i's input, (P,)."""
        while i < len(self.layers) and self.is_elementwise[i]:
            moved = self.replicas[i].forward(moved)
            i += 1
        change = moved - self.inputs[i][:, column]
        if i < len(self.layers) and computes_as(self.layers[i], Affine):
            effect: Array = self.layers[i].W[column]  # type: ignore[attr-defined]
            i += 1
        else:
            effect = np.eye(self.inputs[i].shape[1])[column]
        widest = max(y[0].size for y in self.inputs[i:])
        chunk = max(1, STACK // (len(self.t) * widest))
        return np.concatenate(
            [
                self._stacked_losses(i, change[k : k + chunk, :, np.newaxis] * effect)
                for k in range(0, len(change), chunk)
            ]
        )

    def _stacked_losses(self, i: int, change: Array) -> Array:
        """Return the loss for each of P changes (P, N, M) of the input of layer i, (P,)."""
        stacked = self.inputs[i] + change
        y = self._run(i, stacked.reshape(-1, stacked.shape[2]), times=len(change))
        t = np.concatenate([self.t] * len(change))
        if (
            type(self.last_layer) is SoftmaxWithLoss and y.ndim == 2
        ):  # saves the time for its probabilities
            losses = cross_entropies(log_softmax(y), as_labels(t, y, single=False))
        else:
            losses = self.last_layer.losses(y, t)
        return losses.reshape(len(change), -1).mean(axis=1)

    def _loss(self, start: int, x: Array) -> float:
        return self.last_layer.forward(self._run(start, x), self.t)

    def _run(self, start: int, x: Array, times: int = 1) -> Array:
        """Return the scores of x, which holds the batch `times` times."""
        for own, twin in self.dropouts:
            if own.mask is not None:
                vars(twin)["mask"] = np.concatenate([own.mask] * times)
        for layer in self.replicas[start:]:
            x = layer.forward(x)
        return x


def computes_as(layer: Layer, kind: type[Layer]) -> bool:
    """Return whether the layer's forward is that of `kind`."""
    own = type(layer)
    return own.forward is Layer.forward and own._forward is kind._forward
