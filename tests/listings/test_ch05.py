"""Code as a reader of the book types it: only the import lines name dlbasics."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients

IMPORTS = """
from collections import OrderedDict
from dlbasics.functions import *
from dlbasics.layers import *
from dlbasics.gradient import numerical_gradient
from dlbasics.optimizers import *
"""

FUNCTIONS_ONLY = """
from dlbasics.functions import *
from dlbasics.gradient import numerical_gradient

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.params = {}
        self.params['W1'] = weight_init_std * rng.standard_normal((input_size, hidden_size))
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = weight_init_std * rng.standard_normal((hidden_size, output_size))
        self.params['b2'] = np.zeros(output_size)

    def predict(self, x):
        W1, W2 = self.params['W1'], self.params['W2']
        b1, b2 = self.params['b1'], self.params['b2']
        z1 = sigmoid(np.dot(x, W1) + b1)
        return softmax(np.dot(z1, W2) + b2)

    def loss(self, x, t):
        return cross_entropy_error(self.predict(x), t)

    def accuracy(self, x, t):
        y = np.argmax(self.predict(x), axis=1)
        t = np.argmax(t, axis=1)
        return np.sum(y == t) / float(x.shape[0])

    def numerical_gradient(self, x, t):
        loss_W = lambda W: self.loss(x, t)
        return {key: numerical_gradient(loss_W, self.params[key])
                for key in ('W1', 'b1', 'W2', 'b2')}

    def gradient(self, x, t):
        W1, W2 = self.params['W1'], self.params['W2']
        b1, b2 = self.params['b1'], self.params['b2']
        a1 = np.dot(x, W1) + b1
        z1 = sigmoid(a1)
        y = softmax(np.dot(z1, W2) + b2)
        grads = {}
        dy = (y - t) / x.shape[0]
        grads['W2'] = np.dot(z1.T, dy)
        grads['b2'] = np.sum(dy, axis=0)
        da1 = sigmoid_grad(a1) * np.dot(dy, W2.T)
        grads['W1'] = np.dot(x.T, da1)
        grads['b1'] = np.sum(da1, axis=0)
        return grads
"""

WITH_LAYERS = """
from dlbasics.layers import *
from dlbasics.gradient import numerical_gradient
from collections import OrderedDict

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.params = {}
        self.params['W1'] = weight_init_std * rng.standard_normal((input_size, hidden_size))
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = weight_init_std * rng.standard_normal((hidden_size, output_size))
        self.params['b2'] = np.zeros(output_size)
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

    def gradient(self, x, t):
        self.loss(x, t)
        dout = 1
        dout = self.lastLayer.backward(dout)
        layers = list(self.layers.values())
        layers.reverse()
        for layer in layers:
            dout = layer.backward(dout)
        grads = {}
        grads['W1'], grads['b1'] = self.layers['Affine1'].dW, self.layers['Affine1'].db
        grads['W2'], grads['b2'] = self.layers['Affine2'].dW, self.layers['Affine2'].db
        return grads
"""

BATCH_NORM_AND_DROPOUT = """
from dlbasics.layers import *
from collections import OrderedDict

class Net:
    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.params = {'W1': 0.5 * rng.standard_normal((4, 6)), 'b1': np.zeros(6),
                       'gamma1': np.ones(6), 'beta1': np.zeros(6),
                       'W2': 0.5 * rng.standard_normal((6, 3)), 'b2': np.zeros(3)}
        p = self.params
        self.layers = OrderedDict()
        self.layers['Affine1'] = Affine(p['W1'], p['b1'])
        self.layers['BatchNorm1'] = BatchNormalization(p['gamma1'], p['beta1'])
        self.layers['Sigmoid1'] = Sigmoid()
        self.layers['Dropout1'] = Dropout(0.3)
        self.layers['Affine2'] = Affine(p['W2'], p['b2'])
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x, train_flg=False):
        for key, layer in self.layers.items():
            if 'Dropout' in key or 'BatchNorm' in key:
                x = layer.forward(x, train_flg)
            else:
                x = layer.forward(x)
        return x

    def loss(self, x, t, train_flg=False):
        return self.last_layer.forward(self.predict(x, train_flg), t)

    def gradient(self, x, t):
        self.loss(x, t, train_flg=True)
        dout = self.last_layer.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        grads = {}
        for i in (1, 2):
            grads['W%d' % i] = self.layers['Affine%d' % i].dW
            grads['b%d' % i] = self.layers['Affine%d' % i].db
        grads['gamma1'] = self.layers['BatchNorm1'].dgamma
        grads['beta1'] = self.layers['BatchNorm1'].dbeta
        return grads
"""

BOWL = """
from dlbasics.optimizers import *

params = {'x': -7.0, 'y': 2.0}
grads = {'x': 0, 'y': 0}
history = []
for i in range(30):
    history.append((params['x'], params['y']))
    grads['x'], grads['y'] = params['x'] / 10.0, 2.0 * params['y']
    optimizer.update(params, grads)
"""

TRAINING = """
rng = np.random.default_rng(1)
losses = []
for i in range(300):
    batch_mask = rng.choice(x_train.shape[0], 20)
    x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
    grad = network.gradient(x_batch, t_batch)
    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= 1.0 * grad[key]
    losses.append(network.loss(x_batch, t_batch))
