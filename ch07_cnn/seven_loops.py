"""*Expansion by im2col* (chapter 7): why a convolution becomes one matrix product.

The book avoids `for` statements, because they are slow in NumPy.  This script measures how slow.
It computes one convolution with seven nested loops in Python, with fewer loops and NumPy inside,
and with im2col and one matrix product.  Then numba compiles the seven loops.  The compiled loops
show what remains when Python costs no time: the order of the loops matters, and so does how often
the processor uses a number that it has loaded.  All ways compute the same numbers.

The compiled loops need numba: pip install -e ".[fast]".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.columns import im2col
from dlbasics.experiment import LEFT_OUT, Claim, Experiment, Progress, Record
from dlbasics.layers import Convolution

Array = np.ndarray
Convolve = Callable[[Array, Array], Array]
Way = Callable[[], Array]

FILTER_SIZE = 3
OUTPUT_SIZE = 28  # a multiple of four, for `four_pixels`


def window_innermost(x: Array, W: Array) -> Array:
    """Return the convolution (N, FN, OH, OW); the three innermost loops add up one window.

    This is the order in which the book explains it: the window moves from pixel to pixel.
    """
    FN, C, FH, FW = W.shape
    N, OH, OW = len(x), x.shape[2] - FH + 1, x.shape[3] - FW + 1
    y = np.zeros((N, FN, OH, OW), x.dtype)
    for n in range(N):
        for f in range(FN):
            for h in range(OH):
                for w in range(OW):
                    for c in range(C):
                        for i in range(FH):
                            for j in range(FW):
                                y[n, f, h, w] += x[n, c, h + i, w + j] * W[f, c, i, j]
    return y


def window_at_a_time(x: Array, W: Array) -> Array:
    """Return the convolution; NumPy multiplies one window by one filter, and adds up."""
    FN, _, FH, FW = W.shape
    N, OH, OW = len(x), x.shape[2] - FH + 1, x.shape[3] - FW + 1
    y = np.zeros((N, FN, OH, OW), x.dtype)
    for n in range(N):
        for f in range(FN):
            for h in range(OH):
                for w in range(OW):
                    y[n, f, h, w] = np.sum(x[n, :, h : h + FH, w : w + FW] * W[f])
    return y


def place_at_a_time(x: Array, W: Array) -> Array:
    """Return the convolution; NumPy multiplies one window of each image by all filters."""
    FN, _, FH, FW = W.shape
    N, OH, OW = len(x), x.shape[2] - FH + 1, x.shape[3] - FW + 1
    y = np.zeros((N, FN, OH, OW), x.dtype)
    col_W = W.reshape(FN, -1).T
    for h in range(OH):
        for w in range(OW):
            y[:, :, h, w] = x[:, :, h : h + FH, w : w + FW].reshape(N, -1) @ col_W
    return y


def one_product(x: Array, W: Array) -> Array:
    """Return the convolution; NumPy multiplies all windows by all filters at once."""
    FN, _, FH, FW = W.shape
    N, OH, OW = len(x), x.shape[2] - FH + 1, x.shape[3] - FW + 1
    out = im2col(x, FH, FW) @ W.reshape(FN, -1).T
    return out.reshape(N, OH, OW, FN).transpose(0, 3, 1, 2)


def row_innermost(x: Array, W: Array) -> Array:
    """Return the convolution; the innermost loop goes along a row of pixels.

    The pixels of a row are neighbors in memory, so one instruction works on several of them.
    """
    FN, C, FH, FW = W.shape
    N, OH, OW = len(x), x.shape[2] - FH + 1, x.shape[3] - FW + 1
    y = np.zeros((N, FN, OH, OW), x.dtype)
    for n in range(N):
        for f in range(FN):
            for h in range(OH):
                for c in range(C):
                    for i in range(FH):
                        for j in range(FW):
                            for w in range(OW):
                                y[n, f, h, w] += x[n, c, h + i, w + j] * W[f, c, i, j]
    return y


def filters_innermost(x: Array, W: Array) -> Array:
    """Return the convolution; the innermost loop goes through the filters.

    The channels are last here, and their values at one pixel are neighbors in memory.

    Args:
        x: The images (N, H, W, C).
        W: The filters (FH, FW, C, FN).

    Returns:
        The output (N, OH, OW, FN).
    """
    FH, FW, C, FN = W.shape
    N, OH, OW = len(x), x.shape[1] - FH + 1, x.shape[2] - FW + 1
    y = np.zeros((N, OH, OW, FN), x.dtype)
    for n in range(N):
        for h in range(OH):
            for w in range(OW):
                for i in range(FH):
                    for j in range(FW):
                        for c in range(C):
                            for f in range(FN):
                                y[n, h, w, f] += x[n, h + i, w + j, c] * W[i, j, c, f]
    return y


def four_pixels(x: Array, W: Array) -> Array:
    """Return what `filters_innermost` returns; each value of a filter serves four output pixels."""
    FH, FW, C, FN = W.shape
    N, OH, OW = len(x), x.shape[1] - FH + 1, x.shape[2] - FW + 1
    y = np.zeros((N, OH, OW, FN), x.dtype)
    for n in range(N):
        for h in range(OH):
            for w in range(0, OW, 4):
                for i in range(FH):
                    for j in range(FW):
                        for c in range(C):
                            x0, x1 = x[n, h + i, w + j, c], x[n, h + i, w + j + 1, c]
                            x2, x3 = x[n, h + i, w + j + 2, c], x[n, h + i, w + j + 3, c]
                            for f in range(FN):
                                value = W[i, j, c, f]
                                y[n, h, w, f] += x0 * value
                                y[n, h, w + 1, f] += x1 * value
                                y[n, h, w + 2, f] += x2 * value
                                y[n, h, w + 3, f] += x3 * value
    return y


IN_PYTHON = "seven loops in Python"
IM2COL = "im2col and one matrix product"
BY_NUMPY: dict[str, Convolve] = {
    "four loops, NumPy inside": window_at_a_time,
    "two loops, NumPy inside": place_at_a_time,
    IM2COL: one_product,
}
CHANNELS_FIRST: dict[str, Convolve] = {
    "compiled, the window innermost": window_innermost,
    "compiled, a row innermost": row_innermost,
}
CHANNELS_LAST: dict[str, Convolve] = {
    "compiled, the filters innermost": filters_innermost,
    "compiled, the same for four pixels": four_pixels,
}


@dataclass(frozen=True)
class Config:
    """The convolution and its measurement.

    Args:
        images: The number of images.
        channels: The number of channels of each image; a color image has three.
        filters: The number of filters.
        rounds: How often each way is measured.  The loops in Python are measured once.
    """

    images: int = 4
    channels: int = 16
    filters: int = 16
    rounds: int = 11


@dataclass(frozen=True)
class Result(Record):
    """What each way computes, and how long it takes.

    Args:
        differences: The largest difference from the output of the layer Convolution, by way.
        seconds: The median time, by way.
    """

    differences: dict[str, float]
    seconds: dict[str, float]


def run(config: Config, rng: Generator, progress: Progress) -> Result:
    size = OUTPUT_SIZE + FILTER_SIZE - 1
    # Sums of these whole numbers are exact in float32, whatever the order of the terms.
    x = rng.integers(256, size=(config.images, config.channels, size, size)).astype(np.float32)
    W_shape = config.filters, config.channels, FILTER_SIZE, FILTER_SIZE
    W = rng.integers(-9, 10, size=W_shape).astype(np.float32)

    in_python, y = timed(partial(window_innermost, x, W))
    others = by_numpy(x, W) | compiled(x, W)
    # The first call of a compiled function compiles it, so its time does not count.
    outputs = {IN_PYTHON: y} | {name: way() for name, way in others.items()}
    seconds: dict[str, list[float]] = {IN_PYTHON: [in_python]} | {name: [] for name in others}
    for _ in progress(range(config.rounds)):
        for name, way in others.items():
            seconds[name].append(timed(way)[0])

    expected = Convolution(W, None).forward(x)
    return Result(
        {name: float(np.abs(y - expected).max()) for name, y in outputs.items()},
        {name: float(np.median(times)) for name, times in seconds.items()},
    )


def by_numpy(x: Array, W: Array) -> dict[str, Way]:
    """Return the ways that call NumPy."""
    return {name: partial(convolve, x, W) for name, convolve in BY_NUMPY.items()}


def compiled(x: Array, W: Array) -> dict[str, Way]:
    """Return the compiled ways; none, and a printed line, without numba."""
    try:
        from numba import njit
    except ImportError:
        print('Without numba there are no compiled loops: pip install -e ".[fast]"', flush=True)
        return {}
    x_last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    W_last = np.ascontiguousarray(W.transpose(2, 3, 1, 0))
    first = {name: partial(njit(loops), x, W) for name, loops in CHANNELS_FIRST.items()}
    last = {name: partial(njit(loops), x_last, W_last) for name, loops in CHANNELS_LAST.items()}
    return first | {name: partial(channels_first, way) for name, way in last.items()}


def channels_first(way: Way) -> Array:
    """Return the output (N, OH, OW, FN) of `way` as (N, FN, OH, OW), without a copy."""
    return way().transpose(0, 3, 1, 2)


def timed(way: Way) -> tuple[float, Array]:
    """Return the time that a call takes, and what it returns."""
    start = time.perf_counter()
    y = way()
    return time.perf_counter() - start, y


def ratio(result: Result, name: str) -> Any:
    """Return the time of a way divided by that of im2col, in two digits."""
    if name not in result.seconds:
        return LEFT_OUT
    return two_digits(result.seconds[name] / result.seconds[IM2COL])


def two_digits(value: float) -> float:
    """Return the value, rounded to two significant digits."""
    return float(f"{value:.2g}")


def plot(result: Result) -> dict[str, Any]:
    """Draw a point for each way, and write its time and its ratio at the right."""
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=9, height=4)
    axes.axvline(1e3 * result.seconds[IM2COL], color="tab:orange", linestyle=":")
    for name, seconds in result.seconds.items():
        axes.plot(1e3 * seconds, name, "o", color=color(name))
        text = f"{two_digits(1e3 * seconds):,g} ms"
        if name != IM2COL:
            text += f", {ratio(result, name):,g} times im2col"
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(text, (1, name), (8, 0), va="center", **place)
    axes.set(xscale="log", xlabel="time in ms, log axis")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.invert_yaxis()
    return {"time": figure}


def color(name: str) -> str:
    """Return the color of a way: one for Python, one for NumPy, one for compiled loops."""
    return "tab:red" if name == IN_PYTHON else "tab:orange" if name in BY_NUMPY else "tab:blue"


def ratio_claim(name: str, book: str | None) -> Claim:
    """Return the claim about the time of a way."""
    text = f"time divided by that of im2col: {name}"
    return Claim.shown(text, book, lambda result: ratio(result, name))


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "largest difference between any way and the Convolution layer",
            0,
            lambda result: max(result.differences.values()),
            printed=False,
        ),
        ratio_claim(IN_PYTHON, "for statements are slow"),
        *[ratio_claim(name, None) for name in BY_NUMPY if name != IM2COL],
        *[ratio_claim(name, None) for name in CHANNELS_FIRST | CHANNELS_LAST],
    ],
    quick={"images": 1, "channels": 4, "rounds": 3},
)

if __name__ == "__main__":
    experiment.main()
