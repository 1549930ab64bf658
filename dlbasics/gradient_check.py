"""The gradient check compares backpropagation with central differences."""

import copy
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dlbasics._internal import readers
from dlbasics._internal.checks import (
    Array,
    RngLike,
    as_array,
    as_count,
    as_flag,
    as_number,
    as_rng,
    quiet,
    spawn,
)
from dlbasics._internal.network_state import layers_of
from dlbasics.layers import Layer, LossLayer

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)
"""The steps h that the check tries in turn.  The first has the smallest rounding error; the last is
the least likely to step across a kink."""

CLOSE = 1e-6
"""After a relative error below this, the check tries no smaller step.  A difference that rounding
can explain has this relative error."""

NUDGES = 4
"""The number of times that the check measures the rounding error of the function."""

JUMP = 1e-9
"""A change of last digits that changes f or a gradient by more than this share of its size has met a
kink or a jump, such as two equal pixels of max pooling.  It then tells nothing about rounding."""

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
            floor is a thousandth of the largest analytic derivative in the array.  It is larger if
            the numeric derivatives are less exact: a difference as large as their rounding error
            has the relative error 1e-6.
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
            For a network, it compares the derivatives of the loss by the parameters.  For a loss
            layer that you wrote, the derivatives by its parameters are compared, too.
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
        TypeError: If `target` is neither a layer nor a network, or a parameter is not float64, or
            may hide where the check cannot find it.
        ValueError: If a layer changes its arguments, two forward passes differ, or a layer that you
            wrote has an array whose gradient the check cannot find.

    >>> from dlbasics.layers import Affine
    >>> report = check_gradients(Affine.create(3, 2, rng=0), np.ones((4, 3)))
    >>> bool(report)
    True
    """
    # Without `spawn`, the probe would equal an x that the caller drew with the same seed.
    (rng,) = spawn(as_rng(rng), 1)
    tolerance = as_number(tolerance, "tolerance", low=0)
    train_flg = as_flag(train_flg, "train_flg")
    verbose = None if verbose is None else as_flag(verbose, "verbose")
    x = as_array(x)
    target = copy.deepcopy(target)
    if isinstance(target, LossLayer):
        checked = _loss_layer(target, x.astype(np.float64), t)
    elif hasattr(target, "gradient"):
        checked = _network(target, _as_double(x), t, train_flg)
    elif isinstance(target, Layer):
        checked = _layer(target, x.astype(np.float64), train_flg, rng)
    elif not readers.is_layer(target):
        raise TypeError(f"target must be a layer, a loss layer or a network, got {target!r}")
    elif t is not None or readers.takes_labels(target):
        if t is None:
            raise TypeError(f"t must be the labels, which {type(target).__name__}.forward needs")
        checked = _readers_loss_layer(target, x.astype(np.float64), t)
    else:
        # Integers may be indices, as in an embedding layer.
        x = x.copy() if x.dtype.kind in "iu" else x.astype(np.float64)
        checked = _layer(readers.ReadersLayer(target), x, train_flg, rng)
    analytic, f = _analytic(checked), checked.f
    chosen = [_choose(array.size, sample, rng) for array in checked.arrays.values()]
    start = time.perf_counter()
    centre = f()
    seconds = time.perf_counter() - start
    check_same_loss(centre, f(), type(target).__name__)
    _announce(2 * sum(map(len, chosen)), seconds, verbose)
    floors = _floors(checked, centre, analytic)
    rows = zip(checked.arrays, analytic, floors, chosen, strict=True)
    checks = [
        _check(f, centre, name, checked.arrays[name], gradient, floor, elements)
        for name, gradient, floor, elements in rows
    ]
    return GradientReport(tuple(checks), tolerance)


def check_same_loss(first: float, second: float, name: str) -> None:
    """Raise ValueError if two passes of the same x gave different numbers."""
    if first != second and math.isfinite(first):
        raise ValueError(
            f"{name}: two forward passes of the same x differ, for instance because each draws a "
            "random mask; a layer must keep its mask while Layer.frozen is True"
        )


Function = Callable[[], float]


@dataclass(frozen=True)
class Checked:
    """What the check compares: f, its arguments, and their gradients by backpropagation.

    Attributes:
        f: Returns the value for the present contents of the arrays.
        arrays: The arguments of f by name.  The check changes them in place.
        gradients: Returns the gradients of the arrays, in their order.
    """

    f: Function
    arrays: Mapping[str, Array]
    gradients: Callable[[], list[Array]]


def _layer(layer: Layer, x: Array, train_flg: bool, rng: Any) -> Checked:
    layer.cast(np.float64)
    for inner in layer.walk():
        readers.check_attributes(inner)
    undeclared = readers.undeclared(layer.walk())
    given = x.copy()
    mode = _mode(layer.forward, train_flg)
    probe = rng.standard_normal(np.shape(layer.forward(x, **mode)))
    layer.backward(probe.copy())
    layer.freeze()
    layer.forward(x, **mode)
    dout = probe.copy()
    layer.backward(dout)
    if not np.array_equal(x, given, equal_nan=x.dtype.kind == "f"):
        raise ValueError(f"{layer.kind} must not change the x that it is given")
    if not np.array_equal(dout, probe):
        raise ValueError(f"{layer.kind}.backward must not change the dout that it is given")
    readers.check_were_replaced(undeclared)
    slots = {
        name if i == 0 else f"{inner.kind}[{i}].{name}": (inner, name)
        for i, inner in enumerate(layer.walk())
        for name in inner.param_names
        if getattr(inner, name) is not None
    }

    def gradients() -> list[Array]:
        layer.forward(x, **mode)
        dx = layer.backward(probe.copy())
        return [*([dx] if has_dx else []), *(getattr(o, f"d{name}") for o, name in slots.values())]

    has_dx = x.dtype.kind == "f"
    arrays = {label: _float64(getattr(*slot), label) for label, slot in slots.items()}
    return Checked(
        lambda: float(np.sum(probe * layer.forward(x, **mode))),
        {"x": x, **arrays} if has_dx else arrays,
        gradients,
    )


def _loss_layer(layer: LossLayer, x: Array, t: Any) -> Checked:
    undeclared = readers.undeclared([layer])
    layer.forward(x, t)
    layer.backward(2)
    readers.check_were_replaced(undeclared)

    def gradients() -> list[Array]:
        layer.forward(x, t)
        return [layer.backward(2)]

    return Checked(lambda: 2 * layer.forward(x, t), {"x": x}, gradients)


def _readers_loss_layer(own: Any, x: Array, t: Any) -> Checked:
    layer, found = readers.ReadersLoss(own), readers.ReadersLayer(own)
    found.cast(np.float64)
    layer.forward(x, t)
    layer.backward(1)
    found.check_gradients_are_known()
    names = found.param_names

    def gradients() -> list[Array]:
        layer.forward(x, t)
        # The book's own loss layer ignores dout, which in its networks is always 1.
        return [layer.backward(1), *(getattr(found, f"d{name}") for name in names)]

    arrays = {name: _float64(getattr(found, name), name) for name in names}
    return Checked(lambda: layer.forward(x, t), {"x": x, **arrays}, gradients)


def _network(network: Any, x: Array, t: Any, train_flg: bool) -> Checked:
    if not train_flg:
        raise ValueError("train_flg must be True for a network, whose gradient is that of training")
    if hasattr(network, "astype"):
        network = network.astype(np.float64)
    layers = [layer for top in layers_of(network).values() for layer in top.walk()]
    undeclared = readers.undeclared([*layers])
    network.gradient(x, t)
    for layer in layers:
        layer.frozen = True
    grads, params = network.gradient(x, t), network.params
    if not (isinstance(grads, Mapping) and isinstance(params, Mapping)):
        found = f"{type(params).__name__} and {type(grads).__name__}"
        raise TypeError(f"params, and what gradient returns, must be dicts, got {found}")
    if grads.keys() != params.keys():
        raise ValueError(f"gradient must return {[*params]}, as params has, got {[*grads]}")
    readers.check_were_replaced(undeclared)
    arrays = {key: _float64(params[key], f"params[{key!r}]") for key in params}
    mode = _mode(network.loss, train_flg)

    def gradients() -> list[Array]:
        by_key = network.gradient(x, t)
        return [by_key[key] for key in arrays]

    return Checked(lambda: float(network.loss(x, t, **mode)), arrays, gradients)


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
    count = size if sample is None else as_count(sample, "sample")
    if count >= size:
        return np.arange(size)
    return np.sort(rng.choice(size, count, replace=False))


def _announce(passes: int, seconds: float, verbose: bool | None) -> None:
    total = passes * seconds
    if verbose or (verbose is None and total > ANNOUNCED):
        print(
            f"check_gradients: at least {passes:,} forward passes, about {total:.1f} s",
            file=sys.stderr,
        )


def _analytic(checked: Checked) -> list[Array]:
    """Return copies of the gradients by backpropagation."""
    given = [array.copy() for array in checked.arrays.values()]
    rng = np.random.default_rng(0)
    # A gradient that the pass before has left behind must not look right, so that pass is another.
    for array, values in zip(checked.arrays.values(), given, strict=True):
        array[...] = values * rng.uniform(0.9, 1, values.shape)
    checked.gradients()
    for array, values in zip(checked.arrays.values(), given, strict=True):
        array[...] = values
    return _copies(checked.gradients())


def _copies(gradients: list[Array]) -> list[Array]:
    return [np.array(gradient, dtype=np.float64) for gradient in gradients]


def _floors(checked: Checked, centre: float, analytic: list[Array]) -> list[float]:
    """Return for each array the derivative below which errors are relative to the floor."""
    given = [array.copy() for array in checked.arrays.values()]
    largest = [float(np.abs(gradient).max(initial=0)) for gradient in analytic]
    # The share of f that each number stands for, to first order.
    shares = [
        np.abs(a * b).sum() for a, b in zip(given, analytic, strict=True) if a.shape == b.shape
    ]
    most, most_own = JUMP * (abs(centre) + sum(shares)), JUMP * max(largest, default=0)
    rounding, roundings = math.ulp(centre) if math.isfinite(centre) else 0.0, [0.0] * len(given)
    # If gradients are added up from pass to pass, their differences are not those of rounding.
    is_stable = _differences(_copies(checked.gradients()), analytic) == roundings
    rng = np.random.default_rng(0)
    for _ in range(NUDGES):
        # The last digits of the arrays change.  Rounding changes f and its gradients as much.  This
        # is more than f's own last digit if large terms cancel out, as in batch normalization.
        for array, values in zip(checked.arrays.values(), given, strict=True):
            array[...] = values * (1 + sys.float_info.epsilon * rng.choice([-1, 1], values.shape))
        change = abs(checked.f() - centre)
        rounding = max(rounding, change if change <= most else 0.0)
        if is_stable:
            changes = _differences(_copies(checked.gradients()), analytic)
            changes = [change if change <= most_own else 0.0 for change in changes]
            roundings = [*map(max, roundings, changes)]
    for array, values in zip(checked.arrays.values(), given, strict=True):
        array[...] = values
    return [
        max(1e-3 * size, (rounding / STEPS[0] + own) / CLOSE, sys.float_info.min)
        for size, own in zip(largest, roundings, strict=True)
    ]


@quiet
def _differences(some: list[Array], others: list[Array]) -> list[float]:
    """Return the largest difference of each two arrays; 0 if they are not finite or not alike."""
    pairs = zip(some, others, strict=True)
    found = [np.abs(a - b).max(initial=0) if a.shape == b.shape else 0 for a, b in pairs]
    return [float(difference) if np.isfinite(difference) else 0.0 for difference in found]


def _check(
    f: Function,
    centre: float,
    name: str,
    array: Array,
    analytic: Array,
    floor: float,
    chosen: Array,
) -> ArrayCheck:
    if analytic.shape != array.shape:
        return ArrayCheck(name, array.shape, 0, 0, np.inf, (), np.nan, np.nan)
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
