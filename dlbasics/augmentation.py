"""Data augmentation makes new training images from old ones (book: chapter 8, figure 8.4).

Each function takes a batch of floating-point images x, (N, C, H, W), and returns a new array of the
same shape and dtype.  It draws an amount for each image, and changes all channels of the image by
it; the amount 0 changes nothing.  Lengths are in pixels.  Pixels from outside an image are 0.
Bilinear interpolation gives the values between pixels, which therefore stay within their range.

Every function raises TypeError if the images are not floating-point or an amount is not a number,
and ValueError if the images have another shape or an amount is out of range.
"""

from typing import Any

import numpy as np

from dlbasics._internal import hints
from dlbasics._internal.checks import Array, RngLike, as_array, as_count, as_number, as_rng, quiet

__all__ = ["brightness", "crop", "elastic", "flip", "rotate", "scale", "shift", "warp"]


def shift(x: Any, pixels: int, rng: RngLike = None) -> Array:
    """Move images by a whole number of pixels, from -pixels to pixels, down and to the right.

    Args:
        x: The images, (N, C, H, W).
        pixels: The largest move, at least 0 and below H and W.
        rng: The random generator, or its seed.
    """
    x = _as_images(x)
    pixels, generator = _as_pixels(pixels, x), as_rng(rng)
    n, _, h, w = x.shape
    top, left = generator.integers(2 * pixels + 1, size=(2, n))
    padded = np.pad(x, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (h, w), axis=(2, 3))
    return windows[np.arange(n), :, top, left]


def crop(x: Any, pixels: int, rng: RngLike = None) -> Array:
    """Cut a window out of each image at a random place, and enlarge it to (H, W).

    The window has the shape (H - k, W - k), with k from 0 to `pixels`.  Its corner pixels become
    those of the image.  Unlike `shift` and `scale`, this needs no pixels from outside the image.

    Args:
        x: The images, (N, C, H, W).
        pixels: The largest k, at least 0 and below H and W.
        rng: The random generator, or its seed.

    Source: Szegedy et al. 2015, *Going Deeper with Convolutions*, section 6, with a fixed shape.
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
    """Mirror images left to right.

    Args:
        x: The images, (N, C, H, W).
        rng: The random generator, or its seed.
        probability: The probability that an image is mirrored.
    """
    x = _as_images(x)
    probability = as_number(probability, "probability", low=0, high=1)
    flipped = as_rng(rng).random(len(x)) < probability
    y = x.copy()
    y[flipped] = x[flipped, :, :, ::-1]
    return y


def rotate(x: Any, degrees: float, rng: RngLike = None) -> Array:
    """Rotate images about their centre by an angle from -degrees to degrees.

    Args:
        x: The images, (N, C, H, W).
        degrees: The largest angle, from 0 to 180.
        rng: The random generator, or its seed.
    """
    x, generator = _as_images(x), as_rng(rng)
    degrees = as_number(degrees, "degrees", low=0, high=180)
    return _affine(x, _rotation(generator.uniform(-degrees, degrees, size=len(x))))


def scale(x: Any, share: float, rng: RngLike = None) -> Array:
    """Scale images about their centre by a factor (1 + share)^u, with u from -1 to 1.

    Args:
        x: The images, (N, C, H, W).
        share: The largest growth, at least 0.  With 0.25, factors are from 1 / 1.25 to 1.25.
        rng: The random generator, or its seed.
    """
    x, generator = _as_images(x), as_rng(rng)
    base = 1 + as_number(share, "share", low=0)
    return _affine(x, _scaling(base ** generator.uniform(-1, 1, size=(len(x), 1))))


@quiet
def elastic(x: Any, alpha: float, sigma: float = 4.0, rng: RngLike = None) -> Array:
    """Displace each pixel by smooth random fields.

    The paper's fields are uniform noise from -1 to 1, smoothed with sigma = 4 and multiplied by 34.
    They correspond to about alpha = 1.4 here.

    Args:
        x: The images, (N, C, H, W).
        alpha: The standard deviation of a pixel's displacement, down and to the right.
        sigma: The standard deviation of the Gaussian that smooths the noise, at least 0.1.
        rng: The random generator, or its seed.

    Source: Simard et al. 2003, section 2.
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
    """Do the work of `rotate`, `scale`, `shift` and `elastic` in one step.

    One after the other, these functions would blur an image three times and take three times as
    long.

    Args:
        x: The images, (N, C, H, W).
        degrees: The largest angle, as in `rotate`.
        share: The largest growth, as in `scale`, but with one factor for the height and another
            for the width.
        pixels: The largest move, as in `shift`, but by any fraction of a pixel.
        alpha: The standard deviation of the displacements, as in `elastic`.
        sigma: The standard deviation of the Gaussian, as in `elastic`.
        rng: The random generator, or its seed.
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


@quiet
def brightness(x: Any, amount: float, rng: RngLike = None) -> Array:
    """Make images brighter or darker: y = min(f x, 1), with f from 1 - amount to 1 + amount.

    Args:
        x: The images, (N, C, H, W), with values from 0 to 1.
        amount: The largest change of the factor, from 0 to 1.
        rng: The random generator, or its seed.

    Raises:
        ValueError: If x holds a number that is not from 0 to 1.
    """
    x, generator = _as_images(x), as_rng(rng)
    amount = as_number(amount, "amount", low=0, high=1)
    if x.min() < 0 or x.max() > 1:
        raise ValueError(f"x must hold numbers from 0 to 1, got {x.min()} to {x.max()}")
    factors = 1 + generator.uniform(-amount, amount, size=(len(x), 1, 1, 1))
    return np.minimum(x * factors, 1).astype(x.dtype, copy=False)


def _rotation(degrees: Array) -> Array:
    """Return matrices (N, 2, 2) for `_affine` that rotate counterclockwise by angles (N,)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([cos, sin, -sin, cos], axis=-1).reshape(-1, 2, 2)


