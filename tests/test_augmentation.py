"""Augmentation: each function against small cases worked out by hand, and the promises of all."""

from functools import partial

import numpy as np
import pytest

from dlbasics import augmentation
from dlbasics.augmentation import brightness, crop, elastic, flip, rotate, scale, shift, warp
from tests.helpers import channels_last

AMOUNTS = {
    shift: {"pixels": 3},
    crop: {"pixels": 3},
    flip: {"probability": 0.5},
    rotate: {"degrees": 40},
    scale: {"share": 0.4},
    elastic: {"alpha": 1.5, "sigma": 3},
    brightness: {"amount": 0.6},
    warp: {"degrees": 20, "share": 0.3, "pixels": 2, "alpha": 1, "sigma": 3},
}
CHANGES = {function.__name__: partial(function, **AMOUNTS[function]) for function in AMOUNTS}
RAMP = np.arange(1.0, 10).reshape(1, 1, 3, 3)

every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
every_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])


def images(n=40, channels=2, h=9, w=12, dtype=np.float32):
    return np.random.default_rng(5).random((n, channels, h, w)).astype(dtype)


def rotated(x, degrees):
    return augmentation._affine(x, augmentation._rotation(np.full(len(x), degrees)))


def scaled(x, factor):
    return augmentation._affine(x, augmentation._scaling(np.full((len(x), 1), factor)))


# What all of them promise


@every_change
@every_dtype
def test_shape_and_dtype_stay_and_the_result_is_the_callers_own(change, dtype):
    x = images(dtype=dtype)
    before = x.copy()
    x.flags.writeable = False
    y = change(x, rng=0)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert y.flags.writeable
    assert not np.shares_memory(x, y)
    assert np.array_equal(x, before)
    assert not np.array_equal(x, y)


@pytest.mark.parametrize("function", AMOUNTS)
@every_dtype
def test_amount_0_changes_nothing_at_all(function, dtype):
    x = images(dtype=dtype)
    zeros = {name: 0 for name in AMOUNTS[function] if name != "sigma"}
    y = function(x, **({} if function is warp else zeros))  # warp's are 0 unless given
    assert np.array_equal(x, y)
    assert y.dtype == x.dtype
    assert not np.shares_memory(x, y)


@every_change
def test_each_image_gets_an_amount_of_its_own(change):
    same = np.repeat(images(1), 40, axis=0)
    different = {y.tobytes() for y in change(same, rng=0)}
    assert len(different) == 2 if change.func is flip else len(different) > 15


@every_change
def test_all_channels_of_an_image_change_alike_and_do_not_mix_nor_do_images(change):
    """A batch of one channel gives what that channel gives within a batch of three."""
    x = images(channels=3)
    y = change(x, rng=0)
    for channel in range(3):
        assert np.array_equal(
            y[:, channel : channel + 1], change(x[:, channel : channel + 1], rng=0)
        )
    x[7] = 0
    z = change(x, rng=0)
    assert not z[7].any()
    assert np.array_equal(np.delete(z, 7, axis=0), np.delete(y, 7, axis=0))


