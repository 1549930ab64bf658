"""The images that a convolutional network takes, and what helps if its windows do not tile them."""

import copy
import math
from collections.abc import Iterable, Sequence

from dlbasics._internal.checks import as_count
from dlbasics._internal.hints import has_channels_last
from dlbasics.layers import Convolution, Layer

PADS = range(4)
"""The paddings that `values_per_image` tries."""

REACH = 32
"""The number of pixels by which it tries larger and smaller images."""

Shape = tuple[int, int, int]


def image_shape(input_dim: Sequence[int]) -> Shape:
    """Return `input_dim` as a tuple (C, H, W); raise ValueError unless it is such a shape."""
    if not isinstance(input_dim, Sequence) or len(input_dim) != 3:
        raise ValueError(f"input_dim must be (C, H, W), got {input_dim!r}")
    C, H, W = (as_count(size, "input_dim") for size in input_dim)
    if has_channels_last((C, H, W)):
        raise ValueError(f"input_dim must be (C, H, W), as {W, C, H}, got {C, H, W}")
    return C, H, W


def values_per_image(layers: Iterable[Layer], input_dim: Shape, param: str = "") -> int:
    """Return the number of values that the layers make of one image.

    Args:
        layers: The layers before the first Affine layer.
        input_dim: The shape of one image, (C, H, W).
        param: The argument for the settings of convolution i, as a format: "conv_param_{}".

    Raises:
        ValueError: If the windows of a layer do not tile its input.  The message says what helps:
            another padding, or images of another size.
    """
    layers = [*layers]
    try:
        return math.prod(_shape(layers, input_dim))
    except ValueError as error:
        helps = [*_paddings(layers, input_dim, param), *_sizes(layers, input_dim)]
        cure = f"; {' or '.join(helps)} would do" if helps else ""
        raise ValueError(
            f"input_dim must be that of images that all layers can tile, got {input_dim}: "
            f"{error}{cure}"
        ) from None


def _shape(layers: Iterable[Layer], shape: tuple[int, ...]) -> tuple[int, ...]:
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def _fits(layers: Iterable[Layer], shape: tuple[int, ...]) -> bool:
    try:
        _shape(layers, shape)
    except ValueError:
        return False
    return True


def _paddings(layers: Sequence[Layer], shape: Shape, param: str) -> list[str]:
    """Return the smallest change of one padding that helps.

    The last convolutions come first, and of two paddings the one that keeps the size of the image.
    """
    convolutions = [layer for layer in layers if isinstance(layer, Convolution)]
    changes = [
        (abs(pad - layer.pad), -number, abs(2 * pad + 1 - layer.W.shape[2]), -pad)
        for number, layer in enumerate(convolutions, start=1)
        for pad in PADS
        if isinstance(layer.pad, int)
    ]
    for _, number, _, pad in sorted(changes) if param else ():
        old = convolutions[-number - 1]
        new = copy.copy(old)
        new.pad = -pad
        if _fits([new if layer is old else layer for layer in layers], shape):
            return [f"{param.format(-number)}={{'pad': {-pad}}}"]
    return []


def _sizes(layers: Sequence[Layer], shape: Shape) -> list[str]:
    """Return the next smaller and the next larger images that fit.

    The height and the width are independent of each other.
    """
    C, H, W = shape
    found = []
    for step in (-1, 1):
        heights, widths = ([size + step * i for i in range(REACH + 1)] for size in (H, W))
        h, w = (
            next((size for size in sizes if size > 0 and _fits(layers, (C, size, size))), None)
            for sizes in (heights, widths)
        )
        if h is not None and w is not None:
            found.append(f"input_dim={(C, h, w)}")
    return found
