"""The misprints of docs/listings.md: listings in our own words, as meant and as printed.

Each listing is written once, as it is meant.  What the book prints differently is marked: the lines
from `#<` to `#>` have lost that many columns of indentation, and `wrong` lists the other places.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.listings.helpers import points


@dataclass(frozen=True)
class Misprint:
    """A listing of the book with a misprint.

    Args:
        chapter: The chapter.
        section: The title of the section.
        listing: Our listing, as meant, with marks.
        wrong: What else the book prints differently: pairs of what is meant and what is printed.
        error: The error that Python raises as printed; None if it raises none.
        given: The names that the listings before it give.
        meant: Values of expressions after the listing as meant.
        printed: Values of expressions after the listing as printed, if it raises no error.
    """

    chapter: int
    section: str
    listing: str
    wrong: tuple[tuple[str, str], ...] = ()
    error: type[Exception] | None = None
    given: dict[str, Any] = field(default_factory=dict)
    meant: dict[str, Any] = field(default_factory=dict)
    printed: dict[str, Any] = field(default_factory=dict)

    def as_meant(self) -> str:
        lines = self.listing.splitlines()
        return "\n".join(line for line in lines if line.strip()[:2] not in ("#<", "#>"))

    def as_printed(self) -> str:
        """Return the listing with its misprints."""
        lines, lost = [], ""
        for line in self.listing.splitlines():
            mark = line.strip()[:2]
            if mark == "#<":
                lost = " " * int(line.strip()[2:])
            elif mark == "#>":
                lost = ""
            else:
                assert not line or line.startswith(lost)
                lines.append(line[len(lost) :])
        text = "\n".join(lines)
        for meant, printed in self.wrong:
            assert text.count(meant) == 1, meant
            text = text.replace(meant, printed)
        return text


DATA = dict(zip(("x_train", "t_train"), points(30), strict=True))

MISPRINTS = {
    "nand-and-or": Misprint(
        2,
        "Implementation with Weights and Bias",
        """
from dlbasics.functions import *
def NAND(x1, x2):
    w = np.array([-0.5, -0.5])  # other numbers than in AND
    return int(np.sum(w * np.array([x1, x2])) + 0.7 > 0)
""",
        wrong=(("numbers than in AND", "numbers than\nin AND"),),
        error=SyntaxError,
        meant={"[NAND(0, 0), NAND(1, 0), NAND(0, 1), NAND(1, 1)]": [1, 1, 1, 0]},
    ),
    "step-function": Misprint(
        3,
        "Implementing a Step Function",
        "y = (x > 0).astype(int)",
        wrong=(("(int)", "(np.int)"),),
        error=AttributeError,
        given={"x": np.array([-1.0, 1.0, 2.0]), "np": np},
        meant={"y": [0, 1, 1]},
    ),
    "step-graph": Misprint(
        3,
        "Step Function Graph",
        """
from dlbasics.functions import *
y = np.array(np.arange(-5.0, 5.0, 0.1) > 0, dtype=int)
""",
        wrong=(("=int", "=np.int"),),
        error=AttributeError,
        meant={"[len(y), y[0], y[-1]]": [100, 0, 1]},
    ),
    "signals": Misprint(
        3,
        "Implementing Signal Transmission in Each Layer",
        """
from dlbasics.functions import *
z1 = sigmoid(A1)
z2 = sigmoid(np.dot(z1, W2) + B2)
A3 = np.dot(z2, W3) + B3
""",
        wrong=(("z2 = sigmoid(np.dot(z1, W2)", "Z2 = sigmoid(np.dot(Z1, W2)"),),
        error=NameError,
        given={
            "A1": np.array([0.3, 0.7, 1.1]),
            "W2": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
            "B2": np.array([0.1, 0.2]),
            "W3": np.array([[0.1, 0.3], [0.2, 0.4]]),
            "B3": np.array([0.1, 0.2]),
        },
        meant={"A3": [0.31682708, 0.69627909]},
    ),
    "three-layers": Misprint(
        3,
        "Implementation Summary",
        """
def forward(x, layers):
    for W, b in layers:
        x = x @ W + b
    #< 4
    return x
    #>
