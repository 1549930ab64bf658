"""*Visualizing the Weight of the First Layer* (chapter 7): filters before and after training.

The script draws the filters that train_convnet.py starts from with the same seed, and the filters
that it has trained, by default those of simple_convnet.npz.  Random filters have no order.  In
trained filters neighboring pixels are alike: they form edges and blobs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from ch07_cnn.train_convnet import WEIGHTS, trained_network
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.networks import SimpleConvNet


@dataclass(frozen=True)
class Config:
    """The trained filters.

    Args:
        weights: A file of weights from train_convnet.py; without one, simple_convnet.npz.
    """

    weights: Path | None = None

    def __post_init__(self) -> None:
        if self.weights and not Path(self.weights).is_file():
            raise ValueError(f"weights must be a file of train_convnet.py, got {self.weights}")


@dataclass(frozen=True)
class Result(Record):
    """The filters, (30, 1, 5, 5).

    Args:
        before: The filters before training.
        after: The filters after training.
    """

    before: np.ndarray
    after: np.ndarray


def run(config: Config, rng: Generator) -> Result:
    before = SimpleConvNet(rng=rng)
    after = trained_network(config.weights or WEIGHTS)
    return Result(before.params["W1"], after.params["W1"])


def likeness(W: np.ndarray) -> float:
    """Return the correlation of neighboring pixels, where each filter has its mean subtracted."""
    W = W - W.mean(axis=(2, 3), keepdims=True)
    first = np.append(W[..., :-1], W[..., :-1, :])
    second = np.append(W[..., 1:], W[..., 1:, :])
    return float(np.corrcoef(first, second)[0, 1])


def plot(result: Result) -> dict[str, Any]:
    return {
        "figure_7_24_before": filters_figure(result.before, "before training"),
        "figure_7_24_after": filters_figure(result.after, "after training"),
    }


def filters_figure(W: np.ndarray, title: str) -> Any:
    """Draw all filters in one range of grays, where 0 is in the middle; frame the flat ones."""
    from dlbasics import plotting

    figure, grid = plotting.subplots(5, 6, width=0.9, height=0.8)
    most = float(np.abs(W).max())
    for axes, image, is_flat in zip(grid.flat, W[:, 0], flat(W), strict=True):
        gray = axes.imshow(image, cmap="gray", vmin=-most, vmax=most)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color="tab:orange" if is_flat else "lightgray")
        axes.spines[:].set_linewidth(2 if is_flat else 1)
    figure.colorbar(gray, ax=grid, label="weight")
    figure.suptitle(title + (", flat filters framed" if flat(W).any() else ""))
    return figure


def flat(W: np.ndarray) -> np.ndarray:
    """Return which filters have weights in less than a fifth of the widest filter's range."""
    ranges = np.ptp(W, axis=(1, 2, 3))
    return ranges < ranges.max() / 5


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "correlation of neighboring pixels, before training",
            "no pattern",
            lambda result: likeness(result.before),
            -0.15,
            0.15,
            why="random numbers have about -0.04; three standard errors more",
            digits=2,
        ),
        Claim.between(
            "the same, after training",
            "images with a pattern",
            lambda result: likeness(result.after),
            0.3,
            1,
            why="twice what random filters may have at most",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