@every_change
def test_the_seed_decides_and_numpys_global_state_is_left_alone(change):
    x = images()
    np.random.seed(3)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (
        change(x, rng=4),
        change(x, rng=np.random.default_rng(4)),
        change(x, rng=5),
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    change(x, rng=None)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    generator = np.random.default_rng(4)
    assert not np.array_equal(change(x, rng=generator), change(x, rng=generator))


@every_change
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_stay_in_their_range(change, dtype):
    """Also by rounding: `brightness` takes what any other gives."""
    x = images(200, dtype=dtype) ** 0.1
    x[::2] = 1
    y = change(x, rng=0)
    assert y.min() >= 0
    assert y.max() <= 1


@every_change
def test_half_precision_is_for_pixels_only(change):
    x = images(dtype=np.float16)
    wanted = change(x.astype(np.float64), rng=0)
    np.testing.assert_allclose(change(x, rng=0), wanted, rtol=5e-4, atol=1e-6)


@every_change
def test_the_memory_layout_does_not_matter(change):
    x = images()
    assert np.array_equal(change(channels_last(x), rng=0), change(x, rng=0))
    assert np.array_equal(
        change(x[::-1, :, ::-1, ::-1][::-1, :, ::-1, ::-1], rng=0), change(x, rng=0)
    )


@every_change
@pytest.mark.parametrize("shape", [(1, 1, 4, 5), (3, 1, 40, 4), (2, 5, 200, 150)])
def test_any_shape_will_do(change, shape):
    assert np.isfinite(change(np.ones(shape), rng=0)).all()


@every_change
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_pixels_stay_within_their_image_without_a_warning(change, bad):
    x = images()
    clean = change(x, rng=0)
    x[3, 0, 4, 6] = bad
    if change.func is brightness and bad == np.inf:
        with pytest.raises(ValueError, match="x must"):
            change(x, rng=0)
        return
    y = change(x, rng=0)
    assert not np.isfinite(y[3, 0]).all()
    assert np.array_equal(np.delete(y, 3, axis=0), np.delete(clean, 3, axis=0))
    assert np.array_equal(y[3, 1], clean[3, 1])


@pytest.mark.parametrize("function", [f for f in AMOUNTS if f is not brightness])
@every_dtype
def test_amount_0_changes_no_image_with_infinite_pixels(function, dtype):
    """A weight of 0 times an infinite pixel would be nan."""
    x = images(dtype=dtype)
    x[1, 0, 3, 4], x[2, 1, 0, 0], x[3, 0, 8, 11], x[4, 0, 4, 4] = np.inf, -np.inf, np.inf, np.nan
    zeros = {name: 0 for name in AMOUNTS[function] if name != "sigma"}
    np.testing.assert_array_equal(function(x, **({} if function is warp else zeros)), x)


def test_an_infinite_pixel_reaches_only_the_pixels_between_it_and_its_neighbours():
    x = images(1, 1)
    clean = augmentation._sample(x, *np.indices((9, 12))[:, np.newaxis] + 0.25)
    x[0, 0, 4, 6] = np.inf
    y = augmentation._sample(x, *np.indices((9, 12))[:, np.newaxis] + 0.25)
    wanted = clean.copy()
    wanted[0, 0, 3:5, 5:7] = np.inf
    np.testing.assert_array_equal(y, wanted)


def test_infinite_pixels_at_the_edge_reach_at_most_one_pixel_outside():
    x = np.full((1, 1, 1, 3), np.inf)
    y = augmentation._sample(x, np.zeros((1, 1, 3)), np.array([[[-9e300, 2.5, 9e300]]]))
    np.testing.assert_array_equal(y[0, 0, 0], [0, np.inf, 0])


def test_finite_pixels_whose_difference_overflows_have_a_finite_mean():
    x = np.array([[[[3e38, -3e38, 3e38]]]], np.float32)
    y = augmentation._sample(x, np.zeros((1, 1, 3)), np.array([[[0.25, 1.75, 2]]]))
    np.testing.assert_allclose(y[0, 0, 0], [1.5e38, 1.5e38, 3e38], rtol=1e-6)


@every_change
@pytest.mark.parametrize(("dtype", "tiny"), [("f2", 6e-8), ("f4", 1e-45), ("f8", 5e-324)])
def test_tiny_pixels_are_no_error_whatever_np_seterr_says(change, dtype, tiny):
    x = np.full((20, 1, 9, 12), tiny, dtype)
    with np.errstate(all="raise"):
        assert (abs(change(x, rng=0)) <= 2 * x.max()).all()


# One by one


def test_each_change_draws_its_amounts_from_the_whole_range():
    """From a generator of the same seed: one amount for each image."""

    def uniform(high, *shape):
        return np.random.default_rng(0).uniform(-high, high, (40, *shape))

    x = images()
    x[:, :, 0] = 0.9  # a few pixels become brighter than 1
    bright = np.minimum(x * (1 + uniform(0.5, 1, 1, 1)), 1)
    for found, wanted in (
        (rotate(x, 30, rng=0), rotated(x, uniform(30))),
        (scale(x, 0.25, rng=0), scaled(x, 1.25 ** uniform(1, 1))),
        (brightness(x, 0.5, rng=0), bright.astype(np.float32)),
    ):
        np.testing.assert_array_equal(found, wanted)
    for probability in (0.2, 0.5):
        mirrored = np.random.default_rng(0).random(40) < probability
        wanted = np.where(mirrored[:, None, None, None], x[..., ::-1], x)
        np.testing.assert_array_equal(flip(x, 0, probability=probability), wanted)
    np.testing.assert_array_equal(flip(x, 0), flip(x, 0, probability=0.5))


def test_shift_takes_every_window_of_the_padded_image():
    seen = {y.tobytes() for y in shift(RAMP.repeat(500, axis=0), 2, rng=0)}
    padded = np.pad(RAMP[0, 0], 2)
    assert seen == {padded[i : i + 3, j : j + 3].tobytes() for i in range(5) for j in range(5)}


def test_crop_takes_nothing_from_outside():
    assert np.array_equal(crop(np.ones((100, 1, 28, 28)), 20, rng=0), np.ones((100, 1, 28, 28)))
    assert np.array_equal(crop(np.ones((9, 1, 1, 1)), 0), np.ones((9, 1, 1, 1)))


def test_crop_windows_are_of_every_size_and_everywhere():
    ramp = np.arange(9.0)[:, np.newaxis] * np.ones(12)
    x = np.stack([ramp, np.ones((9, 1)) * np.arange(12.0)])[np.newaxis].repeat(900, axis=0)
    y = crop(x, 3, rng=0)
    top, bottom = y[:, 0, 0, 0], y[:, 0, -1, 0]
    left, right = y[:, 1, 0, 0], y[:, 1, 0, -1]
    assert np.array_equal(bottom - top + 1 - 9, right - left + 1 - 12)
    places = {(int(size), int(first)) for size, first in zip(bottom - top + 1, top, strict=True)}
    assert places == {(9 - k, first) for k in range(4) for first in range(k + 1)}
    assert len(set(zip(top, left, strict=True))) == 16
    np.testing.assert_allclose(y[:, 0, :, 5].T, np.linspace(top, bottom, 9))
    np.testing.assert_allclose(y[:, 1, 5, :].T, np.linspace(left, right, 12))


def test_flip_mirrors_left_and_right():
    assert np.array_equal(flip(RAMP, probability=1), [[[[3, 2, 1], [6, 5, 4], [9, 8, 7]]]])


@pytest.mark.parametrize(
    ("turns", "shape"),
    [*((turns, (size, size)) for turns in (-1, 0, 1, 2, 3) for size in (6, 7)), (2, (5, 8))],
)
def test_right_angles_are_rot90(turns, shape):
    x = images(h=shape[0], w=shape[1])
    np.testing.assert_allclose(
        rotated(x, 90 * turns), np.rot90(x, turns, axes=(2, 3)), atol=1e-5 if turns else 0
    )


def test_rotation_by_45_degrees_by_hand():
    """Half a right angle to the left: the pixel above the centre goes to the corner.

    The corner is read sqrt(2) = 2 s above the centre, the two pixels at s above and s beside it.
    """
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 0, 1] = 1
    s = 1 / np.sqrt(2)
    wanted = [[2 - 2 * s, s * (1 - s), 0], [s * (1 - s), 0, 0], [0, 0, 0]]
    y = rotated(x, 45.0)[0, 0]
    np.testing.assert_allclose(y, wanted, atol=1e-12)


