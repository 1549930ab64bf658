"""Several digits in one picture, from left to right.

The picture is divided in three steps, each a section of this file:

1. spots: pixels of ink that touch each other are one spot;
2. digits: spots that lie together, such as the bar and the body of a 5, are one digit;
3. pictures: each digit gets a sheet of its own.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.datasets.images import digit

LEAST = 0.25
"""Where ink has more than this share of the darkest ink, there may be a digit."""

NOISE = 10.0
"""That share, or this number times the ink of the median pixel, which is paper, if that is more."""

DIRT = 0.15
"""A spot is dirt if its longer side has less than this share of the highest spot's height."""

BESIDE, BELOW = 0.5, 0.35
"""Spots are one digit if they share this part of the columns of the narrower one, or more, and lie
apart by less than this share of the height of the higher one."""

PART, NEAR = 0.5, 0.25
"""A spot of less than this share of another one's height is a part of that one, such as the bar of
a 5, if it lies apart by less than this share of the height and they share a column."""

GAP = 0.04
"""Spots are one digit if they lie apart by less than this share of the height of the higher one."""

MOST = 100
"""The largest number of spots that are no dirt."""

POINTS = 400
"""Distances are measured between this number of points of a spot, or fewer."""

SOFT = 3
"""The width of the soft edge of ink, in pixels."""


def digits_of(image: Any) -> list[Array]:
    """Return a picture of each digit on a sheet, from left to right.

    The digits stand in one line, at any height and of any size.  A digit may consist of strokes
    that do not touch, such as the bar of a 5 or a 4 in two strokes.  Digits that touch each other
    come as one picture, which no network can read.  The light may fade, and there may be small
    specks of dirt, as with `normalize_digit`.

        images = [as_mnist(picture)[-1].picture for picture in digits_of("numbers.jpg")]

    Args:
        image: A picture as `normalize_digit` takes it: a file, a picture of Pillow's, or an array.

    Returns:
        The pictures, float32 from 0 (ink) to 1 (paper), (H, W) each, with paper on all sides.

    Raises:
        TypeError: If `image` is none of these.
        ValueError: If `image` has another shape or range, or no ink; or if its file is damaged.
        OSError: If the file cannot be opened.
    """
    name = f"{image}:" if isinstance(image, str | os.PathLike) else "image"
    ink = digit.ink(digit.smaller(digit.grey(image)), degree=2)
    even = digit.smooth(ink)
    darkest = digit.darkest_ink(even, name)
    labels = spots(is_perhaps_ink(even, darkest))
    found = measured(labels, digit.is_ink(even, darkest))
    if len(found) > MOST:
        raise ValueError(
            f"{name} must hold digits on clean paper, got {len(found)} spots of ink, and {MOST} is "
            "the most"
        )
    digits = joined(found)
    digits.sort(key=lambda parts: min(s.left for s in parts) + max(s.right for s in parts))
    return [sheet(ink, labels, parts) for parts in digits]


def is_perhaps_ink(even: Array, darkest: float) -> Array:
    """Return where there is ink or a little noise: a mask (H, W).

    A thin stroke stays whole in this mask, which takes in more than `digit.is_ink`.
    """
    noise = float(np.median(np.abs(even))) / darkest
    return even > min(max(NOISE * noise, LEAST), digit.FAINT[1]) * darkest


# ---- 1.  Spots ----


def spots(there: Array) -> Array:
    """Return the number of each pixel's spot in a mask (H, W).

    Pixels that touch, also at a corner, belong to one spot.  Spots have the numbers from 1 on, and
    other pixels have 0.
    """
    # A run is a piece of a row from start to end.  Rows of W + 2 pixels follow each other, so runs
    # of one row touch runs of the next one if they overlap after a shift of W + 2.
    row = there.shape[1] + 2
    change = np.diff(np.pad(there, ((0, 0), (1, 2))).astype(np.int8), axis=1).reshape(-1)
    start, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    first = np.searchsorted(end + row, start)
    number = np.maximum(np.searchsorted(start + row, end, side="right") - first, 0)
    below = np.repeat(np.arange(len(start)), number)
    above = np.arange(len(below)) + np.repeat(first - number.cumsum() + number, number)

    spot = np.arange(len(start))
    while (spot[below] != spot[above]).any():
        least = np.minimum(spot[below], spot[above])
        np.minimum.at(spot, spot[below], least)
        np.minimum.at(spot, spot[above], least)
        spot = spot[spot]
    spot = np.unique(spot, return_inverse=True)[1]
    steps = np.zeros_like(change, dtype=int)
    np.add.at(steps, start, spot + 1)
    np.add.at(steps, end, -spot - 1)
    return steps.cumsum().reshape(len(there), row)[:, :-2]


