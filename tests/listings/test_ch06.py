"""Listings of chapter 6 as a reader types them."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from tests.listings.helpers import FUNCTIONS_ONLY, WITH_LAYERS, points, run

BOWL = """
params = {'x': -7.0, 'y': 2.0}
grads = {'x': 0, 'y': 0}
history = []
for i in range(30):
    history.append((params['x'], params['y']))
    grads['x'], grads['y'] = params['x'] / 10.0, 2.0 * params['y']
    optimizer.update(params, grads)
"""


@pytest.mark.parametrize(
    "optimizer", ["SGD(lr=0.95)", "Momentum(lr=0.1)", "AdaGrad(lr=1.5)", "Adam(lr=0.3)"]
)
def test_plain_numbers_roll_down_the_bowl(optimizer):
    found = run(f"from dlbasics.optimizers import *\noptimizer = {optimizer}\n{BOWL}")
    x, y = found["params"].values()
    assert found["history"][0] == (-7.0, 2.0)
    assert len(set(found["history"])) == 30
    assert type(x) is type(y) is float
    assert np.hypot(x, y) < 0.91
    assert x**2 / 20 + y**2 < 0.11  # 6.45 at the start


@pytest.mark.parametrize("optimizer", ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"])
@pytest.mark.parametrize("listing", [FUNCTIONS_ONLY, WITH_LAYERS], ids=["functions", "layers"])
def test_every_optimizer_trains_the_readers_dict(listing, optimizer):
    make = f"network, optimizer = TwoLayerNet(4, 8, 3, 0.5), {optimizer}()"
    found = run(f"from dlbasics.optimizers import *\n{listing}\n{make}")
    network, optimizer = found["network"], found["optimizer"]
    x, t = points()
    kept, before = dict(network.params), network.loss(x, t)
    for _ in range(40):
        optimizer.update(network.params, network.gradient(x, t))
    assert network.loss(x, t) < before
    for key, param in network.params.items():
        assert param is kept[key]
        assert param.dtype == np.float64


OWN_OPTIMIZERS = """
from dlbasics.functions import np

class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr
    def update(self, params, grads):
        for key in params.keys():
            params[key] -= self.lr * grads[key]

class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None
    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(val) for key, val in params.items()}
        for key in params.keys():
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]

class AdaGrad:
    def __init__(self, lr=0.01):
        self.lr, self.h = lr, None
    def update(self, params, grads):
        if self.h is None:
            self.h = {key: np.zeros_like(val) for key, val in params.items()}
        for key in params.keys():
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)

class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2, self.iter, self.m = lr, beta1, beta2, 0, None
    def update(self, params, grads):
        if self.m is None:
            self.m = {key: np.zeros_like(val) for key, val in params.items()}
            self.v = {key: np.zeros_like(val) for key, val in params.items()}
        self.iter += 1
        rate = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)
        for key in params.keys():
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key]**2 - self.v[key])
            params[key] -= rate * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)
"""

COMPARE_OPTIMIZERS = """
from dlbasics.networks import MultiLayerNet
from dlbasics.data import smooth_curve

optimizers = {'SGD': SGD(), 'Momentum': Momentum(), 'AdaGrad': AdaGrad(), 'Adam': Adam()}
networks, train_loss = {}, {}
for key in optimizers.keys():
    networks[key] = MultiLayerNet(
        input_size=4, hidden_size_list=[20, 20], output_size=3, rng=0, dtype=np.float64)
    train_loss[key] = []

for i in range(30):
    for key in optimizers.keys():
        grads = networks[key].gradient(x_train, t_train)
        optimizers[key].update(networks[key].params, grads)
        train_loss[key].append(networks[key].loss(x_train, t_train))

