"""Digits drawn on a pad by mouse or finger: strokes, as lists of points, from a seed alone.

They test networks that have learned MNIST or the embedded digits, so they share nothing with
either.  The forms were typed anew, and two generators draw them:

1. programme: a writer's hand makes one movement after another, each a line or an arc.  A movement
   starts and ends slowly (minimum jerk), and begins before the last one has ended, which makes
   corners round;
2. key points: a curve runs past points that the writer misses, each writer in an own way.

A writer draws ten digits in a row: the same form of each digit, the same slant, the same tremor.
Strokes need not meet.  The pad reports the pen some sixty times a second, in whole pixels, so a
quick stroke has few points and corners.

The forms and the numbers were chosen by looking at drawings.  No network has read one before they
were final.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

KINDS = ("usual", "off-centre", "small", "large", "thin", "thick", "slanted")
"""The kinds of drawings.  Each but the first has one property that MNIST's images lack."""

PIXELS = 280
"""The side of the pad in pixels.  The pen is reported in whole ones."""

PEN = 20 / PIXELS
"""The usual width of the pen."""

WRITES = 10
"""The number of digits that a writer draws."""

# A form is (width, strokes).  The unit square is so many heights wide; " | " lifts the pen.
# In a programme, "x y" is where the pen starts, and "x y b" the end of a movement.  It is a line
# where b is 0, and half a circle, clockwise on the screen, where b is 1.

PROGRAMMES: dict[int, list[tuple[float, str]]] = {
    0: [
        (0.65, ".5 0, .5 1 -1, .5 0 -1"),
        (0.70, ".75 .08, .25 .92 -1, .72 .06 -1"),
        (0.60, ".6 .02, .5 1 -1, .62 .02 -1, .3 .1 -.2"),
        (0.65, ".4 .02, .55 1 1, .45 0 1"),
    ],
    1: [
        (0.50, ".5 0, .5 1 0"),
        (0.55, ".15 .38, .6 0 .05, .6 1 0"),
        (0.55, ".25 .25, .6 0 0, .58 1 0"),
        (0.60, ".2 .25, .55 0 0, .55 1 0 | .15 1, .95 1 0"),
    ],
    2: [
        (0.65, ".05 .25, .9 .3 .9, 0 1 .1, 1 1 0"),
        (0.70, ".05 .25, .88 .3 .9, .2 .97 .15, .12 .8 1, 1 .98 .15"),
        (0.60, ".1 .15, .85 .3 .7, .02 .98 0, .95 .95 -.08"),
    ],
    3: [
        (0.75, ".1 .12, .45 .46 1.7, .05 .88 1.8"),
        (0.65, ".1 0, .9 0 0, .42 .4 0, .05 .9 1.7"),
        (0.75, ".05 .15, .5 .48 1.5, 0 .92 1.5"),
    ],
    4: [
        (0.70, ".2 0, .05 .6 -.05, .95 .6 0 | .7 .25, .65 1 0"),
        (0.70, ".65 0, .05 .65 0, 1 .65 0 | .65 0, .65 1 0"),
        (0.70, ".55 0, 0 .62 0, .95 .62 0 | .62 .35, .6 1 0"),
        (0.65, ".1 .02, .25 .5 -.4, .85 .38 -.2, .9 0 0, .85 1 0"),
        (0.70, ".7 0, .7 1 0 | .68 .02, .05 .66 0, 1 .66 0"),
    ],
    5: [
        (0.70, ".15 0, .12 .42 0, .05 .92 2.1 | .15 0, .95 0 0"),
        (0.65, ".9 0, .2 0 0, .15 .42 0, .05 .92 2.1"),
        (0.65, ".9 0, .3 .05 -.1, .25 .42 -.4, .1 .95 1.7"),
    ],
    6: [
        (0.65, ".75 0, .05 .65 -.25, .9 .7 -.9, .08 .75 -.8"),
        (0.65, ".6 0, .05 .6 -.05, .88 .72 -1, .1 .75 -.8"),
        (0.70, ".8 .02, .05 .65 -.3, .9 .7 -1, .25 .66 -.8"),
    ],
    7: [
        (0.65, "0 .03, .95 0 0, .4 1 -.06"),
        (0.65, "0 .03, .95 0 0, .35 1 0 | .2 .52, .88 .48 0"),
        (0.65, "0 .2, .05 0 0, .95 .02 0, .4 1 -.1"),
        (0.70, "0 .2, .05 .02 0, .95 .02 0, .45 1 -.05 | .3 .5, .95 .5 0"),
    ],
    8: [
        (0.65, ".8 .12, .15 .25 -.8, .5 .47 -.4, .85 .75 .4, .1 .78 .9, .5 .47 .35, .8 .12 -.35"),
        (1.10, ".5 0, .5 .47 -1, .5 0 -1 | .5 .47, .5 1 -1, .5 .47 -1"),
        (0.65, ".9 .2, .15 .25 -.8, .5 .47 -.4, .85 .75 .4, .1 .78 .9, .5 .47 .35, .75 .22 -.2"),
        (0.65, ".2 .1, .8 .75 -.1, .12 .8 .9, .85 .2 .1, .15 .15 -.8"),
    ],
    9: [
        (0.65, ".85 .15, .1 .28 -.8, .85 .3 -.8, .88 .08 0, .8 1 0"),
        (0.65, ".85 .15, .1 .28 -.8, .85 .3 -.8, .88 .08 0, .88 .7 .03, .15 .9 .7"),
        (0.65, ".85 .25, .1 .25 -1, .85 .25 -1 | .88 .05, .82 1 0"),
        (0.60, ".8 .1, .12 .28 -.8, .8 .28 -.8, .85 .1 0, .5 1 0"),
    ],
}

