"""The cache of dlbasics, and folders that environment variables name."""

import os
import tempfile
from pathlib import Path


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