""",
        error=SyntaxError,
        meant={"forward(np.ones(2), [(np.eye(2), 1), (np.eye(2), 2)])": [4, 4]},
        given={"np": np},
    ),
    "load-mnist": Misprint(
        3,
        "MNIST Dataset",
        """
import os
parent = os.pardir  # the parent directory
""",
        wrong=(("parent directory", "parent\ndirectory"),),
        error=NameError,
        meant={"parent == '..'": True},
    ),
    "show-mnist": Misprint(
        3,
        "MNIST Dataset",
        """
img = img.reshape(28, 28)  # back to the original size
""",
        wrong=(("original size", "original\nsize"),),
        error=NameError,
        given={"img": np.zeros(784)},
        meant={"img.shape": (28, 28)},
    ),
    "inference": Misprint(
        3,
        "Inference for Neural Network",
        """
def load():
    return ('x_train', 't_train'), ('x_test', 't_test')
def get_data():
    train, test = \\
        load()
    return test
""",
        wrong=(("= \\", "= /"),),
        error=SyntaxError,
        meant={"get_data() == ('x_test', 't_test')": True},
    ),
    "batch-softmax": Misprint(
        3,
        "Batch Processing",
        """
from dlbasics.functions import *
def softmax(a):
    exp_a = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return exp_a / np.sum(exp_a, axis=-1, keepdims=True)
y_batch = softmax(np.array([[0.3, 2.9, 4.0], [1010, 1000, 990]]))
""",
        wrong=(
            ("np.max(a, axis=-1, keepdims=True)", "np.max(a)"),
            ("np.sum(exp_a, axis=-1, keepdims=True)", "np.sum(exp_a)"),
        ),
        meant={
            "y_batch[0]": [0.01821127, 0.24519181, 0.73659691],
            "y_batch.sum(axis=1)": [1, 1],
            "y_batch.argmax(axis=1)": [2, 0],
        },
        printed={"y_batch[0]": [0, 0, 0], "y_batch.sum()": 1, "y_batch.argmax(axis=1)": [0, 0]},
    ),
    "cross-entropy-label": Misprint(
        4,
        "Cross-Entropy Error",
        """
from dlbasics.functions import *
t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
E = cross_entropy_error(np.array(y), np.array(t))
""",
        wrong=(("1, 0, 0, 0, 0, 0, 0, 0]", "1, 0, 0, 0, 0, 0, 0]"),),
        error=ValueError,
        given={"y": [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]},
        meant={"E": 0.510825624},
    ),
    "load-one-hot": Misprint(
        4,
        "Mini-Batch Learning",
        """
(x_train, t_train), (x_test, t_test) = \\
    (1, 2), (3, 4)
""",
        wrong=(("= \\", "= /"),),
        error=SyntaxError,
        meant={"[x_train, t_train, x_test, t_test]": [1, 2, 3, 4]},
    ),
    "cross-entropy-rows": Misprint(
        4,
        "Implementing Cross-Entropy Error (Using Batches)",
        """
from dlbasics.functions import *
def cross_entropy_error(y, t):
    if y.ndim == 1:
        t = t.reshape(1, t.size)
        #< 8
        y = y.reshape(1, y.size)
        #>
    #< 4
    return -np.sum(t * np.log(y + 1e-7)) / y.shape[0]
    #>
""",
        error=SyntaxError,
        given={"y": np.array([[0.5, 0.5], [0.2, 0.8]]), "t": np.eye(2)},
        meant={
            "cross_entropy_error(y, t)": -np.log(0.4 + 1.3e-7) / 2,
            "cross_entropy_error(y[0], t[0])": -np.log(0.5 + 1e-7),
        },
    ),
    "cross-entropy-classes": Misprint(
        4,
        "Implementing Cross-Entropy Error (Using Batches)",
        """
from dlbasics.functions import *
def cross_entropy_error(y, t):
    batch_size = y.shape[0]
    return -np.sum(np.log(y[np.arange(batch_size), t])) / batch_size
""",
        wrong=(("/ batch_size", "/ batch_\nsize"),),
        error=NameError,
        given={"y": np.array([[0.5, 0.5], [0.2, 0.8]]), "t": np.array([0, 1])},
        meant={"cross_entropy_error(y, t)": -np.log(0.4) / 2},
    ),
    "function-graph": Misprint(
        4,
        "Examples of Numerical Differentiation",
        """
