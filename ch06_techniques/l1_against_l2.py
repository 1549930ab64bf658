"""Takenawa, *Sparsification effect of L1 regularization*: L1 makes a weight exactly 0, L2 does not.

The loss is (w1 - 3)^2 + 4 (w2 - 6)^2; the penalty is w1^2 + w2^2 or 10 (|w1| + |w2|).  The book
names both norms in *Weight Decay*, and the L-infinity norm; with the penalty 30 max(|w1|, |w2|) the
larger weight shrinks until both are equal.  Gradient descent finds the minimum of their sum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.optimizers import SGD
from dlbasics.regularizers import L1, L2, LInf

L2_PENALTY = L2(2.0)
"""The book's penalty, 1/2 lambda sum W^2, with lambda 2."""
L1_PENALTY = L1(10.0)
LINF_PENALTY = LInf(30.0)
LR = 0.02
STEPS = 500


def loss(w: np.ndarray) -> Any:
    """Return (w1 - 3)^2 + 4 (w2 - 6)^2, given w (2, ...)."""
    return (w[0] - 3) ** 2 + 4 * (w[1] - 6) ** 2


def loss_gradient(w: np.ndarray) -> np.ndarray:
    """Return (2 (w1 - 3), 8 (w2 - 6)), given w (2,)."""
    return np.array([2 * (w[0] - 3), 8 * (w[1] - 6)])


@dataclass(frozen=True)
class Result(Record):
    """The weights at first and after each step, (STEPS + 1, 2), of four descents.

    Args:
        l2: The descent with the L2 penalty.
        l1_slope: The descent along the gradient of the L1 penalty, which never stays at 0.
        l1: The descent that shrinks the weights for the L1 penalty, which reaches 0.
        linf: The descent with the L-infinity penalty: ten times as many steps, which get smaller,
            since the largest of both weights changes to and fro.
    """

    l2: np.ndarray
    l1_slope: np.ndarray
    l1: np.ndarray
    linf: np.ndarray


def run() -> Result:
    return Result(
        l2=descent(lambda w: loss_gradient(w) + L2_PENALTY.gradient(w)),
        l1_slope=descent(lambda w: loss_gradient(w) + L1_PENALTY.gradient(w)),
        l1=shrinking_descent(L1_PENALTY.weight_decay_lambda),
        linf=descent(
            lambda w: loss_gradient(w) + LINF_PENALTY.gradient(w),
            lr=lambda step: LR / (1 + step / 50),
            steps=10 * STEPS,
        ),
    )


def descent(
    gradient: Callable[[np.ndarray], np.ndarray],
    shrink: Callable[[np.ndarray], np.ndarray] = lambda w: w,
    lr: Callable[[int], float] = lambda step: LR,
    steps: int = STEPS,
) -> np.ndarray:
    """Return the weights on the way down the gradient; `shrink` changes them after each step."""
    optimizer, params = SGD(LR), {"w": np.zeros(2)}
    path = [params["w"].copy()]
    for step in range(steps):
        w = params["w"]
        optimizer.lr = lr(step)
        optimizer.update(params, {"w": gradient(w)})
        w[:] = shrink(w)
        path.append(w.copy())
    return np.array(path)


def shrinking_descent(weight_decay_lambda: float) -> np.ndarray:
    """Return the weights on the way down the loss; each step also shrinks them.

    After each step along the gradient of the loss, each weight moves lr lambda towards 0, and stops
    at 0.  The slope of |w| jumps from -1 to 1 at 0: steps along it would leap over 0 and back.
    """
    decay = LR * weight_decay_lambda
    return descent(loss_gradient, lambda w: np.sign(w) * np.maximum(np.abs(w) - decay, 0))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    w = np.meshgrid(np.linspace(-2, 7.5, 191), np.linspace(-2, 9, 221))
    figure, panels = plotting.subplots(1, 3, width=3, height=4.4, sharey=True)
    for axes, title, penalty, path in (
        (panels[0], "L2: + w1² + w2²", L2_PENALTY, result.l2),
        (panels[1], "L1: + 10 (|w1| + |w2|)", L1_PENALTY, result.l1),
        (panels[2], "L∞: + 30 max(|w1|, |w2|)", LINF_PENALTY, result.linf),
    ):
        pairs = np.reshape(w, (2, -1)).T
        penalties = np.reshape([penalty.penalty(pair).sum() for pair in pairs], w[0].shape)
        end = path[-1]
        at_end = float(penalty.penalty(end).sum())
        axes.contour(*w, loss(np.array(w)), loss(end) * np.array([0.1, 0.5, 1, 2]), colors="C0")
        axes.contour(*w, penalties, at_end * np.array([0.25, 1]), colors="C1")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.plot([], [], color="C0", label="loss")
        axes.plot([], [], color="C1", label="penalty")
        axes.plot(3, 6, "+", color="C0", label="minimum of the loss")
        axes.plot(*end, "o", color="black", label="minimum of the sum", zorder=3)
        axes.set_title(f"{title}\nminimum at ({end[0]:.3g}, {end[1]:.3g})")
        axes.set(xlabel="w1", xlim=(-2, 7.5), ylim=(-2, 9), aspect="equal")
    panels[0].set_ylabel("w2")
    lines = panels[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=4, frameon=False)
    return {"contours": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.same(
            "minimum with L2",
            (1.5, 4.8),
            lambda result: result.l2[-1],
            atol=1e-6,
            why="each step leaves 92% of the distance or less, and 500 steps only rounding",
            printed=False,
        ),
        Claim.same(
            "minimum with L1",
            (0.0, 4.75),
            lambda result: result.l1[-1],
            atol=1e-6,
            why="each step leaves 84% of the distance of w2, and 500 steps only rounding",
            printed=False,
        ),
        Claim.same("w1 with L1, weights are shrunk", 0.0, lambda result: float(result.l1[-1, 0])),
        Claim.same(
            "minimum with L-infinity: both weights are equal",
            (2.4, 2.4),
            lambda result: result.linf[-1],
            atol=0.02,
            why="the slope jumps where both are equal; the last steps across are 0.006 long",
            printed=False,
        ),
        Claim(
            "largest distance of w1 from 0 in the last 100 steps along the slope of L1",
            None,
            lambda result: float(np.abs(result.l1_slope[-100:, 0]).max()),
            lambda v: 0 < v <= 2 * LR * L1_PENALTY.weight_decay_lambda,
            f"above 0, at most {2 * LR * L1_PENALTY.weight_decay_lambda:g}",
            why="the penalty moves w1 by 0.2 in a step, across 0 and back; two such steps",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
