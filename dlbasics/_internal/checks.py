"""Functions that return an argument in the form that the library needs, or raise an error."""

import functools
import math
import numbers
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dlbasics._internal import device, hints

Array: TypeAlias = NDArray[Any]
RngLike: TypeAlias = np.random.Generator | int | None
Sides: TypeAlias = int | tuple[int, int]
"""A number for height and width, or a pair (height, width)."""

PLAIN_NUMBERS = frozenset({bool, int, float})

TINY = math.ulp(0.0)
"""The smallest number above 0."""

F = TypeVar("F", bound=Callable[..., Any])


class NoAccuracyError(TypeError):
    """The network is one for regression, so it classifies nothing."""


def quiet(function: F) -> F:
    """Return `function` without NumPy's warnings and errors about numbers too large or too small.

    `np.seterr(all="raise")` makes errors of them.
    """
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        return np.errstate(all="ignore")(function)

    # Before NumPy 2.0, an errstate that decorates a function cannot be entered twice.
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def as_array(x: Any, name: str = "x") -> Array:
    """Return `x` as an array of real numbers; an array stays the same object.

    Raises:
        TypeError: If `x` is a ragged list, has a mask, or holds anything but bools, integers and
            floats.
    """
    if x is None:
        raise TypeError(f"{name} must be an array of numbers, got None")
    if type(x) is not np.ndarray:
        try:
            if is_masked(x):
                raise TypeError(f"{name} must be an array without a mask, got a masked array")
            x = device.as_dispatching(x)
        except (ValueError, RecursionError):
            raise TypeError(f"{name} must be an array of numbers, got a ragged list") from None
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {x.dtype}")
    return x


def is_masked(x: Any) -> bool:
    """Return whether `x` is a masked array, or a list that contains one."""
    if isinstance(x, list | tuple):
        return not PLAIN_NUMBERS.issuperset(map(type, x)) and any(map(is_masked, x))
    return isinstance(x, np.ma.MaskedArray)


def as_float(x: Any, name: str = "x") -> Array:
    """Return `x` as a floating-point array in the byte order of this machine.

    Integers and bools become float64.
    """
    x = as_array(x, name)
    return native(x) if x.dtype.kind == "f" else x.astype(np.float64)


def native(x: Array) -> Array:
    """Return `x`, or a copy of it if its byte order is not that of this machine."""
    return x if x.dtype.isnative else x.astype(native_dtype(x.dtype))