from dlbasics.functions import *
x = np.arange(0.0, 20.0, 0.1)  # from 0 to 20 in steps of 0.1
""",
        wrong=(("in steps", "in\nsteps"),),
        error=SyntaxError,
        meant={"len(x)": 200},
    ),
    "numerical-gradient": Misprint(
        4,
        "Gradient",
        """
from dlbasics.functions import *
def numerical_gradient(f, x):
    h, grad = 1e-4, np.zeros_like(x)
    for idx in range(x.size):
        value = x[idx]
        x[idx] = value + h
        above = f(x)
        #< 8
        x[idx] = value - h
        grad[idx] = (above - f(x)) / (2 * h)
        x[idx] = value
        #>
    #< 4
    return grad
    #>
grad = numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0]))
""",
        error=SyntaxError,
        meant={"grad": [6, 8]},
    ),
    "simple-net": Misprint(
        4,
        "Gradients for a Neural Network",
        """
from dlbasics.functions import *
class simpleNet:
    def __init__(self):
        self.W = np.random.randn(2, 3)  # Gaussian distribution
    def predict(self, x):
        return np.dot(x, self.W)
    def loss(self, x, t):
        loss = cross_entropy_error(softmax(self.predict(x)), t)
        #< 4
        return loss
        #>
net = simpleNet()
net.W *= 0
""",
        wrong=(("Gaussian distribution", "Gaussian\ndistribution"),),
        error=IndentationError,
        meant={"net.loss(np.array([0.6, 0.9]), np.array([0, 0, 1]))": np.log(3)},
    ),
    "two-layers-of-functions": Misprint(
        4,
        "A Two-Layer Neural Network as a Class",
        """
from dlbasics.functions import *
class TwoLayerNet:
    def __init__(self, input_size, hidden_size):
        self.params = {}
        self.params['W1'] = 0.01 * \\
            np.random.randn(input_size, hidden_size)
    #< 4
    def predict(self, x):
        return softmax(np.dot(x, self.params['W1']))
    #>
y = TwoLayerNet(4, 3).predict(np.zeros(4))
""",
        wrong=(("* \\", "* /"),),
        error=SyntaxError,
        meant={"y": [1 / 3] * 3},
    ),
    "dummy-data": Misprint(
        4,
        "A Two-Layer Neural Network as a Class",
        """
from dlbasics.functions import *
x = np.random.rand(100, 784)
""",
        wrong=(("np.random", "p.random"),),
        error=NameError,
        meant={"x.shape": (100, 784)},
    ),
    "mini-batch-training": Misprint(
        4,
        "Implementing Mini-Batch Training",
        """
from ch04_training.two_layer_net import TwoLayerNet, np
network = TwoLayerNet(4, 5, 3)
train_loss_list = []
for i in range(20):
    batch_mask = np.random.choice(len(x_train), 10)
    #< 4
    grad = network.gradient(x_train[batch_mask], t_train[batch_mask])
    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= 0.1 * grad[key]
    train_loss_list.append(network.loss(x_train[batch_mask], t_train[batch_mask]))
    #>
""",
        given=DATA,
        meant={"len(train_loss_list)": 20},
        printed={"len(train_loss_list)": 1, "i": 19},
    ),
    "evaluation": Misprint(
        4,
        "Using Test Data for Evaluation",
        """
train_size = x_train.shape[0]
batch_size = 10
iter_per_epoch = max(train_size / batch_size, 1)
""",
        wrong=(
            ("train_size = x_train.shape[0]\nbatch_size = 10\n", ""),
            ("size, 1)", "size, 1)\nbatch_size = 10"),
        ),
        error=NameError,
        given=DATA,
        meant={"iter_per_epoch": 3},
    ),
    "apples-and-oranges": Misprint(
        5,
        "Implementing an Addition Layer",
        """
from dlbasics.layers import *
price = MulLayer().forward(100, 2)
""",
        wrong=(("MulLayer", "Mullayer"),),
        error=NameError,
        meant={"price": 200},
    ),
    "relu-layer": Misprint(
        5,
        "ReLU Layer",
        """
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        #< 4
        return out
        #>
