"""What the data sets share: the folder that keeps them, and the forms in which they come."""

import os
from pathlib import Path

import numpy as np

from dlbasics._internal.checks import Array


def cache_folder(name: str) -> Path:
    """`name` in the folder that `DLBASICS_CACHE` names, else in the user's cache folder."""
    folder = os.environ.get("DLBASICS_CACHE")
    if folder:
        return Path(folder).expanduser() / name
    import platformdirs

    return platformdirs.user_cache_path("dlbasics", appauthor=False) / name


def images(x: Array, normalize: bool, flatten: bool) -> Array:
    """uint8 images (N, 28, 28) as (N, 784), or (N, 1, 28, 28); normalized to float32, 0 to 1."""
    x = x.reshape(len(x), 784) if flatten else x.reshape(len(x), 1, 28, 28)
    return np.divide(x, 255, dtype=np.float32) if normalize else x


def labels(t: Array, one_hot: bool) -> Array:
    """Digits (N,) as they are, or as float32 rows (N, 10)."""
    return np.eye(10, dtype=np.float32)[t] if one_hot else t
