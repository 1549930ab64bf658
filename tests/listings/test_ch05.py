"""Listings of chapter 5 as a reader types them."""

import numpy as np
import pytest

from tests.listings.helpers import FUNCTIONS_ONLY, WITH_LAYERS, check, points, run

SHOPPING = """
from dlbasics.layers import *
apple, orange, fruit, tax = MulLayer(), MulLayer(), AddLayer(), MulLayer()
price = tax.forward(fruit.forward(apple.forward(100, 2), orange.forward(150, 3)), 1.1)
dall, dtax = tax.backward(1)
dapples, doranges = fruit.backward(dall)
slopes = [*apple.backward(dapples), *orange.backward(doranges), dtax]
"""


def test_the_shopping_trip():
    check(run(SHOPPING), {"price": 715, "slopes": [2.2, 110, 3.3, 165, 650]})


ATTRIBUTES = """
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
"""


def test_the_attributes_that_readers_look_at():
    x, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 2])
    found = run(ATTRIBUTES, W=np.ones((2, 3)), b=np.zeros(3), x=x, t=t)
    expected = {
        "relu.mask": [[False, True], [True, False]],
        "sig.out": [0.5],
        "last.y": np.full((2, 3), 1 / 3),
        "last.t": t,
        "[last.loss, loss]": [np.log(3)] * 2,
        "affine.x": x,
        "affine.dW": x.T @ (np.full((2, 3), 1 / 3) - np.eye(3)[t]) / 2,
        "affine.db - (last.y - np.eye(3)[t]).sum(axis=0) / 2": np.zeros(3),
        "momentum.v['W'] + 0.01 * affine.dW": np.zeros((2, 3)),
        "adagrad.h['W'] - affine.dW**2": np.zeros((2, 3)),
    }
    check(found, expected)


@pytest.mark.parametrize("listing", [FUNCTIONS_ONLY, WITH_LAYERS], ids=["functions", "layers"])
def test_backpropagation_agrees_with_numerical_gradients(listing):
    net = run(listing)["TwoLayerNet"](4, 5, 3, 0.5)
    x, t = points(3)
    before = {key: param.copy() for key, param in net.params.items()}
    by_hand, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    for key in net.params:
        np.testing.assert_allclose(by_hand[key], numeric[key], rtol=0, atol=1e-8)
        np.testing.assert_array_equal(net.params[key], before[key])


def test_a_layer_sees_the_readers_arrays_change():
    net = run(WITH_LAYERS)["TwoLayerNet"](4, 5, 3)
    assert net.layers["Affine1"].W is net.params["W1"]
    net.params["W2"] *= 0
    net.params["b2"] += [1, 2, 3]
    np.testing.assert_array_equal(net.predict(points(2)[0]), [[1, 2, 3], [1, 2, 3]])


# Repaired: the book evaluates behind the loop (chapter 5), or lacks train_size (chapter 4).
TRAIN_NEURALNET = """
network = TwoLayerNet(input_size=4, hidden_size=10, output_size=3, weight_init_std=0.5)
train_size, batch_size, learning_rate = x_train.shape[0], 20, 0.5
train_loss_list, train_acc_list = [], []
iter_per_epoch = max(train_size / batch_size, 1)

for i in range(300):
    batch_mask = np.random.choice(train_size, batch_size)
    x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
    grad = network.gradient(x_batch, t_batch)
    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= learning_rate * grad[key]
    train_loss_list.append(network.loss(x_batch, t_batch))
    if i % iter_per_epoch == 0:
        train_acc_list.append(network.accuracy(x_train, t_train))
"""


@pytest.mark.parametrize(
    "network",
    [FUNCTIONS_ONLY, WITH_LAYERS, "from dlbasics.networks import TwoLayerNet, np"],
    ids=["functions", "layers", "ours"],
)
def test_the_training_loop_learns(network):
    x, t = points()
    found = run(network + TRAIN_NEURALNET, x_train=x, t_train=t)
    assert len(found["train_acc_list"]) == 100
    assert found["train_acc_list"][-1] > 0.9 > found["train_acc_list"][0]
    assert found["train_loss_list"][-1] < 0.4 * found["train_loss_list"][0]
