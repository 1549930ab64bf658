"""The forms of images and labels that all loaders of images share."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_counts, as_flag


def check_form(normalize: Any, flatten: Any, one_hot_label: Any) -> None:
    """Raise TypeError unless the three arguments of the loaders are True or False."""
    as_flag(normalize, "normalize")
    as_flag(flatten, "flatten")
    as_flag(one_hot_label, "one_hot_label")


def images(x: Array, normalize: bool, flatten: bool) -> Array:
    """Convert images to the form that the loaders return.

    Args:
        x: Images, uint8, (N, H, W) or (N, C, H, W).
        normalize: True gives float32 from 0.0 to 1.0; False keeps uint8 from 0 to 255.
        flatten: True gives the shape (N, C H W); False gives (N, C, H, W).
    """
    shape = x.shape[1:] if x.ndim == 4 else (1, *x.shape[1:])
    x = x.reshape(len(x), *((math.prod(shape),) if flatten else shape))
    return np.divide(x, 255, dtype=np.float32) if normalize else x


def labels(t: Array, one_hot: bool, count: int = 10) -> Array:
    """Return the classes t (N,) as they are, or as one-hot rows (N, count), float32."""
    return np.eye(count, dtype=np.float32)[t] if one_hot else t


def classes(t: Any, count: int) -> Array:
    """Return classes as an array of the smallest unsigned dtype that holds `count` of them."""
    return np.asarray(t, np.min_scalar_type(max(count - 1, 0)))


def as_size(size: Any) -> tuple[int, int]:
    """Return the height and the width of an image; raise an error unless `size` is both."""
    if isinstance(size, str) or not np.iterable(size):
        raise TypeError(f"size must be a pair (height, width), got {size!r}")
    sides = as_counts(size, "size")
    if len(sides) != 2:
        raise ValueError(f"size must be a pair (height, width), got {size!r}")
    return sides[0], sides[1]


def as_names(names: Any) -> list[str]:
    """Return the names of two or more classes as a list; raise an error if they are anything else.

    Raises:
        TypeError: If they are not a list of texts.
        ValueError: If there are fewer than two, or two are the same.
    """
    if isinstance(names, str) or not isinstance(names, Sequence | np.ndarray):
        raise TypeError(f"names must be a list of texts, got {type(names).__name__}")
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"names must be texts, got {[*names]!r:.300}")
    if len(names) < 2 or len({*names}) < len(names):
        raise ValueError(f"names must be two or more different texts, got {[*names]!r:.300}")
    return [str(name) for name in names]


def numbered(t: Array) -> list[str]:
    """Return the names of classes that have none: their numbers, from 0 to the largest in t."""
    return [str(k) for k in range(max(int(t.max()) + 1, 2))]
