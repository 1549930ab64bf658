"""The two scalar layers of the shopping example."""

import numpy as np
import pytest

from dlbasics.layers import AddLayer, MulLayer


def test_figures_5_11_and_5_13():
    add, mul = AddLayer(), MulLayer()
    assert (add.forward(10, 5), mul.forward(10, 5)) == (15, 50)
    assert add.backward(1.3) == (1.3, 1.3)
    assert mul.backward(1.3) == pytest.approx((6.5, 13))


def test_squared_error_of_the_lecture():
    a, x, y = 3.0, 2.0, 5.0
    product, difference, square = MulLayer(), AddLayer(), MulLayer()
    error = difference.forward(product.forward(a, x), -y)
    assert square.forward(error, error) == 1
    dminus_product, dminus_y = difference.backward(sum(square.backward(1)))
    assert product.backward(dminus_product) == (2 * x * error, 2 * a * error)
    assert -dminus_y == -2 * error


def test_numbers_of_numpy_are_no_error_whatever_seterr_says():
    for number in (np.float64(1e-200), np.float64(1e200), np.float64(np.inf), np.float64(np.nan)):
        with np.errstate(all="raise"):
            layer, total = MulLayer(), AddLayer()
            layer.forward(number, -number)
            layer.backward(number)
            total.forward(number, -number)
            total.backward(number)
