"""What layers on images ask of the shape of x."""

from dlbasics._internal.checks import Array
from dlbasics.columns import tiles
from dlbasics.layers.base import Layer


def is_image_batch(layer: Layer, x: Array, channels: int | str = "C") -> bool:
    """True for images (N, C, H, W), False for one image (C, H, W).

    Raises:
        ValueError: For any other shape, for an empty array, and for other channels.
    """
    if x.ndim in (3, 4) and 0 not in x.shape[-3:] and channels in ("C", x.shape[-3]):
        return x.ndim == 4
    raise ValueError(
        f"{layer.kind}: x must have shape (N, {channels}, H, W) or ({channels}, H, W), "
        f"got {x.shape}"
    )


def output_size(
    layer: Layer, x_shape: tuple[int, ...], window: tuple[int, int], stride: int, pad: int
) -> tuple[int, int]:
    """OH and OW: how many windows an image (C, H, W) has, one below and beside the other.

    Raises:
        ValueError: Where windows do not tile the image.
    """
    check_image_shape(layer, x_shape)
    _, H, W = x_shape
    return (
        tiles(H, window[0], stride, pad, f"{layer.kind}: x must have a height of"),
        tiles(W, window[1], stride, pad, f"{layer.kind}: x must have a width of"),
    )


def check_image_shape(layer: Layer, x_shape: tuple[int, ...], channels: int | str = "C") -> None:
    """Raise ValueError unless x_shape is (C, H, W), the shape of one image."""
    if len(x_shape) != 3 or channels not in ("C", x_shape[0]):
        raise ValueError(
            f"{layer.kind}: a sample must have shape ({channels}, H, W), got {x_shape}"
        )
