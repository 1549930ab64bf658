"""Types for readers who annotate their own code: `from dlbasics.typing import Array, RngLike`.

- `Array`: a NumPy array of any shape and dtype.
- `RngLike`: what every `rng=` accepts, a random generator, an integer seed or None.
- `Initializer`: makes initial weights, `init(shape, rng)`; see `dlbasics.initializers`.
- `Schedule`: the factor of the learning rate, `schedule(epoch, epochs)`; see `dlbasics.schedules`.
- `PathLike`: the path of a file, as text or as a `pathlib.Path`.
"""

from dlbasics._internal.checks import Array, RngLike
from dlbasics.initializers import Initializer
from dlbasics.schedules import Schedule
from dlbasics.storage import PathLike

__all__ = ["Array", "Initializer", "PathLike", "RngLike", "Schedule"]