# Key points "x y" in hundredths.  The curve starts at the first and ends at the last; it passes by
# the others, and has a corner at one that is given twice.

KEY_POINTS: dict[int, list[tuple[float, str]]] = {
    0: [
        (0.65, "60 0, 10 -5, -5 50, 10 105, 60 110, 105 60, 95 0, 55 -8, 25 8"),
        (0.70, "20 20, 0 60, 20 105, 70 110, 105 70, 95 10, 60 -10, 15 0, 5 35"),
    ],
    1: [
        (0.50, "50 0, 48 50, 50 100"),
        (0.55, "15 36, 62 0, 62 0, 60 50, 58 100"),
        (0.60, "30 25, 60 0, 60 0, 60 50, 60 100 | 25 100, 95 100"),
    ],
    2: [
        (0.65, "0 30, 15 -10, 90 -10, 95 40, 50 70, 0 100, 0 100, 50 96, 100 100"),
        (0.70, "5 20, 30 -10, 95 -5, 90 45, 35 95, 0 105, -5 80, 25 72, 60 100, 105 92"),
    ],
    3: [
        (0.65, "5 10, 50 -15, 100 10, 80 42, 30 47, 30 47, 100 50, 105 90, 50 115, 0 92"),
        (0.65, "5 0, 85 2, 85 2, 40 40, 40 40, 95 38, 110 85, 60 112, 0 95"),
        (0.65, "5 12, 40 -12, 95 5, 80 45, 40 55, 30 45, 50 42, 105 60, 90 105, 40 110, 0 90"),
    ],
    4: [
        (0.65, "30 0, 5 60, 5 60, 95 58 | 75 10, 70 100"),
        (0.70, "70 0, 0 65, 0 65, 105 65 | 70 2, 68 100"),
        (0.65, "10 5, 8 55, 40 62, 80 45, 85 0, 85 0, 80 50, 75 105"),
    ],
    5: [
        (0.65, "95 0, 25 2, 25 2, 15 45, 15 45, 60 25, 110 60, 80 115, 0 95"),
        (0.70, "20 0, 15 45, 15 45, 70 25, 110 70, 70 115, 0 92 | 18 2, 55 3, 100 -2"),
    ],
    6: [
        (0.65, "80 0, 30 15, -5 60, 5 105, 70 115, 105 75, 65 45, 15 60, 5 85"),
        (0.65, "55 0, 15 40, 0 90, 40 115, 95 100, 85 60, 40 50, 8 80"),
    ],
    7: [
        (0.65, "0 5, 50 2, 95 2, 95 2, 60 45, 40 100"),
        (0.65, "0 5, 50 2, 95 2, 95 2, 65 45, 45 100 | 25 52, 90 48"),
        (0.65, "0 22, 5 0, 5 0, 95 2, 95 2, 65 45, 45 100 | 25 52, 90 48"),
    ],
    8: [
        (0.65, "95 10, 50 -12, 0 10, 15 45, 90 55, 105 95, 50 118, -5 95, 15 55, 85 45, 95 8"),
        (0.65, "50 45, 0 35, 10 -8, 90 -8, 95 30, 50 50, -5 70, 0 112, 100 112, 100 70, 45 46"),
    ],
    9: [
        (0.65, "90 15, 50 -12, 0 10, 10 50, 70 50, 95 10, 95 10, 90 55, 80 100"),
        (0.65, "90 15, 45 -12, 0 10, 10 52, 75 48, 95 10, 98 60, 85 105, 40 110, 10 95"),
    ],
}


