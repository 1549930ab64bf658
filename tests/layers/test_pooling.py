import itertools

import numpy as np
import pytest

from dlbasics.layers import AveragePooling, GlobalAveragePooling, Pooling
from tests.helpers import channels_last, normal


def windows(x, layer):
    """Yield the place of each window in the output, and the places of its pixels in x."""
    _, _, H, W = x.shape
    (down, right), (pad_h, pad_w) = np.broadcast_to(layer.stride, 2), np.broadcast_to(layer.pad, 2)
    for top in range(0, H + 2 * pad_h - layer.pool_h + 1, down):
        for left in range(0, W + 2 * pad_w - layer.pool_w + 1, right):
            rows = range(top - pad_h, top - pad_h + layer.pool_h)
            columns = range(left - pad_w, left - pad_w + layer.pool_w)
            inside = [(i, j) for i in rows for j in columns if 0 <= i < H and 0 <= j < W]
            yield (top // down, left // right), inside


def naive(x, layer, dout):
    """Return y and dx, a window at a time; of equal largest pixels the first gets dout."""
    y, dx = np.zeros(dout.shape), np.zeros(x.shape)
    for n, c in np.ndindex(x.shape[:2]):
        image = x[n, c]
        for (oh, ow), inside in windows(x, layer):
            shares = dict.fromkeys(inside, 1 / (layer.pool_h * layer.pool_w))
            if isinstance(layer, Pooling):
                shares = {max(inside, key=image.__getitem__): 1}
            for place, share in shares.items():
                y[n, c, oh, ow] += share * image[place]
                dx[n, c][place] += share * dout[n, c, oh, ow]
    return y, dx


GEOMETRIES = [
    # pool_h, pool_w, stride, pad, H, W
    (2, 2, 2, 0, 4, 6),
    (2, 2, 2, 0, 2, 2),
    (2, 2, 1, 0, 3, 4),
    (2, 2, 2, 1, 4, 6),
    (2, 2, 3, 0, 5, 8),
    (3, 3, 2, 1, 5, 7),
    (3, 3, 3, 0, 6, 3),
    (3, 2, 1, 1, 3, 4),
    (1, 1, 1, 0, 3, 3),
    (1, 1, 2, 0, 3, 5),
    (4, 3, 1, 0, 4, 3),
    (4, 4, 2, 3, 2, 4),
    (2, 3, (2, 1), (0, 1), 4, 5),
    (3, 2, (1, 2), (2, 0), 3, 6),
    (2, 2, 2, 0, 5, 7),
    (2, 2, 2, 0, 4, 7),
    (2, 2, 2, 1, 5, 3),
    (3, 3, 2, 1, 6, 8),
    (2, 4, (3, 2), (1, 0), 5, 5),
]
"""Windows of the last five leave pixels over."""
VALUES = {
    "normal": lambda *shape: normal(*shape),
    "many equal": lambda *shape: np.random.default_rng(0).integers(-2, 2, shape).astype(float),
    "zeros of both signs": lambda *shape: np.random.default_rng(0).choice([0.0, -0.0], shape),
    "all equal": lambda *shape: np.full(shape, -3.0),
    "negative": lambda *shape: -1 - np.abs(normal(*shape)),
}


@pytest.mark.parametrize("relayed", [np.ascontiguousarray, channels_last])
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("make", [Pooling, AveragePooling])
def test_equals_the_definition(make, geometry, values, relayed):
    *arguments, H, W = geometry
    layer, x = make(*arguments, floor=True), relayed(values(2, 3, H, W))
    y = layer.forward(x)
    assert y.shape == (2, *layer.output_shape((3, H, W)))
    dout = normal(*y.shape, seed=1)
    expected = naive(x, layer, dout)
    np.testing.assert_allclose(y, expected[0], atol=1e-14)
    np.testing.assert_allclose(layer.backward(dout), expected[1], atol=1e-14)


def test_windows_move_by_one_pixel_unless_told_otherwise():
    layer = Pooling(2, 2)
    assert (layer.pool_h, layer.pool_w, layer.stride, layer.pad) == (2, 2, 1, 0)
    assert layer.forward(normal(1, 1, 3, 3)).shape == (1, 1, 2, 2)
    named = Pooling(pool_h=3, pool_w=2, stride=2, pad=1)
    assert (named.pool_h, named.pool_w, named.stride, named.pad) == (3, 2, 2, 1)


def test_padding_never_wins_over_negative_values():
    x = np.full((1, 2, 2, 2), -7.0)
    assert (Pooling(2, 2, stride=1, pad=1).forward(x) == -7).all()


def test_padding_counts_in_the_output_size():
    assert Pooling(3, 3, stride=2, pad=1).forward(normal(1, 1, 5, 7)).shape == (1, 1, 3, 4)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_pixel_that_is_not_a_number_is_seen(stride):
    x = normal(1, 1, 2, 2)
    for place in np.ndindex(1, 1, 2, 2):
        damaged = x.copy()
        damaged[place] = np.nan
        assert np.isnan(Pooling(2, 2, stride).forward(damaged)).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_the_gradient_goes_to_the_pixel_that_is_not_a_number(stride):
    """For argmax, NaN is larger than any number; of several NaN, the first counts."""
    layer, x = Pooling(2, 2, stride), normal(1, 1, 2, 2)
    for places in itertools.product([False, True], repeat=4):
        damaged = x.copy()
        damaged.flat[np.flatnonzero(places)] = np.nan
        layer.forward(damaged)
        winner = places.index(True) if any(places) else int(x.argmax())
        for dout in (3.0, np.inf, np.nan):
            dx = layer.backward(np.full((1, 1, 1, 1), dout)).ravel()
            np.testing.assert_array_equal(dx, np.where(np.arange(4) == winner, dout, 0))


@pytest.mark.parametrize("make", [Pooling, AveragePooling])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 2), ValueError, "pool_h must be at least 1, got 0"),
        ((2, 2.0), TypeError, "pool_w must be an integer"),
        ((2, 2, 0), ValueError, "stride must be at least 1, got 0"),
        ((2, 2, 1, -1), ValueError, "pad must be at least 0, got -1"),
        ((2, 3, 1, 2), ValueError, "pad must be less than pool_h and pool_w, 2 and 3, got 2"),
        ((2, 3, 1, (0, 3)), ValueError, r"pad must be less than .*, 2 and 3, got \(0, 3\)"),
        ((3, 2, (1, 2, 3)), ValueError, "stride must be a number or a pair"),
    ],
)
def test_arguments_of_another_kind(make, arguments, error, message):
    with pytest.raises(error, match=message):
        make(*arguments)


def test_the_mean_of_all_pixels():
    layer, x, dout = GlobalAveragePooling(), normal(4, 3, 5, 2), normal(4, 3, seed=1)
    np.testing.assert_allclose(layer.forward(x), x.sum(axis=(2, 3)) / 10)
    dx = layer.backward(dout)
    assert dx.shape == x.shape
    np.testing.assert_allclose(dx[:, :, 3, 1], dout / 10)
    np.testing.assert_allclose(dx.sum(axis=(2, 3)), dout)
    assert layer.output_shape((3, 5, 2)) == (3,)


def test_the_global_average_of_more_pixels_than_half_precision_counts_to():
    layer = GlobalAveragePooling()
    layer.forward(np.ones((1, 1, 300, 300), np.float16))
    dx = layer.backward(np.full((1, 1), 9, np.float16))
    np.testing.assert_array_equal(dx, np.full((1, 1, 300, 300), np.float16(1e-4)))
