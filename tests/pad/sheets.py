"""Sheets with several digits, put together from images of one digit each."""

import numpy as np
from numpy.random import Generator

from dlbasics.datasets.images import digit


def enlarged(image, size):
    """Return an image with a side of `size` pixels, by linear interpolation."""
    n = len(image)
    places = (np.arange(size) + 0.5) * n / size - 0.5
    between = np.array([np.interp(places, np.arange(n), pixel) for pixel in np.eye(n)]).T
    return between @ image @ between.T


def line_of(
    images,
    rng: Generator | int = 0,
    *,
    height=(50, 120),
    vary=0.2,
    gap=(0.12, 0.6),
    shift=0.3,
    fade=0.2,
    round_fade=0.0,
    noise=0.02,
    light_on_dark=False,
):
    """Return a sheet, uint8, with images (28, 28) of digits side by side, as on a photo.

    Args:
        images: The images.
        rng: The random generator, or its seed.
        height: The least and the largest height of a digit, in pixels.
        vary: How much the heights on a sheet differ: the largest logarithm of their ratio.
        gap: The least and the largest gap between two digits, as a share of the height.
        shift: The largest shift up or down, as a share of the height.
        fade: The share of the light that is lost from one side of the sheet to the other.
        round_fade: The share that is lost from the middle to the corners.
        noise: The standard deviation of the noise of a pixel, as a share of white.
        light_on_dark: If True, the ink is lighter than the paper.
    """
    rng = np.random.default_rng(rng)
    side = rng.uniform(*height)
    parts = []
    for image in images:
        x = enlarged(image, max(28, round(side * 1.4 * np.exp(rng.uniform(-vary, vary)))))
        parts.append(x[digit.rectangle(x > 0.3)])
    tallest = max(len(x) for x in parts)
    h = round(tallest + 2 * side * (shift + rng.uniform(0.2, 1)))
    gaps = [round(side * rng.uniform(*gap)) for _ in parts]
    left, right = (round(side * rng.uniform(0.2, 1)) for _ in range(2))
    ink = np.zeros((h, left + sum(x.shape[1] for x in parts) + sum(gaps) + right))
    for x, after in zip(parts, gaps, strict=True):
        top = round((h - len(x)) / 2 + side * rng.uniform(-shift, shift))
        ink[top : top + len(x), left : left + x.shape[1]] = x
        left += x.shape[1] + after

    row, column = (np.linspace(-0.5, 0.5, n) for n in ink.shape)
    angle = rng.uniform(0, 2 * np.pi)
    plane = np.cos(angle) * row[:, np.newaxis] + np.sin(angle) * column
    light = 1 - fade * plane - 2 * round_fade * (row[:, np.newaxis] ** 2 + column**2)
    light *= rng.uniform(0.7, 1)
    strength = rng.uniform(0.6, 0.95)
    page = 1 - light * (1 - strength * ink) if light_on_dark else light * (1 - strength * ink)
    page += noise * rng.standard_normal(page.shape)
    return np.round(255 * np.clip(page, 0, 1)).astype(np.uint8)
