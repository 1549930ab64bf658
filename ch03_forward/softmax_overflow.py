"""*Issues when Implementing the Softmax Function* (chapter 3): overflow, and how to avoid it.

The script compares the formula of the book's equation with the one that first subtracts the largest
score, in three precisions.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.functions import softmax

DTYPES: dict[str, Any] = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


@dataclass(frozen=True)
class Result(Record):
    """The book's numbers, and where the formula fails in each precision.

    Args:
        small: The softmax of the scores (0.3, 2.9, 4).
        large: The softmax of the scores (1010, 1000, 990), with the largest score subtracted.
        large_naive: The softmax of the same scores by the formula.
        below_largest: The same scores minus the largest.
        largest_score: The largest score at which the formula is right, by precision.
        curves: For scores c - 2, c - 1 and c, the probability of c, by precision.  Each entry has
            the scores `c` (N,), the probability by the formula, `naive` (N,), and with the largest
            score subtracted, `shifted` (N,).
    """

    small: np.ndarray
    large: np.ndarray
    large_naive: np.ndarray
    below_largest: np.ndarray
    largest_score: dict[str, float]
    curves: dict[str, dict[str, np.ndarray]]


def naive_softmax(a: np.ndarray) -> np.ndarray:
    """Return y_k = exp(a_k) / sum_i exp(a_i) for scores a (K,), as eq. 3.10 says."""
    with np.errstate(over="ignore", invalid="ignore"):  # this script shows what overflow does
        exp_a = np.exp(a)
        return exp_a / np.sum(exp_a)


def run() -> Result:
    large = np.array([1010.0, 1000.0, 990.0])
    limits = {name: largest_score(dtype) for name, dtype in DTYPES.items()}
    return Result(
        small=softmax(np.array([0.3, 2.9, 4.0])),
        large=softmax(large),
        large_naive=naive_softmax(large),
        below_largest=large - np.max(large),
        largest_score=limits,
        curves={name: probabilities(dtype, 1.25 * limits[name]) for name, dtype in DTYPES.items()},
    )


def probabilities(dtype: Any, end: float) -> dict[str, np.ndarray]:
    """Return the probability of c among the scores c - 2, c - 1 and c, for c from 0 to `end`.

    The sum overflows shortly before exp(c) does.  In between the formula gives 0.
    """
    c = np.arange(0, end, 0.25)  # float16 represents these multiples of 1/4 exactly
    scores = (c[:, np.newaxis] - [2, 1, 0]).astype(dtype)
    naive = np.array([naive_softmax(a)[-1] for a in scores])
    return {"c": c, "naive": naive, "shifted": softmax(scores)[:, -1]}


def largest_score(dtype: Any) -> float:
    """Return the largest c for which the naive softmax of the scores c and 0 is right.

    It is found by bisection.
    """
    works, fails = 0.0, 1000.0
    while (middle := float(dtype((works + fails) / 2))) not in (works, fails):
        y = naive_softmax(np.array([middle, 0], dtype))
        if y[0] > 0.5:  # false for nan
            works = middle
        else:
            fails = middle
    return works


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 3, width=3.2, height=3.4, sharey=True)
    for axes, (name, curves) in zip(panels, result.curves.items(), strict=True):
        c, limit = curves["c"], result.largest_score[name]
        axes.plot(c, curves["naive"], linewidth=4, label="exp(a) / sum of exp(a)")
        axes.plot(c, curves["shifted"], "k--", label="the largest score subtracted first")
        axes.axvspan(limit, c[-1], color="grey", alpha=0.2, label="exp(c) overflows: nan")
        axes.set(xlabel="c", title=f"{name}: right up to c = {limit:.1f}")
        axes.set(xlim=(0, c[-1]), ylim=(-0.05, 1))
    panels[0].set_ylabel("probability of the score c")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return {"precisions": figure}


def limit_claim(name: str) -> Claim:
    """Return the claim that the naive softmax is right up to the log of the largest number."""
    limit = math.log(np.finfo(DTYPES[name]).max)
    return Claim.same(
        f"largest score of the naive softmax in {name}",
        limit,
        lambda result: result.largest_score[name],
        rtol=1e-3,
        why="the log of the largest number; float16 has no closer number",
        printed=False,
        digits=6,
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "softmax of (0.3, 2.9, 4)",
            (0.01821127, 0.24519181, 0.73659691),
            lambda result: result.small,
            atol=5e-9,
            why="the book prints eight digits",
            digits=8,
        ),
        Claim.same(
            "its sum",
            1.0,
            lambda result: result.small.sum(),
            atol=1e-12,
            why="float64 rounds in the 16th digit",
        ),
        Claim(
            "naive softmax of (1010, 1000, 990)",
            (np.nan, np.nan, np.nan),
            lambda result: result.large_naive,
            lambda v: np.isnan(v).all(),
            condition="all nan",
            why="float64 overflows at 710 already",
        ),
        Claim.same(
            "(1010, 1000, 990) minus the largest score",
            (0, -10, -20),
            lambda result: result.below_largest,
        ),
        Claim.same(
            "softmax of (1010, 1000, 990)",
            (9.99954600e-01, 4.53978686e-05, 2.06106005e-09),
            lambda result: result.large,
            rtol=5e-9,
            why="the book prints nine digits",
            digits=9,
        ),
        *map(limit_claim, DTYPES),
    ],
)

if __name__ == "__main__":
    experiment.main()