class Drawing(NamedTuple):
    """A digit on the pad.

    Args:
        strokes: The places (x, y) of the pen in each stroke, (n, 2), from 0 to 1; y grows down.
        pen: The width of the pen.  Its unit is the side of the pad, too.
    """

    strokes: list[np.ndarray]
    pen: float


class Writer:
    """A writer's habits, which are the same for some digits.

    Args:
        rng: The random generator.
    """

    def __init__(self, rng: Generator) -> None:
        self.generator = (programme_strokes, key_point_strokes)[rng.integers(2)]
        self.forms = PROGRAMMES if self.generator is programme_strokes else KEY_POINTS
        self.form = {digit: rng.integers(len(forms)) for digit, forms in self.forms.items()}
        self.width = np.exp(0.18 * rng.standard_normal())
        self.slant = 0.08 + 0.12 * rng.standard_normal()
        self.sloppy = rng.uniform(0.01, 0.05)  # how far a movement ends from its aim
        self.overlap = rng.uniform(0.05, 0.35)  # how early the next movement begins
        self.tremor = rng.uniform(0.002, 0.009)
        self.seconds = rng.uniform(0.35, 1.1)  # for a path as long as the pad's side
        # How far the writer's key points are from the typed ones, by digit.
        self.own = rng.normal(0, 0.035, (10, 40, 2))

    def write(self, digit: int, rng: Generator) -> list[np.ndarray]:
        """Return the strokes of a digit.  Its height is about 1, its middle about (0, 0)."""
        width, text = self.forms[digit][self.form[digit]]
        strokes = self.generator(text, self, digit, rng)
        width *= self.width * np.exp(0.06 * rng.standard_normal())
        slant = self.slant + 0.04 * rng.standard_normal()
        turn = 0.05 * rng.standard_normal()
        change = np.array([[width, 0], [-slant, 1]]) @ rotation(turn)
        lifted = [
            stroke + 0.02 * rng.standard_normal(2) * (i > 0) for i, stroke in enumerate(strokes)
        ]
        return [(ends_missed(stroke, rng) - 0.5) @ change for stroke in lifted]


