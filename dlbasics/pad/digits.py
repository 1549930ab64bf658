"""Several digits in one picture, from left to right.

The picture is divided in three steps, each a section of this file:

1. spots: pixels of ink that touch each other are one spot;
2. digits: spots that lie together, such as the bar and the body of a 5, are one digit;
3. pictures: each digit gets a sheet of its own.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.datasets.images import digit

DIRT = 0.15
"""A spot is dirt if its longer side has less than this share of a digit's height."""

BESIDE = 0.5
"""Spots are one digit if they share this part of the columns of the narrower one, or more."""

BELOW = 0.35
"""They may then lie apart by this share of a digit's height."""

PART = 0.5
"""A spot of less than this share of the height of the one next to it may be a part of it."""

NEAR = 0.2
"""Such a part may lie apart by this share of a digit's height."""

GAP = 0.04
"""Spots that lie apart by less than this share of a digit's height are one digit."""

POINTS = 400
"""The number of points of a spot, at most, from which distances are measured."""

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
    ink = digit.ink(digit.smaller(digit.grey(image)))
    even = digit.smooth(ink)
    labels = spots(digit.is_ink(even, digit.darkest_ink(even, name)))
    groups = joined(measured(labels))
    groups.sort(key=lambda group: min(s.left for s in group) + max(s.right for s in group))
    return [sheet(ink, labels, [spot.label for spot in group]) for group in groups]


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

    @property
    def width(self) -> int:
        return self.right - self.left


def measured(labels: Array) -> list[Spot]:
    """Return the spots that are no dirt, in the order of their numbers."""
    places = np.argwhere(labels)
    label = labels[labels > 0]
    count = label.max() + 1
    low, high = np.full((count, 2), max(labels.shape)), np.zeros((count, 2), int)
    np.minimum.at(low, label, places)
    np.maximum.at(high, label, places + 1)
    sides = high - low
    sides[0] = 0
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(count + 1))
    found = []
    for k in np.flatnonzero(sides.max(axis=1) >= DIRT * sides[:, 0].max()):
        own = places[order[first[k] : first[k + 1]]]
        points = own[:: 1 + len(own) // POINTS]
        found.append(Spot(int(k), low[k, 0], high[k, 0], low[k, 1], high[k, 1], points))
    return found


# ---- 2.  Digits ----


def joined(found: list[Spot]) -> list[list[Spot]]:
    """Return the spots of each digit."""
    groups = [{i} for i in range(len(found))]

    def join(i: int, j: int) -> None:
        groups[i] |= groups[j]
        for k in groups[i]:
            groups[k] = groups[i]

    for i, a in enumerate(found):
        near = [(distance(a, b), j) for j, b in enumerate(found) if j != i and may_touch(a, b)]
        for d, j in near:
            if d < GAP or (shared_columns(a, found[j]) >= BESIDE and d < BELOW):
                join(i, j)
        near = [(d, j) for d, j in near if a.height < PART * found[j].height]
        if near and min(near)[0] < NEAR:
            join(i, min(near)[1])
    return [[found[k] for k in group] for group in {min(group): group for group in groups}.values()]


def may_touch(a: Spot, b: Spot) -> bool:
    """Return whether the rectangles of two spots are near each other."""
    most = BELOW * max(a.height, b.height)
    return (
        max(a.left, b.left) - min(a.right, b.right) <= most
        and max(a.top, b.top) - min(a.bottom, b.bottom) <= most
    )


def shared_columns(a: Spot, b: Spot) -> float:
    """Return the part of the columns of the narrower spot that the other one has, too."""
    return (min(a.right, b.right) - max(a.left, b.left)) / min(a.width, b.width)


def distance(a: Spot, b: Spot) -> float:
    """Return the distance between two spots, divided by the height of the higher one."""
    apart = a.points[:, np.newaxis] - b.points
    return float(np.sqrt((apart**2).sum(axis=2).min())) / max(a.height, b.height)


# ---- 3.  Pictures ----


def sheet(ink: Array, labels: Array, own: list[int]) -> Array:
    """Return a sheet with the ink of some spots alone, in the middle of clean paper."""
    there = np.isin(labels, own)
    rows, columns = (
        slice(max(part.start - SOFT, 0), part.stop + SOFT) for part in digit.rectangle(there)
    )
    there, others = there[rows, columns], (labels[rows, columns] > 0)
    others &= ~there
    for i in range(SOFT):
        there = digit.grown(there, corners=i % 2 == 0)
    others = digit.grown(others, corners=True)
    x = np.where(there & ~others, ink[rows, columns], 0)
    x = np.clip(x / digit.smooth(x).max(), 0, 1)
    return 1 - np.pad(x, max(x.shape)).astype(np.float32)