y = Relu().forward(x)
""",
        error=SyntaxError,
        given={"x": np.array([[1.0, -0.5], [-2.0, 3.0]])},
        meant={"y": [[1, 0], [0, 3]]},
    ),
    "bias-of-a-batch": Misprint(
        5,
        "Batch-Based Affine Layer",
        """
from dlbasics.functions import *
dY = np.array([[1, 2, 3], [4, 5, 6]])
shown = dY
dB = np.sum(dY, axis=0)
""",
        wrong=(("shown = dY", "shown = dB"),),
        error=NameError,
        meant={"shown": [[1, 2, 3], [4, 5, 6]], "dB": [5, 7, 9]},
    ),
    "softmax-with-loss": Misprint(
        5,
        "Softmax-with-Loss Layer",
        """
from dlbasics.functions import *
class SoftmaxWithLoss:
    def forward(self, x, t):
        self.y, self.t = softmax(x), t
        self.loss = cross_entropy_error(self.y, t)
        #< 4
        return self.loss
        #>
    #< 4
    def backward(self, dout=1):
        return (self.y - self.t) / self.t.shape[0]
    #>
layer = SoftmaxWithLoss()
loss, dx = layer.forward(np.log([[0.3, 0.2, 0.5]]), np.array([[0, 1, 0]])), None
dx = layer.backward()
""",
        error=SyntaxError,
        meant={"loss": -np.log(0.2), "dx": [[0.3, -0.8, 0.5]]},
    ),
    "two-layers-of-layers": Misprint(
        5,
        "Implementing a Neural Network That Supports Backpropagation",
        """
from dlbasics.layers import *
class Net:
    def __init__(self):
        self.layers = {}
        #< 8
        self.layers['Affine1'] = Affine(np.eye(3), np.ones(3))
        self.layers['Relu1'] = Relu()
        #>
    #< 4
    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x
    #>
y = Net().predict(np.array([[1.0, -3.0, 0.0]]))
""",
        error=NameError,
        meant={"y": [[2, 0, 1]]},
    ),
    "training": Misprint(
        5,
        "Training Using Backpropagation",
        """
from dlbasics.networks import TwoLayerNet, np
network = TwoLayerNet(4, 5, 3)
train_loss_list, train_acc_list = [], []
iter_per_epoch = max(len(x_train) / 10, 1)
for i in range(20):
    batch_mask = np.random.choice(len(x_train), 10)
    grad = network.gradient(x_train[batch_mask], t_train[batch_mask])
    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= 0.1 * grad[key]
    train_loss_list.append(network.loss(x_train[batch_mask], t_train[batch_mask]))
    #< 4
    if i % iter_per_epoch == 0:
        train_acc_list.append(network.accuracy(x_train, t_train))
    #>
""",
        given=DATA,
        meant={"[len(train_loss_list), len(train_acc_list)]": [20, 7]},
        printed={"[len(train_loss_list), len(train_acc_list)]": [20, 0]},
    ),
    "momentum": Misprint(
        6,
        "Momentum",
        """
from dlbasics.functions import *
class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None
    def update(self, params, grads):
        if self.v is None:
            self.v = {}
            #< 4
            for key, val in params.items():
                self.v[key] = np.zeros_like(val)
            #>
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]
params, optimizer = {'x': np.array([-7.0, 2.0])}, Momentum(0.1)
for _ in range(2):
    optimizer.update(params, {'x': params['x'] * [0.1, 2]})
""",
        meant={"params['x']": [-6.7977, 0.92]},
        printed={"params['x']": [-7 * 0.99**2, 2 * 0.8**2]},
    ),
    "adagrad": Misprint(
        6,
        "AdaGrad",
        """
from dlbasics.functions import *
class AdaGrad:
    def __init__(self, lr=0.01):
        self.lr, self.h = lr, None
    def update(self, params, grads):
        if self.h is None:
            self.h = {}
            #< 4
            for key, val in params.items():
                self.h[key] = np.zeros_like(val)
            #>
        #< 8
        for key in params:
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)
        #>
params, optimizer = {'x': np.array([3.0])}, AdaGrad(1.0)
optimizer.update(params, {'x': np.array([3.0])})
optimizer.update(params, {'x': np.array([4.0])})
""",
        error=NameError,
        meant={"params['x']": 3 - 3 / (3 + 1e-7) - 4 / (5 + 1e-7)},
    ),
    "overfitting": Misprint(
        6,
        "Overfitting",
        """
