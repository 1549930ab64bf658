"""*MNIST Dataset* (chapter 3): the shapes of the data, the first image, and the first fifty."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch03_forward.matrix_products import shapes_claim
from dlbasics.experiment import Claim, Data, Experiment, Record

ROWS, COLUMNS = 5, 10

SHAPES = {
    "x_train": (60000, 784),
    "t_train": (60000,),
    "x_test": (10000, 784),
    "t_test": (10000,),
}
SHAPES_OF_ONE = {"the first image": (784,), "the first image, reshaped": (28, 28)}
"""The shapes that the book prints."""


@dataclass(frozen=True)
class Result(Record):
    """The shapes and the first images of the data set.

    Args:
        shapes: The shapes of the arrays, by name.
        images: The first training images, (50, 784).
        labels: Their labels, (50,).
    """

    shapes: dict[str, tuple[int, ...]]
    images: np.ndarray
    labels: np.ndarray


def run(data: Data) -> Result:
    img = data.x_train[0]
    shapes = {
        "x_train": data.x_train.shape,
        "t_train": data.t_train.shape,
        "x_test": data.x_test.shape,
        "t_test": data.t_test.shape,
        "the first image": img.shape,
        "the first image, reshaped": img.reshape(28, 28).shape,
    }
    count = ROWS * COLUMNS
    return Result(shapes, data.x_train[:count], data.t_train[:count])


def img_show(axes: Any, img: np.ndarray, title: str) -> None:
    """Draw an image (784,) or (H, W), with grey values from 0 (black) to 1 (white)."""
    axes.imshow(img.reshape(28, 28) if img.ndim == 1 else img, cmap="gray", vmin=0, vmax=1)
    axes.set_title(title)
    axes.set_axis_off()


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    first, axes = plotting.subplots(width=3, height=3.3)
    img_show(axes, result.images[0], f"label {result.labels[0]}")
    sheet, grid = plotting.subplots(ROWS, COLUMNS, width=0.8, height=1.0)
    for axes, img, label in zip(grid.flat, result.images, result.labels, strict=True):
        img_show(axes, img, f"{label}")
    return {"first_image": first, "first_fifty": sheet}


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        shapes_claim("images and labels", SHAPES),
        Claim.same("label of the first image", 5, lambda result: result.labels[0]),
        shapes_claim("the first image, as a row and as a square", SHAPES_OF_ONE),
    ],
)

if __name__ == "__main__":
    experiment.main()
