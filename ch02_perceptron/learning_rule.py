"""*Learning from Data* (chapter 4): a perceptron learns its weights, which chapter 2 sets by hand.

The book's note names the perceptron convergence theorem: if a line separates the points, learning
ends without mistakes.  The script shows Rosenblatt's rule, which does this.  Each point that the
perceptron gets wrong changes its weights.  It learns AND, OR and NAND, but not XOR.

Source: F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
organization in the brain", Psychological Review 65, 1958; A. Novikoff, "On convergence proofs for
perceptrons", 1962.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ch02_perceptron.gates import INPUTS, TABLES, perceptron
from dlbasics.experiment import Claim, Experiment, Record


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        max_epochs: The number of epochs after which training ends, even if there are mistakes.
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
    figure.supxlabel("epoch")
    figure.supylabel("mistakes on the four points")
    return {"mistakes": figure}


def learned_claims(gate: str) -> list[Claim]:
    """Return the claims that the rule learns `gate`."""

    def epochs(result: Result) -> int | None:
        mistakes = result.gates[gate].mistakes
        return len(mistakes) if 0 in mistakes else None

    return [
        Claim(
            f"epochs until {gate} is learned",
            "finite",
            epochs,
            lambda v: v is not None and 1 <= v < np.inf,
        ),
        Claim.same(f"{gate}, as learned", TABLES[gate], lambda r: r.gates[gate].table),
    ]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
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
            "two epochs on XOR that begin with the same weights",
            "exist: the rule never ends",
            lambda r: r.gates["XOR"].repeat,
            lambda v: v is not None and v[0] < v[1],
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
