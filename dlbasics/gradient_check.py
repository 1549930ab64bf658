"""The gradient check compares backpropagation with central differences."""

import copy
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal import readers
from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_number, as_rng
from dlbasics._internal.network_state import layers_of
from dlbasics.layers import Layer, LossLayer

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)
"""The steps h that the check tries in turn.  The first has the smallest rounding error; the last is
the least likely to step across a kink."""

CLOSE = 1e-6
"""After a relative error below this, the check tries no smaller step."""

ANNOUNCED = 2.0
"""The check prints its duration beforehand if it will take more than this number of seconds."""


@dataclass(frozen=True)
class ArrayCheck:
    """The result for one array: the element with the largest difference.

    Attributes:
        name: The name of the array: x, W, ...
        shape: Its shape.
        checked: The number of elements that were compared.
        kinks: The number of these elements at which the function has a kink, as ReLU has at 0.
            There the analytic derivative must lie between the two one-sided ones; its error is 0.
        error: The relative error, |analytic - numeric| / max(|analytic|, |numeric|, floor).  The
            floor is a thousandth of the largest analytic derivative in the array, but at least the
            rounding error.
        where: The index of the element.
        analytic: Its derivative by backpropagation.
        numeric: Its derivative by central differences.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    kinks: int
    error: float
    where: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True, repr=False)
class GradientReport:
    """The result of `check_gradients`, which is true if there is an array and all arrays pass.

    Attributes:
        checks: The result for each array.
        tolerance: The largest error that passes.
    """

    checks: tuple[ArrayCheck, ...]
    tolerance: float

    def passed(self, check: ArrayCheck) -> bool:
        """Return whether elements of the array were compared and no error exceeds the tolerance."""
        return check.checked > 0 and check.error <= self.tolerance

    def __bool__(self) -> bool:
        return bool(self.checks) and all(map(self.passed, self.checks))

    def __repr__(self) -> str:
        header = ("", "shape", "checked", "kinks", "error", "where", "analytic", "numeric", "")
        rows = [header] + [
            (
                check.name,
                str(check.shape),
                f"{check.checked:,}",
                f"{check.kinks:,}",
                f"{check.error:.1e}",
                str(check.where),
                f"{check.analytic:.9g}",
                f"{check.numeric:.9g}",
                "ok" if self.passed(check) else "WRONG",
            )
            for check in self.checks
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)


def check_gradients(
    target: Any,
    x: Any,
    t: Any = None,
    *,
    train_flg: bool = True,
    sample: int | None = None,
    tolerance: float = 1e-5,
    rng: RngLike = 0,
    verbose: bool | None = None,
) -> GradientReport:
    """Compare the gradients of a layer or a network with central differences, in float64.

    The check works on a copy of `target`, with frozen random masks and running statistics.

    Args:
        target: A layer, a loss layer or a network, which may be one that you wrote.  For a layer,
            the check compares the derivatives of sum(probe * y), with a random probe, by x and by
            the parameters.  For a loss layer, it compares the derivatives of twice the loss by x.
            For a network, it compares the derivatives of the loss by the parameters.
        x: A batch of at least two samples.  With one sample, batch normalization has the
            gradient 0.
        t: The labels for a loss layer or a network.
        train_flg: The mode of a layer.  A network computes gradients in training mode only.
        sample: The number of elements of each array that the check draws at random and compares.
            None stands for all.
        tolerance: The largest relative error that passes.
        rng: The random generator of the probe and the sample, or its seed.
        verbose: If True, print the number of forward passes and their duration beforehand.  None
            prints them if the check will take more than 2 seconds.

    Returns:
        A report, which is true if all gradients pass: `assert check_gradients(...)` is a test.

    Raises:
        TypeError: If `target` is neither a layer nor a network, or a parameter is not float64.
        ValueError: If a layer changes its arguments, two forward passes differ, or a parameter of
            a layer that you wrote has no gradient.

    >>> from dlbasics.layers import Affine
    >>> report = check_gradients(Affine.create(3, 2, rng=0), np.ones((4, 3)))
    >>> bool(report)
    True
    """
    # Without `spawn`, the probe would equal an x that the caller drew with the same seed.
    (rng,) = as_rng(rng).spawn(1)
    tolerance = as_number(tolerance, "tolerance", low=0)
    x = as_array(x)
    target = copy.deepcopy(target)
    if isinstance(target, LossLayer):
        f, arrays = _loss_layer(target, x.astype(np.float64), t)
    elif hasattr(target, "gradient"):
        f, arrays = _network(target, _as_double(x), t, train_flg)
    elif isinstance(target, Layer):
        f, arrays = _layer(target, x.astype(np.float64), train_flg, rng)
    elif not readers.is_layer(target):
        raise TypeError(f"target must be a layer, a loss layer or a network, got {target!r}")
    elif t is not None:
        f, arrays = _loss_layer(readers.ReadersLoss(target), x.astype(np.float64), t)
    else:
        # Integers may be indices, as in an embedding layer.
        x = x.copy() if x.dtype.kind in "iu" else x.astype(np.float64)
        f, arrays = _layer(readers.ReadersLayer(target), x, train_flg, rng)
    chosen = {name: _choose(array.size, sample, rng) for name, (array, _) in arrays.items()}
    start = time.perf_counter()
    centre = f()
    seconds = time.perf_counter() - start
    check_same_loss(centre, f(), type(target).__name__)
    _announce(2 * sum(map(len, chosen.values())), seconds, verbose)
    checks = (_check(f, centre, name, *arrays[name], chosen[name]) for name in arrays)
    return GradientReport(tuple(checks), tolerance)


def check_same_loss(first: float, second: float, name: str) -> None:
    """Raise ValueError if two passes of the same x gave different numbers."""
    if first != second and math.isfinite(first):
        raise ValueError(
            f"{name}: two forward passes of the same x differ, for instance because each draws a "
            "random mask; a layer must keep its mask while Layer.frozen is True"
        )


Function = Callable[[], float]
Pair = tuple[Array, Array]


def _layer(layer: Layer, x: Array, train_flg: bool, rng: Any) -> tuple[Function, dict[str, Pair]]:
    layer.cast(np.float64)
    given = x.copy()
    mode = _mode(layer.forward, train_flg)
    probe = rng.standard_normal(np.shape(layer.forward(x, **mode)))
    layer.backward(probe.copy())
    layer.freeze()
    layer.forward(x, **mode)
    dout = probe.copy()
    # This second pass shows whether the layer wrongly adds up its gradients.
    dx = layer.backward(dout)
    if not np.array_equal(x, given, equal_nan=x.dtype.kind == "f"):
        raise ValueError(f"{layer.kind} must not change the x that it is given")
    if not np.array_equal(dout, probe):
        raise ValueError(f"{layer.kind}.backward must not change the dout that it is given")
    arrays = {"x": (x, dx)} if x.dtype.kind == "f" else {}
    for i, inner in enumerate(layer.walk()):
        for name in inner.param_names:
            if getattr(inner, name) is not None:
                label = name if i == 0 else f"{inner.kind}[{i}].{name}"
                param = _float64(getattr(inner, name), label)
                arrays[label] = param, getattr(inner, f"d{name}")
    return lambda: float(np.sum(probe * layer.forward(x, **mode))), arrays


def _loss_layer(layer: LossLayer, x: Array, t: Any) -> tuple[Function, dict[str, Pair]]:
    layer.forward(x, t)
    # The book's own loss layer ignores dout, which in its networks is always 1.
    dout = 1 if isinstance(layer, readers.ReadersLoss) else 2
    return lambda: dout * layer.forward(x, t), {"x": (x, layer.backward(dout))}


def _network(network: Any, x: Array, t: Any, train_flg: bool) -> tuple[Function, dict[str, Pair]]:
    if not train_flg:
        raise ValueError("train_flg must be True for a network, whose gradient is that of training")
    if hasattr(network, "astype"):
        network = network.astype(np.float64)
    network.gradient(x, t)
    for layer in layers_of(network).values():
        layer.freeze()
    gradients, params = network.gradient(x, t), network.params
    if gradients.keys() != params.keys():
        raise ValueError(f"gradient must return {[*params]}, as params has, got {[*gradients]}")
    arrays = {key: (_float64(params[key], f"params[{key!r}]"), gradients[key]) for key in params}
    mode = _mode(network.loss, train_flg)
    return lambda: float(network.loss(x, t, **mode)), arrays


def _mode(method: Callable[..., Any], train_flg: bool) -> dict[str, bool]:
    """Return train_flg as an argument if the method takes it; the book's first classes do not."""
    return {"train_flg": train_flg} if readers.takes(method, "train_flg") else {}


