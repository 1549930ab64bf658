"""A network has layers in order, and a loss layer at the end.

Book: *Implementing a Neural Network That Supports Backpropagation*.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from dlbasics._internal import device, halves, network_state
from dlbasics._internal.assembly import as_layers, as_loss_layer, check_regularizer
from dlbasics._internal.blas import one_core_if_small
from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_array,
    as_count,
    as_flag,
    as_number,
    as_rng,
    quiet,
)
from dlbasics._internal.network_lock import NetworkLock
from dlbasics._internal.params import Params
from dlbasics._internal.sample_shapes import is_batch
from dlbasics._internal.summary import Summary, described, overview, summarize
from dlbasics._internal.table import replaceable
from dlbasics.gradient import LEAST_H, H, numerical_gradient
from dlbasics.gradient_check import check_same_loss
from dlbasics.layers import Convolution, Layer, LossLayer
from dlbasics.regularizers import is_weight
from dlbasics.storage import PathLike

__all__ = ["Network"]


def forward(layers: Iterable[Layer], x: Array, train_flg: bool) -> Array:
    """Return the scores of the batch x, which passes through one layer after the other."""
    for layer in layers:
        x = layer.forward(x, train_flg)
    return x


def backpropagate(
    layers: Sequence[Layer], last_layer: LossLayer, x: Array, t: Any, dout: float = 1
) -> float:
    """Set d<name> of each parameter to the gradient of the loss, times dout; return the loss.

    The function goes forward through the layers to the loss, then backward in reverse order.
    """
    loss = last_layer.forward(forward(layers, x, True), t)
    gradient = last_layer.backward(dout)
    for layer in reversed(layers[1:]):
        gradient = layer.backward(gradient)
    layers[0].backward_params(gradient)  # the gradient of the input is not needed
    return loss


def numerical_gradients(network: "Network", x: Array, t: Any, h: float) -> dict[str, Array]:
    """Return dL/d<parameter> by central differences: two forward passes for each element."""

    def loss(_: Array) -> float:
        return network.loss(x, t, train_flg=True)

    return {key: numerical_gradient(loss, param, h=h) for key, param in network.params.items()}


class Regularizer(Protocol):
    """A penalty on weights: both methods return an array of the shape of W.

    `penalty` returns what each element adds to the loss, and `gradient` its derivative.
    """

    def penalty(self, W: Array) -> Array: ...
    def gradient(self, W: Array) -> Array: ...


class Network:
    """Layers in order, and a loss layer at the end.

    A network of D inputs takes batches x of shape (N, D) and single samples (D,).  If s s = D, a
    sample may also be a square image, (s, s) or (1, s, s), and a batch N of these; an x of shape
    (1, s, s) is a batch of one.  A batch may also hold images (N, C, H, W) with C H W = D.  A
    network of ours for images takes samples of shape `input_dim`, (C, H, W), and batches of these.

    Threads may share a network: `loss` and `gradient` of other threads wait until one is done.
    While its matrix products are small, a network keeps them to one core, unless a variable such as
    OMP_NUM_THREADS says otherwise.

    Args:
        layers: A sequence of layers, which get the book's names (Affine1, Relu1, Affine2, ...), or
            a mapping from your own names to layers.  Layers that you typed from the book, without
            our base class, work too.
        last_layer: The loss layer.  None stands for `SoftmaxWithLoss()`.
        regularizer: A penalty on the weights, such as `L2(0.1)`, which the network adds to the
            loss.  The weights are the parameters whose names begin with W.
        rng: The random generator of the dropout masks, or its seed.  Layers without a generator
            share it.  It does not draw the weights; for these, give `rng` to `Affine.create`.

    Attributes:
        last_loss: The loss of the last `gradient`.
        block_size: The largest number of samples that `predict` takes at once in test mode: 500, or
            100 with convolutions, so that the arrays fit the processor's cache.
        input_dim: The shape of one sample, if the network is one of ours for images.  If it is
            None, the first layer tells the shape.
        device: Where the parameters lie, 'cpu' or 'cuda'; see `to`.

    Raises:
        TypeError: If an argument is not as above.
        ValueError: If there is no layer, or a layer occurs twice.

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
        self.shard_rngs: halves.Generators = []  # a list for each half of a batch; see `sharded`
        self.last_layer = last_layer
        check_regularizer(regularizer)
        self.regularizer = regularizer
        self._params = Params(self._layers)
        self.device = device.name_of(next(iter(self._params.values()), None))
        self._lock = NetworkLock()
        self.last_loss: float | None = None
        all_layers, rng = self._all_layers(), as_rng(rng)
        for layer in all_layers:
            if layer.rng is None:
                layer.rng = rng
        if any(isinstance(layer, Convolution) for layer in all_layers):
            self.block_size = 100
            self.sharded = halves.are_safe_for(all_layers, self.last_layer)

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers by name, in order."""
        return self._layers

    @property
    def params(self) -> Params:
        """The parameters by the book's keys: W1, b1, W2, ...

        They are the layers' own arrays: `params["W1"] = W` puts another array into the layer.
        Assigning a mapping with the same keys assigns each of its arrays.
        """
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
        if type(self._last_layer).forward is not LossLayer.forward:
            self.shard_rngs = []  # halves need a loss that is a mean over the samples

    lastLayer = last_layer  # the book's other spelling

    @quiet
    def predict(self, x: Array, train_flg: bool = False) -> Array:
        """Return the scores, (N, K), or (K,) for one sample.

        The method changes no layer, unless a layer of your own writes into its arrays in forward.

        Args:
            x: A batch, (N, ...), or one sample.
            train_flg: True in training, where dropout draws masks and batch normalization uses the
                batch's statistics; False in test.

        Raises:
            ValueError: If x has a shape that the network does not take.
        """
        x, train_flg = self._here(x), as_flag(train_flg, "train_flg")
        if not self._is_batch(x) and self._sample_shape() is not None:
            scores: Array = self.predict(x[np.newaxis], train_flg)[0]
            return scores
        with one_core_if_small(self.params, min(self._count(x), self.block_size)):
            is_divided = not train_flg and self._is_batch(x)
            blocks = halves.blocks(x, self.block_size, self.sharded) if is_divided else [x]
            layers = [*self.layers.values()]
            return halves.predict(forward, layers, blocks, train_flg, self.sharded)

    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities that the loss layer makes of `predict(x)`, in the same shape.

        With `SoftmaxWithLoss`, they are the probabilities of the classes.  With `SigmoidWithLoss`,
        each number is the probability that its label is 1.

        Args:
            x: A batch, (N, ...), or one sample.

        Raises:
            TypeError: If the network is one for regression.
        """
        return self.last_layer.probabilities(self.predict(x))

    def loss(self, x: Array, t: Any, train_flg: bool = False) -> float:
        """Return the mean loss plus the penalty; afterwards the layers are ready for backward.

        Args:
            x: A batch, (N, ...), or one sample.
            t: Labels, as the loss layer takes them.
            train_flg: True in training, where dropout draws masks and batch normalization uses the
                batch's statistics; False in test.
        """
        x = self._here(x)
        with self._lock, self._cores_for(x):
            scores = forward(self.layers.values(), x, train_flg)
            return self.last_layer.forward(scores, t) + self._penalty()

    def accuracy(self, x: Array, t: Any, batch_size: int | None = None) -> float:
        """Return the share of samples that are classified correctly, from 0 to 1, in test mode.

        With scores (N, K, H, W), it is the share of places.

        Args:
            x: A batch, (N, ...).
            t: Classes, (N,) or (N, 1), or rows, (N, K); for images as the loss layer takes them.
            batch_size: The number of samples that `predict` gets at once.  None stands for
                `block_size`, or twice that if the network is `sharded`.

        Raises:
            ValueError: If x and t are not batches of one length.
            TypeError: If the network is one for regression.
        """
        x, t = as_array(x), as_array(t, "t")
        if x.ndim < 2 or t.ndim == 0 or not 0 < len(x) == len(t):
            raise ValueError(f"x and t must be batches of one length, got {x.shape} and {t.shape}")
        right = count = 0
        for part in self._parts(len(x), batch_size):
            correct = self.last_layer.correct(self.predict(x[part]), t[part])
            right, count = right + int(correct.sum()), count + correct.size
        return right / count

    @quiet  # silences NumPy's warnings about infinite numbers
    def gradient(self, x: Array, t: Any) -> dict[str, Array]:
        """Return dL/d<parameter> by key (W1, b1, ...), by backpropagation in training mode.

        The method sets `last_loss` to the loss of this pass, with the penalty and with dropout.
        The arrays may be the layers' own dW, db, ...: copy them before you change them in place.

        Args:
            x: A batch, (N, ...), or one sample.
            t: Labels, as the loss layer takes them.
        """
        x, t = self._here(x), self._here(t, "t")
        gradients = {}
        with self._lock, self._cores_for(x):
            self.last_loss = self._backpropagate(x, t) + self._penalty()
            # A slot says where a parameter is: "W1" is the attribute W of the layer Affine1.
            for key, (layer, name) in self.params.slots().items():
                gradient = getattr(layer, f"d{name}")
                if self.regularizer is not None and is_weight(name):
                    gradient = gradient + self.regularizer.gradient(getattr(layer, name))
                gradients[key] = gradient
        return gradients

    @quiet
    def numerical_gradient(
        self, x: Array, t: Any, *, plain: bool = False, h: float = H
    ) -> dict[str, Array]:
        """Return dL/d<parameter> by key, by central differences in training mode.

        A copy of the network computes it on the CPU in float64, with the same dropout masks in all
        passes.

        Args:
            x: A batch, (N, ...), or one sample.
            t: Labels, as the loss layer takes them.
            plain: If True, the whole network runs twice for each element, as in the book.  The
                default is much faster, and equal up to rounding.
            h: The step.  Each element moves by +h and by -h.

        Raises:
            ValueError: If two passes of the same x differ, for instance because a layer of your own
                draws a new mask in each.

        Book: *Gradient Check*.
        """
        h, plain = as_number(h, "h", low=LEAST_H), as_flag(plain, "plain")
        x, t = device.get(as_array(x)), device.get(as_array(t, "t"))
        if x.dtype.kind == "f" or self._sample_shape() is not None:  # else x may hold indices
            x = x.astype(np.float64)
        twin = self.astype(np.float64).to("cpu")
        if not self._is_batch(x) and twin.predict(x).ndim == 1:
            x, t = x[np.newaxis], t[np.newaxis]
        loss = twin.loss(x, t, train_flg=True)  # draws the dropout masks that `freeze` keeps
        for layer in twin.layers.values():
            layer.freeze()
        check_same_loss(loss, twin.loss(x, t, train_flg=True), "network")
        compute = numerical_gradients if plain else replaceable(numerical_gradients)
        return compute(twin, x, t, h)

    def save_params(self, path: PathLike = "params.npz") -> None:
        """Write parameters, running statistics and layer names to an .npz file.

        Args:
            path: The file, under exactly this name.
        """
        network_state.save(self.layers, path)

    def load_params(self, path: PathLike = "params.npz") -> None:
        """Load a file that `save_params` wrote from a network with the same layers.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is that of another network, is damaged or is a pickle.  The
                network then stays as it was.
        """
        network_state.load(self.layers, path)

    def astype(self, dtype: Any) -> "Network":
        """Return a copy of the network whose parameters and states have that dtype."""
        twin = copy.deepcopy(self)
        for layer in twin.layers.values():
            layer.cast(dtype)
        return twin

    def to(self, name: str) -> "Network":
        """Move the parameters and running statistics to a device; return the network itself.

        On a GPU, the layers compute by their plain formulas: CuPy's arrays answer the calls of
        NumPy's functions.  Each batch moves to the device when a method gets it.  `predict` and
        `gradient` return CuPy's arrays, and random numbers still come from NumPy.

        Args:
            name: 'cpu', or 'cuda' for a GPU, which needs CuPy (the extra `cuda`).

        Raises:
            ValueError: If there is no device of that name.
            ImportError: If CuPy is missing.
            RuntimeError: If CuPy finds no GPU.
        """
        network_state.move(self.layers, name)
        self.device = name
        return self

    def summary(self, input_shape: Sequence[int] | int | None = None) -> Summary:
        """Return a table of the layers, the shapes of their outputs and their parameter counts.

        Args:
            input_shape: The shape of one sample, (784,) or 784.  You must give it if the first
                layer takes samples of any shape.

        Raises:
            ValueError: If the shape is missing, or a layer does not take it.
        """
        return summarize(self.layers, input_shape, self.input_dim)

    def __repr__(self) -> str:
        return described(self)

    def _repr_html_(self) -> str:
        return overview(self)._repr_html_()

    @property
    def sharded(self) -> bool:
        """Whether `gradient` computes the two halves of a batch separately, at the same time.

        Loss and gradient are those of the whole batch up to rounding.  But dropout draws other
        masks, and with batch normalization each half uses its own mean and variance.

        You may set it.  The default is True for a network that has convolutions, has no batch
        normalization, and has only layers of ours.  Each half runs on a shallow copy of every
        layer, so a layer of your own must assign new arrays in forward, not change arrays in place.
        After `gradient`, the layers have their dW and db, but attributes such as x and mask are
        those of an earlier `loss`.
        """
        return bool(self.shard_rngs)

    @sharded.setter
    def sharded(self, value: bool) -> None:
        value = as_flag(value, "sharded")
        if value and not self.sharded:
            halves.check_can_be_shared(self._all_layers(), self.last_layer)
            self.shard_rngs = halves.generators_for_halves([*self.layers.values()])
        elif not value:
            self.shard_rngs = []

    def _here(self, x: Any, name: str = "x") -> Array:
        """Return x as an array on the network's device."""
        return device.put(as_array(x, name), self.device)

    def _cores_for(self, x: Array) -> AbstractContextManager[Any]:
        """Return a context that keeps small matrix products to one core."""
        return one_core_if_small(self.params, self._count(x))

    def _is_batch(self, x: Array) -> bool:
        """Return whether x is a batch; raise ValueError if it is not a sample either.

        If the shape of a sample is not known, two or four dimensions make a batch.
        """
        sample = self._sample_shape()
        if sample is not None:
            return is_batch(x.shape, sample)
        next(iter(self.layers.values()))._is_batch(x)  # raises ValueError if it cannot be x
        return x.ndim in (2, 4)

    def _sample_shape(self) -> tuple[int, ...] | None:
        return self.input_dim or next(iter(self.layers.values())).input_shape

    def _count(self, x: Array) -> int:
        """Return the number of samples."""
        return len(x) if self._is_batch(x) else 1

    def _parts(self, count: int, batch_size: int | None = None) -> Iterator[slice]:
        """Yield the parts of `count` samples of which `accuracy` predicts one after the other."""
        size = self.block_size * (halves.HALVES if self.sharded else 1)
        if batch_size is not None:
            size = as_count(batch_size, "batch_size")
        for i in range(0, count, size):
            yield slice(i, i + size)

    def _backpropagate(self, x: Array, t: Array) -> float:
        """Run `backpropagate` on the whole batch, or on both halves of it."""
        layers = [*self.layers.values()]
        if self.sharded and self._can_be_halved(x, t):
            return halves.gradient_in_halves(
                backpropagate, layers, self.last_layer, x, t, self.shard_rngs
            )
        return backpropagate(halves.without_checks(layers), self.last_layer, x, t)

    def _can_be_halved(self, x: Array, t: Array) -> bool:
        n_labels = len(t) if t.ndim else 1
        all_layers = self._all_layers()
        # A half of one sample has no variance, which batch normalization needs.
        each = 2 if any(layer.couples_samples for layer in all_layers) else 1
        is_frozen = any(layer.frozen for layer in all_layers)
        return self._is_batch(x) and len(x) == n_labels >= halves.HALVES * each and not is_frozen

    def _penalty(self) -> float:
        """Return the sum of the regularizer's penalty over all weights; 0 without a regularizer."""
        if self.regularizer is None:
            return 0.0
        total = 0.0
        for layer, name in self.params.slots().values():
            if is_weight(name):
                total += float(self.regularizer.penalty(getattr(layer, name)).sum(dtype=np.float64))
        return total

    def _all_layers(self) -> list[Layer]:
        """Return the layers, with the inner layers of blocks."""
        return halves.all_of([*self.layers.values()])
