"""The embedded digits: images that look handwritten, drawn from a seed alone.

They take the place of MNIST if MNIST is not available.  Drawing an image takes four steps, each a
section of this file:

1. strokes: the path of the pen is a random mean of the skeletons of one style of writing;
2. distortion: the hand trembles, misses the ends and leans, and the paper stretches;
3. rendering: a pen of some width follows the strokes, in a box of 20x20 pixels;
4. normalization: as in MNIST, the centre of mass moves to the middle of 28x28 pixels.

The skeletons in `dlbasics.datasets.skeletons` are typed by hand.  This package holds no image of
MNIST, and nothing that was fitted to one.  Only the numbers in `SETTINGS` and the shares of the
styles were chosen by their effect: how well a network that has learned these digits reads MNIST's
training images.
"""

import math
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from dlbasics._internal.cache import cache_folder
from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_rng
from dlbasics._internal.image_forms import check_form, images, labels
from dlbasics.datasets.skeletons import STYLES
from dlbasics.storage import open_npz, save_arrays

VERSION = 1
"""Part of the cached file's name.  Raise it with every change that alters the images."""

BLOCK = 1_000
"""The number of images in a block.  Each block has its own random generator."""

POINTS = 64
"""The number of points of a stroke.  A digit has two strokes, and the second may be empty."""

