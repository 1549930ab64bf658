"""Visualizing the Weight of the First Layer (chapter 7): filters before and after training.

The filters that train_convnet.py starts from with the same seed, and those that it has trained; by
default those of simple_convnet.npz.  Random filters have no order; in trained ones, neighbouring
pixels are alike, as in edges and blobs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ch07_cnn.train_convnet import WEIGHTS, trained_network
from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.networks import SimpleConvNet
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    weights: str = ""

    def __post_init__(self) -> None:
        if self.weights and not Path(self.weights).is_file():
            raise ValueError(f"weights must be a file of train_convnet.py, got {self.weights}")


@dataclass(frozen=True)
class Result:
    """Filters (30, 1, 5, 5)."""

    before: Array
    after: Array


def run(config: Config, rng: RngLike) -> Result:
    before = SimpleConvNet(rng=np.random.default_rng(rng))
    after = trained_network(config.weights or WEIGHTS)
    return Result(before.params["W1"], after.params["W1"])


def likeness(W: Array) -> float:
    """The correlation of neighbouring pixels of all filters, each less its own mean."""
    W = W - W.mean(axis=(2, 3), keepdims=True)
    first = np.append(W[..., :-1], W[..., :-1, :])
    second = np.append(W[..., 1:], W[..., 1:, :])
    return float(np.corrcoef(first, second)[0, 1])


def plot(result: Result) -> dict[str, Any]:
    return {
        "figure_7_24_before": filters_figure(result.before, "before training"),
        "figure_7_24_after": filters_figure(result.after, "after training"),
    }


def filters_figure(W: Array, title: str) -> Any:
    """All filters in one range of greys: the smallest weight is black, the largest white."""
    from dlbasics import plotting

    figure, grid = plotting.subplots(5, 6, width=0.8, height=0.8)
    for axes, image in zip(grid.flat, W[:, 0], strict=True):
        axes.imshow(image, cmap="gray", vmin=W.min(), vmax=W.max())
        axes.set_axis_off()
    figure.suptitle(title)
    return figure


CLAIMS = [
    Claim(
        "correlation of neighbouring pixels, before training",
        "no order",
        lambda result: likeness(result.before),
        lambda v: abs(v) < 0.15,
        digits=2,
    ),
    Claim(
        "the same, after training",
        "a regular pattern",
        lambda result: likeness(result.after),
        lambda v: 0.3 < v <= 1,
        digits=2,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS)
