"""The skip connection."""

from collections.abc import Sequence

from dlbasics._internal.checks import Array, as_float, quiet
from dlbasics.layers.base import Layer


class Residual(Layer):
    """y = x + F(x), F the given layers in order (book: *ResNet*, figure 8.12; He et al. 2016).

    dx = dout + the gradient through F: the gradient also reaches x undiminished, past all of F.
    Raises ValueError where F(x) has another shape than x.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        if not isinstance(layers, Sequence) or not all(isinstance(x, Layer) for x in layers):
            raise TypeError(f"layers must be a list of layers, as [Relu()], got {layers!r}")
        self.layers = list(layers)

    @quiet
    def forward(self, x: Array, train_flg: bool = True) -> Array:
        y = x = as_float(x)
        for layer in self.layers:
            y = layer.forward(y, train_flg)
        self._fits(x.shape, y.shape)
        self._y_shape = y.shape
        return x + y

    @quiet
    def backward(self, dout: Array) -> Array:
        dx = dout = self._checked(dout)
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dout + dx

    def output_shape(self, x_shape: tuple[int, ...]) -> tuple[int, ...]:
        y_shape = x_shape
        for layer in self.layers:
            y_shape = layer.output_shape(y_shape)
        self._fits(x_shape, y_shape)
        return y_shape

    def _fits(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
        if x_shape != y_shape:
            raise ValueError(
                f"{self.kind}: the layers must keep the shape of x, {x_shape}, and return {y_shape}"
            )
