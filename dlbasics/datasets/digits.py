"""Digits as if written by hand, for those who have no MNIST: drawn here, from nothing but a seed.

An image comes about in four steps, a section each below:

1. strokes: the way of the pen, somewhere between the skeletons of one style of writing;
2. distortion: the hand trembles, overshoots and leans, the paper stretches;
3. rendering: a pen of some width goes along the strokes, in a box of 20x20 pixels;
4. normalization as MNIST's: the centre of mass comes to the middle of 28x28 pixels.

The skeletons (`dataset.skeletons`) are typed by hand.  No image of MNIST, nor anything fitted to
one, is in here; only the numbers in `SETTINGS` and the shares of the styles were chosen by how well
a network that has learned these digits reads MNIST's training images.
"""

import math
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_count, as_rng
from dlbasics.datasets.images import cache_folder, images, labels
from dlbasics.datasets.skeletons import STYLES
from dlbasics.storage import load_arrays, save_arrays

VERSION = 1
"""Raised by every change that makes other images, as they are kept under this number."""

BLOCK = 1_000
"""Images are drawn in blocks of so many, each with random numbers of its own."""

POINTS = 64
"""Of a stroke.  A digit has two strokes, of which the second may be empty."""

SETTINGS = {
    # How the hand is unsteady; standard deviations, in heights of the digit:
    "bend": 0.08,  # of slow changes along a stroke
    "tremor": 0.015,  # of quick ones
    "parts": 0.06,  # of the place of the second stroke
    "bend_of_1": 0.5,  # the share of bend and tremor that a 1 has, hardly more than a line
    "ends": 0.03,  # how far strokes end too early or too late; deviation, in their own lengths
    # How the digit as a whole is deformed; spreads are standard deviations:
    "stretch": 0.18,  # of the factors of the cubic by which the paper stretches
    "width": 0.85,  # of a digit against its skeleton
    "width_spread": 0.22,  # of the logarithm of that
    "slant": 0.15,  # to the right, for each height
    "slant_spread": 0.25,
    "turn_spread": 0.12,  # radians
    "between": 1.0,  # small: close to one skeleton of a style; large: in the middle of all
    # The pen:
    "pen": 2.2,  # its width in pixels
    "pen_spread": 0.28,  # standard deviation of the logarithm of that
    "pressure": 0.35,  # the same of the ink along a stroke
    "softness": 0.18,  # of its edge, in pixels
}

CACHED = {
    "x_train": ((60_000, 28, 28), "uint8"),
    "t_train": ((60_000,), "uint8"),
    "x_test": ((10_000, 28, 28), "uint8"),
    "t_test": ((10_000,), "uint8"),
}

Split = tuple[Array, Array]


def load_digits(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    train: int = 60_000,
    test: int = 10_000,
    seed: int = 0,
) -> tuple[Split, Split]:
    """Return `(x_train, t_train), (x_test, t_test)`, of the shapes and dtypes of `load_mnist`.

    normalize: x is float32 from 0.0 to 1.0; else uint8 from 0 to 255.
    flatten: x has shape (N, 784); else (N, 1, 28, 28).
    one_hot_label: t is float32 of shape (N, 10); else the digits themselves, uint8 of shape (N,).
    train, test: how many images.  The first ones are the same, however many are drawn.
    seed: determines everything; on another machine images can differ by one grey level.

    The arrays are the caller's own.  The 70,000 of the default, once drawn, are kept in the cache.
    Raises TypeError or ValueError where train, test or seed is no integer from 0 on.
    """
    train, test = as_count(train, "train", least=0), as_count(test, "test", least=0)
    seed = as_count(seed, "seed", least=0)
    all_of_them = (train, test) == (60_000, 10_000)
    path = cache_folder("digits") / f"version{VERSION}-seed{seed}.npz"
    arrays = _load_cached(path) if all_of_them else None
    if arrays is None:
        arrays = draw_all(train, test, seed)
        if all_of_them:
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                save_arrays(path, arrays)
    return (
        (images(arrays["x_train"], normalize, flatten), labels(arrays["t_train"], one_hot_label)),
        (images(arrays["x_test"], normalize, flatten), labels(arrays["t_test"], one_hot_label)),
    )


