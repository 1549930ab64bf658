"""From a digit on a sheet of paper to an image as MNIST's are.

MNIST's digits are white on black.  Each fits a box of 20x20 pixels, and its centre of mass is in
the middle of 28x28 pixels.  A network that has learned such images reads little else.
`normalize_digit` brings a picture into this form in five steps, each a section of this file:

1. ink: how much darker than the paper each pixel is;
2. crop: the rectangle that holds the digit;
3. pen: a thin pen becomes wider, since it would fade when the digit is scaled;
4. scale: the longer side becomes 20 pixels;
5. centre: the centre of mass moves to the middle.
"""

import os
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_flag
from dlbasics._internal.files import as_path
from dlbasics._internal.pictures import read_picture, upright

BOX, SIDE = 20, 28
"""The sides, in pixels, of the box that a digit fills, and of the image."""

LARGE = 1_000
"""A picture with twice as many pixels in a row or a column, or more, is made smaller first."""

CONTRAST = 0.15
"""The darkest ink takes away this share of the light, or more; otherwise there is no ink."""

FAINT = (0.35, 0.6)
"""Where ink has more than a share of the darkest ink, there is a digit.  This share lies between
the first number, on a clean sheet, and the second, on a noisy one."""

NOISE = 20.0
"""That share, divided by the share of ink that the median pixel has, which is paper with noise."""

SPECK = 0.1
"""A spot with less than this share of the largest spot's pixels is dirt."""

HAZE = 0.1
"""Ink with less than this share of the darkest ink is taken for paper."""

PEN = 1.5
"""The least width of a pen, in pixels of the final image.  In MNIST most are 2 to 4 wide."""


def normalize_digit(image: Any, *, flatten: bool = True) -> Array:
    """Return a digit on a sheet of paper as an image like MNIST's.

    The digit may have any size and be anywhere on the sheet.  The pen may be thin, the light may
    fade from one side of the sheet to the other, and there may be small specks of dirt.  Nothing
    else may be in the picture, such as lines, another digit or the edge of a table.  Light ink on
    dark paper works, too.

        x = normalize_digit("five.jpg")
        print(network.predict(x).argmax())

    Args:
        image: The file of a picture, a picture of Pillow's, or an array: grey values (H, W) or
            colours (H, W, 3), from 0 to 255 or from 0 to 1.
        flatten: True gives the shape (784,), for a network such as TwoLayerNet; False gives
            (1, 28, 28), for one with convolutions.

    Returns:
        The image, float32 from 0 (paper) to 1 (ink).

    Raises:
        TypeError: If `image` is none of these, or `flatten` is neither True nor False.
        ValueError: If `image` has another shape or range, or no ink; or if its file is damaged.
        OSError: If the file cannot be opened.
    """
    flatten = as_flag(flatten, "flatten")
    name = f"{image}:" if isinstance(image, str | os.PathLike) else "image"
    x = centred(scaled(thickened(cropped(ink(smaller(grey(image))), name))))
    return x.reshape(-1) if flatten else x[np.newaxis]


# ---- 1.  Ink ----


def grey(image: Any) -> Array:
    """Return the grey values (H, W) of a file, a picture or an array, from 0 to 1."""
    if isinstance(image, str | os.PathLike):
        image = read_picture(as_path(image, "image"), color=False, least=LARGE)
    elif type(image).__module__.startswith("PIL."):
        image = upright(image, color=False)
    x = as_array(image, "image")
    if x.ndim not in (2, 3) or x.shape[2:] not in ((), (1,), (3,), (4,)) or min(x.shape) == 0:
        raise ValueError(
            f"image must have shape (H, W) or (H, W, 3), and not be empty, got {x.shape}"
        )
    x = x.astype(np.float32)
    low, high = x.min(), x.max()
    if not 0 <= low <= high <= 255:
        raise ValueError(f"image must have values from 0 to 255, or to 1, got {low} to {high}")
    x = x / (255 if high > 1 else 1)
    if x.ndim == 3 and x.shape[2] >= 3:
        opaque = x[..., 3] if x.shape[2] == 4 else np.ones(x.shape[:2])
        x = opaque * (x[..., :3] @ np.array([0.299, 0.587, 0.114])) + (1 - opaque)
    return x.reshape(x.shape[:2])


