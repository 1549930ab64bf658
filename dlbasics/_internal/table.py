"""The table of fast replacements for plain formulas.  It decides which of the two computes.

The lesson files hold the plain formulas and do not know this table.  `_internal/fast` enters the
replacements, which compute the same in less time.  An entry holds for exactly one class: a subclass
may have changed the formula, so it has no entry.
"""

import inspect
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from dlbasics._internal import device

F = TypeVar("F", bound=Callable[..., Any])

_fast: dict[Any, Any] = {}
_lock = threading.Lock()
_plain_blocks = 0
_always_plain = os.environ.get("DLBASICS_PLAIN", "0") not in ("", "0")
_is_filled = False


@contextmanager
def plain() -> Iterator[None]:
    """Compute by the plain formulas alone within the block, in all threads of the process.

    The environment variable `DLBASICS_PLAIN=1` does the same for a whole process.
    """
    global _plain_blocks
    with _lock:
        _plain_blocks += 1
    try:
        yield
    finally:
        with _lock:
            _plain_blocks -= 1


def is_plain() -> bool:
    """Return whether only the plain formulas compute now."""
    return _always_plain or _plain_blocks > 0


def enter(original: Any, replacement: Any) -> None:
    """Let `replacement` compute in place of `original`, a class or a function."""
    _fast[inspect.unwrap(original)] = replacement


def replacement(original: Any) -> Any:
    """Return the fast replacement of a class or a function, or None if there is none."""
    global _is_filled
    if not _is_filled:
        import dlbasics._internal.fast  # noqa: F401 - fills the table; it needs the layers

        _is_filled = True
    return _fast.get(original)


def fast(original: Any, *arrays: Any) -> Any:
    """Return the fast replacement to use now, or None if the plain formula must compute.

    It must in plain mode, if there is no replacement, and for arrays on another device.
    """
    if _always_plain or _plain_blocks:
        return None
    for array in arrays:
        if device.is_elsewhere(array):
            return None
    return replacement(original)


def replaceable(function: F) -> F:
    """Return `function` in a form that runs the fast replacement if there is one to use now."""

    @wraps(function)
    def chosen(*args: Any, **kwargs: Any) -> Any:
        return (fast(function) or function)(*args, **kwargs)

    return chosen  # type: ignore[return-value]
