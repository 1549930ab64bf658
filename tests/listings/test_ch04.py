"""Short listings as a reader of the book types them, and the numbers that the book prints."""

import math

import numpy as np
import pytest

from dlbasics.storage import load_arrays

SIMPLE_NET = """
from dlbasics.functions import *
from dlbasics.gradient import numerical_gradient

class simpleNet:
    def __init__(self, W):
        self.W = W

    def predict(self, x):
        return np.dot(x, self.W)

    def loss(self, x, t):
        return cross_entropy_error(softmax(self.predict(x)), t)

net = simpleNet(np.array([[0.47355232, 0.9977393, 0.84668094],
                          [0.85557411, 0.03563661, 0.69422093]]))
x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
p = net.predict(x)
loss = net.loss(x, t)
dW = numerical_gradient(lambda w: net.loss(x, t), net.W)
"""


def run(listing, **names):
    exec(compile(listing, "<listing>", "exec"), names)
    return names


def test_simple_net_prints_the_books_numbers():
    found = run(SIMPLE_NET)
    np.testing.assert_allclose(found["p"], [1.05414809, 0.63071653, 1.1328074], atol=1e-8)
    assert found["loss"] == pytest.approx(0.928068537, abs=1e-6)
    expected = [[0.21924763, 0.14356247, -0.36281009], [0.32887144, 0.2153437, -0.54421514]]
    np.testing.assert_allclose(found["dW"], expected, atol=1e-6)


def test_the_attributes_that_readers_look_at():
    found = run(
        """
from dlbasics.layers import *
from dlbasics.optimizers import *
relu, sig, last, affine = Relu(), Sigmoid(), SoftmaxWithLoss(), Affine(W, b)
relu.forward(np.array([[1.0, -0.5], [0.0, 3.0]]))
out = sig.forward(np.array([0.0]))
y = affine.forward(x)
loss = last.forward(y, t)
dx = affine.backward(last.backward())
momentum, adagrad = Momentum(), AdaGrad()
for optimizer in (momentum, adagrad):
    optimizer.update({'W': W}, {'W': affine.dW})
""",
        W=np.ones((2, 3)),
        b=np.zeros(3),
        x=np.array([[1.0, 2.0], [3.0, 4.0]]),
        t=np.array([0, 2]),
    )
    np.testing.assert_array_equal(found["relu"].mask, [[False, True], [True, False]])
    np.testing.assert_array_equal(found["sig"].out, [0.5])
    last, affine = found["last"], found["affine"]
    np.testing.assert_allclose(last.y, np.full((2, 3), 1 / 3))
    assert last.t is found["t"]
    assert last.loss == found["loss"] == pytest.approx(math.log(3))
    np.testing.assert_array_equal(affine.x, found["x"])
    assert affine.dW.shape == (2, 3)
    assert affine.db.shape == (3,)
    np.testing.assert_allclose(found["momentum"].v["W"], -0.01 * affine.dW)
    np.testing.assert_allclose(found["adagrad"].h["W"], affine.dW**2)


def test_affine_takes_one_sample_and_images_and_any_dtype():
    found = run(
        """
from dlbasics.layers import *
layer = Affine(W, b)
y = layer.forward(np.array([1.0, 2.0]))
dx = layer.backward(np.array([1.0, 0.0, -1.0]))
images = Affine(np.ones((12, 2)), 0)
dimages = images.backward(images.forward(np.ones((5, 3, 2, 2))))
mixed = Affine(W, None).forward(np.ones((4, 2), dtype=np.float32))
""",
        W=np.array([[1.0, 3, 5], [2, 4, 6]]),
        b=np.array([1.0, 1, 1]),
    )
    layer = found["layer"]
    np.testing.assert_array_equal(found["y"], [6, 12, 18])
    assert [found["dx"].shape, layer.dW.shape, layer.db.shape] == [(2,), (2, 3), (3,)]
    assert layer.W is found["W"]
    assert layer.b is found["b"]
    assert found["dimages"].shape == (5, 3, 2, 2)
    assert found["mixed"].dtype == np.float64


