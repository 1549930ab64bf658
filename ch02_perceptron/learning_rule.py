"""A perceptron that learns its weights: not in the book's chapter 2, where they are set by hand.

The rule of F. Rosenblatt (*The perceptron: a probabilistic model for information storage and
organization in the brain*, Psychological Review 65, 1958; *Principles of Neurodynamics*, 1962): the
points come one after the other, and each that is judged wrong moves the weights.  Where a line
splits the points, that ends with no mistakes (A. Novikoff, *On convergence proofs for perceptrons*,
1962): AND, OR and NAND are learned, XOR is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, TABLES, perceptron
from dlbasics import experiment
from dlbasics.experiment import Claim


@dataclass(frozen=True)
class Config:
    max_epochs: int = 20


@dataclass(frozen=True)
class Training:
    """mistakes: of each epoch;  w, b: at the end, giving `table` at the four INPUTS.

    repeat: the first two epochs that began with the same weights, or None.  All the epochs after
    the second repeat those after the first, for nothing in them is left to chance: the rule goes
    round for ever.
    """

    mistakes: list[int]
    w: list[float]
    b: float
    table: list[int]
    repeat: tuple[int, int] | None


@dataclass(frozen=True)
class Result:
    gates: dict[str, Training]


def learn(t: Sequence[int], max_epochs: int) -> Training:
    """Train on the four INPUTS and their labels t, until an epoch has no mistakes.

    w <- w + (t - y) x and b <- b + (t - y), which is nothing where y is right.  A learning rate
    would only scale w and b, as they start from 0.  They stay whole numbers, exact in floating
    point: weights that look equal are equal.
    """
    w, b = np.zeros(2), 0.0
    mistakes: list[int] = []
    begun: dict[tuple[float, ...], int] = {}
    repeat = None
    for epoch in range(1, max_epochs + 1):
        first = begun.setdefault((*w, b), epoch)
        if first < epoch and repeat is None:
            repeat = (first, epoch)
        wrong = 0
        for (x1, x2), label in zip(INPUTS, t, strict=True):
            error = int(label - perceptron(x1, x2, w, b))
            w += error * np.array([x1, x2])
            b += error
            wrong += error != 0
        mistakes.append(wrong)
        if wrong == 0:
            break
    x1, x2 = np.array(INPUTS).T
    return Training(mistakes, w.tolist(), b, perceptron(x1, x2, w, b).tolist(), repeat)


def run(config: Config) -> Result:
    return Result({gate: learn(table, config.max_epochs) for gate, table in TABLES.items()})


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(2, 2, width=3.6, height=2.2, sharex=True, sharey=True)
    for ax, (gate, training) in zip(axes.flat, result.gates.items(), strict=True):
        epochs = range(1, len(training.mistakes) + 1)
        plotting.draw_curves(ax, {gate: training.mistakes}, x=epochs, markers=True)
        ax.set(title=gate, ylim=(-0.2, 4.2), yticks=range(5))
    figure.supxlabel("epoch")
    figure.supylabel("mistakes on the four points")
    return {"mistakes": figure}


def learned_claims(gate: str) -> list[Claim]:
    def epochs(result: Result) -> int | None:
        mistakes = result.gates[gate].mistakes
        return len(mistakes) if 0 in mistakes else None

    def table(result: Result) -> list[int]:
        return result.gates[gate].table

    return [
        Claim(
            f"epochs until {gate} is learned",
            "finite",
            epochs,
            lambda v: v is not None and 1 <= v < np.inf,
        ),
        Claim.same(f"{gate}, as learned", TABLES[gate], table),
    ]


CLAIMS = [
    *learned_claims("AND"),
    *learned_claims("NAND"),
    *learned_claims("OR"),
    Claim(
        "fewest mistakes in an epoch on XOR",
        "not 0",
        lambda r: min(r.gates["XOR"].mistakes),
        lambda v: v > 0,
    ),
    Claim(
        "two epochs on XOR with the same weights at their beginning",
        "some: it never ends",
        lambda r: r.gates["XOR"].repeat,
        lambda v: v is not None and v[0] < v[1],
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS)