def test_scaling_by_hand():
    """Twice as large: the centre stays, every second pixel lies between two of the old ones."""
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2], x[0, 0, 2, 3] = 4, 8
    assert np.array_equal(scaled(x, 2.0)[0, 0, 2], [0, 2, 4, 6, 8])
    assert np.array_equal(scaled(x, 2.0)[0, 0, 1], [0, 1, 2, 3, 4])
    assert np.array_equal(scaled(x, 0.5)[0, 0], np.diag([0, 0, 4, 0, 0]))


def test_warp_turns_scales_height_and_width_and_moves_by_fractions_of_a_pixel():
    """Images whose pixels are their own place show where each pixel is read: at S R p + move."""
    rng = np.random.default_rng(0)
    angles, factors = np.radians(rng.uniform(-20, 20, 50)), 1.25 ** rng.uniform(-1, 1, (50, 2))
    moves = 2.5 * rng.uniform(-1, 1, (2, 50, 1, 1))
    cos, sin = np.cos(angles), np.sin(angles)
    matrices = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1) / factors[:, :, np.newaxis]
    places = np.mgrid[-20:21, -20:21].astype(float)
    y = warp(np.tile(places, (50, 1, 1, 1)), degrees=20, share=0.25, pixels=2.5, rng=0)
    wanted = np.einsum("nab,bij->naij", matrices, places) + moves.transpose(1, 0, 2, 3)
    np.testing.assert_allclose(y[:, :, 15:26, 15:26], wanted[:, :, 15:26, 15:26], atol=1e-9)


@pytest.mark.parametrize(("change", "sigma"), [(elastic, 1), (elastic, 4), (warp, 4)])
def test_alpha_is_the_standard_deviation_of_the_displacement(change, sigma):
    places = np.mgrid[:40, :40].astype(float)
    y = change(np.tile(places, (400, 1, 1, 1)), alpha=1.5, sigma=sigma, rng=0)
    d = (y - places)[:, :, 10:30, 10:30]
    np.testing.assert_allclose(d.std(axis=(0, 2, 3)), [1.5, 1.5], rtol=0.05)
    assert abs(np.corrcoef(d[:, 0].ravel(), d[:, 1].ravel())[0, 1]) < 0.05