def test_numerical_derivatives_of_the_book():
    found = run(
        """
from dlbasics.gradient import *

def function_1(x):
    return 0.01 * x**2 + 0.1 * x

def function_2(x):
    return x[0]**2 + x[1]**2

slopes = numerical_diff(function_1, 5), numerical_diff(function_1, 10)
gradients = [numerical_gradient(function_2, np.array(p)) for p in ([3.0, 4.0], [0.0, 2.0])]
init_x = np.array([-3.0, 4.0])
end = gradient_descent(function_2, init_x=init_x, lr=0.1, step_num=100)
"""
    )
    assert found["slopes"] == pytest.approx((0.1999999999990898, 0.2999999999986347), abs=1e-15)
    np.testing.assert_allclose(found["gradients"], [[6, 8], [0, 4]], atol=1e-9)
    np.testing.assert_allclose(found["end"], [-6.11110793e-10, 8.14814391e-10], rtol=1e-6)
    np.testing.assert_array_equal(found["init_x"], [-3, 4])


def test_a_numerical_gradient_restores_x_when_the_function_fails():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])

    def fails(_):
        if x[1, 0] > 3:
            raise ZeroDivisionError
        return 0.0

    with pytest.raises(ZeroDivisionError):
        run("from dlbasics.gradient import numerical_gradient")["numerical_gradient"](fails, x)
    np.testing.assert_array_equal(x, [[1, 2], [3, 4]])


def test_losses_of_the_book():
    found = run(
        """
from dlbasics.functions import *
t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
worse = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]
squared = [sum_squared_error(np.array(p), np.array(t)) for p in (y, worse)]
entropy = [cross_entropy_error(np.array(p), np.array(t)) for p in (y, worse)]
by_class = cross_entropy_error(np.array([y, worse]), np.array([2, 2], dtype=np.uint8))
rows = softmax(np.array([[0.3, 2.9, 4.0], [1010, 1000, 990]]))
"""
    )
    assert found["squared"] == pytest.approx([0.0975, 0.5975])
    assert found["entropy"] == pytest.approx([0.510825457, 2.302584093], abs=1e-6)
    assert found["by_class"] == pytest.approx(sum(found["entropy"]) / 2)
    np.testing.assert_allclose(found["rows"][0], [0.01821127, 0.24519181, 0.73659691], atol=1e-8)
    np.testing.assert_allclose(found["rows"].sum(axis=1), 1)


def test_the_shopping_trip():
    found = run(
        """
from dlbasics.layers import *
apple, orange, fruit, tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
price = tax.forward(fruit.forward(apple.forward(100, 2), orange.forward(150, 3)), 1.1)
dall, dtax = tax.backward(1)
dapples, doranges = fruit.backward(dall)
dapple, dapple_num = apple.backward(dapples)
dorange, dorange_num = orange.backward(doranges)
"""
    )
    assert found["price"] == pytest.approx(715)
    slopes = [found[f"d{name}"] for name in ("apple_num", "apple", "orange", "orange_num", "tax")]
    assert slopes == pytest.approx([110, 2.2, 3.3, 165, 650])


def test_weights_from_a_file_in_a_plain_dict_serve_the_three_layer_network(tmp_path):
    rng, sizes = np.random.default_rng(0), (784, 50, 100, 10)
    weights = {f"W{i}": rng.standard_normal(sizes[i - 1 : i + 1]) / 10 for i in (1, 2, 3)}
    weights |= {f"b{i}": rng.standard_normal(sizes[i]) for i in (1, 2, 3)}
    np.savez(tmp_path / "sample_weight.npz", **weights)
    found = run(
        """
from dlbasics.functions import *

def predict(network, x):
    z1 = sigmoid(np.dot(x, network['W1']) + network['b1'])
    z2 = sigmoid(np.dot(z1, network['W2']) + network['b2'])
    return softmax(np.dot(z2, network['W3']) + network['b3'])

y_batch, y_single = predict(network, x), predict(network, x[0])
""",
        network=load_arrays(tmp_path / "sample_weight.npz"),
        x=rng.random((7, 784), dtype=np.float32),
    )
    assert found["y_batch"].shape == (7, 10)
    np.testing.assert_allclose(found["y_batch"].sum(axis=1), 1)
    np.testing.assert_allclose(found["y_single"], found["y_batch"][0], rtol=1e-10)
