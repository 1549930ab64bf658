"""The numerical gradient of a network without a forward pass for each parameter.

By definition a parameter is moved by +-h, the network run, the parameter moved back: 79,520 passes
for 784-50-10.  But an element of W[:, c] or b[c] moves column c of its layer's output and nothing
else.  So that column is worked out for all elements that feed it, both signs at once, and sent on:

- a layer that works element by element, such as Relu, takes the column alone;
- the next Affine layer adds the change of the column times row c of its W;
- from there on the changed batches are stacked, and run as one large batch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.gradient import H, numerical_gradient
from dlbasics.layers import Layer, LossLayer

STACK = 12_000
"""Elements of a stacked batch: few enough that malloc reuses memory, not maps new pages."""


class ColumnGradient:
    """Numerical gradients of the loss of `layers` and `last_layer` at x (N, ...) and t.

    In training mode; the layers have float64 parameters and are frozen.
    """

    def __init__(
        self, layers: Sequence[Layer], last_layer: LossLayer, x: Array, t: Any, h: float = H
    ) -> None:
        self.layers, self.last_layer, self.h = layers, last_layer, h
        self.t = np.asarray(t)
        self.inputs = [x]
        for layer in layers:
            self.inputs.append(layer.forward(self.inputs[-1]))
        # What is moved runs through these, and leaves the pass of the layers themselves alone.
        self.replicas = [layer.replica() for layer in layers]

    def gradient(self, layer: Layer, name: str) -> Array:
        """The gradient of the parameter `name` of `layer`, in its shape."""
        start = next(i for i, top in enumerate(self.layers) if layer in top.walk())
        param: Array = getattr(layer, name)
        within = layer is not self.layers[start]
        shifts = None if within or self._coupled_above(start) else layer.column_shifts(name)
        if shifts is None:
            x = self.inputs[start]
            return numerical_gradient(lambda _: self._loss(start, x), param, h=self.h)
        y = self.inputs[start + 1]
        moves = np.concatenate([self.h * shifts, -self.h * shifts])
        gradient = np.empty((len(shifts), y.shape[1]))
        for column in range(y.shape[1]):
            above, below = np.split(self._losses(start + 1, column, y[:, column] + moves), 2)
            gradient[:, column] = (above - below) / (2 * self.h)
        return gradient.reshape(param.shape)

    def _coupled_above(self, start: int) -> bool:
        above = (layer for top in self.layers[start + 1 :] for layer in top.walk())
        return any(layer.couples_samples for layer in above)

    def _losses(self, i: int, column: int, moved: Array) -> Array:
        """The loss for each of P versions (P, N) of one column of the input of layer i, (P,)."""
        while i < len(self.layers) and self.layers[i].elementwise:
            moved = self.replicas[i].forward(moved)
            i += 1
        change = moved - self.inputs[i][:, column]
        effect = self.layers[i].column_effect(column) if i < len(self.layers) else None
        if effect is None:
            effect = np.eye(self.inputs[i].shape[1])[column]
        else:
            i += 1
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
        y = self._run(i, stacked.reshape(-1, stacked.shape[2]))
        t = np.concatenate([self.t] * len(change))
        return self.last_layer.losses(y, t).reshape(change.shape[:2]).mean(axis=1)

    def _loss(self, start: int, x: Array) -> float:
        return self.last_layer.forward(self._run(start, x), self.t)

    def _run(self, start: int, x: Array) -> Array:
        for layer in self.replicas[start:]:
            x = layer.forward(x)
        return x
