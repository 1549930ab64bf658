"""Augmentation: each function against small cases worked out by hand, and the promises of all."""

import numpy as np
import pytest

from dlbasics import augmentation
from dlbasics.augmentation import brightness, crop, elastic, flip, rotate, scale, shift, warp
from tests.helpers import channels_last

CHANGES = {
    "shift": lambda x, rng: shift(x, 3, rng),
    "crop": lambda x, rng: crop(x, 3, rng),
    "flip": lambda x, rng: flip(x, rng),
    "rotate": lambda x, rng: rotate(x, 40, rng),
    "scale": lambda x, rng: scale(x, 0.4, rng),
    "elastic": lambda x, rng: elastic(x, 1.5, 3, rng),
    "brightness": lambda x, rng: brightness(x, 0.6, rng),
    "warp": lambda x, rng: warp(x, degrees=20, share=0.3, pixels=2, alpha=1, sigma=3, rng=rng),
}
NOTHING = {
    "shift": lambda x: shift(x, 0),
    "crop": lambda x: crop(x, 0),
    "flip": lambda x: flip(x, probability=0),
    "rotate": lambda x: rotate(x, 0),
    "scale": lambda x: scale(x, 0),
    "elastic": lambda x: elastic(x, 0, 3),
    "brightness": lambda x: brightness(x, 0),
    "warp": warp,
}
RAMP = np.arange(1.0, 10).reshape(1, 1, 3, 3)

every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
every_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])


def images(n=40, channels=2, h=9, w=12, dtype=np.float32):
    return np.random.default_rng(5).random((n, channels, h, w)).astype(dtype)


def blob(n, size=28):
    """Bright in the middle and 0 towards the edges, where nothing is lost or comes in."""
    d = np.arange(size) - (size - 1) / 2
    return np.tile(np.exp(-(d**2 + d[:, np.newaxis] ** 2) / 18), (n, 1, 1, 1))


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
    y = change(x, 0)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert y.flags.writeable
    assert not np.shares_memory(x, y)
    assert np.array_equal(x, before)
    assert not np.array_equal(x, y)


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING)
@every_dtype
def test_amount_0_changes_nothing_at_all(nothing, dtype):
    x = images(dtype=dtype)
    y = nothing(x)
    assert np.array_equal(x, y)
    assert y.dtype == x.dtype
    assert not np.shares_memory(x, y)


@every_change
def test_each_image_gets_an_amount_of_its_own(change):
    same = np.repeat(images(1), 40, axis=0)
    different = {y.tobytes() for y in change(same, 0)}
    assert len(different) == 2 if change is CHANGES["flip"] else len(different) > 15


@every_change
def test_all_channels_of_an_image_change_alike_and_do_not_mix_nor_do_images(change):
    """A batch of one channel gives what that channel gives within a batch of three."""
    x = images(channels=3)
    y = change(x, 0)
    for channel in range(3):
        assert np.array_equal(y[:, channel : channel + 1], change(x[:, channel : channel + 1], 0))
    x[7] = 0
    z = change(x, 0)
    assert not z[7].any()
    assert np.array_equal(np.delete(z, 7, axis=0), np.delete(y, 7, axis=0))


@every_change
def test_the_seed_decides_and_numpys_global_state_is_left_alone(change):
    x = images()
    np.random.seed(3)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = change(x, 4), change(x, np.random.default_rng(4)), change(x, 5)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    change(x, None)
    assert np.array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    generator = np.random.default_rng(4)
    assert not np.array_equal(change(x, generator), change(x, generator))


@every_change
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_stay_in_their_range(change, dtype):
    """Also by rounding: `brightness` takes what any other gives."""
    x = images(200, dtype=dtype) ** 0.1
    x[::2] = 1
    y = change(x, 0)
    assert y.min() >= 0
    assert y.max() <= 1


@every_change
def test_half_precision_is_for_pixels_only(change):
    x = images(dtype=np.float16)
    wanted = change(x.astype(np.float64), 0)
    np.testing.assert_allclose(change(x, 0), wanted, rtol=5e-4, atol=1e-6)


@every_change
def test_the_memory_layout_does_not_matter(change):
    x = images()
    assert np.array_equal(change(channels_last(x), 0), change(x, 0))
    assert np.array_equal(change(x[::-1, :, ::-1, ::-1][::-1, :, ::-1, ::-1], 0), change(x, 0))


@every_change
@pytest.mark.parametrize("shape", [(1, 1, 4, 5), (3, 1, 40, 4), (2, 5, 200, 150)])
def test_any_shape_will_do(change, shape):
    assert np.isfinite(change(np.ones(shape), 0)).all()


