"""The modules of PyTorch that compute what our layers compute.

This file imports torch, so only functions import it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn

from dlbasics import layers as ours
from dlbasics._internal.checks import pair
from dlbasics.layers import Layer
from dlbasics.network import Network

Named = tuple[str, Layer]
"""A layer of ours, with its name for messages."""


class Dropout(nn.Module):  # type: ignore[misc]
    """The book's dropout: x times a mask in training, x times (1 - dropout_ratio) in test."""

    def __init__(self, dropout_ratio: float) -> None:
        super().__init__()
        self.dropout_ratio = dropout_ratio

    def forward(self, x: Any) -> Any:
        if self.training:
            return x * (torch.rand_like(x) >= self.dropout_ratio)
        return x * (1 - self.dropout_ratio)

    def extra_repr(self) -> str:
        return f"dropout_ratio={self.dropout_ratio}"


class Residual(nn.Sequential):  # type: ignore[misc]
    """Layers with a skip connection past them: y = x + F(x)."""

    def forward(self, x: Any) -> Any:
        return x + super().forward(x)


class Concatenate(nn.ModuleList):  # type: ignore[misc]
    """Branches side by side, whose outputs become the channels of y."""

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in self], dim=1)


def counterpart(network: Network) -> tuple[Any, dict[str, Named]]:
    """Return a `torch.nn.Sequential` like the network, without memory for its weights yet.

    Also return our layer for each of its modules with parameters, by the module's name.

    Raises:
        TypeError: If PyTorch has no counterpart of a layer.
        ValueError: If PyTorch does not take the settings of a layer.
    """
    named: dict[Any, Named] = {}
    with torch.device("meta"):  # this draws no random weights
        module = _sequential(network.layers.items(), _takes_images(network), named)
    return module, {path: named[part] for path, part in module.named_modules() if part in named}


IMAGES = ours.Convolution, ours.Pooling, ours.AveragePooling, ours.GlobalAveragePooling
ROWS = ours.Affine, ours.Flatten, ours.Reshape


def _takes_images(network: Network) -> bool:
    """Return whether the first layer that takes only images or only rows takes images."""
    inner = [layer for top in network.layers.values() for layer in top.walk()]
    return next(
        (isinstance(layer, IMAGES) for layer in inner if type(layer) in IMAGES + ROWS), False
    )


def _sequential(
    layers: Iterable[Named], is_image: bool, named: dict[Any, Named], kind: Any = nn.Sequential
) -> Any:
    """Return a module of that kind, given whether its x holds images (N, C, H, W), not rows."""
    modules: list[Any] = []
    for name, layer in layers:
        modules += _modules(name, layer, is_image, named)
        is_image = _returns_images(layer, is_image)
    return kind(*modules)


def _parts(layers: Iterable[Layer], block: str) -> list[Named]:
    """Return the inner layers of a block with their names for messages."""
    return [(f"{layer.kind}, layer {i} of {block}", layer) for i, layer in enumerate(layers, 1)]


def _returns_images(layer: Layer, is_image: bool) -> bool:
    if isinstance(layer, ours.Reshape):
        return len(layer.shape) == 3
    return is_image and not isinstance(layer, (*ROWS, ours.GlobalAveragePooling))


def _modules(name: str, layer: Layer, is_image: bool, named: dict[Any, Named]) -> Iterator[Any]:
    """Yield the modules that do what the layer does."""
    if type(layer) is ours.Residual:
        yield _sequential(_parts(layer.layers, name), is_image, named, Residual)
    elif type(layer) is ours.Concatenate:
        branches = [
            _parts(branch, f"branch {i} of {name}") for i, branch in enumerate(layer.branches, 1)
        ]
        yield Concatenate([_sequential(branch, True, named) for branch in branches])
    elif type(layer) is ours.BatchNorm:
        kind = nn.BatchNorm2d if is_image else nn.BatchNorm1d
        module = kind(len(layer.gamma), eps=layer.eps, momentum=round(1 - layer.momentum, 12))
        named[module] = name, layer
        yield module
    elif type(layer) in MAKERS:
        if is_image and type(layer) in ROWS and type(layer) is not ours.Flatten:
            yield nn.Flatten()
        module = MAKERS[type(layer)](layer, name)
        if layer.param_names:
            named[module] = name, layer
        yield module
        if type(layer) is ours.GlobalAveragePooling:
            yield nn.Flatten()
    else:
        raise TypeError(
            f"network must have layers that PyTorch has, got {name} of class {type(layer).__name__}"
        )


def _linear(layer: ours.Affine, name: str) -> Any:
    D, M = layer.W.shape
    return nn.Linear(D, M, bias=layer.b is not None)


def _convolution(layer: ours.Convolution, name: str) -> Any:
    FN, C, *size = layer.W.shape
    return nn.Conv2d(C, FN, tuple(size), layer.stride, layer.pad, bias=layer.b is not None)


def _pooling(kind: Any) -> Callable[[Any, str], Any]:
    def make(layer: Any, name: str) -> Any:
        window = layer.pool_h, layer.pool_w
        if any(2 * pad > side for pad, side in zip(pair(layer.pad), window, strict=True)):
            raise ValueError(
                f"{name} must have a pad of at most half its window {window}, as PyTorch needs it, "
                f"got {layer.pad}"
            )
        return kind(window, layer.stride, layer.pad)

    return make


def _dropout(layer: ours.Dropout, name: str) -> Any:
    ratio = layer.dropout_ratio
    return nn.Dropout(ratio) if layer.inverted and ratio < 1 else Dropout(ratio)


def _local_response_norm(layer: ours.LocalResponseNorm, name: str) -> Any:
    return nn.LocalResponseNorm(layer.size, layer.alpha * layer.size, layer.beta, layer.k)


MAKERS: dict[type[Layer], Callable[[Any, str], Any]] = {
    ours.Affine: _linear,
    ours.Convolution: _convolution,
    ours.Pooling: _pooling(nn.MaxPool2d),
    ours.AveragePooling: _pooling(nn.AvgPool2d),
    ours.GlobalAveragePooling: lambda layer, name: nn.AdaptiveAvgPool2d(1),
    ours.LocalResponseNorm: _local_response_norm,
    ours.Dropout: _dropout,
    ours.Flatten: lambda layer, name: nn.Flatten(),
    ours.Reshape: lambda layer, name: nn.Unflatten(1, layer.shape),
    ours.Relu: lambda layer, name: nn.ReLU(),
    ours.LeakyRelu: lambda layer, name: nn.LeakyReLU(layer.slope),
    ours.Elu: lambda layer, name: nn.ELU(layer.alpha),
    ours.Sigmoid: lambda layer, name: nn.Sigmoid(),
    ours.Tanh: lambda layer, name: nn.Tanh(),
    ours.Identity: lambda layer, name: nn.Identity(),
}
"""What makes the module of a layer, for exactly this class: a subclass may compute otherwise."""
