"""The numerical gradient of a network without a forward pass for each parameter.

By definition a parameter is moved by +-h, the network run, the parameter moved back: 79,520 passes
for 784-50-10.  But an element of W[:, c] or b[c] moves column c of its layer's output and nothing
else.  So that column is computed for all elements that feed it, both signs at once, and sent on:

- a layer that works element by element, such as Relu, takes the column alone;
- the next Affine layer adds the change of the column times row c of its W;
- from there on the changed batches are stacked, and run as one large batch.

The last step asks of every frozen layer above, also of one that a reader wrote, that it works on a
stack of repetitions of a batch as on each alone, unless it says `couples_samples`.
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

ELEMENTWISE = (Identity, Relu, LeakyRelu, Sigmoid, Tanh)
"""Layers whose y[i] depends on x[i] alone, by the same function for every i."""

STACK = 12_000
"""Elements of a stacked batch: few enough that malloc reuses memory, not maps new pages."""


def numerical_gradients(network: Network, x: Array, t: Any, h: float) -> dict[str, Array]:
    """What `dlbasics.network.numerical_gradients` computes, up to rounding."""
    if type(network.last_layer).forward is not LossLayer.forward:
        # Its loss need not be the mean over the samples.
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

    In training mode; the layers have float64 parameters and are frozen.
    """

    def __init__(
        self, layers: Sequence[Layer], last_layer: LossLayer, x: Array, t: Any, h: float
    ) -> None:
        self.layers, self.last_layer, self.h = layers, last_layer, h
        self.t = np.asarray(t)
        self.inputs = [x]
        for layer in layers:
            self.inputs.append(layer.forward(self.inputs[-1]))
        # What is moved runs through these, and leaves the pass of the layers themselves alone.
        self.replicas = [layer.replica() for layer in layers]
        pairs = zip(all_of(self.layers), all_of(self.replicas), strict=True)
        self.dropouts = [(own, twin) for own, twin in pairs if isinstance(own, Dropout)]
        self.is_elementwise = [
            any(computes_as(each, kind) for kind in ELEMENTWISE) for each in layers
        ]

    def gradient(self, layer: Layer, name: str) -> Array:
        """The gradient of the parameter `name` of `layer`, in its shape."""
        start = next(i for i, top in enumerate(self.layers) if layer in top.walk())
        param: Array = getattr(layer, name)
        within = layer is not self.layers[start]
        is_affine = computes_as(layer, Affine) and name in ("W", "b") and "W" in vars(layer)
        if within or not is_affine or self._coupled_above(start):
            x = self.inputs[start]
            return numerical_gradient(lambda _: self._loss(start, x), param, h=self.h)
        # Row k of the shifts is what one unit more in row k of the parameter adds to a column of y.
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
        """The loss for each of P versions (P, N) of one column of the input of layer i, (P,)."""
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
        """The loss for each of P changes (P, N, M) of the input of layer i, (P,)."""
        stacked = self.inputs[i] + change
        y = self._run(i, stacked.reshape(-1, stacked.shape[2]), times=len(change))
        t = np.concatenate([self.t] * len(change))
        if type(self.last_layer) is SoftmaxWithLoss:  # without its probabilities
            losses = cross_entropies(log_softmax(y), as_labels(t, y, single=False))
        else:
            losses = self.last_layer.losses(y, t)
        return losses.reshape(change.shape[:2]).mean(axis=1)

    def _loss(self, start: int, x: Array) -> float:
        return self.last_layer.forward(self._run(start, x), self.t)

    def _run(self, start: int, x: Array, times: int = 1) -> Array:
        """The scores of x, which holds the batch that many times over."""
        for own, twin in self.dropouts:
            if own.mask is not None:
                vars(twin)["mask"] = np.concatenate([own.mask] * times)
        for layer in self.replicas[start:]:
            x = layer.forward(x)
        return x


def computes_as(layer: Layer, kind: type[Layer]) -> bool:
    """Whether the layer's forward is that of `kind`."""
    own = type(layer)
    return own.forward is Layer.forward and own._forward is kind._forward
