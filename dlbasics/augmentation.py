"""More training images from those at hand (chapter 8: *data augmentation*, figure 8.4).

Each function takes a batch of images x (N, C, H, W) of floating-point numbers, changes each image
by a random amount of its own, all channels alike, and returns a new array of the same shape and
dtype; amount 0 changes nothing.  `rng` is a Generator, a seed or None.  Lengths are in pixels; what
comes in from outside an image is 0.  Pixels between pixels are read by bilinear interpolation, so
that values stay in the range they had.  Raises TypeError for images that are not floating-point
and for amounts that are not numbers, ValueError for other shapes and amounts out of range.
"""

from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_number, as_rng, quiet

__all__ = ["brightness", "crop", "elastic", "flip", "rotate", "scale", "shift", "warp"]


def shift(x: Any, pixels: int, rng: RngLike = None) -> Array:
    """Images moved by whole pixels, from -pixels to pixels, down and to the right.

    pixels: from 0 to below H and W.
    """
    x = _as_images(x)
    pixels, generator = _as_pixels(pixels, x), as_rng(rng)
    n, _, h, w = x.shape
    top, left = generator.integers(2 * pixels + 1, size=(2, n))
    padded = np.pad(x, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (h, w), axis=(2, 3))
    return windows[np.arange(n), :, top, left]


def crop(x: Any, pixels: int, rng: RngLike = None) -> Array:
    """Windows cut out of the images at random places and enlarged to (H, W) again.

    A window is (H - k, W - k) with k from 0 to `pixels`, which is below H and W; its corner pixels
    become the image's.  Other than with `shift` and `scale`, nothing comes in from outside
    (Szegedy et al. 2015, *Going Deeper with Convolutions*, section 6, with the shape kept).
    """
    x = _as_images(x)
    pixels, generator = _as_pixels(pixels, x), as_rng(rng)
    n, _, h, w = x.shape
    less = generator.integers(pixels + 1, size=(n, 1))
    top, left = generator.integers(less + 1, size=(2, n, 1))
    rows = top + np.arange(h) * (h - 1 - less) / max(h - 1, 1)
    columns = left + np.arange(w) * (w - 1 - less) / max(w - 1, 1)
    return _sample(x, rows[:, :, np.newaxis], columns[:, np.newaxis, :])


def flip(x: Any, rng: RngLike = None, *, probability: float = 0.5) -> Array:
    """Images mirrored left to right, each with that probability."""
    x = _as_images(x)
    probability = as_number(probability, "probability", low=0, high=1)
    flipped = as_rng(rng).random(len(x)) < probability
    y = x.copy()
    y[flipped] = x[flipped, :, :, ::-1]
    return y


def rotate(x: Any, degrees: float, rng: RngLike = None) -> Array:
    """Images turned about their centre by an angle from -degrees to degrees (0 to 180)."""
    x, generator = _as_images(x), as_rng(rng)
    degrees = as_number(degrees, "degrees", low=0, high=180)
    return _affine(x, _rotation(generator.uniform(-degrees, degrees, size=len(x))))


def scale(x: Any, share: float, rng: RngLike = None) -> Array:
    """Images made larger or smaller about their centre by a factor (1 + share)^u, u from -1 to 1.

    share: at least 0; with 0.25 the factors are from 1 / 1.25 to 1.25.
    """
    x, generator = _as_images(x), as_rng(rng)
    base = 1 + as_number(share, "share", low=0)
    return _affine(x, _scaling(base ** generator.uniform(-1, 1, size=(len(x), 1))))


@quiet
def elastic(x: Any, alpha: float, sigma: float = 4.0, rng: RngLike = None) -> Array:
    """Images with each pixel displaced by smooth random fields (Simard et al. 2003, section 2).

    alpha: the standard deviation of each pixel's displacement, down and to the right.
    sigma: the standard deviation of the Gaussian that smooths the noise; at least 0.1.
    The paper's fields, uniform noise from -1 to 1 smoothed with sigma = 4 and multiplied by 34, are
    about those of alpha = 1.4 here.
    """
    x, generator = _as_images(x), as_rng(rng)
    alpha, sigma = as_number(alpha, "alpha", low=0), as_number(sigma, "sigma", low=0.1)
    rows, columns = np.indices(x.shape[2:])
    down, right = _smooth_fields(x, alpha, sigma, generator)
    return _sample(x, rows + down, columns + right)


@quiet
def warp(
    x: Any,
    *,
    degrees: float = 0,
    share: float = 0,
    pixels: float = 0,
    alpha: float = 0,
    sigma: float = 4.0,
    rng: RngLike = None,
) -> Array:
    """Images rotated, scaled, moved and bent all at once: `rotate`, `scale`, `shift` and `elastic`.

    One after the other they would blur an image three times and take three times as long.
    degrees, share, alpha and sigma: as there.  Height and width are scaled by factors of their own.
    pixels: how far images move at most, by fractions of a pixel too.
    """
    x, generator = _as_images(x), as_rng(rng)
    degrees = as_number(degrees, "degrees", low=0, high=180)
    base = 1 + as_number(share, "share", low=0)
    pixels = as_number(pixels, "pixels", low=0)
    alpha, sigma = as_number(alpha, "alpha", low=0), as_number(sigma, "sigma", low=0.1)
    turned = _rotation(generator.uniform(-degrees, degrees, size=len(x)))
    scaled = _scaling(base ** generator.uniform(-1, 1, size=(len(x), 2)))
    rows, columns = _places(x, scaled @ turned)
    moves = pixels * generator.uniform(-1, 1, size=(2, len(x), 1, 1))
    if alpha:
        moves = moves + _smooth_fields(x, alpha, sigma, generator)
    return _sample(x, rows + moves[0], columns + moves[1])