def _as_double(x: Array) -> Array:
    """Return a copy of x in float64; integers stay integers, as an embedding layer needs them."""
    return x.astype(np.float64) if x.dtype.kind == "f" else x.copy()


def _float64(array: Any, name: str) -> Array:
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        found = getattr(array, "dtype", type(array).__name__)
        raise TypeError(f"{name} must be a float64 array to be checked, got {found}")
    return array


def _choose(size: int, sample: int | None, rng: np.random.Generator) -> Array:
    if sample is None or as_count(sample, "sample") >= size:
        return np.arange(size)
    return np.sort(rng.choice(size, sample, replace=False))


def _announce(passes: int, seconds: float, verbose: bool | None) -> None:
    total = passes * seconds
    if verbose or (verbose is None and total > ANNOUNCED):
        print(
            f"check_gradients: at least {passes:,} forward passes, about {total:.1f} s",
            file=sys.stderr,
        )


def _check(
    f: Function, centre: float, name: str, array: Array, analytic: Array, chosen: Array
) -> ArrayCheck:
    if np.shape(analytic) != array.shape:
        return ArrayCheck(name, array.shape, 0, 0, np.inf, (), np.nan, np.nan)
    floor = max(1e-3 * float(np.abs(analytic).max(initial=0)), 1e-6 * (1 + abs(centre)))
    compared: list[tuple[float, tuple[int, ...], float, float]] = []
    kinks = 0
    for flat in chosen:
        where = tuple(int(i) for i in np.unravel_index(flat, array.shape))
        derivative = float(analytic[where])
        error, numeric, kink = _compare(f, centre, array, where, derivative, floor)
        kinks += kink
        compared.append((error, where, derivative, numeric))
    worst = max(compared, key=lambda row: row[0], default=(np.inf, (), np.nan, np.nan))
    return ArrayCheck(name, array.shape, len(chosen), kinks, *worst)


def _compare(
    f: Function, centre: float, array: Array, where: tuple[int, ...], analytic: float, floor: float
) -> tuple[float, float, bool]:
    """Return the relative error, the closest numeric derivative, and whether f has a kink."""
    value = array[where]
    tried, slopes = [], []
    for h in STEPS:
        array[where] = value + h
        above = f()
        array[where] = value - h
        below = f()
        array[where] = value
        numeric = (above - below) / (2 * h)
        error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)
        if error < CLOSE:
            return error, numeric, False
        tried.append((np.inf if np.isnan(error) else error, numeric))
        slopes.append(sorted([(centre - below) / h, (above - centre) / h]))
    error, numeric = min(tried)
    if _is_kink(slopes, floor) and all(
        low - 0.01 * floor <= analytic <= high + 0.01 * floor for low, high in slopes[1:]
    ):
        return 0.0, numeric, True
    return error, numeric, False


def _is_kink(slopes: list[list[float]], floor: float) -> bool:
    """Return whether the one-sided slopes stay apart for small h; for a smooth f they do not."""
    gaps = [high - low for low, high in slopes]
    return any(b > 0.5 * a and b > 0.01 * floor for a, b in pairwise(gaps))
