"""Dropout (chapter 6): the network that learns 300 images by heart, with dropout and without.

Both networks start from the same weights and see the same batches.  The accuracy on training and
test images after every epoch.
"""

from dataclasses import dataclass
from typing import Any

from ch06_techniques.overfit_weight_decay import Result, claims, compare, draw_accuracies
from dlbasics import experiment
from dlbasics.experiment import Data, Progress
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    dropout_ration: float = 0.15
    train_size: int = 300
    epochs: int = 301
    batch_size: int = 100
    learning_rate: float = 0.01


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    dropout = {"use_dropout": True, "dropout_ration": config.dropout_ration}
    return compare(config, dropout, rng, data, progress)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=5, sharey=True)
    for axes, key in zip(panels, ("without", "with"), strict=True):
        draw_accuracies(axes, result, key)
        axes.set_title(f"{key} dropout")
    panels[0].set_ylabel("accuracy")
    return {"figure_6_23": figure}


CLAIMS = claims("dropout")

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"epochs": 5})
