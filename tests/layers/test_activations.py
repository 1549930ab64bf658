import numpy as np
import pytest

from dlbasics.functions import relu_grad
from dlbasics.layers import Elu, LeakyRelu, Relu, Sigmoid, Tanh
from tests.helpers import normal


def test_relu_backward_does_not_write_into_dout():
    layer, dout = Relu(), np.array([1.0, 2.0, 3.0])
    layer.forward(np.array([-1.0, 0.0, 1.0]))
    assert layer.backward(dout).tolist() == [0, 0, 3]
    assert dout.tolist() == [1, 2, 3]


def test_relu_grad_at_0_is_0_as_in_the_layer():
    layer = Relu()
    layer.forward(np.zeros(3))
    assert layer.backward(np.ones(3)).tolist() == relu_grad(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_relu_computes_large_arrays_of_integers_in_float64_too(dtype):
    y = Relu().forward(np.ones((600, 600), dtype))
    assert y.dtype == np.float64 and (y == 1).all()


def test_sigmoid_does_not_overflow():
    layer = Sigmoid()
    assert layer.forward(np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]
    assert layer.backward(np.ones(3)).tolist() == [0, 0.25, 0]


X = np.array([[-2.0, -0.0, 0.0], [0.5, 1.0, 2.0]])


@pytest.mark.parametrize(
    ("layer", "y", "slope"),
    [
        (Relu(), [[0, 0, 0], [0.5, 1, 2]], [[0, 0, 0], [1, 1, 1]]),
        (LeakyRelu(0.5), [[-1, 0, 0], [0.5, 1, 2]], [[0.5, 0.5, 0.5], [1, 1, 1]]),
        (LeakyRelu(), [[-0.02, 0, 0], [0.5, 1, 2]], [[0.01, 0.01, 0.01], [1, 1, 1]]),
        (Elu(), np.where(X > 0, X, np.exp(X) - 1), np.where(X > 0, 1, np.exp(X))),
        (Elu(0.5), np.where(X > 0, X, np.exp(X) / 2 - 0.5), np.where(X > 0, 1, np.exp(X) / 2)),
        (Sigmoid(), 1 / (1 + np.exp(-X)), np.exp(-X) / (1 + np.exp(-X)) ** 2),
        (Tanh(), np.tanh(X), 1 / np.cosh(X) ** 2),
    ],
)
def test_values_and_slopes(layer, y, slope):
    np.testing.assert_allclose(layer.forward(X), y, rtol=1e-14)
    np.testing.assert_allclose(layer.backward(np.full((2, 3), 2.0)), 2 * np.array(slope))


def test_relu_mask_and_sigmoid_out_are_the_books():
    relu, sigmoid = Relu(), Sigmoid()
    relu.forward(X)
    assert relu.mask.tolist() == [[True, True, True], [False, False, False]]
    np.testing.assert_array_equal(sigmoid.forward(X), sigmoid.out)


NOT_FINITE = np.array([-np.inf, np.inf, np.nan, -1.0, 1.0])


@pytest.mark.parametrize("layer", [Relu(), LeakyRelu(0)], ids=["Relu", "LeakyRelu"])
def test_infinity_times_a_slope_of_0_is_0(layer):
    np.testing.assert_array_equal(layer.forward(NOT_FINITE), [0, np.inf, np.nan, 0, 1])
    for dout in (np.inf, -np.inf, np.nan):
        dx = layer.backward(np.full(5, dout))
        np.testing.assert_array_equal(dx, [0, dout, dout, 0, dout])


def test_leaky_relu_of_infinity():
    layer = LeakyRelu(0.5)
    np.testing.assert_array_equal(layer.forward(NOT_FINITE), [-np.inf, np.inf, np.nan, -0.5, 1])
    np.testing.assert_array_equal(layer.backward(np.full(5, np.inf)), [np.inf] * 5)
    np.testing.assert_array_equal(layer.backward(np.full(5, np.nan)), [np.nan] * 5)


def test_elu_at_its_ends():
    layer = Elu(2)
    np.testing.assert_array_equal(layer.forward(NOT_FINITE[:3]), [-2, np.inf, np.nan])
    np.testing.assert_array_equal(layer.backward(np.ones(3)), [0, 1, np.nan])
    layer.forward(np.array([-1e-20, -40.0, 1e4]))
    np.testing.assert_allclose(layer.backward(np.ones(3)), [2, 2 * np.exp(-40), 1], rtol=1e-14)
    assert layer.forward(np.array([-1e-20]))[0] == -2e-20


@pytest.mark.parametrize("alpha", [-0.1, np.nan, np.inf, "1", None])
def test_elu_alpha_out_of_range(alpha):
    with pytest.raises((ValueError, TypeError), match="alpha must be"):
        Elu(alpha)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_relu_passes_every_bit_of_dout_on(dtype):
    layer, x = Relu(), normal(200, dtype=dtype)
    layer.forward(x)
    dout = normal(200, seed=1, dtype=dtype)
    dx = layer.backward(dout)
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, np.where(x > 0, dout, 0))
    mixed = layer.backward(dout.astype(np.float64))
    np.testing.assert_array_equal(mixed, np.where(x > 0, dout.astype(np.float64), 0))


@pytest.mark.parametrize("slope", [-0.1, 1.1, np.nan, np.inf, "0.1", None])
def test_leaky_relu_slope_out_of_range(slope):
    with pytest.raises((ValueError, TypeError), match="slope must be"):
        LeakyRelu(slope)