def draw(t: Array, rng: RngLike = None) -> Array:
    """Images (N, 28, 28), uint8, of the digits t (N,): every one another.

    Raises ValueError unless t is an array, or a list, of integers from 0 to 9.
    """
    t, rng = np.asarray(t), as_rng(rng)
    if t.ndim != 1 or t.dtype.kind not in "iu" or not np.isin(t, list(STYLES)).all():
        raise ValueError(f"t must be digits, integers from 0 to 9 of shape (N,), got {t!r}")
    strokes, drawn = strokes_of(t, rng)
    strokes = distort(strokes, t, rng)
    pen = pens(len(t), rng)
    x = centred(render(in_pixels(strokes, drawn, pen), drawn, pen, rng))
    return np.round(255 * x).astype(np.uint8)


# ---- 1. Strokes ----


def spline(knots: int, points: int) -> Array:
    """The matrix (points, knots) that takes knots to points on the smooth curve through them.

    Catmull-Rom: between two knots a cubic, whose slope at each is that between its neighbours.
    """
    at = np.linspace(0, knots - 1, points)
    left = np.minimum(at.astype(int), knots - 2)
    u = at - left
    cubics = (
        u * (-1 + u * (2 - u)) / 2,
        1 + u**2 * (-5 + 3 * u) / 2,
        u * (1 + u * (4 - 3 * u)) / 2,
        u**2 * (u - 1) / 2,
    )
    matrix = np.zeros((points, knots))
    for shift, cubic in zip((-1, 0, 1, 2), cubics, strict=True):
        knot = np.clip(left + shift, 0, knots - 1)
        np.add.at(matrix, (np.arange(points), knot), cubic)
    return matrix


def skeleton_strokes(skeleton: str) -> Array:
    """The strokes of a skeleton, (1 or 2, POINTS, 2): points at equal distances, from 0 to 1."""
    strokes = []
    for stroke in skeleton.split("|"):
        knots = np.array([point.split() for point in stroke.split(",")], float) / 100
        curve = spline(len(knots), 10 * POINTS) @ knots
        way = np.append(0, np.hypot(*np.diff(curve, axis=0).T).cumsum())
        equal = np.linspace(0, way[-1], POINTS)
        strokes.append(np.stack([np.interp(equal, way, axis) for axis in curve.T], axis=1))
    return np.array(strokes)