def test_displacements_are_smoothed_with_a_gaussian_and_as_large_at_the_edge():
    weights = augmentation._gaussian(28, 4.0)
    np.testing.assert_allclose((weights**2).sum(axis=1), np.ones(28))
    away = np.arange(28) - np.arange(28)[:, np.newaxis]
    wanted = np.exp(-(away**2) / 32) * weights.diagonal()[:, np.newaxis]
    np.testing.assert_allclose(weights, wanted)


def test_bilinear_sampling_is_exact_on_a_plane_and_fades_over_one_pixel_outside():
    rows, columns = np.mgrid[:6, :8].astype(float)
    x = (2 * rows + 3 * columns + 1)[np.newaxis, np.newaxis]
    r, c = np.random.default_rng(0).random((2, 1, 6, 8)) * [[[[5]]], [[[7]]]]
    np.testing.assert_allclose(augmentation._sample(x, r, c)[0, 0], (2 * r + 3 * c + 1)[0])
    line = np.array([-9e300, -1.5, -1, -0.75, 0, 5, 5.25, 9e300])
    ones = augmentation._sample(np.ones((1, 1, 6, 8)), np.zeros((1, 6, 1)), line[np.newaxis] + 2)
    assert np.array_equal(ones[0, 0, 0], [0, 1, 1, 1, 1, 1, 0.75, 0])


# Errors


@pytest.mark.parametrize("function", AMOUNTS)
def test_what_is_no_batch_of_images_or_no_generator_is_an_error(function):
    change = CHANGES[function.__name__]
    for x in (np.zeros((2, 784)), np.zeros((0, 1, 28, 28)), np.zeros((2, 1, 0, 28))):
        with pytest.raises(ValueError, match="x must"):
            change(x)
    for x in (np.zeros((2, 1, 28, 28), np.uint8), np.zeros((2, 1, 28, 28), complex), None):
        with pytest.raises(TypeError, match="x must"):
            change(x)
    for rng in ("0", -1, 0.5):
        with pytest.raises(TypeError, match="rng must"):
            change(images(2), rng=rng)


OUT_OF_RANGE = {
    "pixels": [-1],
    "degrees": [-1, 181, np.nan],
    "share": [-0.1, np.inf],
    "alpha": [-1, np.nan],
    "sigma": [0],
    "amount": [-0.1, 1.1],
    "probability": [-0.1, 1.1],
}


@pytest.mark.parametrize(
    ("function", "name"), [(function, name) for function in AMOUNTS for name in AMOUNTS[function]]
)
def test_amounts_out_of_range_and_of_another_kind_are_errors(function, name):
    amounts = AMOUNTS[function]
    for value in OUT_OF_RANGE[name] + ([9, 10**12] if function in (shift, crop) else []):
        with pytest.raises(ValueError, match=f"{name} must be"):
            function(images(2), **amounts | {name: value})
    for value in ["3", None, [1], 1j] + ([1.5] if function in (shift, crop) else []):
        with pytest.raises(TypeError, match=f"{name} must be"):
            function(images(2), **amounts | {name: value})


def test_enormous_amounts_give_finite_images():
    for y in (
        scale(images(), 1e308, 0),
        scaled(images(), 1e-308),
        elastic(images(), 1e308, 1e300, 0),
        warp(images(), share=1e308, pixels=1e308, alpha=1e308, sigma=1e300, rng=0),
    ):
        assert np.isfinite(y).all()


@pytest.mark.parametrize(
    ("function", "name"),
    [(f, name) for f in AMOUNTS for name in AMOUNTS[f] if name not in ("pixels", "sigma")],
)
def test_minus_0_is_0(function, name):
    x = images(5)
    np.testing.assert_array_equal(function(x, **{name: -0.0}), x)


@every_change
def test_masked_images_are_an_error(change):
    with pytest.raises(TypeError, match="x must be an array without a mask"):
        change(np.ma.array(images(2)))


@pytest.mark.parametrize("outside", [-0.1, 1.5, 255])
def test_brightness_wants_pixels_from_0_to_1(outside):
    x = images(2)
    x[1, 0, 0, 0] = outside
    with pytest.raises(ValueError, match="x must hold numbers from 0 to 1"):
        brightness(x, 0.5)
