"""Listings of chapter 4 as a reader types them."""

import numpy as np
import pytest

from tests.helpers import normal
from tests.listings.helpers import FUNCTIONS_ONLY, check, points, run

# Repaired: the label of *Cross-Entropy Error* has 9 elements in the book.
LOSSES = """
from dlbasics.functions import *
t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
worse = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]
squared = [sum_squared_error(np.array(p), np.array(t)) for p in (y, worse)]
entropy = [cross_entropy_error(np.array(p), np.array(t)) for p in (y, worse)]
by_class = cross_entropy_error(np.array([y, worse]), np.array([2, 2], dtype=np.uint8))
"""


def test_losses():
    expected = {"squared": [0.0975, 0.5975], "entropy": [0.510825457, 2.302584093]}
    check(run(LOSSES), {**expected, "by_class": sum(expected["entropy"]) / 2})


# Repaired: the book prints half of each function at the left margin.
BATCH_ENTROPY = """
from dlbasics.functions import softmax, np

def cross_entropy_error(y, t):
    if y.ndim == 1:
        y, t = y.reshape(1, y.size), t.reshape(1, t.size)
    n = y.shape[0]
    if t.size == y.size:
        return -np.sum(t * np.log(y + 1e-7)) / n
    return -np.sum(np.log(y[np.arange(n), t] + 1e-7)) / n

y = softmax(scores)
pairs = [(y, t), (y, one_hot), (y[0], one_hot[0])]
typed = [cross_entropy_error(*pair) for pair in pairs]
from dlbasics.functions import cross_entropy_error
ours = [cross_entropy_error(*pair) for pair in pairs]
"""


def test_the_cross_entropy_of_a_batch_as_typed_is_ours():
    t = np.random.default_rng(0).integers(10, size=6)
    found = run(BATCH_ENTROPY, scores=normal(6, 10), t=t, one_hot=np.eye(10)[t])
    assert found["typed"] == pytest.approx(found["ours"], abs=1e-5)


DERIVATIVES = """
from dlbasics.gradient import *

def function_1(x):
    return 0.01 * x**2 + 0.1 * x

def tangent_line(f, x):
    slope = numerical_diff(f, x)
    return lambda place: f(x) + slope * (place - x)

def function_2(x):
    return np.sum(x**2)

line = tangent_line(function_1, 5)
axis = np.arange(0.0, 20.0, 0.1)
X, Y = np.meshgrid(np.arange(-2, 2.5, 0.25), np.arange(-2, 2.5, 0.25))
points = np.array([X.flatten(), Y.flatten()]).T
field = np.array([numerical_gradient(function_2, point) for point in points])
"""


def test_tangents_and_a_field_of_gradients():
    expected = {
        "[line(5), line(10), line(axis)[0]]": [0.75, 1.75, -0.25],
        "field - 2 * points": np.zeros((324, 2)),
        "numerical_gradient(function_2, np.array([3.0, 0.0]))": [6, 0],
    }
    check(run(DERIVATIVES), expected)


# Repaired: a comment is broken, and `return loss` stands at the level of its def.  The weights are
# those that the book prints; its listing draws them.
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


def test_simple_net_prints_the_books_numbers():
    dW = [[0.21924763, 0.14356247, -0.36281009], [0.32887144, 0.2153437, -0.54421514]]
    scores = [1.05414809, 0.63071653, 1.1328074]
    check(run(SIMPLE_NET), {"p": scores, "np.argmax(p)": 2, "loss": 0.928068537, "dW": dW})


def test_numerical_gradients_alone_can_train():
    net = run(FUNCTIONS_ONLY)["TwoLayerNet"](4, 5, 3, 0.5)
    x, t = points(20)
    losses = []
    for _ in range(15):
        grads = net.numerical_gradient(x, t)
        for key in net.params:
            net.params[key] -= 1.0 * grads[key]
        losses.append(net.loss(x, t))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]
