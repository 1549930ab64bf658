"""Layers must fit each other: each takes what the layer before it returns."""

from collections.abc import Mapping

from dlbasics.layers import (
    Affine,
    BatchNorm,
    Concatenate,
    Convolution,
    GlobalAveragePooling,
    Layer,
    Residual,
)
from dlbasics.layers.pooling import WindowLayer

Known = tuple[int, ...] | int | None
"""What is known of a sample: its shape, or only the number of channels of an image, or nothing."""


def check_fit(layers: Mapping[str, Layer]) -> None:
    """Raise ValueError if a layer cannot take what the layer before it returns.

    The check follows the shape of one sample through the layers.  Behind convolutions on images of
    any size, it follows the number of channels.  Behind a layer of a reader's own, nothing is known
    until the next Affine layer.
    """
    known: Known = None
    before = ""
    for name, layer in layers.items():
        if isinstance(layer, Affine) and not isinstance(known, tuple):
            known = layer.input_shape
        try:
            known = _output(layer, known) if _is_ours(layer) else None
        except ValueError as error:
            text = str(error).removeprefix(f"{layer.kind}: ")
            raise ValueError(
                f"layers must fit each other, but {name} gets the output of {before}: {text}"
            ) from None
        before = name


def _is_ours(layer: Layer) -> bool:
    return all(type(inner).__module__.startswith("dlbasics.layers.") for inner in layer.walk())


def _output(layer: Layer, known: Known) -> Known:
    if isinstance(known, tuple):
        return layer.output_shape(known)
    if isinstance(layer, Convolution | BatchNorm):
        channels = layer.W.shape[1] if isinstance(layer, Convolution) else len(layer.gamma)
        if known not in (None, channels):
            raise ValueError(f"x must have {channels} channels, got {known}")
    if isinstance(layer, Convolution):
        return len(layer.W)
    if isinstance(layer, Concatenate):
        return _channels(layer, known)
    if isinstance(layer, GlobalAveragePooling) and known is not None:
        return (known,)
    keeps_channels = isinstance(layer, BatchNorm | WindowLayer | Residual)
    return known if keeps_channels or type(layer).output_shape is Layer.output_shape else None


def _channels(block: Concatenate, known: Known) -> int | None:
    """Return the number of channels that all branches make together."""
    total = 0
    for branch in block.branches:
        made = known
        for layer in branch:
            made = _output(layer, made)
        if not isinstance(made, int):
            return None
        total += made
    return total