def smaller(x: Array) -> Array:
    """Return a large picture with blocks of pixels replaced by their mean."""
    k = max(1, max(x.shape) // LARGE)
    h, w = (max(side // k, 1) for side in x.shape)
    return x[: h * k, : w * k].reshape(h, -1, w, min(k, x.shape[1])).mean(axis=(1, 3))


def ink(x: Array, degree: int = 1) -> Array:
    """Return the share of the light that ink takes away at each pixel; 0 is paper.

    If the paper is dark and the ink is light, the picture is inverted first.

    Args:
        x: The grey values, (H, W).
        degree: How much the light may vary; see `light`.
    """
    paper = light(x, degree)
    if is_light_on_dark(x, paper):
        x, paper = 1 - x, 1 - paper
    return (paper - x) / np.maximum(paper, 0.05)


def is_light_on_dark(x: Array, paper: Array) -> bool:
    """Return whether the ink differs most from the paper where it is lighter."""
    difference = smooth(x - paper)
    return bool(difference.max() > -difference.min())


def light(x: Array, degree: int = 1) -> Array:
    """Return the grey values that the sheet would have without ink.

    They are a polynomial of row and column, fitted to the paper.  Least squares fit it to 10,000
    pixels all over the sheet.  Those far from it are ink, so it is fitted again without them, a few
    times.

    Args:
        x: The grey values, (H, W).
        degree: The degree of the polynomial.  1 makes it a plane: the light fades from one side to
            the other.  2 also allows for a light that is brightest in the middle.
    """
    h, w = x.shape
    row, column = np.linspace(-1, 1, h), np.linspace(-1, 1, w)
    powers = [(i - j, j) for i in range(degree + 1) for j in range(i + 1)]
    some = np.arange(0, x.size, max(1, x.size // 10_000))
    known = np.stack([row[some // w] ** i * column[some % w] ** j for i, j in powers], axis=1)
    values = x.reshape(-1)[some]
    factors = np.array([np.median(values), *[0] * (len(powers) - 1)])
    for _ in range(5):
        error = np.abs(values - known @ factors)
        near = error <= 2.5 * np.median(error) + 1e-3
        factors = np.linalg.lstsq(known[near], values[near], rcond=None)[0]
    paper = np.full((h, w), factors[0])
    for factor, (i, j) in zip(factors[1:], powers[1:], strict=True):
        paper += factor * row[:, np.newaxis] ** i * column**j
    return paper


def smooth(x: Array) -> Array:
    """Return the mean of each pixel and its eight neighbours."""
    x = np.pad(x, 1, mode="edge")
    x = x[:-2] + x[1:-1] + x[2:]
    return (x[:, :-2] + x[:, 1:-1] + x[:, 2:]) / 9


# ---- 2.  Crop ----


def cropped(x: Array, name: str = "image") -> Array:
    """Return the rectangle that holds the digit, with ink from 0 to 1.

    Args:
        x: The ink, (H, W).
        name: The name of the picture for messages.

    Raises:
        ValueError: If there is no ink.
    """
    even = smooth(x)
    darkest = darkest_ink(even, name)
    return cleared(x[rectangle(without_specks(is_ink(even, darkest)))], darkest)


def darkest_ink(even: Array, name: str = "image") -> float:
    """Return the largest share of light that ink takes away; raise ValueError if it is small."""
    darkest = max(0.0, float(even.max()))
    if darkest < CONTRAST:
        raise ValueError(
            f"{name} must hold a digit, got no ink: the darkest place takes away {darkest:.0%} of "
            f"the light, and {CONTRAST:.0%} is the least"
        )
    return darkest


def is_ink(even: Array, darkest: float) -> Array:
    """Return where there is ink, not noise: a mask (H, W)."""
    noise = np.median(np.abs(even)) / darkest
    return even > np.clip(NOISE * noise, *FAINT) * darkest


def rectangle(there: Array) -> tuple[slice, slice]:
    """Return the rows and the columns of the smallest rectangle that holds a mask."""
    top, bottom = np.flatnonzero(there.any(axis=1))[[0, -1]]
    left, right = np.flatnonzero(there.any(axis=0))[[0, -1]]
    return slice(top, bottom + 1), slice(left, right + 1)


def cleared(x: Array, darkest: float) -> Array:
    """Return ink from 0, which is clean paper, to 1, which is the darkest ink."""
    return np.clip((x / darkest - HAZE) / (1 - HAZE), 0, 1)


def without_specks(there: Array) -> Array:
    """Return the mask without spots that are much smaller than the largest one.

    Pixels that touch, also at a corner, belong to one spot.
    """
    # Blocks of pixels, at most 100 in a row, are enough, and much faster.
    k = 1 + max(there.shape) // 100
    h, w = (-(-side // k) for side in there.shape)
    padded = np.pad(there, ((0, h * k - there.shape[0]), (0, w * k - there.shape[1])))
    counts = padded.reshape(h, k, w, k).sum(axis=(1, 3))
    # The number of a spot is the largest index of its blocks, which spreads from block to block.
    spot = np.arange(1, counts.size + 1).reshape(h, w) * (counts > 0)
    while ((spread := grown(spot, corners=True) * (counts > 0)) != spot).any():
        # The block of that index may know a larger one already, which saves most rounds.
        spot = np.append(0, spread)[spread]
    sizes = np.bincount(spot.reshape(-1), weights=counts.reshape(-1))
    large = sizes[spot] >= SPECK * sizes.max()
    return padded & large.repeat(k, axis=0).repeat(k, axis=1)


# ---- 3.  Pen ----


def thickened(x: Array, scale: float | None = None) -> Array:
    """Return the ink of a pen that is at least as wide as PEN in the final image.

    The width of a long line is twice its area divided by the length of its edges.  The image
    becomes larger by what the pen adds on each side.

    Args:
        x: The ink, (H, W).
        scale: The size of a pixel of x in the final image.  None stands for that at which the
            longer side fills the box.
    """
    there = x > 0.5
    wide = np.pad(there, 1)
    inside = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    width = 2 * there.sum() / max(1, (there & ~inside).sum())
    if scale is not None:
        missing = PEN / scale - width
    else:  # the digit grows with the pen, which makes its scale smaller
        missing = (PEN * max(x.shape) / BOX - width) / (1 - PEN / BOX)
    for i in range(round(missing / 2)):
        x = grown(np.pad(x, 1), corners=i % 2 == 1)  # by turns, which makes corners round
    return x


def grown(x: Array, corners: bool) -> Array:
    """Return the largest value of each pixel and its four neighbours, or eight with `corners`."""
    wide = np.pad(x, 1)
    rows = np.maximum(np.maximum(wide[:-2], wide[1:-1]), wide[2:])
    if corners:
        return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return np.maximum(np.maximum(wide[1:-1, :-2], rows[:, 1:-1]), wide[1:-1, 2:])


# ---- 4.  Scale ----


def scaled(x: Array) -> Array:
    """Return an image whose longer side has 20 pixels."""
    h, w = (max(1, round(side * BOX / max(x.shape))) for side in x.shape)
    return means(len(x), h) @ x @ means(x.shape[1], w).T


def means(n: int, m: int) -> Array:
    """Return the matrix (m, n) that divides n pixels into m equal parts and takes their means."""
    edges = np.linspace(0, n, m + 1)
    pixel = np.arange(n)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.maximum(covered, 0) * m / n


# ---- 5.  Centre ----


def centred(x: Array) -> Array:
    """Return an image of 28x28 pixels with the centre of mass of x at (14, 14), float32.

    As in MNIST, the image moves by whole pixels.
    """
    image = np.zeros((SIDE, SIDE), np.float32)
    start = []
    for axis, side in enumerate(x.shape):
        mass = x.sum(axis=1 - axis)
        middle = mass @ np.arange(side) / mass.sum()
        start.append(min(max(round(SIDE / 2 - middle), 0), SIDE - side))
    image[start[0] : start[0] + len(x), start[1] : start[1] + x.shape[1]] = x
    return image
