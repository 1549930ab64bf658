"""*Derivative* (chapter 4): why the step h of a numerical derivative must not be too small.

The script compares forward and central differences with the true derivative, for many values of h.
As h falls, the error of the formula falls and the rounding error grows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}


# numerical_diff of dlbasics has a fixed step and computes in float64; these take any of both.
def forward_difference(f: Callable[[Any], Any], x: Any, h: Any) -> Any:
    """Return (f(x + h) - f(x)) / h.  The error of the formula is about h |f''| / 2."""
    return (f(x + h) - f(x)) / h


def central_difference(f: Callable[[Any], Any], x: Any, h: Any) -> Any:
    """Return (f(x + h) - f(x - h)) / 2h.  The error of the formula is about h^2 |f'''| / 6."""
    return (f(x + h) - f(x - h)) / (2 * h)


DIFFERENCES = {"forward": forward_difference, "central": central_difference}


@dataclass(frozen=True)
class Result(Record):
    """The errors of numerical derivatives of exp, by "forward float32" and so on.

    Args:
        float32_of_1e_50: The number 1e-50 in float32.
        slope_at_1e_50: The derivative of exp at 1 with h = 1e-50, in float64.
        error_at_1e_4: The relative error with h = 1e-4.
        h: The steps, (N,).
        error: The relative error with each of these steps, (N,).
        best_h: The step with the smallest error.
        theory: The step that should have the smallest error, up to a factor near 1.
    """

    float32_of_1e_50: float
    slope_at_1e_50: float
    error_at_1e_4: dict[str, float]
    h: np.ndarray
    error: dict[str, np.ndarray]
    best_h: dict[str, float]
    theory: dict[str, float]


def run() -> Result:
    h = np.logspace(-20, 0, 161)
    kinds = [(difference, dtype) for difference in DIFFERENCES for dtype in DTYPES]
    error = {f"{kind} {dtype}": errors(kind, dtype, h) for kind, dtype in kinds}
    return Result(
        float32_of_1e_50=float(np.float32(1e-50)),
        slope_at_1e_50=float(forward_difference(np.exp, 1.0, 1e-50)),
        error_at_1e_4={
            f"{kind} {dtype}": float(errors(kind, dtype, np.array([1e-4]))[0])
            for kind, dtype in kinds
        },
        h=h,
        error=error,
        best_h={name: float(h[np.argmin(of_h)]) for name, of_h in error.items()},
        theory={f"{kind} {dtype}": best_h_in_theory(kind, dtype) for kind, dtype in kinds},
    )


def errors(kind: str, dtype: str, h: np.ndarray) -> np.ndarray:
    """Return the relative error of the derivative of exp for each h: the median of 101 places."""
    number, difference = DTYPES[dtype], DIFFERENCES[kind]
    x = np.linspace(0.1, 1, 101).astype(number)
    truth = np.exp(x.astype(np.float64))
    slopes = np.array([difference(np.exp, x, number(step)) for step in h])
    return np.median(np.abs(slopes / truth - 1), axis=1)


def best_h_in_theory(kind: str, dtype: str) -> float:
    """Return the h for which the rounding error, eps / h, equals the error of the formula.

    The error of the formula is about h for forward differences, and h^2 for central ones.
    """
    eps = float(np.finfo(DTYPES[dtype]).eps)
    return eps ** (1 / 2) if kind == "forward" else eps ** (1 / 3)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure_4_5, axes = plotting.subplots()
    x, h = 1.0, 1.0
    along = np.linspace(0, 2.4, 200)
    axes.plot(along, np.exp(along), label="y = f(x)")
    axes.plot(along, np.exp(x) * (1 + along - x), label="true slope: the tangent at x")
    secant = forward_difference(np.exp, x, h)
    axes.plot(
        along,
        np.exp(x) + secant * (along - x),
        label="numerical slope: between x and x + h",
    )
    for place in (x, x + h):
        axes.plot([place, place], [0, np.exp(place)], color="gray", linestyle="--", linewidth=1)
        axes.plot(place, np.exp(place), "o", color="black", markersize=4)
    axes.set(ylabel="y", xlim=(0.4, 2.4), ylim=(0, 10))
    axes.set_xticks([x, x + h], ["x", "x + h"])
    axes.set_yticks([])
    axes.grid(False)
    axes.legend(frameon=False, loc="upper left")

    against_h, panels = plotting.subplots(1, 2, width=4.2, height=3.8, sharey=True)
    for axes, dtype in zip(panels, DTYPES, strict=True):
        for i, kind in enumerate(DIFFERENCES):
            name = f"{kind} {dtype}"
            axes.loglog(result.h, result.error[name], color=f"C{i}", label=kind)
            label = f"best h in theory, {kind}"
            axes.axvline(result.theory[name], color=f"C{i}", linestyle=":", label=label)
        axes.axvline(1e-4, color="gray", linestyle="--", label="h = 1e-4, the book's")
        axes.set(xlabel="h", title=dtype, xlim=(1e-20, 1))
    panels[0].set_ylabel("relative error of the derivative")
    handles = panels[0].get_legend_handles_labels()
    against_h.legend(*handles, loc="outside lower center", ncols=3)
    return {"figure_4_5": figure_4_5, "error_against_h": against_h}


def best_h_claim(kind: str, dtype: str) -> Claim:
    """Return the claim that the best h is what theory says, up to a factor of 10."""
    theory = best_h_in_theory(kind, dtype)
    return Claim.between(
        f"best h of {kind} differences in {dtype}, and in theory",
        theory,
        lambda result: result.best_h[f"{kind} {dtype}"],
        theory / 10,
        theory * 10,
        why="theory leaves out factors near 1, and rounding errors are random",
        printed=False,
        digits=2,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same("1e-50 in float32", 0.0, lambda result: result.float32_of_1e_50),
        # x + 1e-50 rounds to x.
        Claim.same(
            "slope of exp at 1 with h = 1e-50, in float64 (true: 2.718)",
            0,
            lambda result: result.slope_at_1e_50,
            printed=False,
        ),
        Claim.between(
            "error of central differences with h = 1e-4, in float64",
            "good results",
            lambda result: result.error_at_1e_4["central float64"],
            0,
            1e-8,
            why="the formula alone has an error of h²/6",
            digits=2,
        ),
        *(best_h_claim(kind, dtype) for dtype in DTYPES for kind in DIFFERENCES),
    ],
)

if __name__ == "__main__":
    experiment.main()
