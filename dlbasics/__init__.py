"""dlbasics: deep learning from scratch, in the style of *Deep Learning from the Basics*.

All names can be had from here, `from dlbasics import Affine`, or from their modules.  A module is
loaded when a name of it is first asked for, so that `import dlbasics` costs next to nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "functions",
    "initializers",
    "columns",
    "layers",
    "gradient",
    "optimizers",
    "regularizers",
    "network",
    "networks",
    "data",
    "schedules",
    "averaging",
    "history",
    "trainer",
    "search",
    "storage",
)


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name in _MODULES or name in ("augmentation", "plotting", "experiment"):
        return import_module(f"dlbasics.{name}")
    if not name.startswith("_"):
        for module in _MODULES:
            loaded = import_module(f"dlbasics.{module}")
            if name in loaded.__all__:
                return getattr(loaded, name)
    raise AttributeError(f"module 'dlbasics' has no attribute {name!r}")


def __dir__() -> list[str]:
    names = {name for module in _MODULES for name in import_module(f"dlbasics.{module}").__all__}
    return sorted(names)
