"""An array on a device that is not there: it answers NumPy's functions, as CuPy's arrays do.

It refuses everything that CuPy refuses: to become a NumPy array without being asked, to compute
with NumPy arrays, to be indexed by them, and functions and methods that CuPy does not have.
`CALLS` remembers the functions that were called.
"""

import operator
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from dlbasics._internal import device

CALLS: set[str] = set()

FUNCTIONS = {
    "abs", "all", "any", "arange", "argmax", "array_split", "asarray", "broadcast_to", "clip",
    "concatenate", "copyto", "cumsum", "dot", "einsum", "empty", "empty_like", "expand_dims",
    "full", "full_like", "linalg.norm", "matmul", "max", "maximum", "may_share_memory", "mean",
    "min", "moveaxis", "ndim", "ones", "ones_like", "pad", "ravel", "repeat", "reshape",
    "result_type", "shape", "split", "squeeze", "stack", "sum", "swapaxes", "take_along_axis",
    "tensordot", "transpose", "where", "zeros", "zeros_like",
}  # fmt: skip
"""The functions of NumPy, of those that dispatch, which CuPy has."""

ALLOWED = (int, float, bool, np.generic, slice, type(None), type(Ellipsis))


class DeviceArray(NDArrayOperatorsMixin):
    """An array of the device.  `values` is where its numbers really are."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, *args, **kwargs):
        raise TypeError("an array of the device became a NumPy array without being asked")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        CALLS.add(ufunc.__name__)
        if method != "__call__":
            raise TypeError(f"{ufunc.__name__}.{method} does not dispatch")
        if out is not None:
            kwargs["out"] = tuple(None if each is None else inside(each) for each in out)
        result = getattr(ufunc, method)(*map(inside, inputs), **kwargs)
        return out[0] if out is not None and out[0] is not None else wrap(result)

    def __array_function__(self, function, types, args, kwargs):
        module = function.__module__.removeprefix("numpy").removeprefix(".")
        name = f"{module}.{function.__name__}" if module else function.__name__
        CALLS.add(name)
        if name not in FUNCTIONS:
            raise TypeError(f"CuPy has no {name}")
        put = function is np.asarray  # the one that takes NumPy arrays, to the device
        args, kwargs = inside(args, put), inside(kwargs, put)
        return wrap(function(*args, **kwargs))

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)
    nbytes = property(lambda self: self.values.nbytes)
    T = property(lambda self: DeviceArray(self.values.T))

    def __len__(self):
        return len(self.values)

    def __float__(self):
        return float(self.values)

    def __int__(self):
        return int(self.values)

    def __bool__(self):
        return bool(self.values)

    def __iter__(self) -> Iterator["DeviceArray"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        return DeviceArray(self.values[as_index(index)])

    def __setitem__(self, index, value):
        self.values[as_index(index)] = inside(value)

    def item(self):
        return self.values.item()

    def tolist(self):
        return self.values.tolist()


def method(name):
    def call(self, *args, **kwargs):
        CALLS.add(f"ndarray.{name}")
        return wrap(getattr(self.values, name)(*inside(args), **inside(kwargs)))

    return call


ARGUMENTS = {
    "all": "axis out keepdims", "any": "axis out keepdims", "argmax": "axis out dtype keepdims",
    "argmin": "axis out dtype keepdims", "astype": "dtype order casting subok copy",
    "copy": "order", "max": "axis out keepdims", "min": "axis out keepdims",
    "mean": "axis dtype out keepdims", "ravel": "order", "repeat": "repeats axis",
    "reshape": "order", "squeeze": "axis", "sum": "axis dtype out keepdims", "transpose": "",
    "var": "axis dtype out ddof keepdims",
}  # fmt: skip
"""The methods of CuPy's arrays, and their arguments."""

for each in ARGUMENTS:
    setattr(DeviceArray, each, method(each))


def inside(value, put=False):
    """Return what NumPy gets in place of a value; refuse NumPy arrays."""
    if isinstance(value, DeviceArray):
        return value.values
    if isinstance(value, list | tuple):
        return type(value)(inside(each, put) for each in value)
    if isinstance(value, dict):
        return {key: inside(each, put) for key, each in value.items() if key != "like"}
    if isinstance(value, np.ndarray) and not put:
        raise TypeError("an array of the device met a NumPy array")
    return value


def as_index(index):
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if not isinstance(part, DeviceArray | int | np.integer | slice | type(None) | type(...)):
            raise TypeError(f"an array of the device must not be indexed by {type(part).__name__}")
    parts = tuple(map(inside, parts))
    return parts if isinstance(index, tuple) else operator.itemgetter(0)(parts)


def wrap(result):
    if isinstance(result, np.ndarray | np.generic):
        return DeviceArray(result)
    if isinstance(result, list | tuple) and not (result and isinstance(result[0], int)):
        return type(result)(map(wrap, result))
    return result


@contextmanager
def device_of_tests():
    """Enter the device 'test'; `network.to("test")` then moves a network to it."""
    CALLS.clear()
    device.enter("test", device.Device(DeviceArray, lambda x: DeviceArray(x.copy()), get))
    try:
        yield
    finally:
        del device._devices["test"]


def get(x):
    return x.values.copy()
