"""Listings of chapter 6 as a reader types them."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from tests.listings.helpers import FUNCTIONS_ONLY, WITH_LAYERS, points, run


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


# The book prints no listing of Adam; this is the published one.
OWN_OPTIMIZERS = """
from dlbasics.functions import np

class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr
    def update(self, params, grads):
        for key in params.keys():
            params[key] -= self.lr * grads[key]

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

optimizers = {'SGD': SGD(), 'Adam': Adam()}
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
    typed, ours = (
        run(optimizers + COMPARE_OPTIMIZERS, x_train=x, t_train=t)
        for optimizers in (OWN_OPTIMIZERS, "from dlbasics.optimizers import *\n")
    )
    for key, losses in ours["train_loss"].items():
        np.testing.assert_allclose(losses, typed["train_loss"][key], rtol=1e-9)
        assert losses[-1] < losses[0]
        assert ours["smooth"][key].shape == (30,)


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


BATCH_NORM = """
sizes = {'input_size': 4, 'hidden_size_list': [20] * 5, 'output_size': 3}
bn_network = MultiLayerNetExtend(**sizes, weight_init_std=0.01, use_batchnorm=True)
network = MultiLayerNetExtend(**sizes, weight_init_std=0.01)
optimizer = SGD(lr=0.1)
for i in range(150):
    batch_mask = np.random.choice(x_train.shape[0], 30)
    for _network in (bn_network, network):
        grads = _network.gradient(x_train[batch_mask], t_train[batch_mask])
        optimizer.update(_network.params, grads)
"""
WEIGHT_DECAY = """
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
# The book prints the loop of *Overfitting* without Trainer, and with misprints.
OVERFIT = """
network = MultiLayerNet(input_size=4, hidden_size_list=[20] * 2, output_size=3)
trainer = Trainer(network, x_train[:30], t_train[:30], x_train[30:], t_train[30:],
                  epochs=30, mini_batch_size=10,
                  optimizer='sgd', optimizer_param={'lr': 0.1}, verbose=True)
trainer.train()
train_acc_list, test_acc_list = trainer.train_acc_list, trainer.test_acc_list
"""
DROPOUT = """
use_dropout, dropout_ratio = True, 0.2
network = MultiLayerNetExtend(input_size=4, hidden_size_list=[20] * 6, output_size=3,
                              use_dropout=use_dropout, dropout_ration=dropout_ratio)
network.gradient(x_train, t_train)
masks = [network.layers['Dropout%d' % i].mask for i in range(1, 7)]
first, second = [network.predict(x_train, train_flg=True) for i in range(2)]
"""
SEARCH = """
x_all, t_all = shuffle_dataset(x_train, t_train)
validation_rate = 0.20
validation_num = int(x_train.shape[0] * validation_rate)
x_val, t_val = x_all[:validation_num], t_all[:validation_num]
x_rest, t_rest = x_all[validation_num:], t_all[validation_num:]

results = {}
for trial in range(3):
    weight_decay = 10 ** np.random.uniform(-8, -4)
    lr = 10 ** np.random.uniform(-6, -2)
    network = MultiLayerNet(input_size=4, hidden_size_list=[10] * 6, output_size=3,
                            weight_decay_lambda=weight_decay)
    optimizer = SGD(lr)
    for epoch in range(5):
        optimizer.update(network.params, network.gradient(x_rest, t_rest))
    results["val lr:%.6f, weight decay:%.3e" % (lr, weight_decay)] = network.accuracy(x_val, t_val)
"""
IMPORTS = """
from dlbasics.data import shuffle_dataset
from dlbasics.functions import np
from dlbasics.networks import MultiLayerNet, MultiLayerNetExtend
from dlbasics.optimizers import SGD
from dlbasics.trainer import Trainer
"""
HOLDS = {
    BATCH_NORM: [
        "bn_network.accuracy(x_train, t_train) > 0.7",
        "network.accuracy(x_train, t_train) < 0.6",
        "[*bn_network.params][:4] == ['W1', 'b1', 'gamma1', 'beta1']",
    ],
    WEIGHT_DECAY: ["norms[0] > 0.9", "norms[1] < 0.8 * norms[0]"],
    OVERFIT: [
        "len(train_acc_list) == len(test_acc_list) == 30",
        "len(trainer.train_loss_list) == 90",
        "train_acc_list[-1] > 0.9 and train_acc_list[-1] > test_acc_list[-1]",
    ],
    DROPOUT: [
        "all(mask.shape == (60, 20) and 0.7 < mask.mean() < 0.9 for mask in masks)",
        "(first != second).any()",
        "(network.predict(x_train) == network.predict(x_train)).all()",
    ],
    SEARCH: [
        "(len(x_rest), len(x_val), len(results)) == (48, 12, 3)",
        "(x_all != x_train).any()",
        "(x_all[:, :3].argmax(axis=1) == t_all.argmax(axis=1)).all()",
    ],
}
"""What is true of the names that each listing leaves."""


@pytest.mark.parametrize(
    "listing", HOLDS, ids=["batch norm", "weight decay", "overfitting", "dropout", "search"]
)
def test_networks_of_ours_serve_the_listings(listing):
    x, t = points()
    found = run(IMPORTS + listing, x_train=x, t_train=t)
    for claim in HOLDS[listing]:
        assert eval(claim, found), claim
