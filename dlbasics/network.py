"""A network: layers in order, and a loss layer at the end."""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from dlbasics._internal import halves, weights
from dlbasics._internal.assembly import as_layers, as_loss_layer, check_regularizer
from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_number, as_rng, quiet
from dlbasics._internal.params import Params
from dlbasics._internal.summary import Summary, summarize
from dlbasics._internal.table import replaceable
from dlbasics.gradient import LEAST_H, H, numerical_gradient
from dlbasics.layers import Convolution, Layer, LossLayer
from dlbasics.storage import PathLike

__all__ = ["Network"]


def forward(layers: Iterable[Layer], x: Array, train_flg: bool) -> Array:
    """The scores of the batch x: through one layer after the other."""
    for layer in layers:
        x = layer.forward(x, train_flg)
    return x


def backpropagate(
    layers: Sequence[Layer], last_layer: LossLayer, x: Array, t: Any, dout: float = 1
) -> float:
    """Set d<name> of each parameter to the gradient of the loss, times dout; return the loss.

    Forward through the layers to the loss, and backward through the layers in reverse order.
    """
    loss = last_layer.forward(forward(layers, x, True), t)
    gradient = last_layer.backward(dout)
    for layer in reversed(layers[1:]):
        gradient = layer.backward(gradient)
    layers[0].backward_params(gradient)  # nobody needs the gradient of the input
    return loss


def numerical_gradients(network: "Network", x: Array, t: Any, h: float) -> dict[str, Array]:
    """dL/d<parameter> by central differences: two forward passes for each number."""

    def loss(_: Array) -> float:
        return network.loss(x, t, train_flg=True)

    return {key: numerical_gradient(loss, param, h=h) for key, param in network.params.items()}


class Regularizer(Protocol):
    """A penalty on the weights, and its derivative, element by element."""

    def penalty(self, W: Array) -> Array: ...
    def gradient(self, W: Array) -> Array: ...


