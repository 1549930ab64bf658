"""Types for readers who annotate their own code: `from dlbasics.typing import Array, RngLike`.

- `Array`: a NumPy array of any shape and dtype.
- `RngLike`: an argument `rng`, which may be a random generator, an integer seed or None.
- `Initializer`: a function `init(shape, rng)` that returns initial weights; see
  `dlbasics.initializers`.
- `Schedule`: a function `schedule(epoch, epochs)` that returns the factor of the learning rate; see
  `dlbasics.schedules`.
- `PathLike`: the path of a file, as text or as a `pathlib.Path`.
"""

from dlbasics._internal.checks import Array, RngLike
from dlbasics.initializers import Initializer
from dlbasics.schedules import Schedule
from dlbasics.storage import PathLike

__all__ = ["Array", "Initializer", "PathLike", "RngLike", "Schedule"]
