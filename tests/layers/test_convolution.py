import numpy as np
import pytest

from dlbasics.columns import conv_output_size
from dlbasics.layers import Affine, Convolution
from tests.helpers import normal


def naive(x, W, b, dout, stride, pad):
    """Return y, dx, dW and db by the definition, one product at a time."""
    y = np.empty(dout.shape)
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(len(W))
    for n, f, oh, ow in np.ndindex(dout.shape):
        y[n, f, oh, ow] = b[f]
        db[f] += dout[n, f, oh, ow]
        for c, i, j in np.ndindex(W.shape[1:]):
            row, column = stride * oh + i - pad, stride * ow + j - pad
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                y[n, f, oh, ow] += x[n, c, row, column] * W[f, c, i, j]
                dx[n, c, row, column] += dout[n, f, oh, ow] * W[f, c, i, j]
                dW[f, c, i, j] += dout[n, f, oh, ow] * x[n, c, row, column]
    return y, dx, dW, db


@pytest.mark.parametrize("method", ["backward", "backward_params"])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_infinite_pixel_reaches_only_the_weights_that_meet_it(stride, method):
    layer, x = Convolution(np.ones((1, 1, 2, 2)), np.zeros(1), stride), np.zeros((1, 1, 4, 4))
    x[0, 0, 0, 0] = np.inf
    y = layer.forward(x)
    assert y[0, 0, 0, 0] == np.inf and np.isfinite(y).sum() == y.size - 1
    getattr(layer, method)(np.ones_like(y))
    assert layer.dW.ravel().tolist() == [np.inf, 0, 0, 0] and layer.db.tolist() == [y.size]


def test_integers_do_not_wrap_round():
    layer = Convolution(np.full((1, 1, 2, 2), 200, np.uint8), None)
    assert layer.forward(np.full((1, 1, 2, 2), 2, np.uint8)).tolist() == [[[[1600]]]]


@pytest.mark.parametrize(
    ("C", "FN", "H", "W", "FH", "FW", "stride", "pad"),
    [
        (2, 3, 5, 6, 3, 3, 1, 0),
        (2, 3, 5, 6, 3, 3, 1, 1),
        (2, 3, 4, 5, 3, 3, 1, 2),
        (2, 3, 4, 5, 2, 2, 1, 3),
        (1, 3, 5, 6, 3, 3, 1, 0),
        (3, 1, 5, 6, 3, 3, 1, 1),
        (2, 3, 5, 6, 2, 3, 1, 1),
        (2, 3, 5, 6, 4, 1, 1, 0),
        (2, 3, 5, 6, 1, 3, 1, 0),
        (2, 3, 4, 4, 1, 1, 1, 0),
        (2, 3, 4, 5, 4, 5, 1, 0),
        (2, 2, 1, 1, 3, 3, 1, 1),
        (2, 2, 1, 2, 7, 7, 1, 3),
        (2, 2, 3, 1, 9, 9, 1, 4),
        (2, 3, 5, 7, 3, 3, 2, 0),
        (2, 3, 5, 7, 3, 3, 2, 1),
        (2, 3, 5, 8, 2, 2, 3, 0),
        (2, 3, 5, 5, 1, 1, 2, 0),
        (2, 3, 7, 4, 3, 2, 2, 0),
    ],
)
def test_equals_the_definition(C, FN, H, W, FH, FW, stride, pad):
    layer = Convolution(normal(FN, C, FH, FW, seed=1), normal(FN, seed=2), stride, pad)
    x = normal(3, C, H, W)
    y = layer.forward(x)
    size = [conv_output_size(*each, stride, pad) for each in ((H, FH), (W, FW))]
    assert y.shape == (3, FN, *size) == (3, *layer.output_shape((C, H, W)))
    np.testing.assert_array_equal(layer.x, x)
    dout = normal(*y.shape, seed=3)
    expected = naive(x, layer.W, layer.b, dout, stride, pad)
    found = y, layer.backward(dout), layer.dW, layer.db
    for array, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-12, atol=1e-12)
    layer.backward_params(dout)
    np.testing.assert_allclose(layer.dW, expected[2], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(layer.db, found[3])


def test_an_affine_layer_is_a_convolution_with_filters_as_large_as_its_images():
    """Book: *Segmentation*: 100 outputs of 32 x 10 x 10 values are 100 filters of that size."""
    x, W = normal(3, 32, 10, 10), normal(100, 32, 10, 10, seed=1)
    y = Convolution(W, None).forward(x)
    expected = Affine(W.reshape(100, -1).T, None).forward(x)
    np.testing.assert_allclose(y[:, :, 0, 0], expected, atol=1e-10)


def test_a_pair_of_equal_numbers_is_that_number():
    layer = Convolution.create(1, 2, 3, [2, 2], (1, 1))
    assert (layer.stride, layer.pad, layer.floor) == (2, 1, False)
    layer = Convolution.create(1, 2, (3, 5), (1, 2), [1, 2], floor=True)
    assert (layer.stride, layer.pad, layer.floor) == ((1, 2), (1, 2), True)
    assert layer.output_shape((1, 8, 8)) == (2, 8, 4)


def test_padding_of_half_the_filter_keeps_the_size_in_each_dimension():
    layer = Convolution.create(1, 2, (5, 1), pad=(2, 0))
    assert layer.forward(normal(3, 1, 7, 8)).shape == (3, 2, 7, 8)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[[[1.0]]]], None), TypeError, "W must be a NumPy array, got list$"),
        ((1, 30), TypeError, r"got int; Convolution\.create\(channels, filter_num, filter_size\)"),
        ((np.ones((3, 2, 1, 1)), None, 1, (1, 2, 3)), ValueError, "pad must be a number or a pair"),
        ((np.ones((3, 2)), None), ValueError, r"W must have shape \(FN, C, FH, FW\), got \(3, 2\)"),
        ((np.array([[[["a"]]]]), None), TypeError, "W must hold real numbers, got dtype <U1"),
        ((np.ones((3, 2, 1, 1)), np.ones(2)), ValueError, r"b must have shape \(3,?\), got \(2,\)"),
        ((np.ones((3, 2, 1, 1)), 1.5), TypeError, "b must be a NumPy array, got float"),
        ((np.ones((0, 2, 1, 1)), None), ValueError, r"W must hold .* got shape \(0, 2, 1, 1\)"),
        ((np.ones((3, 2, 0, 1)), None), ValueError, r"W must hold .* got shape \(3, 2, 0, 1\)"),
        ((np.ones((3, 2, 1, 1)), None, 0), ValueError, "stride must be at least 1, got 0"),
        ((np.ones((3, 2, 1, 1)), None, 1.0), TypeError, "stride must be an integer"),
        ((np.ones((3, 2, 1, 1)), None, 1, -1), ValueError, "pad must be at least 0, got -1"),
        ((np.ones((3, 2, 1, 1)), None, 1, "same"), TypeError, "pad must be an integer"),
    ],
)
def test_arguments_of_another_kind(arguments, error, message):
    with pytest.raises(error, match=message):
        Convolution(*arguments)