def _scaling(factors: Array) -> Array:
    """Return matrices (N, 2, 2) for `_affine` that enlarge by factors (N, 1) or (N, 2)."""
    return np.eye(2) / factors[:, :, np.newaxis]


def _affine(x: Array, matrices: Array) -> Array:
    return _sample(x, *_places(x, matrices))


@quiet
def _places(x: Array, matrices: Array) -> tuple[Array, Array]:
    """Return the rows and columns, (N, H, W) each, at which to read the pixels of new images.

    The new image has at p = (down, right) from the centre what the old one has at A p.

    Args:
        x: The images, (N, C, H, W).
        matrices: A for each image, (N, 2, 2).
    """
    h, w = x.shape[2:]
    middle, centre = (h - 1) / 2, (w - 1) / 2
    down, right = np.arange(h)[:, np.newaxis] - middle, np.arange(w) - centre
    (a, b), (c, d) = matrices.transpose(1, 2, 0)[..., np.newaxis, np.newaxis]
    return middle + (a * down + b * right), centre + (c * down + d * right)


def _smooth_fields(x: Array, alpha: float, sigma: float, generator: np.random.Generator) -> Array:
    """Return displacements (2, N, H, W), down and right, of standard deviation alpha."""
    n, _, h, w = x.shape
    noise = generator.standard_normal((2, n, h, w))
    return np.asarray(alpha * (_gaussian(h, sigma) @ noise @ _gaussian(w, sigma).T))


@quiet
def _sample(x: Array, rows: Array, columns: Array) -> Array:
    """Return y[n, c, i, j] = x[n, c, rows[n, i, j], columns[n, i, j]], with zeros around x.

    The interpolation is bilinear.  rows, columns: shapes that broadcast to (N, H, W); in pixels,
    with the middle of the first pixel at 0.
    """
    y = np.empty_like(x)
    # For a few images at a time, the intermediate arrays fit into the processor's cache.
    step = max(1, 16_384 // x[0].size)
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        y[part] = _bilinear(x[part], rows[part, np.newaxis], columns[part, np.newaxis])
    return y


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
    y = upper + below * (lower - upper)
    is_finite = np.isfinite(y)
    if not is_finite.all():
        # In the formula above, an infinite pixel of weight 0 gives 0 * inf, which is nan.
        upper = _mean(flat.take(upper_left), flat.take(upper_left + 1), beyond)
        lower = _mean(flat.take(lower_left), flat.take(lower_left + 1), beyond)
        y = np.where(is_finite, y, _mean(upper, lower, below))
    return y


def _mean(a: Array, b: Array, share: Array) -> Array:
    """Return (1 - share) a + share b, in which a number of share 0 does not count at all."""
    return np.where(share < 1, (1 - share) * a, 0) + np.where(share > 0, share * b, 0)


def _pixel_and_rest(positions: Array, size: int, dtype: Any) -> tuple[Array, Array]:
    """Return the pixel at or before each position, and the distance to it.

    Pixel 0 is the border of zeros.
    """
    positions = np.clip(positions + 1, 0, size + 1)
    pixel = np.minimum(positions.astype(np.intp), size)
    return pixel, (positions - pixel).astype(dtype)


def _gaussian(size: int, sigma: float) -> Array:
    """Return rows of Gaussian weights, (size, size).

    Their norm is 1, which keeps the variance of white noise.
    """
    distance = np.arange(size) - np.arange(size)[:, np.newaxis]
    weights = np.exp(-((distance / sigma) ** 2) / 2)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _as_images(x: Any) -> Array:
    x = as_array(x)
    if x.dtype.kind != "f":
        raise TypeError(f"x must hold floating-point images, got dtype {x.dtype}")
    if x.ndim != 4 or x.size == 0 or hints.has_channels_last(x.shape[1:]):
        channels = x.shape[-1] if x.ndim == 4 else 1
        cure = hints.for_images(x.shape, (channels, "H", "W"))
        raise ValueError(f"x must have shape (N, C, H, W) and not be empty, got {x.shape}{cure}")
    return x


def _as_pixels(pixels: Any, x: Array) -> int:
    pixels = as_count(pixels, "pixels", least=0)
    if pixels >= min(x.shape[2:]):
        raise ValueError(f"pixels must be below H and W, {x.shape[2:]}, got {pixels}")
    return pixels