@dataclass(frozen=True)
class Spot:
    """A spot of ink.

    Attributes:
        label: Its number.
        top, bottom, left, right: Its rectangle; bottom and right are the first pixels beyond it.
        points: Some of its pixels, row and column, (n, 2).
    """

    label: int
    top: int
    bottom: int
    left: int
    right: int
    points: Array

    @property
    def height(self) -> int:
        return self.bottom - self.top


def measured(labels: Array, certain: Array) -> list[Spot]:
    """Return the spots that are no dirt, in the order of their numbers.

    Args:
        labels: The number of each pixel's spot, (H, W).
        certain: A mask of pixels that are ink.  A spot without such a pixel is noise.
    """
    places, label = np.argwhere(labels), labels[labels > 0]
    count = label.max() + 1
    low, high = np.full((count, 2), max(labels.shape)), np.zeros((count, 2), int)
    np.minimum.at(low, label, places)
    np.maximum.at(high, label, places + 1)
    sides = (high - low) * np.isin(np.arange(count), labels[certain])[:, np.newaxis]
    sides[0] = 0
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(count + 1))
    found = []
    for k in np.flatnonzero(sides.max(axis=1) >= DIRT * sides[:, 0].max()).tolist():
        own = places[order[first[k] : first[k + 1]]]
        (top, left), (bottom, right) = low[k].tolist(), high[k].tolist()
        found.append(Spot(k, top, bottom, left, right, own[:: 1 + len(own) // POINTS]))
    return found


# ---- 2.  Digits ----


def joined(found: list[Spot]) -> list[list[Spot]]:
    """Return the spots of each digit."""
    digit_of = [*range(len(found))]
    for i, j in pairs(found):
        digit_of = [digit_of[i] if k == digit_of[j] else k for k in digit_of]
    return [
        [spot for spot, k in zip(found, digit_of, strict=True) if k == number]
        for number in dict.fromkeys(digit_of)
    ]


def pairs(found: list[Spot]) -> Iterator[tuple[int, int]]:
    """Yield pairs of spots that belong to one digit."""
    for i, a in enumerate(found):
        parts_of = []
        for j, b in enumerate(found):
            if i == j or rectangles_apart(a, b) > BELOW:
                continue
            apart, shared = distance(a, b), shared_columns(a, b)
            if apart < GAP or (apart < BELOW and shared >= BESIDE):
                yield i, j
            elif apart < NEAR and shared > 0 and a.height < PART * b.height:
                parts_of.append((apart, j))
        if parts_of:
            yield i, min(parts_of)[1]


def rectangles_apart(a: Spot, b: Spot) -> float:
    """Return how far two rectangles are apart, as a share of the height of the higher one."""
    columns = max(a.left, b.left) - min(a.right, b.right)
    rows = max(a.top, b.top) - min(a.bottom, b.bottom)
    return max(columns, rows) / max(a.height, b.height)


def shared_columns(a: Spot, b: Spot) -> float:
    """Return the part of the columns of the narrower spot that the other one has, too."""
    shared = min(a.right, b.right) - max(a.left, b.left)
    return shared / min(a.right - a.left, b.right - b.left)


def distance(a: Spot, b: Spot) -> float:
    """Return the distance of two spots, as a share of the height of the higher one."""
    apart = a.points[:, np.newaxis] - b.points
    return float(np.sqrt((apart**2).sum(axis=2).min())) / max(a.height, b.height)


# ---- 3.  Pictures ----


def sheet(ink: Array, labels: Array, parts: list[Spot]) -> Array:
    """Return a sheet with the ink of some spots alone, in the middle of clean paper."""
    place = (
        slice(max(min(spot.top for spot in parts) - SOFT, 0), max(s.bottom for s in parts) + SOFT),
        slice(max(min(spot.left for spot in parts) - SOFT, 0), max(s.right for s in parts) + SOFT),
    )
    x, labels = ink[place], labels[place]
    own = np.isin(labels, [spot.label for spot in parts])
    others = digit.grown(~own & (labels > 0), corners=True)
    for i in range(SOFT):
        own = digit.grown(own, corners=i % 2 == 0)
    x = np.where(own & ~others, x, 0)
    x = np.clip(x / digit.smooth(x).max(), 0, 1)
    return 1 - np.pad(x, max(x.shape)).astype(np.float32)
