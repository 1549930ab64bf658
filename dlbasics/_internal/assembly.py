"""The layers, the loss layer and the regularizer that `Network` accepts."""

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal.fit import check_fit
from dlbasics._internal.readers import (
    ReadersLayer,
    ReadersLoss,
    check_has_no_parameters,
    is_layer,
    is_loss_layer,
)
from dlbasics._internal.undeclared import check_attributes
from dlbasics.initializers import Initializer
from dlbasics.layers import Affine, Layer, LossLayer, SoftmaxWithLoss


def as_layers(layers: Any) -> dict[str, Layer]:
    """Return the layers by name: a mapping keeps its names, a sequence gets Affine1, Relu1, ..."""
    if not isinstance(layers, Mapping | Sequence) or isinstance(layers, str | bytes):
        raise TypeError(f"layers must be a sequence or a mapping of layers, got {layers!r}")
    given = layers.values() if isinstance(layers, Mapping) else layers
    found = [_as_layer(layer) for layer in given]
    inner = [layer for top in found for layer in top.walk()]
    if not inner or len({id(own) for own in map(_own, inner)}) < len(inner):
        raise ValueError(f"layers must hold at least one layer, each only once, got {layers!r}")
    for layer in inner:
        _check_inner_layers(layer)
    names = layers if isinstance(layers, Mapping) else _names(found)
    by_name = dict(zip(names, found, strict=True))
    check_fit(by_name)
    return by_name


def as_loss_layer(layer: Any) -> LossLayer:
    """Return the loss layer; SoftmaxWithLoss for None."""
    if layer is None:
        return SoftmaxWithLoss()
    if isinstance(layer, LossLayer):
        return layer
    if not is_loss_layer(layer):
        raise TypeError(f"last_layer must be a loss layer, got {layer!r}")
    check_has_no_parameters(layer)
    return ReadersLoss(layer)


def affine_layers(
    sizes: Sequence[int], init: Initializer, rng: np.random.Generator, dtype: Any
) -> list[Affine]:
    """Return Affine layers with sizes[0] inputs and sizes[1], sizes[2], ... outputs."""
    pairs = pairwise(sizes)
    return [Affine.create(n_in, n_out, init, rng=rng, dtype=dtype) for n_in, n_out in pairs]


def check_regularizer(regularizer: Any) -> None:
    """Raise TypeError unless `regularizer` is None or an object with penalty and gradient."""
    has_both = all(callable(getattr(regularizer, name, None)) for name in ("penalty", "gradient"))
    if not (regularizer is None or has_both) or inspect.isclass(regularizer):
        raise TypeError(f"regularizer must be a penalty such as L2(0.1), got {regularizer!r}")


def _as_layer(layer: Any) -> Layer:
    if isinstance(layer, Layer):
        return layer
    if not is_layer(layer):
        raise TypeError(f"layers must hold layers such as Relu(), got {layer!r}")
    return ReadersLayer(layer)


def _own(layer: Layer) -> Any:
    return layer.own if isinstance(layer, ReadersLayer) else layer


def _names(layers: Sequence[Layer]) -> list[str]:
    count: Counter[str] = Counter()
    names = []
    for layer in layers:
        count[layer.kind] += 1
        names.append(f"{layer.kind}{count[layer.kind]}")
    return names


def _check_inner_layers(layer: Layer) -> None:
    try:
        inspect.signature(layer.forward).bind("x", "train_flg")
    except TypeError:
        raise TypeError(f"{layer.kind} must have forward(self, x, train_flg=True)") from None
    check_attributes(layer)