def native_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` in the byte order of this machine."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def as_result(y: Any) -> Array:
    """Return `y`, or an array without dimensions if it is one of NumPy's numbers."""
    return device.as_dispatching(y)


def as_batch(x: Any, name: str = "x") -> Array:
    """Return `x` as a floating-point batch (N, K); a single sample (K,) becomes (1, K)."""
    x = as_float(x, name)
    if x.ndim == 1:
        x = x[np.newaxis]
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"{name} must have shape (N, K) or (K,) and not be empty, got {x.shape}")
    return x


def as_labels(t: Any, scores: Array, single: bool, name: str = "x") -> Array:
    """Return labels as classes (N,), or as rows (N, K) of the dtype of the scores.

    Args:
        t: Integer classes, (N,) or (N, 1), or rows (N, K), one-hot or soft.
        scores: The scores, (N, K).
        single: If True, the batch is one sample, and `t` may be a class or a row (K,).
        name: The name of the scores for messages.

    Raises:
        ValueError: If `t` has another shape, a class is not from 0 to K - 1, or K is 1.
    """
    n, k = scores.shape
    if k == 1:
        raise ValueError(
            f"{name} must have two or more classes, got shape {scores.shape}: for one output, a "
            "yes or no, use SigmoidWithLoss"
        )
    t = device.like(as_array(t, "t"), scores)
    if single and (t.ndim == 0 or t.shape == scores.shape[1:]):
        t = t[np.newaxis]
    if t.shape == (n, k):
        return t.astype(scores.dtype, copy=False)
    if t.shape not in ((n,), (n, 1)) or t.dtype.kind not in "iu":
        raise ValueError(
            f"t must be integer classes of shape ({n},) or rows of shape ({n}, {k}), "
            f"got {t.dtype} of shape {t.shape}{hints.for_classes(t, n)}"
        )
    if t.max() >= k or (t.dtype.kind == "i" and t.min() < 0):
        raise ValueError(f"t must hold classes from 0 to {k - 1}, got {t.min()} to {t.max()}")
    return t.reshape(n)


def as_param(value: Any, name: str, shape: tuple[int | str, ...], create: str = "") -> Array:
    """Return `value`; raise TypeError or ValueError unless it is an array of numbers of that shape.

    It must hold at least one number.  Integers are numbers, too.  True and False are none.

    Args:
        value: The parameter.
        name: The name for messages.
        shape: The shape that it must have.  A letter stands for any size.
        create: The call that makes a layer from sizes, which the message names for a number.
    """
    if not device.is_array(value):
        instead = create if isinstance(value, numbers.Integral) else ""
        cure = f"; {instead} makes a layer from sizes" if instead else ""
        raise TypeError(f"{name} must be a NumPy array, got {type(value).__name__}{cure}")
    as_array(value, name)
    if value.dtype.kind == "b":
        raise TypeError(f"{name} must hold numbers, got dtype bool")
    if len(value.shape) != len(shape) or any(
        isinstance(size, int) and size != found
        for size, found in zip(shape, value.shape, strict=True)
    ):
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {value.shape}")
    if not value.size:
        raise ValueError(f"{name} must hold at least one number, got shape {value.shape}")
    return value


def as_bias(b: Any, size: int) -> Array | None:
    """Return `b`, an array of shape (size,); None for None and for the number 0."""
    if b is None or (not np.iterable(b) and b == 0):
        return None
    return as_param(b, "b", shape=(size,))


def as_rng(rng: RngLike) -> np.random.Generator:
    """Return `rng` if it is a Generator, else a new one with the seed `rng`, or a random seed."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None or (isinstance(rng, int | np.integer) and rng >= 0):
        return np.random.default_rng(rng)
    raise TypeError(f"rng must be a numpy Generator, a seed >= 0 or None, got {rng!r}")


def spawn(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """Return generators that are independent of `rng` and of each other."""
    try:
        return rng.spawn(count)
    except TypeError:  # the generator has no SeedSequence
        return [np.random.default_rng(rng.integers(2**63, size=4)) for _ in range(count)]


def as_float_dtype(dtype: Any) -> np.dtype[Any]:
    """Return `dtype` as a NumPy dtype, which must be a floating-point one."""
    try:
        found = None if dtype is None else np.dtype(dtype)  # NumPy takes None for float64
    except (TypeError, ValueError):
        found = None
    if found is None or found.kind != "f":
        raise TypeError(f"dtype must be a floating-point dtype, got {dtype!r}")
    return native_dtype(found)


def computed_in(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which to compute numbers of a floating-point dtype.

    In half precision, sums overflow at 65,504 and lose their small terms.
    """
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def as_flag(value: Any, name: str) -> bool:
    """Return `value`, which must be True or False; a text such as "False" would count as True."""
    if value is not True and value is not False and not isinstance(value, np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_function(value: Any, name: str) -> Any:
    """Return `value`, which must be a function or another object that can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {type(value).__name__}")
    return value


def as_number(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a Python float.

    A float32 array times a Python float stays float32; times an np.float64 it does not.
    """
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"{name} must be a finite number from {low} to {high}, got {number}")
    return number + 0.0  # -0.0 becomes 0.0


def as_count(value: Any, name: str, least: int = 1) -> int:
    """Return `value` as an int of at least `least`."""
    if not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def as_sides(value: Any, name: str, least: int = 1) -> Sides:
    """Return an int of at least `least`, or a pair of them (height, width) if the two differ."""
    if not isinstance(value, tuple | list):
        return as_count(value, name, least)
    if len(value) != 2:
        raise ValueError(f"{name} must be a number or a pair (height, width), got {value!r}")
    height, width = as_counts(value, name, least)
    return height if height == width else (height, width)


def pair(sides: Sides) -> tuple[int, int]:
    """Return the number for the height and that for the width."""
    return sides if isinstance(sides, tuple) else (sides, sides)


def as_texts(values: Any, name: str, count: int, what: str) -> list[str]:
    """Return `values` as a list of `count` texts, one for each of `what`."""
    texts = [] if isinstance(values, str) or not np.iterable(values) else [*values]
    if len(texts) != count or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} must be {count} texts, one for each {what}, got {values!r}")
    return texts


def as_counts(values: Any, name: str, least: int = 1) -> list[int]:
    """Return `values` as a list of ints of at least `least`."""
    if isinstance(values, str) or not np.iterable(values):
        raise TypeError(f"{name} must be a list of integers, got {values!r}")
    return [as_count(value, name, least) for value in values]