smooth = {key: smooth_curve(train_loss[key]) for key in optimizers.keys()}
"""


def test_optimizers_as_typed_train_our_network_as_ours_do():
    x, t = points()
    typed = run(OWN_OPTIMIZERS + COMPARE_OPTIMIZERS, x_train=x, t_train=t)
    ours = run("from dlbasics.optimizers import *\n" + COMPARE_OPTIMIZERS, x_train=x, t_train=t)
    assert type(ours["optimizers"]["Adam"]).__module__ == "dlbasics.optimizers"
    for key in ("SGD", "Momentum", "AdaGrad", "Adam"):
        losses = ours["train_loss"][key]
        np.testing.assert_allclose(losses, typed["train_loss"][key], rtol=1e-9)
        assert losses[-1] < losses[0]
        smooth = ours["smooth"][key]
        assert smooth.shape == (30,)
        window = np.kaiser(11, 2) / np.kaiser(11, 2).sum()
        assert smooth[15] == pytest.approx(np.sum(window * losses[10:21]))


HISTOGRAM = """
from dlbasics.functions import *

x = np.random.randn(1000, 100)
node_num = 100
activations = {}
for i in range(5):
    if i != 0:
        x = activations[i - 1]
    w = np.random.randn(node_num, node_num) * scale
    activations[i] = activate(np.dot(x, w))
"""


@pytest.mark.parametrize(
    ("activate", "scale", "low", "high"),
    [
        ("sigmoid", 1, 0.4, 0.5),  # near 0 and 1
        ("sigmoid", 0.01, 0.0, 0.03),  # all near one half
        ("sigmoid", 0.1, 0.05, 0.2),  # Xavier: 1 / sqrt(100)
        ("np.tanh", 0.1, 0.25, 0.6),
        ("relu", 0.01, 0.0, 1e-5),  # nothing left
        ("relu", 2**0.5 / 10, 0.3, 2.0),  # He
    ],
)
def test_the_histogram_of_activations(activate, scale, low, high):
    given = f"from dlbasics.functions import *\nactivate, scale = {activate}, {scale!r}\n"
    activations = run(given + HISTOGRAM)["activations"]
    assert [*activations] == [0, 1, 2, 3, 4]
    assert activations[4].shape == (1000, 100)
    assert low <= activations[4].std() < high


BATCH_NORM = """
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNetExtend
from dlbasics.optimizers import SGD

sizes = {'input_size': 4, 'hidden_size_list': [20] * 5, 'output_size': 3}
bn_network = MultiLayerNetExtend(**sizes, weight_init_std=0.01, use_batchnorm=True)
network = MultiLayerNetExtend(**sizes, weight_init_std=0.01)
optimizer = SGD(lr=0.1)
for i in range(150):
    batch_mask = np.random.choice(x_train.shape[0], 30)
    for _network in (bn_network, network):
        grads = _network.gradient(x_train[batch_mask], t_train[batch_mask])
        optimizer.update(_network.params, grads)
accuracies = bn_network.accuracy(x_train, t_train), network.accuracy(x_train, t_train)
"""


def test_batch_normalization_learns_where_the_plain_network_does_not():
    x, t = points()
    found = run(BATCH_NORM, x_train=x, t_train=t)
    assert [*found["bn_network"].params][:4] == ["W1", "b1", "gamma1", "beta1"]
    with_norm, without = found["accuracies"]
    assert with_norm > 0.7
    assert without < 0.6


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


def test_batch_norm_and_dropout_in_a_readers_network():
    net = run(BATCH_NORM_AND_DROPOUT)["Net"]()
    x, t = points(8)
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


WEIGHT_DECAY = """
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

norms = []
for weight_decay_lambda in (0, 0.1):
    network = MultiLayerNet(input_size=4, hidden_size_list=[20] * 6, output_size=3,
                            weight_decay_lambda=weight_decay_lambda)
    optimizer = SGD(lr=0.05)
    before = np.sum(network.params['W1']**2)
    for i in range(50):
        grads = network.gradient(x_train, t_train)
        optimizer.update(network.params, grads)
    norms.append(np.sum(network.params['W1']**2) / before)