def draw_strokes(t: np.ndarray, rng: Generator, kind: str = "usual") -> list[Drawing]:
    """Draw each digit in t on a pad.

    Args:
        t: Integers from 0 to 9, (N,).
        rng: The random generator.
        kind: One of KINDS.

    Raises:
        ValueError: If `kind` is none of KINDS.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    drawings = []
    for i, digit in enumerate(t):
        if i % WRITES == 0:
            writer = Writer(rng)
        drawings.append(on_pad(writer.write(int(digit), rng), writer, kind, rng))
    return drawings


# ---- The first generator: a programme of movements ----


def programme_strokes(text: str, writer: Writer, digit: int, rng: Generator) -> list[np.ndarray]:
    """Return the strokes of a programme, in the unit square."""
    strokes = []
    for stroke in text.split("|"):
        start, *movements = (np.array(part.split(), float) for part in stroke.split(","))
        ends = np.array([start[:2], *(movement[:2] for movement in movements)])
        ends = ends + writer.sloppy * rng.standard_normal(ends.shape)
        bulges = [m[2] * np.exp(0.12 * rng.standard_normal()) for m in movements]
        bulges = [b + 0.04 * rng.standard_normal() for b in bulges]
        strokes.append(movement_path(ends, np.array(bulges), writer.overlap))
    return strokes


def movement_path(ends: np.ndarray, bulges: np.ndarray, overlap: float) -> np.ndarray:
    """Return the path of a pen that moves from end to end, as places at equal times.

    A movement takes time in proportion to the root of its length, and begins before the last one
    is over.  What they do at the same time adds up.

    Args:
        ends: The start, and the end of each movement, (n + 1, 2).
        bulges: tan(a / 4) for each movement along an arc of angle a, (n,); 0 is a line.
        overlap: The share of a movement during which the next one is under way, below 0.5.
    """
    z = ends @ np.array([1, 1j])
    takes = np.sqrt(np.abs(np.diff(z)) * (1 + bulges**2)) + 0.05
    begins = np.append(0, np.cumsum(takes * (1 - overlap))[:-1])
    clock = np.linspace(0, begins[-1] + takes[-1], 200)
    path = np.full(200, z[0])
    for begin, take, end, start, b in zip(begins, takes, z[1:], z[:-1], bulges, strict=True):
        u = np.clip((clock - begin) / take, 0, 1)
        u = u**3 * (10 - 15 * u + 6 * u**2)  # minimum jerk
        half = 2 * np.arctan(b) if abs(b) > 1e-6 else 1e-6
        # A chord from the start of an arc has half the arc's angle to the tangent there.
        path = path + (end - start) * np.sin(u * half) / np.sin(half) * np.exp(-1j * (1 - u) * half)
    return np.stack([path.real, path.imag], axis=1)


# ---- The second generator: a curve past key points ----


def key_point_strokes(text: str, writer: Writer, digit: int, rng: Generator) -> list[np.ndarray]:
    """Return the strokes past key points, about in the unit square."""
    strokes, used = [], 0
    for stroke in text.split("|"):
        points = np.array([point.split() for point in stroke.split(",")], float) / 100
        again = np.append(False, (points[1:] == points[:-1]).all(axis=1))
        moved = writer.own[digit, used : used + len(points)]
        moved = moved + writer.sloppy * rng.standard_normal(points.shape)
        moved[again] = moved[np.flatnonzero(again) - 1]  # a corner stays one
        strokes.append(at_equal_times(corners_cut(points + moved)))
        used += len(points)
    return strokes


def corners_cut(points: np.ndarray) -> np.ndarray:
    """Return a smooth curve: cut all corners but the ends, four times (Chaikin's algorithm)."""
    for _ in range(4):
        cut = np.stack(
            [0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]]
        )
        points = np.concatenate([points[:1], cut.swapaxes(0, 1).reshape(-1, 2), points[-1:]])
    return points


def at_equal_times(curve: np.ndarray) -> np.ndarray:
    """Return places on a curve at equal times.  The pen starts and ends at a third of its speed."""
    way = np.append(0, np.hypot(*np.diff(curve, axis=0).T).cumsum())
    u = np.linspace(0, 1, 200)
    along = way[-1] * (u - np.sin(2 * np.pi * u) / (3 * np.pi))
    return np.stack([np.interp(along, way, axis) for axis in curve.T], axis=1)


# ---- What both have in common ----


def ends_missed(stroke: np.ndarray, rng: Generator) -> np.ndarray:
    """Let a stroke begin late or end early, by up to a tenth of its time."""
    late, early = rng.exponential(0.03, 2) * (rng.random(2) < 0.5) * len(stroke)
    return stroke[int(min(late, 20)) : len(stroke) - int(min(early, 20))]


def rotation(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, sin], [-sin, cos]])