def strokes_of(t: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Undistorted strokes (N, 2, POINTS, 2) of the digits t (N,), and which are drawn, (N, 2).

    Each is a random mean of the skeletons of one style.
    """
    strokes = np.zeros((len(t), 2, POINTS, 2))
    drawn = np.zeros((len(t), 2), bool)
    for digit, styles in STYLES.items():
        shares = np.array([style.share for style in styles])
        style_of = rng.choice(len(styles), len(t), p=shares / shares.sum())
        for i, style in enumerate(styles):
            chosen = np.flatnonzero((t == digit) & (style_of == i))
            skeletons = np.array([skeleton_strokes(text) for text in style.skeletons])
            between = np.full(len(skeletons), SETTINGS["between"])
            weights = rng.dirichlet(between, len(chosen))
            count = skeletons.shape[1]
            strokes[chosen, :count] = np.einsum("nk,kspc->nspc", weights, skeletons)
            drawn[chosen, :count] = True
    return strokes, drawn


# ---- 2. Distortion ----
#
# Strokes (N, 2, POINTS, 2) of digits t (N,), x and y from about 0 to 1, become others like them.


def distort(strokes: Array, t: Array, rng: np.random.Generator) -> Array:
    """The strokes as an unsteady hand draws them."""
    strokes = tremble(move_ends(strokes, rng), t, rng)
    return lean(stretch(move_parts(strokes, rng), rng), rng)


def move_ends(strokes: Array, rng: np.random.Generator) -> Array:
    """Strokes that begin and end too early or too late; beyond its end one goes straight on."""
    begin = SETTINGS["ends"] * rng.standard_normal(strokes.shape[:2])
    end = 1 + SETTINGS["ends"] * rng.standard_normal(strokes.shape[:2])
    at = np.linspace(begin, end, POINTS, axis=-1)[..., None] * (POINTS - 1)
    left = np.clip(at.astype(int), 0, POINTS - 2)
    before = np.take_along_axis(strokes, left, axis=2)
    after = np.take_along_axis(strokes, left + 1, axis=2)
    return before + (at - left) * (after - before)


def tremble(strokes: Array, t: Array, rng: np.random.Generator) -> Array:
    """Smooth noise along the strokes, slow and quick."""
    size = np.where(t == 1, SETTINGS["bend_of_1"], 1)[:, None, None, None]
    for amount, knots in ((SETTINGS["bend"], 5), (SETTINGS["tremor"], 9)):
        strokes = strokes + amount * size * smooth_noise(len(t), 2, knots, rng)
    return strokes


def smooth_noise(count: int, axes: int, knots: int, rng: np.random.Generator) -> Array:
    """Noise (count, 2, POINTS, axes) of standard deviation 1 at `knots` places, smooth between."""
    return spline(knots, POINTS) @ rng.standard_normal((count, 2, knots, axes))


def move_parts(strokes: Array, rng: np.random.Generator) -> Array:
    """The second stroke begins a little beside its place."""
    strokes = strokes.copy()
    strokes[:, 1] += SETTINGS["parts"] * rng.standard_normal((len(strokes), 1, 2))
    return strokes


def stretch(strokes: Array, rng: np.random.Generator) -> Array:
    """Elastic distortion of the whole plane: each point moves by a random cubic of its place."""
    x, y = strokes[..., 0] - 0.5, strokes[..., 1] - 0.5
    terms = np.stack([x * x, x * y, y * y, x * x * y, x * y * y, y**3], axis=-1)
    factors = SETTINGS["stretch"] * rng.standard_normal((len(strokes), 1, 6, 2))
    return strokes + terms @ factors


def lean(strokes: Array, rng: np.random.Generator) -> Array:
    """Digits narrow or wide, slanted and turned."""
    normal = rng.standard_normal((3, len(strokes), 1, 1))
    width = SETTINGS["width"] * np.exp(SETTINGS["width_spread"] * normal[0])
    slant = SETTINGS["slant"] + SETTINGS["slant_spread"] * normal[1]
    turn = SETTINGS["turn_spread"] * normal[2]
    x, y = np.moveaxis(strokes - 0.5, -1, 0)
    x = width * x - slant * y
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1) + 0.5


def pens(count: int, rng: np.random.Generator) -> Array:
    """The widths of that many pens, in pixels."""
    return SETTINGS["pen"] * np.exp(SETTINGS["pen_spread"] * rng.standard_normal(count))


# ---- 3. Rendering ----


def in_pixels(strokes: Array, drawn: Array, pen: Array) -> Array:
    """The strokes in pixels, 0 the middle of the first: in a box of 20x20, as those of MNIST.

    With the width of the pen, (N,), their longer side fills the box, which begins at pixel 4.
    """
    there = drawn[:, :, None, None]
    low = np.where(there, strokes, np.inf).min(axis=(1, 2), keepdims=True)
    high = np.where(there, strokes, -np.inf).max(axis=(1, 2), keepdims=True)
    size, pen = high - low, pen[:, None, None, None]
    scale = (20 - pen) / size.max(axis=-1, keepdims=True)
    return (strokes - low - size / 2) * scale + 13.5


def render(strokes: Array, drawn: Array, pen: Array, rng: np.random.Generator) -> Array:
    """Images (N, 28, 28), 0 to 1, of strokes in pixels, drawn by pens of these widths (N,).

    Each point of a stroke is a splat of ink, a Gaussian in x times one in y, so that the sum of all
    is one product of matrices.  At the distance d from a long line it is exp(-d^2 / 2 s^2); so it
    tells the distance, and ink is where that is less than half the pen's width.  Pressure lays more
    splats, as if the line were nearer: there it is thicker.
    """
    pressure = np.exp(SETTINGS["pressure"] * smooth_noise(len(strokes), 1, 4, rng))
    length = np.hypot(*np.moveaxis(np.gradient(strokes, axis=2), -1, 0))
    ink = (length * pressure[..., 0] * drawn[:, :, None]).reshape(len(strokes), 1, 2 * POINTS)
    x, y = strokes.astype(np.float32).reshape(len(strokes), 1, 2 * POINTS, 2).transpose(3, 0, 1, 2)
    half = (pen / 2).astype(np.float32)[:, None, None]
    # Wide enough for points a pixel apart to melt into a line, narrow enough for holes to stay.
    s = 0.4 * half + np.float32(0.2)
    pixel = np.arange(28, dtype=np.float32)[:, None]
    in_x, in_y = (np.exp(-(((pixel - v) / s) ** 2) / 2) for v in (x, y))
    total = (in_y * ink.astype(np.float32)) @ in_x.transpose(0, 2, 1) / (math.sqrt(2 * math.pi) * s)
    distance = s * np.sqrt(-2 * np.log(np.clip(total, 1e-12, 1)))
    return 1 / (1 + np.exp(np.clip((distance - half) / SETTINGS["softness"], -20, 20)))


# ---- 4. Normalization ----


def centred(x: Array) -> Array:
    """Images x (N, 28, 28), moved by whole pixels to bring their centre of mass to (14, 14).

    As in MNIST; but by 4 pixels at most, which is the room around the box of 20x20.
    """
    pixel = np.arange(28)
    for axis in (1, 2):
        mass = x.sum(axis=3 - axis, dtype=np.float64)
        shift = np.round(14 - mass @ pixel / mass.sum(axis=1)).astype(int)
        source = pixel - np.clip(shift, -4, 4)[:, None] + 4
        room = [(0, 0), (4, 4), (0, 0)] if axis == 1 else [(0, 0), (0, 0), (4, 4)]
        source = np.expand_dims(source, 3 - axis)
        x = np.take_along_axis(np.pad(x, room), source, axis=axis)
    return x


# ---- All of them ----


def draw_all(train: int, test: int, seed: int) -> dict[str, Array]:
    """x_train, t_train, x_test and t_test, uint8; in a terminal, with a progress bar."""
    from tqdm import tqdm

    arrays: dict[str, Array] = {}
    shown = sys.stderr is not None and sys.stderr.isatty()
    with tqdm(total=train + test, desc="drawing digits", unit="", disable=not shown) as bar:
        for part, (name, count) in enumerate((("train", train), ("test", test))):
            t, x = np.empty(count, np.uint8), np.empty((count, 28, 28), np.uint8)
            for start in range(0, count, BLOCK):
                rng = np.random.default_rng([seed, part, start])
                # Always a whole block: its images must not depend on how many are wanted.
                digits = rng.integers(10, size=BLOCK, dtype=np.uint8)
                wanted = min(BLOCK, count - start)
                t[start : start + wanted] = digits[:wanted]
                x[start : start + wanted] = draw(digits, rng)[:wanted]
                bar.update(wanted)
            arrays |= {f"x_{name}": x, f"t_{name}": t}
    return arrays


def _load_cached(path: Path) -> dict[str, Array] | None:
    """What the cache holds, or None where that is missing or damaged (.npz has checksums)."""
    try:
        arrays = load_arrays(path)
        found = {name: (array.shape, array.dtype.name) for name, array in arrays.items()}
    except (OSError, ValueError):
        return None
    return arrays if found == CACHED else None
