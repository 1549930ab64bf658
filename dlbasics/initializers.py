"""Initial weights (book: *Initial Weight Values*).

An initializer is a function `init(shape, rng)` that returns float64 weights of that shape: (D, M)
for an Affine layer, (FN, C, FH, FW) for a Convolution.
"""

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_array, as_counts, as_number, as_rng, quiet

__all__ = ["fans", "glorot", "he", "initializer", "normal", "xavier", "zeros"]

LARGEST_STD = 1e300
"""A bound for standard deviations whose weights float64 can hold."""

LARGEST_SIZE = sys.maxsize // 8
"""The number of float64 numbers that fit into the largest array."""

Initializer: TypeAlias = Callable[[tuple[int, ...], RngLike], Array]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return fan_in and fan_out of weights.

    fan_in is the number of inputs that feed one output; fan_out is the number of outputs that one
    input feeds.

    Raises:
        ValueError: If the shape is neither (D, M) nor (FN, C, FH, FW), or a size is below 1.
        TypeError: If a size is not an integer.
    """
    shape = _checked(shape)
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) == 4:
        filter_num, channels, filter_h, filter_w = shape
        return channels * filter_h * filter_w, filter_num * filter_h * filter_w
    raise ValueError(f"shape must be (D, M) or (FN, C, FH, FW), got {shape}")


def normal(std: float) -> Initializer:
    """Return an initializer of Gaussian weights with mean 0 and standard deviation `std`."""
    scale = as_number(std, "std", low=0, high=LARGEST_STD)

    @quiet
    def init(shape: tuple[int, ...], rng: RngLike = None) -> Array:
        return scale * as_rng(rng).standard_normal(_checked(shape))

    return init


def zeros(shape: tuple[int, ...], rng: RngLike = None) -> Array:
    """Return weights of 0, which do not learn: units that start equal stay equal."""
    return np.zeros(_checked(shape))


def xavier(shape: tuple[int, ...], rng: RngLike = None) -> Array:
    """Return Gaussian weights with std = 1 / sqrt(fan_in), for sigmoid and tanh.

    This is the book's Xavier initializer.
    """
    return normal(1 / math.sqrt(fans(shape)[0]))(shape, rng)


def glorot(shape: tuple[int, ...], rng: RngLike = None) -> Array:
    """Return Gaussian weights with std = sqrt(2 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010, eq. 12.
    """
    return normal(math.sqrt(2 / sum(fans(shape))))(shape, rng)


def he(shape: tuple[int, ...], rng: RngLike = None) -> Array:
    """Return Gaussian weights with std = sqrt(2 / fan_in), for ReLU.

    Source: He et al. 2015, eq. 10.
    """
    return normal(math.sqrt(2 / fans(shape)[0]))(shape, rng)


BY_NAME: dict[str, Initializer] = {
    "he": he,
    "relu": he,
    "xavier": xavier,
    "sigmoid": xavier,
    "glorot": glorot,
}


def initializer(weight_init_std: Initializer | float | str) -> Initializer:
    """Return the initializer that the book's argument `weight_init_std` stands for.

    Args:
        weight_init_std: A standard deviation, or a name in upper or lower case: 'relu' or 'he',
            'sigmoid' or 'xavier', 'glorot'.  An initializer stands for itself.

    Raises:
        ValueError: If the number is below 0 or too large, or the name is another one.
        TypeError: If the argument is something else.
    """
    if callable(weight_init_std):
        return weight_init_std
    if not isinstance(weight_init_std, str):
        return normal(as_number(weight_init_std, "weight_init_std", 0, LARGEST_STD))
    try:
        return BY_NAME[weight_init_std.lower()]
    except KeyError:
        names = ", ".join(BY_NAME)
        raise ValueError(
            f"weight_init_std must be a number or one of {names}, got {weight_init_std!r}"
        ) from None


@quiet  # silences NumPy's warnings about numbers too large or too small for the dtype
def weights(
    init: Initializer | float | str, shape: tuple[int, ...], rng: RngLike, dtype: np.dtype[Any]
) -> Array:
    """Return initial weights of that shape in that dtype.

    Args:
        init: What `initializer` takes.
        shape: The shape of the weights.
        rng: The random generator, or its seed.
        dtype: The dtype of the weights, a floating-point one.

    Raises:
        ValueError: If `init` returns an array of another shape, or numbers that are not finite in
            that dtype.
        TypeError: If `init` returns no array of numbers.
    """
    W = as_array(initializer(init)(shape, as_rng(rng)), "the weights of init")
    if W.shape != shape:
        raise ValueError(f"init must return weights of shape {shape}, got {W.shape}")
    W = W.astype(dtype)
    if not np.isfinite(W).all():
        raise ValueError(f"init must return weights that are finite in {dtype}")
    return W


def _checked(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(as_counts(shape, "shape"))
    if math.prod(sizes) > LARGEST_SIZE:
        raise ValueError(f"shape must be that of an array that memory can hold, got {sizes}")
    return sizes
