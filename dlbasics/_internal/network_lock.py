"""A lock for the passes of a network through its layers."""

import threading
from typing import Any


class NetworkLock:
    """A lock that one thread may take again.  A copy or a pickle of its owner gets a new lock.

    A pass writes into the layers what the way back needs.  Two threads at once would mix it up.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: Any) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type["NetworkLock"], tuple[()]]:
        return NetworkLock, ()
