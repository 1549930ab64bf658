"""The network of *Deeper Networks* reads your own digits (ours): dark ink on large sheets.

Takahashi, *Accuracy outside MNIST Dataset*, tried digits that users draw, and found about 20%.
A network that reads MNIST reads a photo of a digit no better than chance: the photo is dark on
light, and the digit is anywhere and of any size.  `dlbasics.datasets.normalize_digit` makes of it
what MNIST is made of.  The script draws test images on sheets, and measures how well two networks
read them before and after.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch03_forward import neuralnet_mnist
from ch03_forward.show_mnist import img_show
from ch08_deep.train_deepnet import trained_network
from dlbasics.datasets.images import digit
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record

SHOWN = 3
"""The number of digits in the figure."""

STEPS = {
    "the sheet,\nas a photo": lambda sheet: sheet / 255,
    "1. ink: how much\ndarker than paper": lambda sheet: digit.ink(sheet / 255),
    "2. crop: the\nrectangle with ink": lambda sheet: digit.cropped(digit.ink(sheet / 255)),
    "3. pen: wide enough,\n4. scale: 20 pixels": lambda sheet: digit.scaled(
        digit.thickened(digit.cropped(digit.ink(sheet / 255)))
    ),
    "5. centre: mass\nin the middle": lambda sheet: digit.normalize_digit(sheet, flatten=False)[0],
}


@dataclass(frozen=True)
class Config:
    """The sheets.

    Args:
        images: The number of test images that are drawn.
        side: The height and the width of a sheet, in pixels.
        smallest: The least size of an image of 28x28 pixels on a sheet, as a share of its side.
        largest: The largest size.
        fade: The share of the light that is lost from one side of the sheet to the other.
        noise: The standard deviation of the noise of a pixel, as a share of white.
    """

    images: int = 500
    side: int = 300
    smallest: float = 0.1
    largest: float = 0.9
    fade: float = 0.2
    noise: float = 0.02

    def __post_init__(self) -> None:
        if not 28 <= round(self.smallest * self.side) <= round(self.largest * self.side):
            raise ValueError("smallest must be 28 pixels or more, and at most largest")
        if self.largest > 1:
            raise ValueError(f"largest must be at most 1, got {self.largest}")


@dataclass(frozen=True)
class Result(Record):
    """What the networks make of the sheets.

    Args:
        sheets: The first sheets, uint8.
        read: What the deep network reads on these, after `normalize_digit`.
        accuracy: For each network, its accuracy on the test images themselves, on sheets made
            small, and on those after `normalize_digit`.
    """

    sheets: list[np.ndarray]
    read: list[int]
    accuracy: dict[str, tuple[float, float, float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    chosen = rng.choice(len(data.x_test), min(config.images, len(data.x_test)), replace=False)
    x, t = data.x_test[chosen], data.t_test[chosen]
    sheets = [on_paper(image.reshape(28, 28), config, rng) for image in x]
    small = digit.means(config.side, 28)
    as_they_are = np.array([small @ (sheet / 255) @ small.T for sheet in sheets], np.float32)
    normalized = np.array([digit.normalize_digit(sheet) for sheet in progress(sheets)])

    deep, weights = trained_network(), neuralnet_mnist.init_network()
    networks = {
        "DeepConvNet": lambda x: deep.predict(x.reshape(-1, 1, 28, 28)),
        "784-50-100-10": lambda x: neuralnet_mnist.predict(weights, x.reshape(-1, 784)),
    }
    scores = {
        name: [predict(images) for images in (x, as_they_are, normalized)]
        for name, predict in networks.items()
    }
    return Result(
        sheets=sheets[:SHOWN],
        read=scores["DeepConvNet"][2][:SHOWN].argmax(axis=1).tolist(),
        accuracy={
            name: tuple(float(np.mean(y.argmax(axis=1) == t)) for y in ys)
            for name, ys in scores.items()
        },
    )


def on_paper(image: np.ndarray, config: Config, rng: Generator) -> np.ndarray:
    """Return a sheet, uint8, with a digit (28, 28) in dark ink, anywhere and of any size."""
    side = config.side
    size = round(side * float(np.exp(rng.uniform(np.log(config.smallest), np.log(config.largest)))))
    # A matrix that finds the values between 28 pixels at `size` places, by linear interpolation.
    places = (np.arange(size) + 0.5) * 28 / size - 0.5
    between = np.array([np.interp(places, np.arange(28), pixel) for pixel in np.eye(28)]).T
    ink = np.zeros((side, side))
    top, left = rng.integers(0, side - size, size=2, endpoint=True)
    ink[top : top + size, left : left + size] = between @ image @ between.T

    row, column = np.linspace(-0.5, 0.5, side)[:, np.newaxis], np.linspace(-0.5, 0.5, side)
    angle = rng.uniform(0, 2 * np.pi)
    fade = config.fade * (np.cos(angle) * row + np.sin(angle) * column)
    light = rng.uniform(0.7, 1) * (1 - fade) * (1 - rng.uniform(0.6, 0.95) * ink)
    light += config.noise * rng.standard_normal(light.shape)
    return np.round(255 * np.clip(light, 0, 1)).astype(np.uint8)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, grid = plotting.subplots(
        len(result.sheets), len(STEPS), width=1.7, height=1.75, squeeze=False
    )
    for i, (row, sheet) in enumerate(zip(grid, result.sheets, strict=True)):
        for axes, (title, step) in zip(row, STEPS.items(), strict=True):
            img_show(axes, step(sheet), title if i == 0 else "")
            axes.title.set_fontsize(9)
        row[-1].text(28.5, 14, f"read as {result.read[i]}", fontsize=9, va="center")
    return {"steps": figure}


def accuracies(name: str) -> Claim:
    return Claim(
        f"accuracy of {name}: test images, sheets after `normalize_digit`",
        None,
        lambda r: [r.accuracy[name][0], r.accuracy[name][2]],
        lambda v: 0.9 <= v[0] and v[0] - 0.02 <= v[1],
        condition="the first is at least 0.9, the second at most 0.02 lower",
        why="ten of 500 images; chance alone moves the difference by about four",
    )


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "accuracy on sheets only made small: DeepConvNet, 784-50-100-10",
            None,
            lambda r: [ours[1] for ours in r.accuracy.values()],
            0,
            0.25,
            why="no better than guesses, which are right at 0.1, with a wide margin",
            digits=3,
        ),
        accuracies("DeepConvNet"),
        accuracies("784-50-100-10"),
    ],
    quick={"images": 100},
)

if __name__ == "__main__":
    experiment.main()
