"""Listings of chapter 7 as a reader types them."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from tests.helpers import normal
from tests.listings.helpers import run

# Repaired: the book prints the second half of both methods at the left margin.
OWN_CONVOLUTION = """
from dlbasics.columns import conv_output_size, im2col, np

class Convolution:
    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad

    def forward(self, x):
        FN, C, FH, FW = self.W.shape
        rows = im2col(x, FH, FW, self.stride, self.pad)
        y = np.dot(rows, self.W.reshape(FN, -1).T) + self.b
        out_h = conv_output_size(x.shape[2], FH, self.stride, self.pad)
        return y.reshape(len(x), out_h, -1, FN).transpose(0, 3, 1, 2)

class Pooling:
    def __init__(self, pool_h, pool_w, stride=1):
        self.pool_h, self.pool_w, self.stride = pool_h, pool_w, stride

    def forward(self, x):
        windows = im2col(x, self.pool_h, self.pool_w, self.stride)
        largest = windows.reshape(-1, self.pool_h * self.pool_w).max(axis=1)
        out_h = conv_output_size(x.shape[2], self.pool_h, self.stride)
        return largest.reshape(len(x), out_h, -1, x.shape[1]).transpose(0, 3, 1, 2)
"""


@pytest.mark.parametrize(("stride", "pad"), [(1, 0), (1, 1), (2, 1)])
def test_convolution_and_pooling_as_typed_are_ours(stride, pad):
    typed, ours = run(OWN_CONVOLUTION), run("from dlbasics.layers import *")
    x, W, b = normal(2, 3, 7, 7), normal(4, 3, 3, 3, seed=1), normal(4, seed=2)
    y = typed["Convolution"](W, b, stride, pad).forward(x)
    np.testing.assert_allclose(ours["Convolution"](W, b, stride, pad).forward(x), y, atol=1e-12)
    wanted = typed["Pooling"](2, 2).forward(y)
    np.testing.assert_array_equal(ours["Pooling"](2, 2).forward(y), wanted)


# Repaired: the book prints most of the class at the left margin, and mixes two names of last_layer.
OWN_CONVNET = """
from collections import OrderedDict
from dlbasics.layers import *

class ConvNet:
    def __init__(self, filter_num=3, filter_size=5, hidden_size=7, weight_init_std=0.1):
        n_pixels = (12 - filter_size + 1) ** 2 // 4
        filters = np.random.randn(filter_num, 1, filter_size, filter_size)
        self.params = {'W1': weight_init_std * filters}
        self.params['b1'] = np.zeros(filter_num)
        self.params['W2'] = weight_init_std * np.random.randn(filter_num * n_pixels, hidden_size)
        self.params['b2'] = np.zeros(hidden_size)
        self.params['W3'] = weight_init_std * np.random.randn(hidden_size, 3)
        self.params['b3'] = np.zeros(3)

        self.layers = OrderedDict()
        self.layers['Conv1'] = Convolution(self.params['W1'], self.params['b1'], 1, 0)
        self.layers['Relu1'] = Relu()
        self.layers['Pool1'] = Pooling(pool_h=2, pool_w=2, stride=2)
        self.layers['Affine1'] = Affine(self.params['W2'], self.params['b2'])
        self.layers['Relu2'] = Relu()
        self.layers['Affine2'] = Affine(self.params['W3'], self.params['b3'])
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.last_layer.forward(self.predict(x), t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last_layer.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        grads = {}
        grads['W1'], grads['b1'] = self.layers['Conv1'].dW, self.layers['Conv1'].db
        grads['W2'], grads['b2'] = self.layers['Affine1'].dW, self.layers['Affine1'].db
        grads['W3'], grads['b3'] = self.layers['Affine2'].dW, self.layers['Affine2'].db
        return grads
"""


def test_the_convolutional_network_as_typed():
    x, t = normal(5, 1, 12, 12), np.array([0, 2, 1, 1, 0])
    report = check_gradients(run(OWN_CONVNET)["ConvNet"](), x, t)
    assert report, str(report)
