"""What a result depends on: the code that ran, the files it read, and the versions of packages."""

import hashlib
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import dlbasics
from dlbasics.experiment.catalog import CHAPTERS, ROOT

PACKAGES = ("numpy", "matplotlib", "numba", "pillow", "scikit-learn", "scipy", "torch")
"""The packages that change results or figures; some are extras."""

WITHOUT_EFFECT = {
    f"dlbasics/{name}.py"
    for name in ("__main__", "experiment/catalog", "experiment/child", "experiment/fingerprint")
}
"""The files that a process uses on its way to an experiment, and that change no result."""


def versions() -> dict[str, str]:
    """Return the versions of Python, dlbasics and the packages that are installed."""
    found = {"python": platform.python_version(), "dlbasics": dlbasics.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    return found


def sources() -> dict[str, str]:
    """Return a digest of each of our files that this process has used so far, by its name.

    They are the modules that were imported, and the arrays that lie beside a chapter's scripts.
    """
    files = {Path(file) for module in [*sys.modules.values()] if (file := _file(module))}
    folders = {"dlbasics", *(chapter.folder for chapter in CHAPTERS)}
    names = {file.relative_to(ROOT).as_posix() for file in files if file.is_relative_to(ROOT)}
    names = {name for name in names if name.split("/")[0] in folders}
    for folder in {name.split("/")[0] for name in names if name.startswith("ch")}:
        names |= {f"{folder}/{file.name}" for file in (ROOT / folder).glob("*.npz")}
    names -= WITHOUT_EFFECT
    return {name: digest for name in sorted(names) if (digest := _digest(ROOT / name))}


def _file(module: Any) -> str | None:
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else None


def is_current(about: dict[str, Any]) -> bool:
    """Return whether a run would use the same code and versions as the run of this result did.

    Args:
        about: What the file of the result says about its run.
    """
    used = about.get("sources")
    if not isinstance(used, dict) or not used or about.get("versions") != versions():
        return False
    return all(digest == _digest_once(ROOT / name) for name, digest in used.items())


def _digest(path: Path) -> str | None:
    """Return a digest of the file's bytes; None if there is no such file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return None


_digest_once = cache(_digest)
