"""im2col turns images into a matrix of windows, and col2im turns it back.

Book: *Expansion by im2col*.
"""

from typing import Any

import numpy as np

from dlbasics._internal.checks import (
    Array,
    Sides,
    as_array,
    as_count,
    as_counts,
    as_flag,
    as_float,
    as_sides,
    computed_in,
    native,
    pair,
    quiet,
)

__all__ = ["col2im", "conv_output_size", "im2col", "np"]


def conv_output_size(
    input_size: int, filter_size: int, stride: int = 1, pad: int = 0, *, floor: bool = False
) -> int:
    """Return how many windows fit side by side: (input_size + 2 pad - filter_size) / stride + 1.

    Args:
        input_size: The height or width of the image.
        filter_size: The height or width of a window.
        stride: The number of pixels from one window to the next.
        pad: The number of pixels of padding on each side of the image.
        floor: If True, round the result down: no window covers the last pixels, which are left
            over.  Other libraries do so without being asked.

    Raises:
        ValueError: If the result is not a whole number, or is below 1.  The message names the sizes
            that fit.

    Book: eq. 7.1.

    >>> conv_output_size(28, 5, stride=3, pad=2)
    10
    >>> conv_output_size(224, 7, stride=2, pad=3, floor=True)
    112
    """
    size, window = as_count(input_size, "input_size"), as_count(filter_size, "filter_size")
    stride, pad = as_count(stride, "stride"), as_count(pad, "pad", least=0)
    return tiles(size, window, stride, pad, as_flag(floor, "floor"), "input_size must be")


def tiles(size: int, window: int, stride: int, pad: int, floor: bool, wanted: str) -> int:
    """Do what `conv_output_size` does, for checked arguments; `wanted` begins the error message."""
    room = size + 2 * pad - window
    if room >= 0 and (floor or room % stride == 0):
        return room // stride + 1
    first = size - (room if room < 0 else room % stride)
    sizes = " or ".join(str(fits) for fits in (first, first + stride) if fits > 0)
    would_do = f"{first} or more" if stride == 1 or floor else sizes
    unless = "" if room < 0 else ", unless floor=True"
    raise ValueError(
        f"{wanted} {would_do} for windows of {window} with stride {stride} and pad {pad}{unless}, "
        f"got {size}"
    )


def im2col(
    input_data: Array,
    filter_h: int,
    filter_w: int,
    stride: Sides = 1,
    pad: Sides = 0,
    *,
    floor: bool = False,
) -> Array:
    """Expand images to a matrix: each window of each image becomes a row.

    The rows run over image, row and column of the output.  The columns run over channel, row and
    column of the window.

    Args:
        input_data: Images, (N, C, H, W).
        filter_h: The height FH of a window.
        filter_w: The width FW of a window.
        stride: The number of pixels from one window to the next, or a pair of them, (down, right).
        pad: The number of pixels of zeros on each side of an image, or a pair of them: that above
            and below, and that on the left and the right.
        floor: If True, the windows need not tile the images (see `conv_output_size`).

    Returns:
        The matrix (N OH OW, C FH FW), in the dtype of the images.

    Raises:
        ValueError: If the windows do not tile the images, unless `floor` is True, or are larger
            than the images with their padding.

    Book: *Expansion by im2col*.

    >>> im2col(np.arange(9).reshape(1, 1, 3, 3), 2, 2)
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    """
    image = native(as_array(input_data, "input_data"))
    (OH, OW), (down, right), pads = _geometry(
        "input_data", image.shape, filter_h, filter_w, stride, pad, floor
    )
    N, C, _, _ = image.shape
    image = padded(image, pads)
    col = np.empty((N, OH, OW, C, filter_h, filter_w), image.dtype, like=image)
    for y in range(filter_h):
        for x in range(filter_w):
            # This takes pixel (y, x) of all windows at once: there are fewer pixels than windows.
            met = image[:, :, y : y + down * OH : down, x : x + right * OW : right]
            col[..., y, x] = met.transpose(0, 2, 3, 1)
    return col.reshape(N * OH * OW, C * filter_h * filter_w)


