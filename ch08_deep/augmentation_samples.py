"""*Improving Recognition Accuracy* (chapter 8): data augmentation makes many images from one.

The script rotates and shifts one digit, and applies each function of `dlbasics.augmentation` to it.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.random import Generator

from ch03_forward.show_mnist import img_show
from dlbasics import augmentation
from dlbasics.experiment import Claim, Data, Experiment, Record

KINDS: dict[str, dict[str, float]] = {
    "rotate": {"degrees": 25},
    "shift": {"pixels": 4},
    "scale": {"share": 0.4},
    "crop": {"pixels": 8},
    "flip": {"probability": 0.5},
    "brightness": {"amount": 0.8},
    "elastic": {"alpha": 1.5},
    "warp": {"degrees": 25, "share": 0.4, "pixels": 4, "alpha": 1.5},
}
"""The arguments that say how much an image changes, by function."""


@dataclass(frozen=True)
class Config:
    """The digit.

    Args:
        digit: The digit to change: the first test image of this digit.
        samples: The number of changed images that each function makes.
    """

    digit: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] = 7
    samples: int = 8


@dataclass(frozen=True)
class Result(Record):
    """The changed images.

    Args:
        image: The image (28, 28).
        samples: The changed images (N, 28, 28), by function.
        change_at_0: The largest change of a pixel when the functions are told to change nothing.
    """

    image: np.ndarray
    samples: dict[str, np.ndarray]
    change_at_0: float


def run(config: Config, data: Data, rng: Generator) -> Result:
    first = data.x_test[np.argmax(data.t_test == config.digit)]
    x = np.tile(first, (config.samples, 1)).reshape(-1, 1, 28, 28)

    def augmented(kind: str, amounts: dict[str, float]) -> np.ndarray:
        return getattr(augmentation, kind)(x, **amounts, rng=rng)

    samples = {kind: augmented(kind, amounts)[:, 0] for kind, amounts in KINDS.items()}
    unchanged = [augmented(kind, dict.fromkeys(amounts, 0)) for kind, amounts in KINDS.items()]
    return Result(x[0, 0], samples, max(float(np.abs(y - x).max()) for y in unchanged))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    three, panels = plotting.subplots(1, 3, width=2, height=2.2)
    img_show(panels[0], result.image, "the image")
    img_show(panels[1], most_changed(result, "rotate"), "rotated")
    img_show(panels[2], most_changed(result, "shift"), "shifted")

    columns = len(result.samples["shift"])
    sheet, rows = plotting.subplots(len(KINDS), 1, width=0.75 * columns, height=1.0)
    for axes, (kind, images) in zip(rows, result.samples.items(), strict=True):
        with_gaps = np.pad(images, ((0, 0), (0, 0), (0, 2)), constant_values=1)
        img_show(axes, np.hstack(with_gaps), "")
        amounts = ", ".join(f"{name}={amount}" for name, amount in KINDS[kind].items())
        axes.set_title(f"{kind}(x, {amounts})", loc="left", fontsize=10)
    return {"figure_8_4": three, "kinds": sheet}


def most_changed(result: Result, kind: str) -> np.ndarray:
    """Return the sample that differs most from the image."""
    changes = np.abs(result.samples[kind] - result.image).sum(axis=(1, 2))
    return result.samples[kind][changes.argmax()]


def pixel_range(result: Result) -> list[float]:
    """Return the smallest and the largest pixel of all samples."""
    images = np.stack([*result.samples.values()])
    return [float(images.min()), float(images.max())]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "largest change of a pixel where images change by 0",
            0,
            lambda result: result.change_at_0,
            printed=False,
            any_data=True,
        ),
        Claim.between(
            "smallest and largest pixel of all samples",
            None,
            pixel_range,
            0,
            1,
            why="pixels of an image are from 0 to 1, whatever the change",
            digits=3,
            any_data=True,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
