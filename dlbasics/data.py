"""Functions for batches, splits and labels of data, and for smooth curves of results."""

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_number, as_rng, quiet

__all__ = [
    "label_smoothing", "minibatches", "np", "one_hot", "shuffle_dataset", "smooth_curve",
    "train_validation_split",
]  # fmt: skip

Pair = tuple[Array, Array]


def minibatches(
    x: Array,
    t: Array,
    batch_size: int = 100,
    *,
    sampling: Literal["epoch", "replacement"] = "epoch",
    rng: RngLike = None,
) -> Iterator[Pair]:
    """Return an iterator over the batches (x, t) of one epoch, about N / batch_size of them.

    Args:
        x: The samples, (N, ...).
        t: Their labels, N of them.
        batch_size: The number of samples in a batch.
        sampling: 'epoch' takes each sample once, in random order.  The last batch holds the rest;
            a rest of one sample joins the batch before it, because batch normalization needs two.
            'replacement' draws ceil(N / batch_size) batches from all samples, as the book does.
        rng: The random generator, or its seed.

    Raises:
        ValueError: If x and t are not batches of one length, or an argument is out of range.
    """
    x, t = as_pair(x, t)
    n, size, generator = len(x), as_count(batch_size, "batch_size"), as_rng(rng)
    count = batch_count(n, size, sampling)
    if sampling == "replacement":
        chosen = (generator.integers(n, size=size) for _ in range(count))
    else:
        order = generator.permutation(n)
        chosen = (nth_batch(order, i, count, size) for i in range(count))
    return ((x[indices], t[indices]) for indices in chosen)


def batch_count(n: int, size: int, sampling: str) -> int:
    """Return the number of batches of an epoch with n samples; raise ValueError for `sampling`."""
    if sampling not in ("epoch", "replacement"):
        raise ValueError(f"sampling must be 'epoch' or 'replacement', got {sampling!r}")
    count = math.ceil(n / size)
    is_rest_of_one = n > size and n % size == 1
    return count - 1 if sampling == "epoch" and is_rest_of_one else count


def nth_batch(order: Array, i: int, count: int, size: int) -> Array:
    """Return batch i of `count` from the shuffled indices `order`; the last one holds the rest."""
    return order[i * size : (i + 1) * size if i + 1 < count else None]


def shuffle_dataset(x: Array, t: Array, rng: RngLike = None) -> Pair:
    """Return copies of x and t in the same random order.

    Args:
        x: The samples, (N, ...).
        t: Their labels, N of them.
        rng: The random generator, or its seed.

    Raises:
        ValueError: If x and t are not batches of one length.

    Book: *Implementing Hyperparameter Optimization*.
    """
    x, t = as_pair(x, t)
    order = as_rng(rng).permutation(len(x))
    return x[order], t[order]


def train_validation_split(
    x: Array, t: Array, validation_rate: float = 0.2, rng: RngLike = None
) -> tuple[Pair, Pair]:
    """Split samples at random into training and validation data.

    Args:
        x: The samples, (N, ...).
        t: Their labels, N of them.
        validation_rate: The share of validation samples; their number is int(N * validation_rate).
        rng: The random generator, or its seed.

    Returns:
        (x_train, t_train), (x_val, t_val).

    Raises:
        ValueError: If one of the two parts would be empty.
    """
    x, t = shuffle_dataset(x, t, rng)
    count = int(len(x) * as_number(validation_rate, "validation_rate", low=0, high=1))
    if not 0 < count < len(x):
        raise ValueError(
            f"validation_rate {validation_rate} of {len(x)} samples must leave some on both sides"
        )
    return (x[count:], t[count:]), (x[:count], t[:count])


def one_hot(t: Any, num_classes: int = 10) -> Array:
    """Return rows with a 1 at the class and 0 elsewhere, (N, num_classes), in float32.

    Args:
        t: Integer classes, (N,).
        num_classes: The number of classes, K.

    Raises:
        ValueError: If t has another shape or dtype, or a class is not from 0 to K - 1.

    >>> print(one_hot([2, 0], num_classes=3))
    [[0. 0. 1.]
     [1. 0. 0.]]
    """
    t, k = as_array(t, "t"), as_count(num_classes, "num_classes")
    if t.ndim != 1 or t.dtype.kind not in "iu":
        raise ValueError(f"t must be integer classes (N,), got {t.dtype} of shape {t.shape}")
    if len(t) and (t.min() < 0 or t.max() >= k):
        raise ValueError(f"t must hold classes from 0 to {k - 1}, got {t.min()} to {t.max()}")
    rows = np.zeros((len(t), k), np.float32)
    rows[np.arange(len(t)), t] = 1
    return rows


@quiet
def label_smoothing(t: Any, num_classes: int = 10, epsilon: float = 0.1) -> Array:
    """Return smooth labels (1 - epsilon) t + epsilon / K, as rows (N, K) in float32.

    Args:
        t: Classes (N,), or rows (N, K), one-hot or of probabilities.
        num_classes: The number of classes, K, if t holds classes.
        epsilon: The share that all classes have in common, from 0 to 1.

    Raises:
        ValueError: If t is neither of the two, or epsilon is out of range.

    Source: Szegedy et al. 2016, section 7.

    >>> print(label_smoothing([2, 0], num_classes=4, epsilon=0.2))
    [[0.05 0.05 0.85 0.05]
     [0.85 0.05 0.05 0.05]]
    """
    t, epsilon = as_array(t, "t"), as_number(epsilon, "epsilon", low=0, high=1)
    if t.ndim != 2:
        t = one_hot(t, num_classes)
    elif t.shape[1] < 2 or (t < 0).any() or not np.allclose(t.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            f"t must be classes (N,) or rows (N, K) that sum to 1, got shape {t.shape}"
        )
    return (1 - epsilon) * t.astype(np.float32) + epsilon / t.shape[1]


@quiet
def smooth_curve(x: Any) -> Array:
    """Return the weighted mean of each point and its neighbours, at most 5 on either side, (N,).

    The weights are a Kaiser window with beta = 2.  As in the book, the function mirrors the curve
    at both ends, and repeats its last point but not its first one.  For fewer than 11 points, the
    window is shorter.

    Args:
        x: The curve, (N,).

    Raises:
        ValueError: If x has another shape.
    """
    x = as_array(x).astype(np.float64)
    if x.ndim != 1:
        raise ValueError(f"x must have shape (N,), got {x.shape}")
    reach = min(5, (len(x) - 1) // 2)
    if reach < 1:
        return x
    window = np.kaiser(2 * reach + 1, 2)
    mirrored = np.concatenate([x[reach:0:-1], x, x[: -reach - 1 : -1]])
    return np.convolve(mirrored, window / window.sum(), mode="valid")


def as_pair(x: Any, t: Any, x_name: str = "x", t_name: str = "t") -> Pair:
    """Return x and t as arrays; raise ValueError unless they are batches of one length."""
    x, t = as_array(x, x_name), as_array(t, t_name)
    if x.ndim == 0 or t.ndim == 0 or len(x) != len(t) or len(x) == 0:
        raise ValueError(
            f"{x_name} and {t_name} must be batches of one length, got {x.shape} and {t.shape}"
        )
    return x, t
