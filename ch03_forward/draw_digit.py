"""How an embedded digit is made (not in the book): from skeletons typed by hand to an image.

It shows the steps of `dlbasics/datasets/digits.py`, one by one, for a few digits.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch03_forward.show_mnist import img_show
from dlbasics import experiment
from dlbasics.datasets import digits
from dlbasics.experiment import Claim
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    digits: tuple[int, ...] = (2, 4, 7)

    def __post_init__(self) -> None:
        if not self.digits or not set(self.digits) <= set(range(10)):
            raise ValueError(f"digits must be from 0 to 9, got {self.digits}")


@dataclass(frozen=True)
class Result:
    """t (N,);  drawn (N, 2): which strokes there are;  strokes: after each step, (N, 2, POINTS, 2).

    images (N, 28, 28): as rendered, from 0 to 1;  centred: by their centre of mass;  difference: in
    grey levels, between these and what digits.draw makes at once.
    """

    t: Array
    drawn: Array
    strokes: dict[str, Array]
    images: Array
    centred: Array
    difference: float


def run(config: Config, rng: RngLike) -> Result:
    seed = np.random.default_rng(rng).integers(2**32)
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
        count, len(result.strokes) + 2, width=1.5, height=1.9, squeeze=False
    )
    for i, row in enumerate(grid):
        for axes, (step, strokes) in zip(row, result.strokes.items(), strict=False):
            in_pixels = step.startswith("in a box")
            for stroke in strokes[i, result.drawn[i]]:
                axes.plot(*stroke.T, linewidth=2)
                axes.plot(*stroke[0], "o", markersize=4, color=axes.lines[-1].get_color())
            ends = (-0.5, 27.5) if in_pixels else (-0.5, 1.5)
            ticks = (4, 23) if in_pixels else (0, 1)
            axes.set(xlim=ends, ylim=ends[::-1], aspect="equal", xticks=ticks, yticks=ticks)
            axes.set_title(step if i == 0 else "", fontsize=9)
        for axes, title, img in (
            (row[-2], "ink where the\npen is near", result.images[i]),
            (row[-1], "centre of mass\nin the middle", result.centred[i]),
        ):
            img_show(axes, img, "")
            axes.set_title(title if i == 0 else "", fontsize=9)
    return {"steps": figure}


CLAIMS = [
    Claim.same("grey levels between these steps and all at once", 0, lambda r: r.difference),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS)
