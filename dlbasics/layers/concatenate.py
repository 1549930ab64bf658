"""The block of branches side by side."""

from collections.abc import Sequence

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.layers.base import Layer
from dlbasics.layers.shapes import check_image_shape, is_image_batch


class Concatenate(Layer):
    """Branches side by side: each takes x, and their outputs become the channels of y.

    y = (F_1(x), F_2(x), ...) along the channels, where F_i runs the layers of branch i in order.
    dx is the sum of the gradients through all branches.
    x: (N, C, H, W), or one image (C, H, W);  y: (N, C_1 + C_2 + ..., OH, OW), if branch i has C_i
    channels.

    Args:
        branches: A list of layers for each branch.  An empty list passes x on as it is.

    Raises:
        TypeError: If `branches` is not a list of lists of our layers.
        ValueError: If there is no branch, a layer occurs twice, or the branches make images of
            different sizes.

    Book: *GoogLeNet*, figure 8.11.  Source: Szegedy et al. 2015.
    """

    def __init__(self, branches: Sequence[Sequence[Layer]]) -> None:
        if not isinstance(branches, Sequence) or not all(map(_is_list_of_layers, branches)):
            raise TypeError(
                "branches must be a list of lists of layers such as [[Relu()], [Tanh()]], "
                f"got {branches!r}"
            )
        self.branches = [list(branch) for branch in branches]
        self.layers = [layer for branch in self.branches for layer in branch]
        inner = [*self.walk()]
        if not self.branches or len(set(inner)) < len(inner):
            raise ValueError(
                f"branches must hold at least one branch, each layer only once, got {branches!r}"
            )

    def _forward(self, x: Array, train_flg: bool) -> Array:
        outputs = []
        for branch in self.branches:
            y = x
            for layer in branch:
                y = layer.forward(y, train_flg)
            outputs.append(y)
        self._check_sizes([y.shape[1:] for y in outputs])
        self._ends = np.cumsum([y.shape[1] for y in outputs])[:-1].tolist()
        return np.concatenate(outputs, axis=1)

    def _backward(self, dout: Array) -> Array:
        gradients = []
        for branch, dx in zip(self.branches, np.split(dout, self._ends, axis=1), strict=True):
            for layer in reversed(branch):
                dx = layer.backward(dx)
            gradients.append(dx)
        total: Array = sum(gradients[1:], gradients[0])
        return total

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        check_image_shape(self, x_shape)
        shapes = []
        for branch in self.branches:
            y_shape = x_shape
            for layer in branch:
                y_shape = layer.output_shape(y_shape)
            shapes.append(y_shape)
        self._check_sizes(shapes)
        return sum(shape[0] for shape in shapes), *shapes[0][1:]

    def _check_sizes(self, shapes: list[tuple[int, ...]]) -> None:
        """Raise ValueError unless the branches make images of one size (H, W)."""
        if any(len(shape) != 3 or shape[1:] != shapes[0][1:] for shape in shapes):
            raise ValueError(
                f"{self.kind}: the branches must make images of the same height and width, "
                f"got {shapes}"
            )

    def _is_batch(self, x: Array) -> bool:
        return is_image_batch(self, x)

    def replica(self) -> "Concatenate":
        """Return a layer that shares the parameters but remembers its own forward pass."""
        twin = super().replica()
        inner = iter(twin.layers)
        twin.branches = [[next(inner) for _ in branch] for branch in self.branches]
        return twin


def _is_list_of_layers(branch: Sequence[Layer]) -> bool:
    return isinstance(branch, Sequence) and all(isinstance(layer, Layer) for layer in branch)