class Network:
    """Layers in order, and a loss layer at the end.

    Args:
        layers: A sequence, whose layers are named as the book does (Affine1, Relu1, Affine2, ...),
            or a mapping from names of your own.  A layer that you typed from the book, without our
            base class, will do.
        last_layer: The loss layer; None for `SoftmaxWithLoss()`.
        regularizer: A penalty on the weights W, as L2(0.1), added to loss and gradient.
        rng: The generator of every layer, inner ones too, that has none of its own.

    Attributes:
        last_loss: The loss of the last `gradient`.
        block_size: The number of samples that `predict` works on at once: few enough to stay in
            the processor's cache.
        input_dim: The shape of one sample, where the network is made for one only.

    >>> from dlbasics.layers import Affine, Relu
    >>> net = Network([Affine.create(784, 50), Relu(), Affine.create(50, 10)])
    >>> print(net.summary())
    layer    output shape  parameters
    Affine1  (N, 50)           39,250
    Relu1    (N, 50)                0
    Affine2  (N, 10)              510
    total                      39,760
    """

    block_size = 500
    input_dim: tuple[int, ...] | None = None

    def __init__(
        self,
        layers: Sequence[Any] | Mapping[str, Any],
        last_layer: Any = None,
        *,
        regularizer: Regularizer | None = None,
        rng: RngLike = None,
    ) -> None:
        self._layers = as_layers(layers)
        self.last_layer = last_layer
        check_regularizer(regularizer)
        self.regularizer = regularizer
        self._params = Params(self._layers)
        self.last_loss: float | None = None
        self.shard_rngs: halves.Generators = []
        inner, rng = halves.all_of([*self._layers.values()]), as_rng(rng)
        for layer in inner:
            if layer.rng is None:
                layer.rng = rng
        if any(isinstance(layer, Convolution) for layer in inner):
            self.block_size = 100
            kinds = {type(layer) for layer in (*inner, self.last_layer)}
            ours = all(kind.__module__.startswith("dlbasics.layers.") for kind in kinds)
            self.sharded = ours and not any(layer.couples_samples for layer in inner)

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers by name, in order."""
        return self._layers

    @property
    def params(self) -> Params:
        """The parameters by key, live; assigning a mapping with the same keys assigns each."""
        return self._params

    @params.setter
    def params(self, arrays: Mapping[str, Array]) -> None:
        self._params.assign(arrays)

    @property
    def last_layer(self) -> LossLayer:
        """The loss layer."""
        return self._last_layer

    @last_layer.setter
    def last_layer(self, layer: Any) -> None:
        self._last_layer = as_loss_layer(layer)

    lastLayer = last_layer

    def predict(self, x: Array, train_flg: bool = False) -> Array:
        """The scores (N, K) of x (N, ...), or (K,) of one sample.

        It changes no layer.  In training mode dropout draws from the generator; in test mode the
        batch is worked on in blocks.
        """
        x = as_array(x)
        layers = halves.in_working_order([layer.replica() for layer in self.layers.values()])
        if train_flg or not self._is_batch(x) or len(x) <= self.block_size:
            return forward(layers, x, train_flg)
        blocks = [x[i : i + self.block_size] for i in range(0, len(x), self.block_size)]
        return halves.predict(forward, layers, blocks, self.sharded)

    def loss(self, x: Array, t: Any, train_flg: bool = False) -> float:
        """The mean loss of the samples plus the penalty; leaves the layers ready for backward."""
        scores = forward(self.layers.values(), as_array(x), train_flg)
        return self.last_layer.forward(scores, t) + self._penalty()

    def accuracy(self, x: Array, t: Any, batch_size: int | None = None) -> float:
        """The share of samples that are classified as their label says, in test mode.

        Args:
            x: A batch, (N, ...).
            t: Classes (N,) or (N, 1), or rows (N, K).
            batch_size: Samples at a time.
        """
        x, t = as_array(x), as_array(t, "t")
        if x.ndim < 2 or t.ndim == 0 or not 0 < len(x) == len(t):
            raise ValueError(f"x and t must be batches of one length, got {x.shape} and {t.shape}")
        size = self.block_size * (halves.HALVES if self.sharded else 1)
        if batch_size is not None:
            size = as_count(batch_size, "batch_size")
        correct = 0
        for i in range(0, len(x), size):
            scores = self.predict(x[i : i + size])
            correct += int(self.last_layer.correct(scores, t[i : i + size]).sum())
        return correct / len(x)

    @quiet
    def gradient(self, x: Array, t: Any) -> dict[str, Array]:
        """dL/d<parameter> by key, by backpropagation in training mode.

        It sets `last_loss` to the loss of this pass: before the update, penalty included, dropout
        live.  Without a penalty, the arrays are the layers' own dW, db, ...
        """
        self.last_loss = self._backpropagate(as_array(x), as_array(t, "t")) + self._penalty()
        gradients = {}
        for key, (layer, name) in self.params.slots().items():
            gradients[key] = getattr(layer, f"d{name}")
            if self.regularizer is not None and name == "W":
                gradients[key] = gradients[key] + self.regularizer.gradient(getattr(layer, name))
        return gradients

    @quiet
    def numerical_gradient(
        self, x: Array, t: Any, *, plain: bool = False, h: float = H
    ) -> dict[str, Array]:
        """dL/d<parameter> by central differences in training mode, in float64 on a frozen copy.

        Args:
            plain: Run the network twice for each number, as in the book; otherwise the same result
                up to rounding comes in a small part of the time.
            h: What each parameter is moved by, up and down.
        """
        h = as_number(h, "h", low=LEAST_H)
        x, t = as_array(x).astype(np.float64), as_array(t, "t")
        if x.ndim == 1:
            x, t = x[np.newaxis], t[np.newaxis]
        twin = self.astype(np.float64)
        twin.loss(x, t, train_flg=True)
        for layer in twin.layers.values():
            layer.freeze()
        compute = numerical_gradients if plain else replaceable(numerical_gradients)
        return compute(twin, x, t, h)

    def save_params(self, path: PathLike = "params.npz") -> None:
        """Write parameters, running statistics and layer names to exactly `path`, as .npz."""
        weights.save(self.layers, path)

    def load_params(self, path: PathLike = "params.npz") -> None:
        """Take over what `save_params` of such a network wrote to `path`.

        Raises:
            FileNotFoundError: Where there is no such file.
            ValueError: For the file of another network, a damaged file or a pickle; the network
                then stays as it was.
        """
        weights.load(self.layers, path)

    def astype(self, dtype: Any) -> "Network":
        """A copy of the network whose parameters and states are of `dtype`."""
        twin = copy.deepcopy(self)
        for layer in twin.layers.values():
            layer.cast(dtype)
        return twin

    def summary(self, input_shape: Sequence[int] | int | None = None) -> Summary:
        """The layers with the shapes of their outputs and their numbers of parameters.

        Args:
            input_shape: The shape of one sample, (784,) or 784; needed where the first layer takes
                samples of any shape.
        """
        return summarize(self.layers, input_shape, self.input_dim)

    @property
    def sharded(self) -> bool:
        """Whether the network works on the two halves of a batch at the same time.

        At first it does where it has convolutions, no batch normalization, and layers of ours only.
        With batch normalization, each half is normalized by its own mean and variance.  A layer
        that you wrote must do with a shallow copy of itself for each half: it must not write into
        arrays that it keeps.
        """
        return bool(self.shard_rngs)

    @sharded.setter
    def sharded(self, value: bool) -> None:
        if value and not self.sharded:
            self.shard_rngs = halves.generators_for_halves([*self.layers.values()])
        elif not value:
            self.shard_rngs = []

    def _is_batch(self, x: Array) -> bool:
        """Whether each x[i] is a sample; no where that cannot be told."""
        sample = self.input_dim or next(iter(self.layers.values())).input_shape
        if sample is None:
            return x.ndim in (2, 4)
        return x.ndim > 1 and math.prod(x.shape[1:]) == math.prod(sample)

    def _backpropagate(self, x: Array, t: Array) -> float:
        """`backpropagate` for the whole batch, or for both halves of it."""
        layers = [*self.layers.values()]
        is_batch = self._is_batch(x) and len(x) == (len(t) if t.ndim else 1) >= halves.HALVES
        if self.sharded and is_batch and not any(layer.frozen for layer in halves.all_of(layers)):
            return halves.gradient_in_halves(
                backpropagate, layers, self.last_layer, x, t, self.shard_rngs
            )
        return backpropagate(layers, self.last_layer, x, t)

    def _penalty(self) -> float:
        if self.regularizer is None:
            return 0.0
        weights = (getattr(*slot) for slot in self.params.slots().values() if slot[1] == "W")
        return float(sum(self.regularizer.penalty(W).sum(dtype=np.float64) for W in weights))
