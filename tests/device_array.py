"""An array on a device that is not there: it answers NumPy's functions, as CuPy's arrays do.

It refuses everything that CuPy refuses: to become a NumPy array without being asked, to compute
with NumPy arrays, and functions, methods and keywords that CuPy does not have.
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
    "abs": "out dtype casting", "all": "axis out keepdims", "any": "axis out keepdims",
    "arange": "dtype", "argmax": "axis dtype out keepdims", "array_split": "axis",
    "asarray": "dtype order", "broadcast_to": "", "clip": "out", "concatenate": "axis out dtype",
    "copyto": "casting where", "cumsum": "axis dtype out", "dot": "out", "einsum": "",
    "empty": "dtype order", "empty_like": "dtype order shape", "expand_dims": "axis",
    "full": "dtype order", "full_like": "dtype order shape", "linalg.norm": "ord axis keepdims",
    "matmul": "out dtype", "max": "axis out keepdims", "maximum": "out dtype casting",
    "may_share_memory": "", "mean": "axis dtype out keepdims", "min": "axis out keepdims",
    "moveaxis": "", "ndim": "", "ones": "dtype order", "ones_like": "dtype order shape",
    "pad": "mode constant_values", "ravel": "order", "repeat": "axis", "reshape": "order",
    "result_type": "", "round": "decimals out", "shape": "", "split": "axis", "squeeze": "axis",
    "stack": "axis out dtype", "sum": "axis dtype out keepdims", "swapaxes": "",
    "take_along_axis": "axis", "tensordot": "axes", "transpose": "axes", "where": "",
    "zeros": "dtype order", "zeros_like": "dtype order shape",
}  # fmt: skip
"""The functions of NumPy, of those that dispatch, which CuPy has, and their keywords."""

UFUNCS = {
    "absolute", "add", "bitwise_and", "divide", "equal", "exp", "expm1", "greater",
    "greater_equal", "isfinite", "isnan", "less", "less_equal", "log", "log1p", "logical_and",
    "logical_not", "matmul", "maximum", "minimum", "multiply", "negative", "not_equal", "power",
    "sign", "sqrt", "square", "subtract", "tanh",
}  # fmt: skip
"""The ufuncs of NumPy that our formulas call, all of which CuPy has."""

UFUNC_KEYWORDS = "out dtype casting"
"""The keywords of a ufunc of CuPy; `where` and `order` are not among them."""


class DeviceArray(NDArrayOperatorsMixin):
    """An array of the device.  `values` is where its numbers really are."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, *args, **kwargs):
        raise TypeError("an array of the device became a NumPy array without being asked")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        CALLS.add(ufunc.__name__)
        if method != "__call__" or ufunc.__name__ not in UFUNCS:
            raise TypeError(f"{ufunc.__name__}.{method} does not dispatch")
        check_keywords(ufunc.__name__, kwargs, UFUNC_KEYWORDS)
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
        check_keywords(name, kwargs, f"{FUNCTIONS[name]} like")
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
        check_keywords(name, kwargs, ARGUMENTS[name])
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


def check_keywords(name, given, known):
    if unknown := given.keys() - {*known.split()}:
        raise TypeError(f"CuPy's {name} takes no {', '.join(sorted(unknown))}")


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
        # CuPy moves a NumPy array of indices to the device by itself.
        is_index = isinstance(part, np.ndarray) and part.dtype.kind in "iu"
        plain = DeviceArray | int | np.integer | slice | type(None) | type(...)
        if not (is_index or isinstance(part, plain)):
            raise TypeError(f"an array of the device must not be indexed by {type(part).__name__}")
    parts = tuple(part if isinstance(part, np.ndarray) else inside(part) for part in parts)
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
