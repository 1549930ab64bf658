"""How dlbasics draws a digit (ours): from skeletons typed by hand to an image.

The script shows the steps of `dlbasics/datasets/digits.py` one by one, for a few digits.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch03_forward.show_mnist import img_show
from dlbasics.datasets import digits
from dlbasics.experiment import Claim, Experiment, Record


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        digits: The digits to draw, each from 0 to 9.
    """

    digits: tuple[int, ...] = (2, 4, 7)

    def __post_init__(self) -> None:
        if not self.digits or not set(self.digits) <= set(range(10)):
            raise ValueError(f"digits must be from 0 to 9, got {self.digits}")


@dataclass(frozen=True)
class Result(Record):
    """The digits after each step.

    Args:
        t: The digits, (N,).
        drawn: Whether each digit has a first and a second stroke, (N, 2).
        strokes: The points of the strokes after each step, (N, 2, POINTS, 2), by the step's name.
        images: The images with grey values from 0 to 1, before they are centred, (N, 28, 28).
        centred: The images with their centre of mass in the middle, (N, 28, 28).
        difference: The largest difference in grey levels, of 255, between the centred images and
            those that `digits.draw` draws at once.
    """

    t: np.ndarray
    drawn: np.ndarray
    strokes: dict[str, np.ndarray]
    images: np.ndarray
    centred: np.ndarray
    difference: float


def run(config: Config, rng: Generator) -> Result:
    seed = rng.integers(2**32)
    t, rng = np.array(config.digits), np.random.default_rng(seed)
    steps = {}

    strokes, drawn = digits.strokes_of(t, rng)
    steps["between\nskeletons"] = strokes
    strokes = digits.move_ends(strokes, rng)
    steps["ends too early\nor too late"] = strokes
    strokes = digits.tremble(strokes, t, rng)
    steps["an unsteady\nhand"] = strokes
    strokes = digits.stretch(digits.move_parts(strokes, rng), rng)
    steps["uneven\nstretching"] = strokes
    strokes = digits.lean(strokes, rng)
    steps["slanted\nand turned"] = strokes
    pen = digits.pens(len(t), rng)
    strokes = digits.in_pixels(strokes, drawn, pen)
    steps["in a box of\n20x20 pixels"] = strokes
    images = digits.render(strokes, drawn, pen, rng)
    centred = digits.centred(images)

    at_once = digits.draw(t, np.random.default_rng(seed))
    difference = np.abs(np.round(255 * centred) - at_once).max()
    return Result(t, drawn, steps, images, centred, float(difference))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    count = len(result.t)
    figure, grid = plotting.subplots(
        count, len(result.strokes) + 2, width=1.2, height=1.3, squeeze=False
    )
    for i, row in enumerate(grid):
        for axes, (step, strokes) in zip(row, result.strokes.items(), strict=False):
            in_pixels = step.startswith("in a box")
            first, last, margin = (4, 23, 4.5) if in_pixels else (0, 1, 0.4)
            box = [first, first, last, last, first], [first, last, last, first, first]
            for stroke in strokes[i, result.drawn[i]]:
                axes.plot(*stroke.T, linewidth=2)
                axes.plot(*stroke[0], "o", markersize=4, color=axes.lines[-1].get_color())
            axes.plot(*box, color="0.7", linewidth=0.8, zorder=0)
            ends = (first - margin, last + margin)
            axes.set(xlim=ends, ylim=ends[::-1], aspect="equal")
            axes.set_axis_off()
            axes.set_title(step if i == 0 else "", fontsize=9)
        for axes, title, img in (
            (row[-2], "ink where the\npen is near", result.images[i]),
            (row[-1], "centre of mass\nin the middle", result.centred[i]),
        ):
            img_show(axes, img, "")
            axes.set_title(title if i == 0 else "", fontsize=9)
    return {"steps": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "largest difference from digits drawn at once, in grey levels",
            0,
            lambda r: r.difference,
            printed=False,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
