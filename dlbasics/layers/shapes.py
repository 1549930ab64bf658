"""Checks of the shape of x, for layers that work on images."""

from dlbasics._internal import hints
from dlbasics._internal.checks import Array, Sides
from dlbasics.columns import grid
from dlbasics.layers.base import Layer


def is_image_batch(layer: Layer, x: Array, channels: int | str = "C") -> bool:
    """Return True for images (N, C, H, W), and False for one image (C, H, W).

    Args:
        layer: The layer that the message names.
        x: The array.
        channels: The number of channels that x must have; "C" stands for any number.

    Raises:
        ValueError: If x has another shape or another number of channels, or is empty.
    """
    if x.ndim in (3, 4) and 0 not in x.shape[-3:] and channels in ("C", x.shape[-3]):
        return x.ndim == 4
    raise ValueError(
        f"{layer.kind}: x must have shape (N, {channels}, H, W) or ({channels}, H, W), "
        f"got {x.shape}{hints.for_images(x.shape, (channels, 'H', 'W'))}"
    )


def output_size(
    layer: Layer,
    x_shape: tuple[int, ...],
    window: tuple[int, int],
    stride: Sides,
    pad: Sides,
    floor: bool,
) -> tuple[int, int]:
    """Return OH and OW, the numbers of windows that fit below and beside each other in an image.

    Args:
        layer: The layer that the message names.
        x_shape: The shape of the image, (C, H, W).
        window: The height and width of a window.
        stride: The number of pixels from one window to the next, or a pair (down, right).
        pad: The number of pixels of padding on each side of the image, or a pair.
        floor: If True, the windows need not tile the image.

    Raises:
        ValueError: If the windows do not tile the image.
    """
    check_image_shape(layer, x_shape)
    return grid(x_shape, window, stride, pad, floor, f"{layer.kind}: x")


def check_image_shape(layer: Layer, x_shape: tuple[int, ...], channels: int | str = "C") -> None:
    """Raise ValueError unless x_shape is (C, H, W), the shape of one image with these channels."""
    if len(x_shape) != 3 or channels not in ("C", x_shape[0]):
        raise ValueError(
            f"{layer.kind}: a sample must have shape ({channels}, H, W), got {x_shape}"
            f"{hints.for_images(x_shape, (channels, 'H', 'W'))}"
        )
