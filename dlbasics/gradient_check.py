"""Are the gradients that a layer or a network computes the true ones?"""

import copy
import inspect
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_number, as_rng
from dlbasics.layers import Layer, LossLayer

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)
"""Tried in turn: the first rounds least, the last is least likely to step across a kink."""

CLOSE = 1e-6
"""A relative error below which no smaller step is tried."""

ANNOUNCED = 2.0
"""Seconds; a check that will take longer says so beforehand."""


@dataclass(frozen=True)
class ArrayCheck:
    """How one array fared: the element where analytic and numeric derivative differ most."""

    name: str
    shape: tuple[int, ...]
    checked: int
    """Elements looked at."""
    kinks: int
    """Those of them where the function has a kink, as ReLU has at 0; there the analytic derivative
    must lie between the one-sided ones, and has no error."""
    error: float
    """|analytic - numeric| / max(|analytic|, |numeric|, floor); the floor is a thousandth of the
    array's largest analytic derivative, and no less than what rounding can tell from 0."""
    where: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True, repr=False)
class GradientReport:
    """What `check_gradients` found; true when there was something to check, and all passed."""

    checks: tuple[ArrayCheck, ...]
    tolerance: float

    def passed(self, check: ArrayCheck) -> bool:
        """Whether something was looked at, and nothing differed by more than the tolerance."""
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
    """Compare gradients with central differences, in float64, on a copy of `target`.

    target: a layer, ours or a reader's own (forward, backward), through sum(probe y) with a random
    probe, for x and its parameters; a loss layer, through twice its loss, for x; or a network, ours
    or a reader's own (params, gradient, loss), for its parameters.  Random masks and running
    statistics are frozen meanwhile.
    x: use two samples or more: over one, batch normalization has gradient 0.
    t: labels, for a loss layer or a network.
    train_flg: the mode of a layer; a network computes gradients in training mode only.
    sample: compare that many elements, drawn at random, of each larger array; None: all.
    verbose: say beforehand how many forward passes it takes, and how long; None: if over 2 s.

    >>> from dlbasics.layers import Affine
    >>> report = check_gradients(Affine.create(3, 2, rng=0), np.ones((4, 3)))
    >>> bool(report)
    True
    """
    # Spawned: x may well be the first numbers of the very same seed, and so the probe.
    (rng,) = as_rng(rng).spawn(1)
    tolerance = as_number(tolerance, "tolerance", low=0)
    x = as_array(x).astype(np.float64)
    target = copy.deepcopy(target)
    if isinstance(target, LossLayer):
        f, arrays = _loss_layer(target, x, t)
    elif hasattr(target, "gradient"):
        f, arrays = _network(target, x, t, train_flg)
    elif hasattr(target, "backward"):
        f, arrays = _layer(target, x, train_flg, rng)
    else:
        raise TypeError(f"target must be a layer, a loss layer or a network, got {target!r}")
    chosen = {name: _choose(array.size, sample, rng) for name, (array, _) in arrays.items()}
    start = time.perf_counter()
    centre = f()
    seconds = time.perf_counter() - start
    _announce(2 * sum(map(len, chosen.values())), seconds, verbose)
    checks = (_check(f, centre, name, *arrays[name], chosen[name]) for name in arrays)
    return GradientReport(tuple(checks), tolerance)


Function = Callable[[], float]
Pair = tuple[Array, Array]


def _layer(layer: Any, x: Array, train_flg: bool, rng: Any) -> tuple[Function, dict[str, Pair]]:
    mode = _mode(layer.forward, train_flg)
    if isinstance(layer, Layer):
        layer.cast(np.float64)
    given, kind = x.copy(), type(layer).__name__
    probe = rng.standard_normal(np.shape(layer.forward(x, **mode)))
    layer.backward(probe.copy())
    if isinstance(layer, Layer):
        layer.freeze()
    layer.forward(x, **mode)
    dout = probe.copy()
    # The second pass: a gradient that is added to the first one is wrong by now.
    arrays = {"x": (x, layer.backward(dout))}
    if not np.array_equal(x, given, equal_nan=True):
        raise ValueError(f"{kind} must not change the x that it is given")
    if not np.array_equal(dout, probe):
        raise ValueError(f"{kind}.backward must not change the dout that it is given")
    for label, owner, name in _layer_params(layer):
        arrays[label] = _float64(getattr(owner, name), label), getattr(owner, f"d{name}")
    return lambda: float(np.sum(probe * layer.forward(x, **mode))), arrays


def _layer_params(layer: Any) -> list[tuple[str, Any, str]]:
    """Label, owner and attribute of each parameter: in a reader's layer, what has a d<name>."""
    if not isinstance(layer, Layer):
        names = [name for name in vars(layer) if f"d{name}" in vars(layer)]
        return [(name, layer, name) for name in names if getattr(layer, name) is not None]
    return [
        (name if i == 0 else f"{inner.kind}[{i}].{name}", inner, name)
        for i, inner in enumerate(layer.walk())
        for name in inner.param_names
        if getattr(inner, name) is not None
    ]


def _loss_layer(layer: LossLayer, x: Array, t: Any) -> tuple[Function, dict[str, Pair]]:
    layer.forward(x, t)
    return lambda: 2 * layer.forward(x, t), {"x": (x, layer.backward(2))}


def _network(network: Any, x: Array, t: Any, train_flg: bool) -> tuple[Function, dict[str, Pair]]:
    if not train_flg:
        raise ValueError("train_flg must be True for a network, whose gradient is that of training")
    if hasattr(network, "astype"):
        network = network.astype(np.float64)
    network.gradient(x, t)
    layers = getattr(network, "layers", ())
    for layer in layers.values() if isinstance(layers, Mapping) else layers:
        if isinstance(layer, Layer):
            layer.freeze()
    gradients, params = network.gradient(x, t), network.params
    if gradients.keys() != params.keys():
        raise ValueError(f"gradient must return {[*params]}, as params has, got {[*gradients]}")
    arrays = {key: (_float64(params[key], f"params[{key!r}]"), gradients[key]) for key in params}
    mode = _mode(network.loss, train_flg)
    return lambda: float(network.loss(x, t, **mode)), arrays


def _mode(method: Callable[..., Any], train_flg: bool) -> dict[str, bool]:
    """train_flg for a method that takes it; the book's first classes do not."""
    return {"train_flg": train_flg} if "train_flg" in inspect.signature(method).parameters else {}


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
    """The relative error, the numeric derivative that comes closest, and whether f has a kink."""
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
    """Whether the one-sided slopes stay apart as h shrinks; those of a smooth f draw together."""
    gaps = [high - low for low, high in slopes]
    return any(b > 0.5 * a and b > 0.01 * floor for a, b in pairwise(gaps))
