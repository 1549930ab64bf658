"""dlbasics: deep learning from scratch, in the style of *Deep Learning from the Basics*.

Every public name is available from the package, `from dlbasics import Affine`, and from its module,
`from dlbasics.layers import Affine`.  Python loads a module when you first ask for one of its
names, so `import dlbasics` takes next to no time.  `__init__.pyi` lists the names.
"""

import os

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, _listed = lazy_loader.attach_stub(__name__, __file__)

# A star import must not bring modules, or it would overwrite a reader's `data` or `search`.
_files = {entry.partition(".")[0] for entry in os.listdir(os.path.dirname(__file__))}
__all__ = [name for name in _listed if name not in _files]


def __dir__() -> list[str]:
    return list(__all__)
