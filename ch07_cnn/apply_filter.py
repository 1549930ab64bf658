"""*Visualizing the Weight of the First Layer* (chapter 7): what trained filters respond to.

The script takes two of the filters in simple_convnet.npz.  It chooses them by their weights alone:
in one, left and right differ much more than top and bottom; in the other, top and bottom do.  Then
it applies both to a picture.  The first responds to vertical edges, the second to horizontal ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch07_cnn.train_convnet import trained_network
from dlbasics.columns import im2col
from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import Convolution


@dataclass(frozen=True)
class Result(Record):
    """The two filters, by the direction of edges: "vertical" and "horizontal".

    Args:
        image: The picture (96, 128), from 0 to 1.
        filters: The weights (5, 5) of each filter.
        outputs: The output (92, 124) of each filter.
        strength: The mean size of each filter's output at vertical edges and at horizontal ones.
            Only windows with edges of one direction count.
    """

    image: np.ndarray
    filters: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    strength: dict[str, list[float]]


def run() -> Result:
    image = house()
    filters = edge_filters(trained_network().params["W1"][:, 0])
    vertical, horizontal = edges(image)
    outputs, strength = {}, {}
    for key, W in filters.items():
        outputs[key] = apply(W, image)
        # Without its mean, a filter makes 0 of a window without an edge, however bright.
        contrast = np.abs(apply(W - W.mean(), image))
        strength[key] = [float(contrast[vertical].mean()), float(contrast[horizontal].mean())]
    return Result(image, filters, outputs, strength)


def house() -> np.ndarray:
    """Draw a house with a sun and a fence, (96, 128): it has edges of all directions."""
    y, x = np.mgrid[:96, :128]
    image = np.full((96, 128), 0.55)
    image[84:] = 0.3  # grass
    image[(y - 18) ** 2 + (x - 106) ** 2 < 11**2] = 1  # sun
    image[40:84, 22:78] = 0.85  # wall
    image[(y < 40) & (y > 12 + 0.8 * np.abs(x - 50))] = 0.15  # roof
    image[58:84, 58:70] = 0.2  # door
    for left in (28, 42):
        image[50:64, left : left + 11] = 0.1  # window
        image[56:58, left : left + 11] = image[50:64, left + 5 : left + 6] = 0.85
    for left in range(84, 128, 8):
        image[68:84, left : left + 4] = 0.95  # fence
    image[72:75, 84:] = 0.95
    return image.astype(np.float32)


def edge_filters(W: np.ndarray) -> dict[str, np.ndarray]:
    """Choose from filters W (FN, 5, 5) one for vertical edges and one for horizontal edges."""
    across = np.abs(W[:, :, 3:].sum(axis=(1, 2)) - W[:, :, :2].sum(axis=(1, 2)))
    down = np.abs(W[:, 3:].sum(axis=(1, 2)) - W[:, :2].sum(axis=(1, 2)))
    return {"vertical": W[np.argmax(across - down)], "horizontal": W[np.argmax(down - across)]}


def apply(W: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the convolution of an image (H, W) with one filter."""
    return Convolution(W[np.newaxis, np.newaxis], 0).forward(image[np.newaxis])[0]


def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which windows of 5 x 5 hold only vertical edges, and which only horizontal ones.

    Both arrays have the shape (92, 124).  In a window with vertical edges all rows are equal, but
    not all columns.
    """
    OH, OW = image.shape[0] - 4, image.shape[1] - 4
    windows = im2col(image[np.newaxis, np.newaxis], 5, 5).reshape(OH, OW, 5, 5)
    same_rows = (windows == windows[:, :, :1]).all(axis=(2, 3))
    same_columns = (windows == windows[:, :, :, :1]).all(axis=(2, 3))
    return same_rows & ~same_columns, same_columns & ~same_rows


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(
        2, 3, width=2.7, height=2.3, gridspec_kw={"width_ratios": [2, 1, 2]}
    )
    for row, key in zip(panels, result.filters, strict=True):
        row[0].remove()
        draw(row[1], result.filters[key], f"filter for\n{key} edges")
        draw(row[2], result.outputs[key], "its output")
    picture = figure.add_subplot(panels[0, 0].get_gridspec()[:, 0])
    draw(picture, result.image, "the picture")
    return {"figure_7_25": figure}


def draw(axes: Any, image: np.ndarray, title: str) -> None:
    """Draw an image in a frame: its smallest value is black, its largest is white."""
    axes.imshow(image, cmap="gray")
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="tab:blue", linewidth=1.5)


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim(
            "vertical filter: mean output at vertical, horizontal edges",
            "reacts to vertical edges",
            lambda result: result.strength["vertical"],
            lambda v: v[0] > 2 * v[1] > 0,
            condition="the first is more than twice the second, which is above 0",
            why="twice is what 'reacts to' should mean; the filters lie in a file",
            digits=2,
        ),
        Claim(
            "horizontal filter: mean output at vertical, horizontal edges",
            "reacts to horizontal edges",
            lambda result: result.strength["horizontal"],
            lambda v: v[1] > 2 * v[0] > 0,
            condition="the second is more than twice the first, which is above 0",
            why="twice is what 'reacts to' should mean; the filters lie in a file",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
