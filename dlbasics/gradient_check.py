"""Are the gradients that a layer or a network computes the true ones?"""

import copy
import inspect
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics.arrays import Array, RngLike, as_array, as_count, as_number, as_rng
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
    """Elements compared."""
    kinks: int
    """Elements left out because the function has a kink there, as ReLU has at 0."""
    error: float
    """|analytic - numeric| / max(|analytic|, |numeric|, floor); the floor is a thousandth of the
    array's largest derivative, and no less than what rounding can tell from 0."""
    where: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; true when every array passed."""

    checks: tuple[ArrayCheck, ...]
    tolerance: float

    def passed(self, check: ArrayCheck) -> bool:
        """Whether something was compared, and nothing differed by more than the tolerance."""
        return check.checked > 0 and check.error <= self.tolerance

    def __bool__(self) -> bool:
        return all(map(self.passed, self.checks))

    def __str__(self) -> str:
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

    target: a layer, checked through sum(probe y) with a random probe, for x and its parameters; a
    loss layer, through twice its loss, for x; or a network, of ours or a reader's own (params,
    gradient, loss), for its parameters.  Random masks and running statistics are frozen meanwhile.
    x: use two samples or more: over one, batch normalization has gradient 0.
    t: labels, for a loss layer or a network.
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
    if isinstance(target, Layer):
        f, arrays = _layer(target, x, train_flg, rng)
    elif isinstance(target, LossLayer):
        f, arrays = _loss_layer(target, x, t)
    else:
        f, arrays = _network(target, x, t, train_flg)
    chosen = {name: _choose(array.size, sample, rng) for name, (array, _) in arrays.items()}
    _announce(f, 2 * sum(map(len, chosen.values())), verbose)
    checks = (_check(f, name, *arrays[name], chosen[name]) for name in arrays)
    return GradientReport(tuple(checks), tolerance)


Function = Callable[[], float]
Pair = tuple[Array, Array]


def _layer(layer: Layer, x: Array, train_flg: bool, rng: Any) -> tuple[Function, dict[str, Pair]]:
    layer.cast(np.float64)
    probe = rng.standard_normal(np.shape(layer.forward(x, train_flg)))
    layer.freeze()
    layer.forward(x, train_flg)
    arrays = {"x": (x, layer.backward(probe))}
    for i, inner in enumerate(layer.walk()):
        for name in inner.param_names:
            param = getattr(inner, name)
            if param is not None:
                label = name if i == 0 else f"{inner.kind}[{i}].{name}"
                arrays[label] = (param, getattr(inner, f"d{name}"))
    return lambda: float(np.sum(probe * layer.forward(x, train_flg))), arrays


def _loss_layer(layer: LossLayer, x: Array, t: Any) -> tuple[Function, dict[str, Pair]]:
    layer.forward(x, t)
    return lambda: 2 * layer.forward(x, t), {"x": (x, layer.backward(2))}


def _network(network: Any, x: Array, t: Any, train_flg: bool) -> tuple[Function, dict[str, Pair]]:
    if hasattr(network, "astype"):
        network = network.astype(np.float64)
    network.gradient(x, t)
    for layer in getattr(network, "layers", {}).values():
        if isinstance(layer, Layer):
            layer.freeze()
    gradients = network.gradient(x, t)
    arrays = {key: (network.params[key], gradients[key]) for key in gradients}
    for key, (param, _) in arrays.items():
        if param.dtype != np.float64:
            raise TypeError(f"params[{key!r}] must be float64 to be checked, got {param.dtype}")
    mode = {"train_flg": True} if "train_flg" in inspect.signature(network.loss).parameters else {}
    return lambda: float(network.loss(x, t, **mode)), arrays


def _choose(size: int, sample: int | None, rng: np.random.Generator) -> Array:
    if sample is None or as_count(sample, "sample") >= size:
        return np.arange(size)
    return np.sort(rng.choice(size, sample, replace=False))


def _announce(f: Function, passes: int, verbose: bool | None) -> None:
    start = time.perf_counter()
    f()
    seconds = passes * (time.perf_counter() - start)
    if verbose or (verbose is None and seconds > ANNOUNCED):
        print(f"check_gradients: {passes:,} forward passes, about {seconds:.1f} s", file=sys.stderr)


def _check(f: Function, name: str, array: Array, analytic: Array, chosen: Array) -> ArrayCheck:
    if np.shape(analytic) != array.shape:
        return ArrayCheck(name, array.shape, 0, 0, np.inf, (), np.nan, np.nan)
    floor = max(1e-3 * float(np.abs(analytic).max(initial=0)), 1e-6 * (1 + abs(f())))
    worst: tuple[float, tuple[int, ...], float, float] = (-1.0, (), 0.0, 0.0)
    kinks = 0
    for flat in chosen:
        where = tuple(int(i) for i in np.unravel_index(flat, array.shape))
        error, numeric, kink = _compare(f, array, where, float(analytic[where]), floor)
        kinks += kink
        error = np.inf if np.isnan(error) else error
        if not kink and error > worst[0]:
            worst = (error, where, float(analytic[where]), numeric)
    return ArrayCheck(name, array.shape, len(chosen) - kinks, kinks, *worst)


def _compare(
    f: Function, array: Array, where: tuple[int, ...], analytic: float, floor: float
) -> tuple[float, float, bool]:
    """The relative error, the numeric derivative that comes closest, and whether f has a kink."""
    value, centre = array[where], f()
    tried, bends = [], []
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
        tried.append((error, numeric))
        bends.append(abs(above - 2 * centre + below) / h)
    # The one-sided derivatives of a smooth function draw together as h shrinks.
    kink = any(b > 0.5 * a and b > 0.01 * floor for a, b in pairwise(bends))
    return *min(tried, key=lambda pair: (np.isnan(pair[0]), pair[0])), kink
