"""How a drawing becomes an image as MNIST's are, one step at a time.

MNIST was made from scans of handwritten forms, in steps.  A network that has learned MNIST reads a
digit well only if the digit has gone through the same steps.  `as_mnist` takes them one by one,
shows the picture after each, and can leave any of them out, so that you see what it is worth:

    invert   the ink becomes white and the paper black
    crop     the paper around the digit is cut off
    stroke   a thin pen becomes wider
    scale    the longer side becomes 20 pixels
    smooth   each pixel becomes the mean of the area that it covers
    centre   the centre of mass moves to the middle of 28x28 pixels

The formulas of the steps are in `dlbasics.datasets.images.digit`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.datasets.images import digit
from dlbasics.datasets.images.digit import BOX, SIDE


class Text(NamedTuple):
    """What a step says about itself.

    Attributes:
        title: Its name on the page.
        text: What it does, and why.
    """

    title: str
    text: str


DRAWN = Text("As drawn", "The picture as it came.")

STEPS = {
    "invert": Text(
        "Invert",
        "MNIST's digits are white on black: 0 is paper, 1 is ink. Shadows on the paper go, too.",
    ),
    "crop": Text(
        "Crop",
        "Only the rectangle that holds the digit counts, wherever you drew it.",
    ),
    "stroke": Text(
        "Stroke width",
        "A pen thinner than MNIST's becomes wider, since it would fade when the digit is scaled.",
    ),
    "scale": Text(
        "Scale",
        "The longer side becomes 20 pixels. The other side keeps its proportion.",
    ),
    "smooth": Text(
        "Smooth",
        "Each pixel becomes the mean of the area that it covers, so edges are grey.",
    ),
    "centre": Text(
        "Centre",
        "The centre of mass moves to the middle of 28x28 pixels. This is what the network sees.",
    ),
}
"""The steps in order, by name."""


@dataclass(frozen=True, eq=False)
class Step:
    """A step, and the picture after it.

    Attributes:
        name: Its key in `STEPS`, or "drawn" for the picture before the first step.
        title: Its name on the page.
        text: What it does, and why.
        picture: The picture after it, float32 from 0 to 1, (H, W).
    """

    name: str
    title: str
    text: str
    picture: Array


def as_mnist(image: Any, without: Iterable[str] = ()) -> list[Step]:
    """Turn a picture of a digit into an image as MNIST's are, and return the picture of each step.

    The last picture, (28, 28), is what a network sees.  It equals `normalize_digit(image)` if no
    step is left out:

        image = as_mnist("five.jpg")[-1].picture

    The list also has a picture for a step that is left out.  It is the picture that the next step
    gets in its place:

    - Without "invert", the colours stay as they are, such as dark on light.
    - Without "crop", the rectangle is the whole sheet.
    - Without "stroke", the pen keeps its width.
    - Without "scale", the rectangle keeps its size relative to the sheet, whose longer side becomes
      28 pixels.
    - Without "smooth", each pixel has the value of the one point in its middle.
    - Without "centre", the rectangle stays where it was on the sheet, as far as it fits.

    Without any of them, the whole sheet is made 28x28 pixels.

    Args:
        image: A picture as `normalize_digit` takes it: a file, a picture of Pillow's, or an array.
        without: The names of the steps to leave out, keys of `STEPS`.

    Returns:
        The steps in order.  The first one is "drawn", the picture as it came.

    Raises:
        TypeError: If `image` or `without` is not as above.
        ValueError: If `without` holds another name, or `image` has no ink or is damaged.
        OSError: If the file cannot be opened.
    """
    left_out = _names(without)
    name = f"{image}:" if isinstance(image, str | os.PathLike) else "image"
    drawn = digit.smaller(digit.grey(image))
    pictures = {"drawn": drawn}

    ink = digit.ink(drawn)
    even = digit.smooth(ink)
    darkest = digit.darkest_ink(even, name)
    sheet = digit.cleared(ink, darkest)
    pictures["invert"] = sheet

    rows, columns = slice(0, len(sheet)), slice(0, sheet.shape[1])
    if "crop" not in left_out:
        rows, columns = digit.rectangle(digit.without_specks(digit.is_ink(even, darkest)))
    x = pictures["crop"] = sheet[rows, columns]

    scale = SIDE / max(sheet.shape) if "scale" in left_out else None
    if "stroke" not in left_out:
        x = digit.thickened(x, scale)
        if "crop" in left_out:  # the sheet ends where it ended
            x = _middle(x, sheet.shape)
    pictures["stroke"] = x

    if scale is None:
        scale = BOX / max(x.shape)
    h, w = (min(max(1, round(side * scale)), SIDE) for side in x.shape)
    points = x[_middles(len(x), h)[:, np.newaxis], _middles(x.shape[1], w)]
    pictures["scale"] = points

    is_smooth = "smooth" not in left_out
    x = digit.means(len(x), h) @ x @ digit.means(x.shape[1], w).T if is_smooth else points
    pictures["smooth"] = x

    if "crop" in left_out and "centre" not in left_out and x.any():
        x = x[digit.rectangle(x > 0)]  # paper may leave the image
    if "centre" not in left_out and x.any():
        x = digit.centred(x)
    else:
        x = _placed(x, rows, columns, sheet.shape)
    pictures["centre"] = x

    if "invert" in left_out and not digit.is_light_on_dark(drawn, digit.light(drawn)):
        pictures.update({key: 1 - pictures[key] for key in STEPS})
    texts = {"drawn": DRAWN, **STEPS}
    return [Step(key, *texts[key], x.astype(np.float32)) for key, x in pictures.items()]


def _names(without: Any) -> set[str]:
    if isinstance(without, str) or not isinstance(without, Iterable):
        raise TypeError(f"without must be a list of names of steps, got {without!r}")
    names = [*without]
    for name in names:
        if not isinstance(name, str) or name not in STEPS:
            raise ValueError(f"without must hold names of {[*STEPS]}, got {name!r}")
    return {*names}


def _middles(n: int, m: int) -> Array:
    """Return, for each of m equal parts of n pixels, the pixel in its middle."""
    return ((np.arange(m) + 0.5) * n / m).astype(int)


def _middle(x: Array, shape: tuple[int, ...]) -> Array:
    """Return the part of that shape in the middle of x."""
    top, left = ((side - least) // 2 for side, least in zip(x.shape, shape, strict=True))
    return x[top : top + shape[0], left : left + shape[1]]


def _placed(x: Array, rows: slice, columns: slice, sheet: tuple[int, ...]) -> Array:
    """Return an image of 28x28 pixels with x where its rectangle was on the sheet.

    The middle of the sheet is the middle of the image.
    """
    image = np.zeros((SIDE, SIDE))
    start = []
    for side, part, whole in zip(x.shape, (rows, columns), sheet, strict=True):
        middle = SIDE / 2 + ((part.start + part.stop) / 2 - whole / 2) * SIDE / max(sheet)
        start.append(min(max(round(middle - side / 2), 0), SIDE - side))
    image[start[0] : start[0] + len(x), start[1] : start[1] + x.shape[1]] = x
    return image
