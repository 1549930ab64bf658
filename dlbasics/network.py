"""A network: layers in order, and a loss layer at the end."""

import copy
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_array,
    as_count,
    as_number,
    as_rng,
    quiet,
    spawn,
)
from dlbasics._internal.fast.columns import ColumnGradient
from dlbasics._internal.fast.threads import (
    SHARDS,
    all_of,
    forward_and_backward,
    gradient_in_shards,
    in_cheaper_order,
    in_threads,
)
from dlbasics._internal.params import Params, slots
from dlbasics._internal.summary import Summary
from dlbasics.gradient import LEAST_H, H, numerical_gradient
from dlbasics.layers import Convolution, Layer, LossLayer, SoftmaxWithLoss
from dlbasics.storage import PathLike, load_arrays, save_arrays

__all__ = [
    "Network",
]

LAYERS = "layers"
"""The entry of a saved file that holds the layers' names."""


class Regularizer(Protocol):
    """A penalty on the weights, and its derivative, element by element."""

    def penalty(self, W: Array) -> Array: ...
    def gradient(self, W: Array) -> Array: ...


class Network:
    """Layers in order with a loss layer at the end; by default `SoftmaxWithLoss`.

    layers: a sequence, which is named as the book does (Affine1, Relu1, Affine2, ...), or a mapping
    from names of your own.  `regularizer` adds a penalty on the weights W to loss and gradient.
    `rng` goes to every layer, inner ones too, that has no generator of its own.

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
    """Samples that `predict` works on at once: few enough to stay in the processor's cache."""

    input_dim: tuple[int, ...] | None = None
    """The shape of one sample, where the network is made for one only."""

    def __init__(
        self,
        layers: Sequence[Layer] | Mapping[str, Layer],
        last_layer: LossLayer | None = None,
        *,
        regularizer: Regularizer | None = None,
        rng: RngLike = None,
    ) -> None:
        self._layers = dict(layers) if isinstance(layers, Mapping) else _named(layers)
        for layer in self._layers.values():
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must hold layers, as Relu(), got {layer!r}")
        if not isinstance(last_layer, LossLayer | None):
            raise TypeError(f"last_layer must be a loss layer, got {last_layer!r}")
        if not (regularizer is None or hasattr(regularizer, "penalty")):
            raise TypeError(f"regularizer must be one like L2(0.1), got {regularizer!r}")
        inner = [layer for top in self.layers.values() for layer in top.walk()]
        if not inner or len(set(inner)) < len(inner):
            raise ValueError(f"layers must hold at least one layer, each only once, got {layers!r}")
        for layer in inner:
            for name, value in vars(layer).items():
                if isinstance(value, Layer) and value not in layer.layers:
                    raise ValueError(
                        f"{layer.kind}.{name} must be in {layer.kind}.layers too, or it would be "
                        "neither trained nor saved"
                    )
        self.last_layer = SoftmaxWithLoss() if last_layer is None else last_layer
        self.regularizer = regularizer
        self._params = Params(self._layers)
        self.last_loss: float | None = None
        rng = as_rng(rng)
        for layer in inner:
            if layer.rng is None:
                layer.rng = rng
        self.shard_rngs: list[list[np.random.Generator]] = []
        if any(isinstance(layer, Convolution) for layer in inner):
            self.block_size = 100
            kinds = {type(layer) for layer in (*inner, self.last_layer)}
            ours = all(kind.__module__.startswith("dlbasics.") for kind in kinds)
            self.sharded = ours and not any(layer.couples_samples for layer in inner)

    @property
    def sharded(self) -> bool:
        """Whether batches are worked on in two halves at a time, in two threads (shards.py).

        At first True for networks with convolutions that are all of our own layers, and without
        batch normalization.  With batch normalization, each half is normalized by its own mean and
        variance.  A layer that you wrote must do with a shallow copy of itself in each thread: it
        must not write into arrays that it keeps.
        """
        return bool(self.shard_rngs)

    @sharded.setter
    def sharded(self, value: bool) -> None:
        if value and not self.sharded:
            rngs = [as_rng(layer.rng) for layer in all_of([*self.layers.values()])]
            spawned = {rng: spawn(rng, SHARDS) for rng in dict.fromkeys(rngs)}
            self.shard_rngs = [[spawned[rng][i] for rng in rngs] for i in range(SHARDS)]
        elif not value:
            self.shard_rngs = []

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
        if arrays.keys() != self._params.keys():
            raise ValueError(f"params must have the keys {[*self._params]}, got {[*arrays]}")
        for key, array in arrays.items():
            self._params.check(key, array)
        for key, array in arrays.items():
            self._params[key] = array

    @property
    def lastLayer(self) -> LossLayer:  # noqa: N802
        """The book's other name for `last_layer`."""
        return self.last_layer

    @lastLayer.setter
    def lastLayer(self, layer: LossLayer) -> None:  # noqa: N802
        self.last_layer = layer

    def predict(self, x: Array, train_flg: bool = False) -> Array:
        """The scores (N, K) of x (N, ...), or (K,) of one sample (D,).

        Changes no layer and keeps nothing; in training mode, dropout draws from the generator.
        In test mode it works in blocks.
        """
        x = as_array(x)
        layers = in_cheaper_order([layer.replica() for layer in self.layers.values()])
        if train_flg or not self._is_batch(x) or len(x) <= self.block_size:
            return _forward(layers, x, train_flg)
        blocks = [x[i : i + self.block_size] for i in range(0, len(x), self.block_size)]
        if not self.sharded:
            return np.concatenate([_forward(layers, block) for block in blocks])
        scores: list[Any] = [None] * len(blocks)

        def work(shard: int) -> None:
            twins = [layer.replica() for layer in layers]
            for i in range(shard, len(blocks), SHARDS):
                scores[i] = _forward(twins, blocks[i])

        in_threads(work)
        return np.concatenate(scores)

    def loss(self, x: Array, t: Any, train_flg: bool = False) -> float:
        """The mean loss of the samples plus the penalty; leaves the layers ready for backward."""
        scores = _forward(self.layers.values(), as_array(x), train_flg)
        return self.last_layer.forward(scores, t) + self._penalty()

    def accuracy(self, x: Array, t: Any, batch_size: int | None = None) -> float:
        """The share of samples that are classified as their label says, in test mode.

        x: (N, ...);  t: classes (N,) or (N, 1), or rows (N, K);  batch_size: samples at a time.
        """
        x, t = as_array(x), as_array(t, "t")
        if x.ndim < 2 or t.ndim == 0 or not 0 < len(x) == len(t):
            raise ValueError(f"x and t must be batches of one length, got {x.shape} and {t.shape}")
        size = self.block_size * (SHARDS if self.sharded else 1)
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

        Sets `last_loss`, the loss of this pass: before the update, penalty included, dropout live.
        Without a penalty, the arrays are the layers' own dW, db, ...
        """
        x, t, layers = as_array(x), as_array(t, "t"), [*self.layers.values()]
        if self._divides(x, t):
            loss = gradient_in_shards(layers, self.last_layer, x, t, self.shard_rngs)
        else:
            loss = forward_and_backward(layers, self.last_layer, x, t)
        self.last_loss = loss + self._penalty()
        gradients = {}
        for key, (layer, name) in self.params.slots().items():
            gradient = getattr(layer, f"d{name}")
            if self.regularizer is not None and name == "W":
                gradient = gradient + self.regularizer.gradient(getattr(layer, name))
            gradients[key] = gradient
        return gradients

    @quiet
    def numerical_gradient(
        self, x: Array, t: Any, *, plain: bool = False, h: float = H
    ) -> dict[str, Array]:
        """dL/d<parameter> by central differences in training mode, in float64 on a frozen copy.

        plain: two forward passes for each parameter, as in the book; otherwise `ColumnGradient`,
        which gives the same up to rounding in a small part of the time.
        h: what each parameter is moved by, up and down.
        """
        h = as_number(h, "h", low=LEAST_H)
        x, t = as_array(x).astype(np.float64), as_array(t, "t")
        if x.ndim == 1:
            x, t = x[np.newaxis], t[np.newaxis]
        twin = self.astype(np.float64)
        twin.loss(x, t, train_flg=True)
        for layer in twin.layers.values():
            layer.freeze()
        if plain:
            return {
                key: numerical_gradient(lambda _: twin.loss(x, t, train_flg=True), param, h=h)
                for key, param in twin.params.items()
            }
        by_columns = ColumnGradient([*twin.layers.values()], twin.last_layer, x, t, h)
        return {
            key: by_columns.gradient(layer, name) + twin._penalty_slope(layer, name, h)
            for key, (layer, name) in twin.params.slots().items()
        }

    def save_params(self, path: PathLike = "params.npz") -> None:
        """Write parameters, running statistics and layer names to exactly `path`, as .npz."""
        arrays = {key: getattr(*slot) for key, slot in self._stored().items()}
        present = {key: array for key, array in arrays.items() if array is not None}
        save_arrays(path, {**present, LAYERS: np.array(self._layer_names())})

    def load_params(self, path: PathLike = "params.npz") -> None:
        """Take over what `save_params` of such a network wrote to `path`.

        Raises FileNotFoundError, or ValueError for the file of another network, a damaged file or a
        pickle; the network then stays as it was.
        """
        arrays = load_arrays(path)
        names = arrays.pop(LAYERS, np.array(self._layer_names())).tolist()
        if names != self._layer_names():
            raise ValueError(f"{path} holds layers {names}, this network has {self._layer_names()}")
        self._check_fit(path, arrays)
        for key, slot in self._stored().items():
            setattr(*slot, arrays.get(key))

    def astype(self, dtype: Any) -> "Network":
        """A copy of the network whose parameters and states are of `dtype`."""
        twin = copy.deepcopy(self)
        for layer in twin.layers.values():
            layer.cast(dtype)
        return twin

    def summary(self, input_shape: Sequence[int] | int | None = None) -> Summary:
        """The layers with the shapes of their outputs and their numbers of parameters.

        input_shape: the shape of one sample, (784,) or 784; needed where the first layer takes any.
        """
        if isinstance(input_shape, int):
            input_shape = (input_shape,)
        first = next(iter(self.layers.values()))
        known = self.input_dim or first.input_shape
        shape = known if input_shape is None else tuple(input_shape)
        if shape is None:
            raise ValueError(f"input_shape must be given: {first.kind} takes samples of any shape")
        rows = []
        for name, layer in self.layers.items():
            shape = layer.output_shape(shape)
            count = sum(param.size for param in Params({name: layer}).values())
            rows.append((name, shape, count))
        return Summary(tuple(rows))

    def _is_batch(self, x: Array) -> bool:
        """Whether each x[i] is a sample; no where that cannot be told."""
        sample = self.input_dim or next(iter(self.layers.values())).input_shape
        if sample is None:
            return x.ndim in (2, 4)
        return x.ndim > 1 and math.prod(x.shape[1:]) == math.prod(sample)

    def _divides(self, x: Array, t: Array) -> bool:
        """Whether this batch is to be worked on in halves."""
        return (
            self.sharded
            and self._is_batch(x)
            and len(x) == (len(t) if t.ndim else 1) >= SHARDS
            and not any(inner.frozen for top in self.layers.values() for inner in top.walk())
        )

    def _weights(self) -> list[Array]:
        return [getattr(*slot) for slot in self.params.slots().values() if slot[1] == "W"]

    def _penalty(self) -> float:
        if self.regularizer is None:
            return 0.0
        penalties = (self.regularizer.penalty(W) for W in self._weights())
        return float(sum(penalty.sum(dtype=np.float64) for penalty in penalties))

    def _penalty_slope(self, layer: Layer, name: str, h: float) -> Array | float:
        """The numerical derivative of the penalty, which has one term for each weight."""
        if self.regularizer is None or name != "W":
            return 0.0
        W: Array = getattr(layer, name)
        return (self.regularizer.penalty(W + h) - self.regularizer.penalty(W - h)) / (2 * h)

    def _stored(self) -> dict[str, tuple[Layer, str]]:
        return slots(self.layers, ["param_names", "state_names"])

    def _layer_names(self) -> list[str]:
        return [
            "/".join([name, *(inner.kind for inner in [*layer.walk()][1:])])
            for name, layer in self.layers.items()
        ]

    def _check_fit(self, path: PathLike, arrays: Mapping[str, Array]) -> None:
        if unknown := arrays.keys() - self._stored().keys():
            raise ValueError(f"{path} holds {sorted(unknown)}, which this network does not have")
        for key, slot in slots(self.layers, ["param_names"]).items():
            given, own = _form(arrays.get(key)), _form(getattr(*slot))
            if given != own:
                raise ValueError(f"{path} holds {key}: {given}, this network has {own}")
        has_states: dict[Layer, bool] = {}
        for key, (layer, _) in slots(self.layers, ["state_names"]).items():
            found, own = arrays.get(key), _form(getattr(layer, layer.param_names[0]))
            if found is not None and _form(found) != own:
                raise ValueError(f"{path} holds {key}: {_form(found)}, this network has {own}")
            if has_states.setdefault(layer, found is not None) != (found is not None):
                raise ValueError(f"{path} must hold all of {layer.state_names} or none; see {key}")


def _form(array: Array | None) -> str:
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"


def _named(layers: Sequence[Layer]) -> dict[str, Layer]:
    if not isinstance(layers, Sequence):
        raise TypeError(f"layers must be a sequence or a mapping of layers, got {layers!r}")
    count: Counter[str] = Counter()
    named = {}
    for layer in layers:
        kind = getattr(layer, "kind", "")
        count[kind] += 1
        named[f"{kind}{count[kind]}"] = layer
    return named


def _forward(layers: Iterable[Layer], x: Array, train_flg: bool = False) -> Array:
    for layer in layers:
        x = layer.forward(x, train_flg)
    return x
