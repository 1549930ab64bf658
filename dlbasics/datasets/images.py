"""The cache folder, and the forms of images and labels that MNIST and the embedded digits share."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_flag


def cache_folder(name: str) -> Path:
    """Return the folder `name` inside dlbasics' cache.  The folder need not exist yet.

    The cache is the folder that the environment variable `DLBASICS_CACHE` names.  Without that
    variable it is the user's cache folder, and for a user without a home a temporary folder.
    """
    if os.environ.get("DLBASICS_CACHE"):
        return named_folder("DLBASICS_CACHE") / name
    import platformdirs

    try:
        return platformdirs.user_cache_path("dlbasics", appauthor=False) / name
    except RuntimeError:  # nobody knows the user's home
        return Path(tempfile.gettempdir(), f"dlbasics-{getattr(os, 'getuid', int)()}", name)


def named_folder(variable: str) -> Path:
    """Return the folder that an environment variable names.

    Raises:
        ValueError: If it names the home folder, as in ~/data, and nobody knows where that is.
    """
    folder = Path(os.environ[variable])
    try:
        return folder.expanduser()
    except RuntimeError:
        raise ValueError(f"{variable} names {folder}, but the user has no home folder") from None


def check_form(normalize: Any, flatten: Any, one_hot_label: Any) -> None:
    """Raise TypeError unless the three arguments of the loaders are True or False."""
    as_flag(normalize, "normalize")
    as_flag(flatten, "flatten")
    as_flag(one_hot_label, "one_hot_label")


def images(x: Array, normalize: bool, flatten: bool) -> Array:
    """Convert images to the form that the loaders return.

    Args:
        x: Images, uint8, (N, 28, 28).
        normalize: True gives float32 from 0.0 to 1.0; False keeps uint8 from 0 to 255.
        flatten: True gives the shape (N, 784); False gives (N, 1, 28, 28).
    """
    x = x.reshape(len(x), 784) if flatten else x.reshape(len(x), 1, 28, 28)
    return np.divide(x, 255, dtype=np.float32) if normalize else x


def labels(t: Array, one_hot: bool) -> Array:
    """Return the digits t (N,) as they are, or as one-hot rows (N, 10), float32."""
    return np.eye(10, dtype=np.float32)[t] if one_hot else t