@every_change
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_pixels_stay_within_their_image_without_a_warning(change, bad):
    x = images()
    clean = change(x, 0)
    x[3, 0, 4, 6] = bad
    if change is CHANGES["brightness"] and bad == np.inf:
        with pytest.raises(ValueError, match="x must"):
            change(x, 0)
        return
    y = change(x, 0)
    assert not np.isfinite(y[3, 0]).all()
    assert np.array_equal(np.delete(y, 3, axis=0), np.delete(clean, 3, axis=0))
    assert np.array_equal(y[3, 1], clean[3, 1])


@pytest.mark.parametrize("name", ["shift", "rotate", "scale", "elastic"])
def test_zeros_come_in_from_outside(name):
    y = CHANGES[name](np.ones((40, 1, 9, 12)), 0)
    edges = np.concatenate([y[:, 0, 0], y[:, 0, -1], y[:, 0, :, 0], y[:, 0, :, -1]], axis=1)
    assert edges.min() == 0
    assert y[:, 0, 4, 6].min() > 0.99


@pytest.mark.parametrize("name", ["shift", "rotate", "flip"])
def test_what_stays_inside_keeps_its_sum(name):
    x = blob(50)
    np.testing.assert_allclose(CHANGES[name](x, 0).sum(axis=(1, 2, 3)), x[0].sum(), rtol=0.005)


def test_elastic_keeps_the_sum_on_average():
    """A field stretches one part of an image and squeezes another."""
    x = blob(400)
    sums = elastic(x, 1.0, 4, rng=0).sum(axis=(1, 2, 3)) / x[0].sum()
    assert sums.mean() == pytest.approx(1, abs=0.05)
    assert 0.05 < sums.std() < 0.35


# One by one


def test_shift_by_hand():
    seen = {y.tobytes() for y in shift(RAMP.repeat(200, axis=0), 1, rng=0)}
    padded = np.pad(RAMP[0, 0], 1)
    wanted = {padded[i : i + 3, j : j + 3].tobytes() for i in range(3) for j in range(3)}
    assert seen == wanted


def test_shift_goes_as_far_as_it_is_told_in_all_directions():
    x = np.zeros((500, 1, 9, 12))
    x[:, :, 4, 6] = 1
    _, _, rows, columns = np.nonzero(shift(x, 3, rng=0))
    assert set(rows - 4) == set(columns - 6) == set(range(-3, 4))
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.2


def test_crop_by_hand():
    """Windows of a 3x3 image, 1 pixel smaller: 2x2, its corners kept, means between them."""
    seen = {tuple(y.ravel()) for y in crop(RAMP.repeat(200, axis=0), 1, rng=0)}
    wanted = {tuple(RAMP.ravel())}
    for a in (1, 2, 4, 5):
        b, c, d = a + 1, a + 3, a + 4
        top, middle, bottom = [a, (a + b) / 2, b], [(a + c) / 2, (a + d) / 2], [c, (c + d) / 2, d]
        wanted.add((*top, *middle, (b + d) / 2, *bottom))
    assert seen == wanted


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


def test_flip_mirrors_left_and_right():
    assert np.array_equal(flip(RAMP, probability=1), [[[[3, 2, 1], [6, 5, 4], [9, 8, 7]]]])


def test_flip_has_its_probability():
    x = RAMP.repeat(2000, axis=0)
    for wanted, y in ((0.5, flip(x, 0)), (0.2, flip(x, 0, probability=0.2))):
        assert (y[:, 0, 0, 0] == 3).mean() == pytest.approx(wanted, abs=0.04)


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


def angles_of(x):
    """The angles to which spots above the centre have been turned, and their distances from it."""
    d = np.arange(28) - 13.5
    total = x.sum(axis=(1, 2, 3))
    up = -(x[:, 0] * d[:, np.newaxis]).sum(axis=(1, 2)) / total
    right = (x[:, 0] * d).sum(axis=(1, 2)) / total
    return np.degrees(np.arctan2(-right, up)), np.hypot(up, right)


def spots(n):
    d = np.arange(28) - 13.5
    return np.tile(np.exp(-((d[:, np.newaxis] + 6) ** 2 + d**2) / 6), (n, 1, 1, 1))


@pytest.mark.parametrize("change", [rotate, warp])
def test_angles_are_uniform_in_degrees_and_the_centre_stays(change):
    angles, distances = angles_of(change(spots(1000), degrees=30, rng=0))
    assert -30.1 < angles.min() < -29
    assert 29 < angles.max() < 30.1
    assert angles.std() == pytest.approx(30 / np.sqrt(3), abs=1)
    np.testing.assert_allclose(distances, 6, atol=0.05)


