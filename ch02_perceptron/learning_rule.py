"""*Learning from Data* (chapter 4): a perceptron learns its weights, which chapter 2 sets by hand.

The book's note names the perceptron convergence theorem: if a line separates the points, learning
ends without mistakes.  The script shows Rosenblatt's rule, which does this.  Each point that the
perceptron gets wrong changes its weights.  It learns AND, OR and NAND, but not XOR.

Source: F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
organization in the brain", Psychological Review 65, 1958; A. Novikoff, "On convergence proofs for
perceptrons", 1962.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, TABLES, perceptron, rows_that_differ
from dlbasics.experiment import Claim, Experiment, Record


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        max_epochs: The number of epochs (rounds through the four points) after which training
            ends, even if there still are mistakes.
    """

    max_epochs: int = 20


@dataclass(frozen=True)
class Training:
    """What happened while one gate was learned.

    Args:
        mistakes: The number of mistakes in each epoch.
        w: The weights after training.
        b: The bias after training.
        table: The outputs at the four INPUTS after training.
        repeat: The first two epochs that began with the same weights, or None.  Nothing in an epoch
            is random: if two begin alike, the rule repeats the epochs between them for ever.
    """

    mistakes: list[int]
    w: list[float]
    b: float
    table: list[int]
    repeat: tuple[int, int] | None


@dataclass(frozen=True)
class Result(Record):
    """The result.

    Args:
        gates: The training of each gate, by its name.
    """

    gates: dict[str, Training]


def learn(t: Sequence[int], max_epochs: int) -> Training:
    """Train on the four INPUTS and their labels t, until an epoch has no mistakes.

    w <- w + (t - y) x and b <- b + (t - y), which changes nothing where y is right.

    A learning rate would only scale w and b, as they start from 0.  Both remain whole numbers,
    which floating point represents exactly, so that weights can be compared.
    """
    w, b = np.zeros(2), 0.0
    mistakes: list[int] = []
    first_epoch: dict[tuple[float, ...], int] = {}  # by the weights with which an epoch began
    repeat = None
    for epoch in range(1, max_epochs + 1):
        first = first_epoch.setdefault((*w, b), epoch)
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
    for ax in axes[:, 0]:
        ax.set_ylabel("mistakes, of 4")
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
    return {"mistakes": figure}


def epochs_until_learned(training: Training) -> float:
    """Return the number of epochs up to the first without mistakes, infinity if there is none."""
    return len(training.mistakes) if 0 in training.mistakes else math.inf


LEARNED = ("AND", "NAND", "OR")

experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "epochs until AND, NAND, OR are learned",
            "a finite number",
            lambda r: [epochs_until_learned(r.gates[gate]) for gate in LEARNED],
            1,
            Config.max_epochs,
            why="training ends after so many epochs, whether the gate is learned or not",
        ),
        Claim.same(
            "truth tables of AND, NAND, OR, as learned: rows that differ",
            0,
            lambda r: rows_that_differ(
                [r.gates[gate].table for gate in LEARNED], [TABLES[gate] for gate in LEARNED]
            ),
            printed=False,
        ),
        Claim.between(
            "fewest mistakes in an epoch on XOR",
            "it cannot be solved",
            lambda r: min(r.gates["XOR"].mistakes),
            1,
            why="an epoch without mistakes would solve it",
        ),
        Claim(
            "two epochs on XOR that begin with the same weights",
            None,
            lambda r: r.gates["XOR"].repeat,
            lambda v: v is not None and v[0] < v[1],
            condition="the first before the second",
            why="nothing in an epoch is random: the rule repeats the epochs between them for ever",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
