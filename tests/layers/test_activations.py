import numpy as np
import pytest

from dlbasics.functions import relu_grad
from dlbasics.layers import LeakyRelu, Relu, Sigmoid, Tanh
from tests.helpers import normal


def test_relu_mask_is_true_where_x_is_not_above_0():
    layer = Relu()
    y = layer.forward(np.array([[1.0, -0.5], [-2.0, 3.0], [0.0, -0.0]]))
    assert y.tolist() == [[1, 0], [0, 3], [0, 0]]
    assert layer.mask.tolist() == [[False, True], [True, False], [True, True]]


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


def test_sigmoid_values_and_out():
    layer = Sigmoid()
    y = layer.forward(np.array([-1.0, 1.0, 2.0]))
    np.testing.assert_allclose(y, [0.26894142, 0.73105858, 0.88079708], rtol=1e-7)
    np.testing.assert_array_equal(layer.out, y)
    np.testing.assert_allclose(layer.backward(np.full(3, 2.0)), 2 * y * (1 - y))


def test_tanh_values():
    layer, x = Tanh(), normal(3, 4)
    np.testing.assert_array_equal(layer.forward(x), np.tanh(x))
    np.testing.assert_allclose(layer.backward(np.full((3, 4), 2.0)), 2 / np.cosh(x) ** 2)


def test_leaky_relu_values():
    layer = LeakyRelu(0.5)
    assert layer.forward(np.array([-2.0, 0.0, 2.0])).tolist() == [-1, 0, 2]
    assert layer.backward(np.array([1.0, 1.0, 3.0])).tolist() == [0.5, 0.5, 3]
    assert LeakyRelu().slope == 0.01


@pytest.mark.parametrize("slope", [-0.1, 1.1, np.nan, np.inf, "0.1", None])
def test_leaky_relu_slope_out_of_range(slope):
    with pytest.raises((ValueError, TypeError), match="slope must be"):
        LeakyRelu(slope)
