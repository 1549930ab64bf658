"""The shapes of x that a network takes: one sample, or a batch of them."""

import math

from dlbasics._internal import hints


def is_batch(shape: tuple[int, ...], sample: tuple[int, ...]) -> bool:
    """Return whether `shape` is that of a batch; False for one sample.

    Args:
        shape: The shape of x.
        sample: The shape of one sample.  D values, (D,), may also come as a square image (s, s)
            with s s = D, and in a batch as images (N, C, H, W) with C H W = D.

    Raises:
        ValueError: If `shape` is neither.
    """
    forms = [sample]
    if len(sample) == 1:
        side = math.isqrt(sample[0])
        if side * side == sample[0]:
            forms.append((side, side))
        if len(shape) == 4 and math.prod(shape[1:]) == sample[0]:
            forms.append(shape[1:])
    if shape[1:] in forms:
        return True
    if shape in forms:
        return False
    batch = ", ".join(["N", *map(str, sample)])
    cure = hints.for_images(shape, sample)
    raise ValueError(f"x must have shape ({batch}), or {sample} for one sample, got {shape}{cure}")