max_epochs, train_size, batch_size = 201, 300, 100
iter_per_epoch = max(train_size / batch_size, 1)
accuracies, epoch_cnt = [], 0
for i in range(1000000000):
    if i % iter_per_epoch == 0:
        accuracies.append(i)
        #< 4
        epoch_cnt += 1
        if epoch_cnt >= max_epochs:
            break
        #>
""",
        wrong=(("batch_size, 1)", "batch_size, 1"),),
        error=SyntaxError,
        meant={"[i, len(accuracies)]": [600, 201]},
    ),
    "dropout": Misprint(
        6,
        "Dropout",
        """
from dlbasics.functions import *
class Dropout:
    def __init__(self, dropout_ratio=0.5):
        #< 4
        self.dropout_ratio = dropout_ratio
        self.mask = None
        #>
    def forward(self, x, train_flg=True):
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask
        return x * (1.0 - self.dropout_ratio)
y = Dropout(0.2).forward(np.ones(3), train_flg=False)
""",
        error=IndentationError,
        meant={"y": [0.8, 0.8, 0.8]},
    ),
    "im2col": Misprint(
        7,
        "Implementing a Convolution Layer",
        """
from dlbasics.columns import im2col, np
col = im2col(np.random.rand(10, 3, 7, 7), 5, 5, stride=1, pad=0)
""",
        wrong=(("im2col, np", "im2col"),),
        error=NameError,
        meant={"col.shape": (90, 75)},
    ),
    "convolution": Misprint(
        7,
        "Implementing a Convolution Layer",
        """
from dlbasics.columns import im2col
def forward(x, W, b):
    FN, C, FH, FW = W.shape
    col = im2col(x, FH, FW)
    #< 4
    out = col @ W.reshape(FN, -1).T + b
    return out.reshape(len(x), x.shape[2] - FH + 1, -1, FN).transpose(0, 3, 1, 2)
    #>
y = forward(x, x[:, :, :3, :3], 1)
""",
        error=SyntaxError,
        given={"x": np.arange(16.0).reshape(1, 1, 4, 4)},
        meant={
            "y.shape": (1, 1, 2, 2),
            "y[0, 0, 0, 0]": 1 + 0 + 1 + 4 + 16 + 25 + 36 + 64 + 81 + 100,
        },
    ),
    "pooling": Misprint(
        7,
        "Implementing a Pooling Layer",
        """
from dlbasics.columns import im2col, np
def forward(x):
    col = im2col(x, 2, 2, 2).reshape(-1, 4)
    #< 4
    out = np.max(col, axis=1)
    return out.reshape(len(x), 2, 2, -1).transpose(0, 3, 1, 2)
    #>
y = forward(np.arange(16.0).reshape(1, 1, 4, 4))
""",
        error=SyntaxError,
        meant={"y": [[[[5, 7], [13, 15]]]]},
    ),
    "convnet-sizes": Misprint(
        7,
        "Implementing a CNN",
        """
conv_output_size = (28 - 5) // 1 + 1
pool_output_size = int(30 * (conv_output_size / 2)**2)
""",
        wrong=(("30 * (conv_output", "30 * (conv_\noutput"),),
        error=SyntaxError,
        meant={"pool_output_size": 30 * 12 * 12},
    ),
    "convnet": Misprint(
        7,
        "Implementing a CNN",
        """
from dlbasics.layers import *
class SimpleConvNet:
    def __init__(self):
        self.layers = {'Pool1': Pooling(2, 2, stride=2)}
        #< 8
        self.layers['Affine1'] = Affine(np.eye(4), np.zeros(4))
        self.last_layer = SoftmaxWithLoss()
        #>
    #< 4
    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x
    def loss(self, x, t):
        return self.last_layer.forward(self.predict(x), t)
    #>
loss = SimpleConvNet().loss(np.ones((2, 1, 4, 4)), np.array([0, 3]))
""",
        wrong=(("self.last_layer.forward", "self.lastLayer.forward"),),
        error=NameError,
        meant={"loss": np.log(4)},
    ),
}
"""The listings with misprints, in the order of the book."""