accuracy = network.accuracy(x_train, t_train)
"""

OPTIMIZERS = ("SGD()", "Momentum()", "Nesterov()", "AdaGrad()", "RMSprop()", "Adam()")


def run(listing, **names):
    exec(compile(listing, "<listing>", "exec"), names)
    return names


def points(n=60, one_hot=True):
    """Four numbers a point, and which of the first three is the largest."""
    x = np.random.default_rng(0).standard_normal((n, 4))
    t = x[:, :3].argmax(axis=1)
    return x, np.eye(3)[t] if one_hot else t


def test_star_imports_supply_numpy_and_every_name():
    for module in ("functions", "layers", "gradient", "optimizers"):
        assert run(f"from dlbasics.{module} import *")["np"] is np
    names = run(IMPORTS + "from dlbasics.gradient import *")
    assert names.keys() >= {
        *("step_function", "sigmoid", "sigmoid_grad", "relu", "relu_grad", "identity_function"),
        *("softmax", "sum_squared_error", "cross_entropy_error", "softmax_loss"),
        *("numerical_diff", "numerical_gradient", "gradient_descent"),
        *("MulLayer", "AddLayer", "Affine", "Relu", "Sigmoid", "SoftmaxWithLoss", "Dropout"),
        *("BatchNorm", "BatchNormalization", "SigmoidWithLoss", "IdentityWithLoss"),
        *("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"),
    }
    networks = "from dlbasics.networks import TwoLayerNet, MultiLayerNet, MultiLayerNetExtend"
    assert {"TwoLayerNet", "MultiLayerNet", "MultiLayerNetExtend"} <= run(networks).keys()


@pytest.mark.parametrize("listing", [FUNCTIONS_ONLY, WITH_LAYERS], ids=["functions", "layers"])
def test_backpropagation_agrees_with_numerical_gradients(listing):
    net = run(listing)["TwoLayerNet"](4, 5, 3, 0.5)
    x, t = points(3)
    before = {key: param.copy() for key, param in net.params.items()}
    by_hand, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    for key in net.params:
        np.testing.assert_allclose(by_hand[key], numeric[key], rtol=0, atol=1e-8)
        np.testing.assert_array_equal(net.params[key], before[key])


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


@pytest.mark.parametrize("listing", [FUNCTIONS_ONLY, WITH_LAYERS], ids=["functions", "layers"])
def test_the_training_loop_learns(listing):
    x, t = points()
    network = run(listing)["TwoLayerNet"](4, 10, 3, 0.5)
    after = run(TRAINING, np=np, network=network, x_train=x, t_train=t)
    assert after["accuracy"] > 0.95
    assert after["losses"][-1] < 0.3 * after["losses"][0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("listing", [FUNCTIONS_ONLY, WITH_LAYERS], ids=["functions", "layers"])
def test_every_optimizer_trains_the_readers_dict(listing, optimizer):
    names = run(f"{IMPORTS}{listing}\nnetwork, optimizer = TwoLayerNet(4, 8, 3, 0.5), {optimizer}")
    network, step = names["network"], names["optimizer"]
    x, t = points()
    kept, before = dict(network.params), network.loss(x, t)
    for _ in range(40):
        step.update(network.params, network.gradient(x, t))
    assert network.loss(x, t) < before
    for key, param in network.params.items():
        assert param is kept[key]
        assert param.dtype == np.float64


@pytest.mark.parametrize(
    "optimizer", ["SGD(lr=0.95)", "Momentum(lr=0.1)", "AdaGrad(lr=1.5)", "Adam(lr=0.3)"]
)
def test_the_bowl_rolls_down_from_plain_floats(optimizer):
    after = run(f"from dlbasics.optimizers import *\noptimizer = {optimizer}\n{BOWL}")
    params, history = after["params"], after["history"]
    assert history[0] == (-7.0, 2.0)
    assert len(set(history)) == 30
    assert type(params["x"]) is float
    assert params["x"] ** 2 / 20 + params["y"] ** 2 < 0.5


def test_batch_norm_and_dropout_in_a_readers_network():
    net = run(BATCH_NORM_AND_DROPOUT)["Net"]()
    x, t = points(8, one_hot=False)
    report = check_gradients(net, x, t)
    assert report, str(report)
    net.gradient(x, t)
    norm, dropout = net.layers["BatchNorm1"], net.layers["Dropout1"]
    A = x @ net.params["W1"] + net.params["b1"]
    np.testing.assert_allclose(norm.running_mean, A.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(norm.running_var, A.var(axis=0), rtol=1e-12)
    assert dropout.mask.shape == (8, 6)
    assert dropout.dropout_ratio == 0.3
    z = net.layers["Sigmoid1"].forward(norm.forward(A, False))
    expected = (0.7 * z) @ net.params["W2"] + net.params["b2"]
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-12)


def test_a_layer_sees_the_readers_arrays_change():
    net = run(WITH_LAYERS)["TwoLayerNet"](4, 5, 3)
    assert net.layers["Affine1"].W is net.params["W1"]
    net.params["W2"] *= 0
    net.params["b2"] += [1, 2, 3]
    np.testing.assert_array_equal(net.predict(points(2)[0]), [[1, 2, 3], [1, 2, 3]])


def test_our_networks_serve_the_books_gradient_check():
    found = run(
        """
from dlbasics.networks import TwoLayerNet
network = TwoLayerNet(input_size=12, hidden_size=5, output_size=3, weight_init_std=1, rng=0)
grad_numerical = network.numerical_gradient(x_batch, t_batch)
grad_backprop = network.gradient(x_batch, t_batch)
errors = {key: abs(grad_backprop[key] - grad_numerical[key]).mean() for key in grad_numerical}
""",
        x_batch=np.random.default_rng(0).random((3, 12)),
        t_batch=np.eye(3),
    )
    assert found["errors"].keys() == {"W1", "b1", "W2", "b2"}
    assert max(found["errors"].values()) < 1e-7