@quiet  # silences NumPy's warnings about infinite numbers
def col2im(
    col: Array,
    input_shape: tuple[int, ...],
    filter_h: int,
    filter_w: int,
    stride: Sides = 1,
    pad: Sides = 0,
    *,
    floor: bool = False,
) -> Array:
    """Put the rows of `col` back to their places in the images, and add up where they overlap.

    This is the derivative of im2col: a pixel is in several windows, and their gradients add up.

    Args:
        col: A matrix (N OH OW, C FH FW), as `im2col` returns it.
        input_shape: The shape of the images, (N, C, H, W).
        filter_h: The height FH of a window.
        filter_w: The width FW of a window.
        stride: The number of pixels from one window to the next, or a pair of them, (down, right).
        pad: The number of pixels of padding on each side of an image, or a pair of them, as for
            `im2col`.  The function drops them.
        floor: If True, the windows need not tile the images.  Pixels without a window become 0.

    Returns:
        The images, (N, C, H, W), in the dtype of `col`; in float64 for integers.

    Raises:
        ValueError: If the windows do not tile the images, unless `floor` is True, or `col` has
            another shape.

    >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2)
    array([[[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]]])
    """
    col, input_shape = as_float(col, "col"), tuple(as_counts(input_shape, "input_shape", least=0))
    (OH, OW), (down, right), (above, left) = _geometry(
        "input_shape", input_shape, filter_h, filter_w, stride, pad, floor
    )
    N, C, H, W = input_shape
    rows, columns = N * OH * OW, C * filter_h * filter_w
    if col.shape != (rows, columns):
        raise ValueError(f"col must have shape ({rows}, {columns}), got {col.shape}")
    windows = col.reshape(N, OH, OW, C, filter_h, filter_w)
    image = np.zeros((N, C, H + 2 * above, W + 2 * left), computed_in(col.dtype), like=col)
    for y in range(filter_h):
        for x in range(filter_w):
            met = image[:, :, y : y + down * OH : down, x : x + right * OW : right]
            met += windows[..., y, x].transpose(0, 3, 1, 2)
    return image[:, :, above : above + H, left : left + W].astype(col.dtype, copy=False)


def padded(image: Array, pad: Sides, value: float = 0) -> Array:
    """Return the images (N, C, H, W) with `pad` pixels of that value on every side."""
    above, left = pair(pad)
    width = (0, 0), (0, 0), (above, above), (left, left)
    return np.pad(image, width, constant_values=value) if above or left else image


def grid(
    shape: tuple[int, ...], window: tuple[int, int], stride: Sides, pad: Sides, floor: bool, x: str
) -> tuple[int, int]:
    """Return OH and OW, how many windows fit below and beside each other in (..., H, W).

    The arguments are checked.  `x` begins the error message.
    """
    (H, W), (down, right), (above, left) = shape[-2:], pair(stride), pair(pad)
    return (
        tiles(H, window[0], down, above, floor, f"{x} must have a height of"),
        tiles(W, window[1], right, left, floor, f"{x} must have a width of"),
    )


def _geometry(
    name: str,
    shape: tuple[int, ...],
    filter_h: Any,
    filter_w: Any,
    stride: Any,
    pad: Any,
    floor: Any,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return (OH, OW), the steps down and to the right, and the padding above and on the left."""
    if len(shape) != 4:
        raise ValueError(f"{name} must be of shape (N, C, H, W), got {shape}")
    window = as_count(filter_h, "filter_h"), as_count(filter_w, "filter_w")
    stride, pad = as_sides(stride, "stride"), as_sides(pad, "pad", least=0)
    size = grid(shape, window, stride, pad, as_flag(floor, "floor"), name)
    return size, pair(stride), pair(pad)
