"""The residual block, which has a skip connection."""

from collections.abc import Sequence

from dlbasics._internal.checks import Array
from dlbasics.layers.base import Layer


class Residual(Layer):
    """Residual block: layers with a skip connection past them.

    y = x + F(x), where F runs the given layers in order;  dx = dout + the gradient through F.  So
    the gradient also reaches x undiminished, past F.

    Args:
        layers: The layers of F, for instance [Convolution(W, b, 1, 1), Relu()].

    Raises:
        TypeError: If `layers` is not a list of our layers.
        ValueError: If F(x) has another shape than x, or a layer occurs twice.

    Book: *ResNet*, figure 8.12.  Source: He et al. 2016.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        if not isinstance(layers, Sequence) or not all(isinstance(x, Layer) for x in layers):
            raise TypeError(f"layers must be a list of layers such as [Relu()], got {layers!r}")
        self.layers = list(layers)
        inner = [*self.walk()]
        if len(set(inner)) < len(inner):
            raise ValueError(f"layers must hold each layer only once, got {layers!r}")

    def _forward(self, x: Array, train_flg: bool) -> Array:
        y = x
        for layer in self.layers:
            y = layer.forward(y, train_flg)
        self._check_shapes(x.shape, y.shape)
        return x + y

    def _backward(self, dout: Array) -> Array:
        dx = dout
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dout + dx

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        y_shape = x_shape
        for layer in self.layers:
            y_shape = layer.output_shape(y_shape)
        self._check_shapes(x_shape, y_shape)
        return y_shape

    def _check_shapes(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
        if x_shape != y_shape:
            raise ValueError(
                f"{self.kind}: the layers must keep the shape of x, {x_shape}, got {y_shape}"
            )