SETTINGS = {
    # These say how unsteady the hand is.  All but `bend_of_1` are standard deviations; the unit of
    # length is the height of the digit.
    "bend": 0.08,  # slow changes along a stroke
    "tremor": 0.015,  # quick changes along a stroke
    "parts": 0.06,  # the position of the second stroke
    "bend_of_1": 0.5,  # the share of bend and tremor for a 1, which is little more than a line
    "ends": 0.03,  # the distance of a stroke's end from its place, in lengths of the stroke
    # These deform the digit as a whole.  Names with "spread" are standard deviations.
    "stretch": 0.18,  # standard deviation of the coefficients of the cubic that stretches the paper
    "width": 0.85,  # the width of the digit divided by the width of its skeleton
    "width_spread": 0.22,  # of the logarithm of the width
    "slant": 0.15,  # the shift to the right per height
    "slant_spread": 0.25,
    "turn_spread": 0.12,  # in radians
    "between": 1.0,  # a small value stays close to one skeleton, a large one near the mean of all
    # These describe the pen.
    "pen": 2.2,  # the width in pixels
    "pen_spread": 0.28,  # the standard deviation of the logarithm of the width
    "pressure": 0.35,  # the standard deviation of the logarithm of the ink along a stroke
    "softness": 0.18,  # the softness of the pen's edge, in pixels
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
    """Load embedded digits, in the shapes and dtypes of `load_mnist`.

    The first call with the default numbers draws all 70,000 images and stores them in the cache;
    later calls read them from there.

    Args:
        normalize: True gives x as float32 from 0.0 to 1.0; False gives uint8 from 0 to 255.
        flatten: True gives x the shape (N, 784); False gives (N, 1, 28, 28).
        one_hot_label: True gives t as one-hot rows, float32, (N, 10); False gives the digits
            themselves, uint8, (N,).
        train: The number of training images.  A smaller number gives the first ones of a larger.
        test: The number of test images.  A smaller number gives the first ones of a larger.
        seed: The seed of all images.  On another machine a pixel may differ by one grey level.

    Returns:
        `(x_train, t_train), (x_test, t_test)`.  The caller owns the arrays and may change them.

    Raises:
        TypeError: If `train`, `test` or `seed` is not an integer, or another argument neither True
            nor False.
        ValueError: If `train`, `test` or `seed` is negative.
    """
    check_form(normalize, flatten, one_hot_label)
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
    """Draw an image of each digit in t.  No two images are the same, even of the same digit.

    Args:
        t: Integers from 0 to 9, (N,).
        rng: The random generator, or its seed.

    Returns:
        Images, uint8, (N, 28, 28).

    Raises:
        TypeError: If `t` is not a list or an array of numbers.
        ValueError: If `t` holds other numbers.
    """
    t, rng = as_array(t, "t"), as_rng(rng)
    if t.ndim != 1 or t.dtype.kind not in "iu" or not np.isin(t, list(STYLES)).all():
        raise ValueError(f"t must be digits, integers from 0 to 9 of shape (N,), got {t!r}")
    strokes, drawn = strokes_of(t, rng)
    strokes = distort(strokes, t, rng)
    pen = pens(len(t), rng)
    x = centred(render(in_pixels(strokes, drawn, pen), drawn, pen, rng))
    return np.round(255 * x).astype(np.uint8)


# ---- 1.  Strokes ----


def spline(knots: int, points: int) -> Array:
    """Return the matrix (points, knots) that maps knots to points on a smooth curve through them.

    The curve is a Catmull-Rom spline: it is a cubic between two knots, and its slope at a knot is
    the slope of the line between that knot's two neighbours.
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
    """Return the strokes of a skeleton, (1 or 2, POINTS, 2), as points at equal distances.

    Their coordinates run from 0 to 1, or a little beyond.
    """
    strokes = []
    for stroke in skeleton.split("|"):
        knots = np.array([point.split() for point in stroke.split(",")], float) / 100
        curve = spline(len(knots), 10 * POINTS) @ knots
        way = np.append(0, np.hypot(*np.diff(curve, axis=0).T).cumsum())
        equal = np.linspace(0, way[-1], POINTS)
        strokes.append(np.stack([np.interp(equal, way, axis) for axis in curve.T], axis=1))
    return np.array(strokes)


def strokes_of(t: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return undistorted strokes (N, 2, POINTS, 2) of the digits t (N,), and which exist, (N, 2).

    The strokes of a digit are a random mean of the skeletons of one style.
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


# ---- 2.  Distortion ----
#
# Each function takes strokes (N, 2, POINTS, 2), with x and y from about 0 to 1, and returns strokes
# of the same shape. t (N,) holds their digits.


def distort(strokes: Array, t: Array, rng: np.random.Generator) -> Array:
    """Distort strokes as an unsteady hand does."""
    strokes = tremble(move_ends(strokes, rng), t, rng)
    return lean(stretch(move_parts(strokes, rng), rng), rng)


def move_ends(strokes: Array, rng: np.random.Generator) -> Array:
    """Let strokes begin and end too early or too late.  Beyond its end, a stroke is straight."""
    begin = SETTINGS["ends"] * rng.standard_normal(strokes.shape[:2])
    end = 1 + SETTINGS["ends"] * rng.standard_normal(strokes.shape[:2])
    at = np.linspace(begin, end, POINTS, axis=-1)[..., None] * (POINTS - 1)
    left = np.clip(at.astype(int), 0, POINTS - 2)
    before = np.take_along_axis(strokes, left, axis=2)
    after = np.take_along_axis(strokes, left + 1, axis=2)
    return before + (at - left) * (after - before)


def tremble(strokes: Array, t: Array, rng: np.random.Generator) -> Array:
    """Add slow and quick smooth noise along the strokes."""
    size = np.where(t == 1, SETTINGS["bend_of_1"], 1)[:, None, None, None]
    for amount, knots in ((SETTINGS["bend"], 5), (SETTINGS["tremor"], 9)):
        strokes = strokes + amount * size * smooth_noise(len(t), 2, knots, rng)
    return strokes


def smooth_noise(count: int, axes: int, knots: int, rng: np.random.Generator) -> Array:
    """Return noise (count, 2, POINTS, axes): standard normal at `knots` places, smooth between."""
    return spline(knots, POINTS) @ rng.standard_normal((count, 2, knots, axes))


def move_parts(strokes: Array, rng: np.random.Generator) -> Array:
    """Move the second stroke a little."""
    strokes = strokes.copy()
    strokes[:, 1] += SETTINGS["parts"] * rng.standard_normal((len(strokes), 1, 2))
    return strokes


def stretch(strokes: Array, rng: np.random.Generator) -> Array:
    """Stretch the paper: move each point by a random cubic polynomial of its coordinates."""
    x, y = strokes[..., 0] - 0.5, strokes[..., 1] - 0.5
    terms = np.stack([x * x, x * y, y * y, x * x * y, x * y * y, y**3], axis=-1)
    factors = SETTINGS["stretch"] * rng.standard_normal((len(strokes), 1, 6, 2))
    return strokes + terms @ factors


def lean(strokes: Array, rng: np.random.Generator) -> Array:
    """Make digits narrow or wide, slant them and turn them."""
    normal = rng.standard_normal((3, len(strokes), 1, 1))
    width = SETTINGS["width"] * np.exp(SETTINGS["width_spread"] * normal[0])
    slant = SETTINGS["slant"] + SETTINGS["slant_spread"] * normal[1]
    turn = SETTINGS["turn_spread"] * normal[2]
    x, y = np.moveaxis(strokes - 0.5, -1, 0)
    x = width * x - slant * y
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1) + 0.5


def pens(count: int, rng: np.random.Generator) -> Array:
    """Return random widths of `count` pens, in pixels."""
    return SETTINGS["pen"] * np.exp(SETTINGS["pen_spread"] * rng.standard_normal(count))


# ---- 3.  Rendering ----


def in_pixels(strokes: Array, drawn: Array, pen: Array) -> Array:
    """Scale strokes to pixels, so that each digit fits a box of 20x20 pixels as in MNIST.

    The longer side of a digit, the width of the pen included, fills the box.  The box begins at
    pixel 4, and the coordinate 0 is the middle of pixel 0.

    Args:
        strokes: Strokes, (N, 2, POINTS, 2).
        drawn: Which strokes exist, (N, 2).
        pen: Widths of the pens in pixels, (N,).
    """
    there = drawn[:, :, None, None]
    low = np.where(there, strokes, np.inf).min(axis=(1, 2), keepdims=True)
    high = np.where(there, strokes, -np.inf).max(axis=(1, 2), keepdims=True)
    size, pen = high - low, pen[:, None, None, None]
    scale = (20 - pen) / size.max(axis=-1, keepdims=True)
    return (strokes - low - size / 2) * scale + 13.5


def render(strokes: Array, drawn: Array, pen: Array, rng: np.random.Generator) -> Array:
    """Render strokes in pixels as images (N, 28, 28) from 0 to 1.

    Each point of a stroke is a drop of ink: a Gaussian in x times a Gaussian in y.  So the sum of
    all drops is one matrix product.  At the distance d from a long line, the sum is
    exp(-d^2 / 2 s^2), so the sum gives the distance.  A pixel is black if the distance is less than
    half the width of the pen.  More pressure puts more ink into each drop, which makes the distance
    seem smaller and the line thicker.

    Args:
        strokes: Strokes in pixels, (N, 2, POINTS, 2).
        drawn: Which strokes exist, (N, 2).
        pen: Widths of the pens in pixels, (N,).
        rng: The random generator, for the pressure.
    """
    pressure = np.exp(SETTINGS["pressure"] * smooth_noise(len(strokes), 1, 4, rng))
    length = np.hypot(*np.moveaxis(np.gradient(strokes, axis=2), -1, 0))
    ink = (length * pressure[..., 0] * drawn[:, :, None]).reshape(len(strokes), 1, 2 * POINTS)
    x, y = strokes.astype(np.float32).reshape(len(strokes), 1, 2 * POINTS, 2).transpose(3, 0, 1, 2)
    half = (pen / 2).astype(np.float32)[:, None, None]
    # s is wide enough to merge points a pixel apart into a line, and narrow enough to leave holes.
    s = 0.4 * half + np.float32(0.2)
    pixel = np.arange(28, dtype=np.float32)[:, None]
    in_x, in_y = (np.exp(-(((pixel - v) / s) ** 2) / 2) for v in (x, y))
    total = (in_y * ink.astype(np.float32)) @ in_x.transpose(0, 2, 1) / (math.sqrt(2 * math.pi) * s)
    distance = s * np.sqrt(-2 * np.log(np.clip(total, 1e-12, 1)))
    return 1 / (1 + np.exp(np.clip((distance - half) / SETTINGS["softness"], -20, 20)))


# ---- 4.  Normalization ----


def centred(x: Array) -> Array:
    """Move images x (N, 28, 28) by whole pixels until their centre of mass is at (14, 14).

    MNIST's images are centred in the same way.  Ours move by at most 4 pixels, which is the margin
    around the box of 20x20.
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
    """Draw `train` and `test` images, with a progress bar if stderr is a terminal.

    Returns:
        x_train and x_test, (N, 28, 28), and t_train and t_test, (N,), all uint8.
    """
    from tqdm import tqdm

    arrays: dict[str, Array] = {}
    shown = sys.stderr is not None and sys.stderr.isatty()
    with tqdm(total=train + test, desc="drawing digits", unit="", disable=not shown) as bar:
        for part, (name, count) in enumerate((("train", train), ("test", test))):
            t, x = np.empty(count, np.uint8), np.empty((count, 28, 28), np.uint8)
            for start in range(0, count, BLOCK):
                rng = np.random.default_rng([seed, part, start])
                # This draws a whole block, because its images must not depend on `count`.
                digits = rng.integers(10, size=BLOCK, dtype=np.uint8)
                wanted = min(BLOCK, count - start)
                t[start : start + wanted] = digits[:wanted]
                x[start : start + wanted] = draw(digits, rng)[:wanted]
                bar.update(wanted)
            arrays |= {f"x_{name}": x, f"t_{name}": t}
    return arrays


def _load_cached(path: Path) -> dict[str, Array] | None:
    """Return the arrays in the cache, or None if the file is missing or damaged.

    An .npz file has checksums, so damage does not go unnoticed.
    """
    try:
        with open_npz(path) as file:
            found = {name: (form.shape, form.dtype.name) for name, form in file.forms.items()}
            return {name: file.read(name) for name in CACHED} if found == CACHED else None
    except (OSError, ValueError):
        return None