def test_scaling_by_hand():
    """Twice as large: the centre stays, every second pixel lies between two of the old ones."""
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2], x[0, 0, 2, 3] = 4, 8
    assert np.array_equal(scaled(x, 2.0)[0, 0, 2], [0, 2, 4, 6, 8])
    assert np.array_equal(scaled(x, 2.0)[0, 0, 1], [0, 1, 2, 3, 4])
    assert np.array_equal(scaled(x, 0.5)[0, 0], np.diag([0, 0, 4, 0, 0]))


def test_factors_are_as_often_above_1_as_below():
    """A blob scaled by f has f^2 times the sum."""
    x = blob(1000)
    factors = np.sqrt(scale(x, 0.25, rng=0).sum(axis=(1, 2, 3)) / x[0].sum())
    assert 0.795 < factors.min() < 0.81
    assert 1.24 < factors.max() < 1.255
    assert (factors > 1).mean() == pytest.approx(0.5, abs=0.05)


def displacements(alpha, sigma, n=400, change=elastic):
    """Where each pixel is read, down and to the right: images whose pixels are their own place."""
    places = np.mgrid[:40, :40].astype(float)
    y = change(np.tile(places, (n, 1, 1, 1)), alpha=alpha, sigma=sigma, rng=0)
    return (y - places)[:, :, 10:30, 10:30]


def test_warp_scales_height_and_width_by_factors_of_their_own():
    x = np.tile(np.mgrid[:41, :41].astype(float) - 20, (1000, 1, 1, 1))
    slopes = np.diff(warp(x, share=0.25, rng=0)[:, :, 15:26, 15:26], axis=2).mean(axis=(2, 3))
    down = slopes[:, 0]
    right = np.diff(warp(x, share=0.25, rng=0)[:, 1, 15:26, 15:26], axis=2).mean(axis=(1, 2))
    np.testing.assert_allclose(slopes[:, 1], 0, atol=1e-9)
    for factors in (1 / down, 1 / right):
        assert 0.8 <= factors.min() < 0.81
        assert 1.24 < factors.max() <= 1.25
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.1


def test_warp_moves_by_fractions_of_a_pixel_in_all_directions():
    x = np.tile(np.mgrid[:41, :41].astype(float), (1000, 1, 1, 1))
    moves = (warp(x, pixels=2.5, rng=0) - x)[:, :, 5:36, 5:36]
    np.testing.assert_allclose(moves.std(axis=(2, 3)), 0, atol=1e-9)
    moves = moves.mean(axis=(2, 3))
    assert -2.5 <= moves.min() < -2.45
    assert 2.45 < moves.max() <= 2.5
    assert abs(np.corrcoef(*moves.T)[0, 1]) < 0.1
    assert moves.std() == pytest.approx(2.5 / np.sqrt(3), rel=0.05)


@pytest.mark.parametrize(("change", "sigma"), [(elastic, 1), (elastic, 4), (warp, 4)])
def test_alpha_is_the_standard_deviation_of_the_displacement(change, sigma):
    d = displacements(1.5, sigma, change=change)
    np.testing.assert_allclose(d.std(axis=(0, 2, 3)), [1.5, 1.5], rtol=0.05)
    np.testing.assert_allclose(d.std(axis=0).mean(axis=(1, 2)), [1.5, 1.5], rtol=0.05)
    assert abs(np.corrcoef(d[:, 0].ravel(), d[:, 1].ravel())[0, 1]) < 0.05


def test_sigma_is_how_far_displacements_go_together():
    """Noise smoothed with a Gaussian is correlated as exp(-distance^2 / (4 sigma^2))."""
    d = displacements(alpha=1.0, sigma=3)
    for distance in (1, 3, 6):
        wanted = np.exp(-(distance**2) / 36)
        right = np.corrcoef(d[..., distance:].ravel(), d[..., :-distance].ravel())[0, 1]
        down = np.corrcoef(d[..., distance:, :].ravel(), d[..., :-distance, :].ravel())[0, 1]
        assert right == pytest.approx(wanted, abs=0.05)
        assert down == pytest.approx(wanted, abs=0.05)


def test_displacements_at_the_edge_are_as_large_as_in_the_middle():
    weights = augmentation._gaussian(28, 4.0)
    np.testing.assert_allclose((weights**2).sum(axis=1), np.ones(28))
    np.testing.assert_allclose(augmentation._gaussian(5, 0.1), np.eye(5), atol=1e-20)


