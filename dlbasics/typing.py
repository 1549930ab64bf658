"""Types for readers who annotate their own code: `from dlbasics.typing import Array, RngLike`."""

from dlbasics._internal.checks import Array, RngLike
from dlbasics.initializers import Initializer
from dlbasics.schedules import Schedule
from dlbasics.storage import PathLike

__all__ = ["Array", "Initializer", "PathLike", "RngLike", "Schedule"]
