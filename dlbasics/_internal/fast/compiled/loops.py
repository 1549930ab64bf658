"""How numba compiles the loops: without Python's lock, once for each machine.

numba compiles a function at its first call with arrays of a new dtype, which takes up to a second.
It keeps the result in the cache of dlbasics, so that the next process only loads it.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache

from dlbasics._internal.cache import cache_folder

F = TypeVar("F", bound=Callable[..., Any])

_was_announced = False


def compiled(function: F) -> F:
    """Return `function` in a form that is compiled at its first call.

    The arithmetic is that of NumPy, to the bit, as long as the order of the operations is the same:
    numba's fastmath, which lets the compiler change formulas and leave out NaN, is off.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = Cache(function)
    return dispatcher


class Cache(FunctionCache):  # type: ignore[misc]
    """numba's cache in the folder of dlbasics.  A folder that fails costs time, but is no error."""

    def __init__(self, function: Callable[..., Any]) -> None:
        own = numba.config.CACHE_DIR
        try:
            numba.config.CACHE_DIR = own or str(cache_folder("numba"))
            super().__init__(function)
        except (RuntimeError, ValueError, OSError):  # no folder can be written to
            self.disable()
        finally:
            numba.config.CACHE_DIR = own

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function; None if it must be compiled, as numba then does."""
        found = None
        with suppress(Exception):  # a damaged file
            found = super().load_overload(sig, target_context)
        if found is None:
            announce()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(Exception):  # a full disk, or a damaged file
            super().save_overload(sig, data)


def announce() -> None:
    """Say once what takes the time."""
    global _was_announced
    if not _was_announced and sys.stderr is not None:
        print(
            "dlbasics compiles its loops for this machine, which takes some seconds, once",
            file=sys.stderr,
        )
    _was_announced = True