def test_brightness_multiplies_and_ends_at_1():
    x = np.tile([0.0, 0.1, 0.2, 0.9], (1000, 1, 1, 1))
    y = brightness(x, 0.5, rng=0)[:, 0, 0]
    factors = y[:, 1] / 0.1
    assert 0.5 <= factors.min() < 0.51
    assert 1.49 < factors.max() <= 1.5
    assert factors.mean() == pytest.approx(1, abs=0.03)
    assert not y[:, 0].any()
    np.testing.assert_allclose(y[:, 2], 0.2 * factors)
    np.testing.assert_allclose(y[:, 3], np.clip(0.9 * factors, 0, 1))


def test_bilinear_sampling_is_exact_on_a_plane_and_fades_over_one_pixel_outside():
    rows, columns = np.mgrid[:6, :8].astype(float)
    x = (2 * rows + 3 * columns + 1)[np.newaxis, np.newaxis]
    r, c = np.random.default_rng(0).random((2, 1, 6, 8)) * [[[[5]]], [[[7]]]]
    np.testing.assert_allclose(augmentation._sample(x, r, c)[0, 0], (2 * r + 3 * c + 1)[0])
    line = np.array([-9e300, -1.5, -1, -0.75, 0, 5, 5.25, 9e300])
    ones = augmentation._sample(np.ones((1, 1, 6, 8)), np.zeros((1, 6, 1)), line[np.newaxis] + 2)
    assert np.array_equal(ones[0, 0, 0], [0, 1, 1, 1, 1, 1, 0.75, 0])


# Errors


@every_change
@pytest.mark.parametrize(
    "x, error",
    [
        (np.zeros((2, 784)), ValueError),
        (np.zeros((28, 28)), ValueError),
        (np.zeros((0, 1, 28, 28)), ValueError),
        (np.zeros((2, 1, 0, 28)), ValueError),
        (np.zeros((2, 1, 28, 28), np.uint8), TypeError),
        (np.zeros((2, 1, 28, 28), complex), TypeError),
        (None, TypeError),
    ],
)
def test_what_is_no_batch_of_images_is_an_error(change, x, error):
    with pytest.raises(error, match="x must"):
        change(x, 0)


@every_change
@pytest.mark.parametrize("rng", ["0", -1, 0.5])
def test_what_is_no_generator_is_an_error(change, rng):
    with pytest.raises(TypeError, match="rng must"):
        change(images(2), rng)


@pytest.mark.parametrize(
    "change, argument, wrong",
    [
        (shift, "pixels", [-1, 9, 10**12]),
        (crop, "pixels", [-1, 9, 10**12]),
        (rotate, "degrees", [-1, 181, np.nan]),
        (scale, "share", [-0.1, np.inf]),
        (elastic, "alpha", [-1, np.nan]),
        (brightness, "amount", [-0.1, 1.1]),
        (flip, "probability", [-0.1, 1.1]),
        (warp, "degrees", [-1, 181, np.nan]),
        (warp, "share", [-0.1, np.inf]),
        (warp, "pixels", [-1, np.inf]),
        (warp, "alpha", [-1, np.nan]),
    ],
)
def test_amounts_out_of_range_and_of_another_kind_are_errors(change, argument, wrong):
    for value in wrong:
        with pytest.raises(ValueError, match=f"{argument} must be"):
            change(images(2), **{argument: value})
    for value in ("3", None, [1], 1j):
        with pytest.raises(TypeError, match=f"{argument} must be"):
            change(images(2), **{argument: value})


def test_half_pixels_and_no_smoothing_are_errors():
    with pytest.raises(TypeError, match="pixels must be an integer"):
        shift(images(2), 1.5)
    with pytest.raises(ValueError, match=r"sigma must be a finite number from 0\.1"):
        elastic(images(2), 1, 0)


def test_enormous_amounts_give_finite_images():
    for y in (
        scale(images(), 1e308, 0),
        scaled(images(), 1e-308),
        elastic(images(), 1e308, 1e300, 0),
        warp(images(), share=1e308, pixels=1e308, alpha=1e308, sigma=1e300, rng=0),
    ):
        assert np.isfinite(y).all()


@pytest.mark.parametrize("outside", [-0.1, 1.5, 255])
def test_brightness_wants_pixels_from_0_to_1(outside):
    x = images(2)
    x[1, 0, 0, 0] = outside
    with pytest.raises(ValueError, match="x must hold numbers from 0 to 1"):
        brightness(x, 0.5)
