"""What layers on images ask of their x."""

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.columns import tiles
from dlbasics.layers.base import Layer


def as_images(x: Array, layer: Layer, channels: int | str = "C") -> Array:
    """x (N, C, H, W) itself, with so many channels; one image (C, H, W) as (1, C, H, W)."""
    fits = x.ndim in (3, 4) and 0 not in x.shape[-3:] and channels in ("C", x.shape[-3])
    if not fits:
        raise ValueError(
            f"{layer.kind}: x must have shape (N, {channels}, H, W) or ({channels}, H, W), "
            f"got {x.shape}"
        )
    return x if x.ndim == 4 else x[np.newaxis]


def windows_of(
    layer: Layer, shape: tuple[int, ...], window: tuple[int, int], stride: int, pad: int
) -> tuple[int, int]:
    """How many windows images of shape (..., H, W) have, below and beside each other."""
    return (
        tiles(shape[-2], window[0], stride, pad, f"{layer.kind}: x must have a height of"),
        tiles(shape[-1], window[1], stride, pad, f"{layer.kind}: x must have a width of"),
    )