def brightness(x: Any, amount: float, rng: RngLike = None) -> Array:
    """y = min(x f, 1) with a factor f from 1 - amount to 1 + amount: what is black stays black.

    x: from 0 to 1.  amount: from 0 to 1.
    """
    x, generator = _as_images(x), as_rng(rng)
    amount = as_number(amount, "amount", low=0, high=1)
    if x.min() < 0 or x.max() > 1:
        raise ValueError(f"x must hold numbers from 0 to 1, got {x.min()} to {x.max()}")
    factors = 1 + generator.uniform(-amount, amount, size=(len(x), 1, 1, 1))
    return np.minimum(x * factors, 1).astype(x.dtype, copy=False)


def _rotation(degrees: Array) -> Array:
    """Matrices (N, 2, 2) for `_affine` that turn counterclockwise by angles (N,)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([cos, sin, -sin, cos], axis=-1).reshape(-1, 2, 2)


def _scaling(factors: Array) -> Array:
    """Matrices (N, 2, 2) for `_affine` that enlarge by factors (N, 1), or (N, 2): down, right."""
    return np.eye(2) / factors[:, :, np.newaxis]


def _affine(x: Array, matrices: Array) -> Array:
    return _sample(x, *_places(x, matrices))


@quiet
def _places(x: Array, matrices: Array) -> tuple[Array, Array]:
    """Where to read the image for its pixel at p = (down, right) from its centre: at A p from it.

    matrices A: (N, 2, 2).  Returns rows and columns, (N, H, W) each.
    """
    h, w = x.shape[2:]
    middle, centre = (h - 1) / 2, (w - 1) / 2
    down, right = np.arange(h)[:, np.newaxis] - middle, np.arange(w) - centre
    (a, b), (c, d) = matrices.transpose(1, 2, 0)[..., np.newaxis, np.newaxis]
    return middle + (a * down + b * right), centre + (c * down + d * right)


def _smooth_fields(x: Array, alpha: float, sigma: float, generator: np.random.Generator) -> Array:
    """Displacements down and right of each pixel, (2, N, H, W), of standard deviation alpha."""
    n, _, h, w = x.shape
    noise = generator.standard_normal((2, n, h, w))
    return np.asarray(alpha * (_gaussian(h, sigma) @ noise @ _gaussian(w, sigma).T))


def _sample(x: Array, rows: Array, columns: Array) -> Array:
    """y[n, c, i, j] = x[n, c, rows[n, i, j], columns[n, i, j]], bilinear, with zeros around x.

    rows, columns: what broadcasts to (N, H, W), in pixels, the first pixel's middle at 0.
    """
    y = np.empty_like(x)
    # A few images at a time: what lies between stays in the cache, and little for any N.
    step = max(1, 16_384 // x[0].size)
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        y[part] = _bilinear(x[part], rows[part, np.newaxis], columns[part, np.newaxis])
    return y


@quiet
def _bilinear(x: Array, rows: Array, columns: Array) -> Array:
    n, channels, h, w = x.shape
    padded = np.zeros((n, channels, h + 2, w + 2), np.result_type(x, np.float32))
    padded[:, :, 1:-1, 1:-1] = x
    flat = padded.ravel()
    top, below = _pixel_and_rest(rows, h, flat.dtype)
    left, beyond = _pixel_and_rest(columns, w, flat.dtype)
    image = np.arange(n * channels).reshape(n, channels, 1, 1)
    upper_left = (image * (h + 2) + top) * (w + 2) + left
    lower_left = upper_left + (w + 2)
    upper, lower = flat.take(upper_left), flat.take(lower_left)
    upper += beyond * (flat.take(upper_left + 1) - upper)
    lower += beyond * (flat.take(lower_left + 1) - lower)
    return upper + below * (lower - upper)


def _pixel_and_rest(positions: Array, size: int, dtype: Any) -> tuple[Array, Array]:
    """The pixel at or before each position, counted from the border of zeros, and the rest."""
    positions = np.clip(positions + 1, 0, size + 1)
    pixel = np.minimum(positions.astype(np.intp), size)
    return pixel, (positions - pixel).astype(dtype)


def _gaussian(size: int, sigma: float) -> Array:
    """Rows of Gaussian weights (size, size) of norm 1: they keep the variance of white noise."""
    distance = np.arange(size) - np.arange(size)[:, np.newaxis]
    weights = np.exp(-((distance / sigma) ** 2) / 2)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _as_images(x: Any) -> Array:
    x = as_array(x)
    if x.dtype.kind != "f":
        raise TypeError(f"x must hold floating-point images, got dtype {x.dtype}")
    if x.ndim != 4 or x.size == 0:
        raise ValueError(f"x must have shape (N, C, H, W) and not be empty, got {x.shape}")
    return x


def _as_pixels(pixels: Any, x: Array) -> int:
    pixels = as_count(pixels, "pixels", least=0)
    if pixels >= min(x.shape[2:]):
        raise ValueError(f"pixels must be below H and W, {x.shape[2:]}, got {pixels}")
    return pixels
