"""The activation layers, and the two scalar layers of the shopping example."""

import numpy as np
import pytest

from dlbasics.functions import relu_grad
from dlbasics.layers import AddLayer, Identity, LeakyRelu, MulLayer, Relu, Sigmoid, Tanh


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_relu_backward_does_not_write_into_dout():
    layer, dout = Relu(), np.array([1.0, 2.0, 3.0])
    layer.forward(np.array([-1.0, 0.0, 1.0]))
    assert layer.backward(dout).tolist() == [0, 0, 3]
    assert dout.tolist() == [1, 2, 3]


def test_relu_grad_at_0_is_0_as_in_the_layer():
    layer = Relu()
    layer.forward(np.zeros(3))
    assert layer.backward(np.ones(3)).tolist() == relu_grad(np.zeros(3)).tolist() == [0, 0, 0]


def test_relu_takes_an_infinite_gradient_without_a_warning():
    layer = Relu()
    layer.forward(np.array([-1.0, 0.0, 1.0]))
    assert layer.backward(np.array([np.inf, -np.inf, np.inf]))[2] == np.inf


def test_relu_mask_is_true_where_x_is_not_above_0():
    layer = Relu()
    y = layer.forward(np.array([[1.0, -0.5], [-2.0, 3.0], [0.0, -0.0]]))
    assert y.tolist() == [[1, 0], [0, 3], [0, 0]]
    assert layer.mask.tolist() == [[False, True], [True, False], [True, True]]


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


@pytest.mark.parametrize(
    "layer", [Relu(), Sigmoid(), Tanh(), LeakyRelu(), Identity()], ids=lambda layer: layer.kind
)
def test_integers_are_computed_in_float64(layer):
    x = np.array([-3, 0, 3])
    expected = type(layer)().forward(x.astype(np.float64))
    y = layer.forward(x)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, expected)


class TestScalarLayers:
    def test_apples(self):
        apple, tax = MulLayer(), MulLayer()
        assert tax.forward(apple.forward(100, 2), 1.1) == pytest.approx(220)
        dapple_price, dtax = tax.backward(1)
        assert (*apple.backward(dapple_price), dtax) == pytest.approx((2.2, 110, 200))

    def test_apples_and_oranges(self):
        apple, orange, both, tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
        price = tax.forward(both.forward(apple.forward(100, 2), orange.forward(150, 3)), 1.1)
        assert price == pytest.approx(715)
        dall, dtax = tax.backward(1)
        dapple_price, dorange_price = both.backward(dall)
        dapple, dapple_num = apple.backward(dapple_price)
        dorange, dorange_num = orange.backward(dorange_price)
        found = dapple_num, dapple, dorange, dorange_num, dtax
        assert found == pytest.approx((110, 2.2, 3.3, 165, 650))

    def test_figures_5_11_and_5_13(self):
        add, mul = AddLayer(), MulLayer()
        assert (add.forward(10, 5), mul.forward(10, 5)) == (15, 50)
        assert add.backward(1.3) == (1.3, 1.3)
        assert mul.backward(1.3) == pytest.approx((6.5, 13))

    def test_squared_error_of_the_lecture(self):
        a, x, y = 3.0, 2.0, 5.0
        product, difference, square = MulLayer(), AddLayer(), MulLayer()
        error = difference.forward(product.forward(a, x), -y)
        assert square.forward(error, error) == 1
        dminus_product, dminus_y = difference.backward(sum(square.backward(1)))
        assert product.backward(dminus_product) == (2 * x * error, 2 * a * error)
        assert -dminus_y == -2 * error


@pytest.mark.parametrize("size", [3, 600])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_relu_takes_numbers_of_any_kind_small_and_large(size, dtype):
    x = np.ones((size, size), dtype)
    y = Relu().forward(x)
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    assert y.dtype == np.float64
