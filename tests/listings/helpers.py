"""Running listings, and the networks that listings of several chapters use.

The listings are in our own words: they have the book's names, calls and order.  A listing that the
book prints with a misprint is repaired here, and a comment says how; docs/listings.md lists the
misprints, and misprints.py has each as meant and as printed.
"""

import numpy as np


def run(listing, **names):
    """Return the names that a listing leaves, given those that it needs."""
    exec(compile(listing, "<listing>", "exec"), names)
    return names


def check(found, expected):
    """Check that each expression, in the names that a listing leaves, has the expected value."""
    for expression, value in expected.items():
        result = eval(expression, found)
        np.testing.assert_allclose(result, value, rtol=1e-6, atol=1e-9, err_msg=expression)


def points(n=60):
    """Return four numbers a point, and which of the first three is the largest, as one-hot rows."""
    x = np.random.default_rng(0).standard_normal((n, 4))
    return x, np.eye(3)[x[:, :3].argmax(axis=1)]


# Repaired: the book ends lines with / in chapter 4, and prints all methods at the left margin.
TWO_LAYERS = """
class TwoLayerNet:
    def accuracy(self, x, t):
        y = np.argmax(self.predict(x), axis=1)
        if t.ndim != 1: t = np.argmax(t, axis=1)
        return np.sum(y == t) / float(x.shape[0])

    def numerical_gradient(self, x, t):
        loss_W = lambda W: self.loss(x, t)
        grads = {}
        for key in ('W1', 'b1', 'W2', 'b2'):
            grads[key] = numerical_gradient(loss_W, self.params[key])
        return grads

    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.params = {}
        self.params['W1'] = weight_init_std * rng.standard_normal((input_size, hidden_size))
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = weight_init_std * rng.standard_normal((hidden_size, output_size))
        self.params['b2'] = np.zeros(output_size)
"""
# The book describes `gradient` in chapter 4, and prints none that uses functions only.
FUNCTIONS_ONLY = f"""
from dlbasics.functions import *
from dlbasics.gradient import numerical_gradient
{TWO_LAYERS}
    def predict(self, x):
        W1, W2 = self.params['W1'], self.params['W2']
        b1, b2 = self.params['b1'], self.params['b2']
        z1 = sigmoid(np.dot(x, W1) + b1)
        return softmax(np.dot(z1, W2) + b2)

    def loss(self, x, t):
        return cross_entropy_error(self.predict(x), t)

    def gradient(self, x, t):
        W1, W2 = self.params['W1'], self.params['W2']
        b1, b2 = self.params['b1'], self.params['b2']
        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        y = softmax(np.dot(z1, W2) + b2)
        grads = {{}}
        dy = (y - t) / x.shape[0]
        grads['W2'] = np.dot(z1.T, dy)
        grads['b2'] = np.sum(dy, axis=0)
        da1 = sigmoid_grad(a1) * np.dot(dy, W2.T)
        grads['W1'] = np.dot(x.T, da1)
        grads['b1'] = np.sum(da1, axis=0)
        return grads
"""
# Repaired: the book prints the layers and the methods at the left margin.
WITH_LAYERS = f"""
from dlbasics.layers import *
from dlbasics.gradient import numerical_gradient
from collections import OrderedDict
{TWO_LAYERS}
        self.layers = OrderedDict()
        self.layers['Affine1'] = Affine(self.params['W1'], self.params['b1'])
        self.layers['Relu1'] = Relu()
        self.layers['Affine2'] = Affine(self.params['W2'], self.params['b2'])
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        y = self.predict(x)
        return self.lastLayer.forward(y, t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = 1
        dout = self.lastLayer.backward(dout)
        layers = list(self.layers.values())
        layers.reverse()
        for layer in layers:
            dout = layer.backward(dout)
        grads = {{}}
        grads['W1'], grads['b1'] = self.layers['Affine1'].dW, self.layers['Affine1'].db
        grads['W2'], grads['b2'] = self.layers['Affine2'].dW, self.layers['Affine2'].db
        return grads
"""
