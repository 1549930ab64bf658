"""*Dropout* (chapter 6): a large network learns 300 images by heart; dropout lessens this.

Two networks start from the same weights and learn the same batches, one of them with dropout.  The
script records the accuracy on training and test images after every epoch.
"""

from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from ch06_techniques.overfit_weight_decay import (
    Result,
    Training,
    claims,
    compare,
    draw_accuracies,
)
from dlbasics.experiment import Data, Experiment, Progress


@dataclass(frozen=True)
class Config(Training):
    """The book's settings.

    Args:
        dropout_ration: The probability with which a neuron is left out of a training step.
    """

    epochs: int = 301
    dropout_ration: float = 0.15


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    dropout = {"use_dropout": True, "dropout_ration": config.dropout_ration}
    return compare(config, dropout, data, rng, progress)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=5, sharey=True)
    for axes, key in zip(panels, ("without", "with"), strict=True):
        draw_accuracies(axes, result, key)
        axes.set_title(f"{key} dropout")
    panels[0].set_ylabel("accuracy")
    return {"figure_6_23": figure}


experiment = Experiment(__doc__, run, plot, Config, claims=claims("dropout"), quick={"epochs": 5})

if __name__ == "__main__":
    experiment.main()
