"""The embedded digits (not in the book): what takes the place of MNIST where there is no network.

A sheet of them, and how they are placed in their images. `dlbasics/datasets/digits.py` draws them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch03_forward.matrix_products import shape_claim
from ch03_forward.show_mnist import img_show
from dlbasics import experiment
from dlbasics.datasets.digits import draw, load_digits
from dlbasics.experiment import Claim
from dlbasics.typing import Array, RngLike

COLUMNS = 16


@dataclass(frozen=True)
class Config:
    train: int = 60_000
    test: int = 10_000


@dataclass(frozen=True)
class Result:
    """shapes: by name;  sheet (10, COLUMNS, 28, 28): images, a row for each digit.

    shares: of the ten digits among the training images;  longer_side: that of the box around each
    test image's ink, in pixels, the median;  off_centre: how far its centre of mass is from the
    middle, in x or in y, in pixels, the median of the larger.
    """

    shapes: dict[str, tuple[int, ...]]
    sheet: Array
    shares: Array
    longer_side: float
    off_centre: float


def run(config: Config, rng: RngLike) -> Result:
    (x_train, t_train), (x_test, t_test) = load_digits(train=config.train, test=config.test)
    sheet = draw(np.repeat(np.arange(10), COLUMNS), rng) / 255
    return Result(
        shapes={
            "x_train": x_train.shape,
            "t_train": t_train.shape,
            "x_test": x_test.shape,
            "t_test": t_test.shape,
        },
        sheet=sheet.reshape(10, COLUMNS, 28, 28),
        shares=np.bincount(t_train, minlength=10) / len(t_train),
        longer_side=float(np.median(longer_sides(x_test))),
        off_centre=float(np.median(distances_from_middle(x_test))),
    )


def longer_sides(x: Array) -> Array:
    """The longer side of the box around the ink of images x (N, 784), in pixels, (N,)."""
    ink = x.reshape(-1, 28, 28) > 0.5
    pixel = np.arange(28)
    sides = []
    for axis in (1, 2):
        there = ink.any(axis=axis)
        last = np.where(there, pixel, -1).max(axis=1)
        sides.append(last - np.where(there, pixel, 28).min(axis=1) + 1)
    return np.max(sides, axis=0)


def distances_from_middle(x: Array) -> Array:
    """How far the centre of mass of images x (N, 784) is from (14, 14), in x or in y, (N,)."""
    mass = x.reshape(-1, 28, 28) / x.sum(axis=1)[:, None, None]
    centres = [mass.sum(axis=axis) @ np.arange(28) for axis in (1, 2)]
    return np.max(np.abs(np.array(centres) - 14), axis=0)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=8, height=5)
    img_show(axes, result.sheet.swapaxes(1, 2).reshape(10 * 28, COLUMNS * 28), "")
    return {"sheet": figure}


CLAIMS = [
    shape_claim("x_train", (60000, 784)),
    shape_claim("t_train", (60000,)),
    shape_claim("x_test", (10000, 784)),
    shape_claim("t_test", (10000,)),
    Claim.same("share of each digit", (0.1,) * 10, lambda r: r.shares, atol=0.005, digits=2),
    Claim.same("longer side of a digit, pixels", 20, lambda r: r.longer_side, atol=1),
    Claim(
        "centre of mass off the middle, pixels",
        "at most 0.5",
        lambda r: r.off_centre,
        lambda v: v <= 0.5,
        digits=2,
    ),
]

if __name__ == "__main__":
    quick = {"train": 2_000, "test": 500}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
