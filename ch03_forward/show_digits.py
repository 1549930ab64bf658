"""The digits that dlbasics draws (ours): they replace MNIST where there is no network.

The script shows a sheet of them, and measures their size and place in the images.  The digits come
from `dlbasics/datasets/digits.py`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch03_forward.matrix_products import shapes_claim
from ch03_forward.show_mnist import SHAPES, img_show
from dlbasics.datasets.digits import draw, load_digits
from dlbasics.experiment import Claim, Experiment, Record

COLUMNS = 16
"""The number of images of each digit on the sheet."""


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        train: The number of training images that are drawn.
        test: The number of test images that are drawn.
    """

    train: int = 60_000
    test: int = 10_000


@dataclass(frozen=True)
class Result(Record):
    """A sheet of digits, and facts about the data set.

    Args:
        shapes: The shapes of the data set's arrays, by name.
        sheet: The images of the sheet, with a row for each digit, (10, COLUMNS, 28, 28).
        shares: The share of each digit among the training images, (10,).
        longer_side: The longer side of the box around the ink, in pixels: the median of the test
            images.
        off_centre: The distance of the centre of mass from the middle, in x or y, whichever is
            larger, in pixels: the median of the test images.
    """

    shapes: dict[str, tuple[int, ...]]
    sheet: np.ndarray
    shares: np.ndarray
    longer_side: float
    off_centre: float


def run(config: Config, rng: Generator) -> Result:
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


def longer_sides(x: np.ndarray) -> np.ndarray:
    """Return the longer side of the box around the ink of images x (N, 784), in pixels, (N,)."""
    ink = x.reshape(-1, 28, 28) > 0.5
    pixel = np.arange(28)
    sides = []
    for axis in (1, 2):
        has_ink = ink.any(axis=axis)
        first = np.where(has_ink, pixel, 28).min(axis=1)
        last = np.where(has_ink, pixel, -1).max(axis=1)
        sides.append(last - first + 1)
    return np.max(sides, axis=0)


def distances_from_middle(x: np.ndarray) -> np.ndarray:
    """Return the distance of the centre of mass of images x (N, 784) from (14, 14), (N,).

    It is the distance in x or in y, whichever is larger.
    """
    mass = x.reshape(-1, 28, 28) / x.sum(axis=1)[:, None, None]
    centres = [mass.sum(axis=axis) @ np.arange(28) for axis in (1, 2)]
    return np.max(np.abs(np.array(centres) - 14), axis=0)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=8, height=5)
    img_show(axes, result.sheet.swapaxes(1, 2).reshape(10 * 28, COLUMNS * 28), "")
    return {"sheet": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        shapes_claim("images and labels", SHAPES),
        Claim.same(
            "smallest and largest share of a digit",
            (0.1, 0.1),
            lambda r: [r.shares.min(), r.shares.max()],
            atol=0.005,
            why="four standard deviations of 60,000 random digits",
            printed=False,
            digits=3,
        ),
        Claim.same(
            "longer side of a digit, in pixels",
            20,
            lambda r: r.longer_side,
            atol=1,
            why="the palest pixels at the edge count as none",
            printed=False,
        ),
        Claim.between(
            "distance of the centre of mass from the middle, in pixels",
            None,
            lambda r: r.off_centre,
            0,
            0.5,
            why="images move by whole pixels",
            digits=2,
        ),
    ],
    quick={"train": 2_000, "test": 500},
)

if __name__ == "__main__":
    experiment.main()
