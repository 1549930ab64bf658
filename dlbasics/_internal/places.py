"""Scores of images: each place of an image is a row, as if it were a sample of its own."""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_float


def as_scores(x: Any) -> Array:
    """Return `x` as a floating-point array; raise ValueError unless its shape is one of scores.

    The shapes are (N, K), (K,) for one sample, and (N, K, H, W) for images.
    """
    x = as_float(x)
    if x.ndim not in (1, 2, 4) or x.size == 0:
        raise ValueError(
            f"x must have shape (N, K), (K,) or (N, K, H, W) and not be empty, got {x.shape}"
        )
    return x


def as_rows(x: Array) -> Array:
    """Return scores (N, K) as they are, (K,) as (1, K), and (N, K, H, W) as (N H W, K)."""
    if x.ndim == 4:
        return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    return x if x.ndim == 2 else x[np.newaxis]


def like_scores(rows: Array, shape: tuple[int, ...]) -> Array:
    """Undo `as_rows`: return rows as scores of the given shape."""
    if len(shape) != 4:
        return rows.reshape(shape)
    N, K, H, W = shape
    return rows.reshape(N, H, W, K).transpose(0, 3, 1, 2)


def like_places(values: Array, shape: tuple[int, ...]) -> Array:
    """Return one value for each row as (N,), or as (N, H, W) for scores of images."""
    return values.reshape(shape[0], *shape[2:]) if len(shape) == 4 else values


def label_rows(t: Any, shape: tuple[int, ...]) -> Array:
    """Return the labels of each row, if the scores of that shape are those of images.

    Args:
        t: Integer classes (N, H, W), or rows (N, K, H, W).
        shape: The shape of the scores.

    Raises:
        ValueError: If `t` is neither.
    """
    t = as_array(t, "t")
    if len(shape) != 4:
        return t
    N, _, H, W = shape
    if t.shape == shape:
        return as_rows(t)
    if t.shape != (N, H, W) or t.dtype.kind not in "iu":
        raise ValueError(
            f"t must be integer classes of shape {(N, H, W)} or rows of shape {shape}, "
            f"got {t.dtype} of shape {t.shape}"
        )
    return t.reshape(-1)