def on_pad(strokes: list[np.ndarray], writer: Writer, kind: str, rng: Generator) -> Drawing:
    """Place a digit on the pad, with a pen, and report it as the pad does."""
    pen = PEN * rng.uniform(0.75, 1.25)
    height, away = rng.uniform(0.5, 0.72), 0.06
    if kind == "off-centre":
        height, away = rng.uniform(0.35, 0.5), 0.5
    elif kind == "small":
        height, pen, away = rng.uniform(0.22, 0.36), PEN * rng.uniform(0.4, 0.8), 0.2
    elif kind == "large":
        height, away = rng.uniform(0.82, 0.95), 0.1
    elif kind == "thin":
        pen = PEN * rng.uniform(0.1, 0.35)
    elif kind == "thick":
        height, pen = rng.uniform(0.65, 0.8), PEN * rng.uniform(1.6, 2.3)
    elif kind == "slanted":
        slant = rng.uniform(0.3, 0.5) if rng.random() < 0.7 else rng.uniform(-0.35, -0.2)
        change = np.array([[1, 0], [-slant, 1]]) @ rotation(0.1 * rng.standard_normal())
        strokes = [stroke @ change for stroke in strokes]
    everything = np.concatenate(strokes)
    low, high = everything.min(axis=0), everything.max(axis=0)
    height = min(height, 0.97 - pen)
    scale = height / max(high[1] - low[1], (high[0] - low[0]))
    size = (high - low) * scale
    room = np.maximum(1 - size - pen, 0) / 2
    centre = 0.5 + np.clip(away * rng.uniform(-1, 1, 2), -room, room)
    middle = (low + high) / 2
    placed = [centre + scale * (stroke - middle) for stroke in strokes]
    return Drawing([reported(stroke, writer, rng) for stroke in placed], float(pen))


def reported(stroke: np.ndarray, writer: Writer, rng: Generator) -> np.ndarray:
    """Return what the pad reports of a stroke: sixty places a second, with the hand's tremor."""
    length = np.hypot(*np.diff(stroke, axis=0).T).sum()
    count = max(4, round(60 * writer.seconds * (0.15 + length)))
    u = np.linspace(0, len(stroke) - 1, count)
    places = np.stack([np.interp(u, np.arange(len(stroke)), axis) for axis in stroke.T], axis=1)
    tremor = np.cumsum(rng.standard_normal((count + 8, 2)), axis=0)
    tremor = tremor[8:] - (tremor[8:] + tremor[4:-4] + tremor[:-8]) / 3  # slow drift taken away
    places = places + writer.tremor * min(1, 2 * length) * tremor / 2
    return np.clip(np.round(places * PIXELS) / PIXELS, 0, 1)


# ---- The picture ----


def picture(strokes: list[np.ndarray], pen: float, side: int = PIXELS) -> np.ndarray:
    """Return the picture of strokes as the pad's canvas draws it, uint8 (side, side).

    The ink is black and the paper white (255).  The pen is round; a pixel that it covers in part is
    grey.

    Args:
        strokes: Strokes, each (n, 2), from 0 to 1.
        pen: The width of the pen, as a share of the side.
        side: The height and the width of the canvas, in pixels.
    """
    distance = np.full((side, side), np.inf)
    radius = pen * side / 2
    for stroke in strokes:
        for a, b in zip(stroke[:-1] * side, stroke[1:] * side, strict=True):
            low = np.maximum(np.floor(np.minimum(a, b) - radius - 1), 0).astype(int)
            high = np.minimum(np.ceil(np.maximum(a, b) + radius + 1), side).astype(int)
            part = np.s_[low[1] : high[1], low[0] : high[0]]
            x = np.arange(low[0], high[0]) + 0.5 - a[0]
            y = np.arange(low[1], high[1])[:, np.newaxis] + 0.5 - a[1]
            along = b - a
            u = np.clip((x * along[0] + y * along[1]) / max(along @ along, 1e-12), 0, 1)
            near = np.hypot(x - u * along[0], y - u * along[1])
            distance[part] = np.minimum(distance[part], near)
    ink = np.clip(radius + 0.5 - distance, 0, 1)
    return np.round(255 * (1 - ink)).astype(np.uint8)
