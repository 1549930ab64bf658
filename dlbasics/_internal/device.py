"""Arrays on another device, such as CuPy's arrays on a GPU.

The formulas call NumPy's functions.  An array of CuPy answers these calls itself (the protocols
`__array_function__` and `__array_ufunc__`), so that the same formulas compute on the GPU.  This
module holds what dispatch does not reach: which arrays these are, and how they come and go.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

INSTALL = 'python -m pip install "dlbasics[cuda]", or "dlbasics[cuda12]" for CUDA 12'


@dataclass(frozen=True)
class Device:
    """A device.

    Args:
        kind: The class of its arrays.
        put: A function that returns a copy of a NumPy array on the device.
        get: A function that returns a copy of such an array as a NumPy array.
    """

    kind: type
    put: Callable[[Any], Any]
    get: Callable[[Any], Any]


_devices: dict[str, Device] = {}
"""The devices in use, by name."""


def enter(name: str, device: Device) -> None:
    """Make a device known under its name."""
    _devices[name] = device


def is_elsewhere(x: Any) -> bool:
    """Return whether `x` is an array on another device than the CPU."""
    if type(x) is np.ndarray:
        return False
    if "cupy" in sys.modules and "cuda" not in _devices:
        enter("cuda", _cuda())
    return any(isinstance(x, device.kind) for device in _devices.values())


def is_array(x: Any) -> bool:
    """Return whether `x` is an array, of NumPy or on another device."""
    return isinstance(x, np.ndarray) or is_elsewhere(x)


def name_of(x: Any) -> str:
    """Return the name of the device on which the array `x` lies."""
    if not is_elsewhere(x):
        return "cpu"
    return next(name for name, device in _devices.items() if isinstance(x, device.kind))


def put(x: Any, name: str) -> Any:
    """Return the array `x` on the device of that name, 'cpu' or 'cuda'.

    Raises:
        ValueError: If there is no device of that name.
        ImportError: If CuPy is missing.
        RuntimeError: If CuPy finds no GPU.
    """
    if name == "cpu":
        return get(x)
    if name == "cuda" and name not in _devices:
        enter(name, _cuda())
    if not isinstance(name, str) or name not in _devices:
        raise ValueError(f"device must be 'cpu' or 'cuda', got {name!r}")
    device = _devices[name]
    return x if isinstance(x, device.kind) else device.put(get(x))


def get(x: Any) -> Any:
    """Return `x` as a NumPy array if it lies on another device, else `x` itself."""
    if is_elsewhere(x):
        return _device_of(x).get(x)
    return x


def like(x: Any, other: Any) -> Any:
    """Return the array `x` on the device on which the array `other` lies."""
    if not is_elsewhere(other):
        return get(x)
    device = _device_of(other)
    return x if isinstance(x, device.kind) else device.put(get(x))


def as_dispatching(x: Any) -> Any:
    """Return `x` if it lies on another device, else a NumPy array of it."""
    return x if is_elsewhere(x) else np.asarray(x)


def _device_of(x: Any) -> Device:
    return next(device for device in _devices.values() if isinstance(x, device.kind))


def _cuda() -> Device:
    try:
        import cupy  # type: ignore[import-not-found]
    except ImportError as error:
        raise ImportError(f"device 'cuda' needs CuPy: {INSTALL}") from error
    return Device(cupy.ndarray, cupy.asarray, cupy.asnumpy)
