"""What helps against a frequent mistake, as the end of an error message; "" if nothing is known."""

import math
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def has_channels_last(shape: Shape) -> bool:
    """Return whether one image has the shape (H, W, C), not (C, H, W): a square of 1 or 3 channels.

    Otherwise it would be an image of 1 or 3 columns, and of as many channels as rows.
    """
    return len(shape) == 3 and shape[0] == shape[1] > 3 and shape[2] in (1, 3)


def for_images(shape: Shape, sample: tuple[int | str, ...]) -> str:
    """Return how an x of this shape becomes a batch of images.

    Args:
        shape: The shape of x.
        sample: The shape of one image, (C, H, W), in which a letter stands for any size.  For a
            sample of another kind nothing is known.
    """
    if len(sample) != 3:
        return ""
    C, *size = sample
    is_any_size = "H" in size
    if len(shape) in (3, 4) and shape[-1] == C and (is_any_size or [*shape[-3:-1]] == size):
        axes = (0, 3, 1, 2) if len(shape) == 4 else (2, 0, 1)
        return f"; the channels come first, as in x.transpose{axes}"
    if len(shape) == 3 and C == 1 and (is_any_size or [*shape[1:]] == size):
        return "; x[:, None] gives each image a channel"
    if len(shape) == 2 and not is_any_size and shape[1] == math.prod(map(int, sample)):
        return f"; x.reshape(-1, {C}, {size[0]}, {size[1]}) makes images of the rows"
    return ""


def for_outputs(t: Shape, y: Shape) -> str:
    """Return how labels of shape t fit outputs of shape y."""
    if len(y) != 2 or t != y[:1]:
        return ""
    if y[1] == 1:
        return "; t[:, None] has it"
    return f"; for integer classes use SoftmaxWithLoss, or rows, np.eye({y[1]})[t]"


def for_classes(t: Any, count: int) -> str:
    """Return how `count` labels that are no integers become classes."""
    if t.shape not in ((count,), (count, 1)):
        return ""
    is_whole = t.dtype.kind == "b" or bool((np.isfinite(t) & (t == np.round(t))).all())
    return "; t.astype(int) holds such classes" if is_whole else ""