"""


def test_weight_decay_shrinks_the_weights():
    x, t = points()
    without, with_decay = run(WEIGHT_DECAY, x_train=x, t_train=t)["norms"]
    assert without > 0.9
    assert with_decay < 0.8 * without


OVERFIT = """
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet
from dlbasics.trainer import Trainer

network = MultiLayerNet(input_size=4, hidden_size_list=[20] * 2, output_size=3)
trainer = Trainer(network, x_train, t_train, x_test, t_test,
                  epochs=30, mini_batch_size=10,
                  optimizer='sgd', optimizer_param={'lr': 0.1}, verbose=True)
trainer.train()
train_acc_list, test_acc_list = trainer.train_acc_list, trainer.test_acc_list
x = np.arange(len(train_acc_list))
"""


def test_the_trainer_overfits(capsys):
    x, t = points()
    found = run(OVERFIT, x_train=x[:30], t_train=t[:30], x_test=x[30:], t_test=t[30:])
    assert len(found["x"]) == len(found["train_acc_list"]) == len(found["test_acc_list"]) == 30
    assert found["train_acc_list"][-1] > 0.9
    assert found["test_acc_list"][-1] < found["train_acc_list"][-1]
    assert len(found["trainer"].train_loss_list) == 90
    assert capsys.readouterr().out.count("test accuracy") == 30


DROPOUT = """
from dlbasics.networks import MultiLayerNetExtend

use_dropout, dropout_ratio = True, 0.2
network = MultiLayerNetExtend(input_size=4, hidden_size_list=[20] * 6, output_size=3,
                              use_dropout=use_dropout, dropout_ration=dropout_ratio)
network.gradient(x_train, t_train)
masks = [network.layers['Dropout%d' % i].mask for i in range(1, 7)]
in_training = [network.predict(x_train, train_flg=True) for i in range(2)]
in_test = [network.predict(x_train) for i in range(2)]
"""


def test_dropout_between_the_layers():
    x, t = points(500)
    found = run(DROPOUT, x_train=x, t_train=t)
    for mask in found["masks"]:
        assert mask.shape == (500, 20)
        assert mask.mean() == pytest.approx(0.8, abs=0.03)
    assert not np.array_equal(*found["in_training"])
    np.testing.assert_array_equal(*found["in_test"])


SEARCH = """
from dlbasics.data import shuffle_dataset
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

x_train, t_train = shuffle_dataset(x_all, t_all)
validation_rate = 0.20
validation_num = int(x_train.shape[0] * validation_rate)
x_val, t_val = x_train[:validation_num], t_train[:validation_num]
x_train, t_train = x_train[validation_num:], t_train[validation_num:]

results = {}
for trial in range(3):
    weight_decay = 10 ** np.random.uniform(-8, -4)
    lr = 10 ** np.random.uniform(-6, -2)
    network = MultiLayerNet(input_size=4, hidden_size_list=[10] * 6, output_size=3,
                            weight_decay_lambda=weight_decay)
    optimizer = SGD(lr)
    for epoch in range(5):
        optimizer.update(network.params, network.gradient(x_train, t_train))
    results["val lr:%.6f, weight decay:%.3e" % (lr, weight_decay)] = network.accuracy(x_val, t_val)
"""


def test_the_search_for_hyperparameters():
    x, t = points(50)
    found = run(SEARCH, x_all=x, t_all=t)
    assert (len(found["x_train"]), len(found["x_val"])) == (40, 10)
    shuffled = np.concatenate([found["x_val"], found["x_train"]])
    labels = np.concatenate([found["t_val"], found["t_train"]])
    assert not np.array_equal(shuffled, x)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(x, axis=0))
    np.testing.assert_array_equal(labels, np.eye(3)[shuffled[:, :3].argmax(axis=1)])
    assert len(found["results"]) == 3
