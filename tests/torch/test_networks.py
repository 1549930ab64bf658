"""Whole networks against PyTorch's autograd, in float64."""

import numpy as np
import pytest

from dlbasics.layers import Affine, BatchNorm, Dropout, IdentityWithLoss, Sigmoid, SigmoidWithLoss
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet, TwoLayerNet

torch = pytest.importorskip("torch")
F = torch.nn.functional
F64 = {"rng": 0, "dtype": np.float64}

ACTIVATIONS = {"Relu": torch.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh}


def tensors(net):
    return {key: torch.tensor(param, requires_grad=True) for key, param in net.params.items()}


def forward(net, params, x, training=True):
    """The scores of the same layers, written in PyTorch's own functions."""
    affine = norm = 0
    for name, layer in net.layers.items():
        if isinstance(layer, Affine):
            affine += 1
            x = x @ params[f"W{affine}"] + params[f"b{affine}"]
        elif isinstance(layer, BatchNorm):
            norm += 1
            mean, var = (None, None) if training else (layer.running_mean, layer.running_var)
            x = F.batch_norm(
                x,
                None if mean is None else torch.tensor(mean),
                None if var is None else torch.tensor(var),
                params[f"gamma{norm}"],
                params[f"beta{norm}"],
                training=training,
                eps=layer.eps,
            )
        elif isinstance(layer, Dropout):
            x = x * (torch.tensor(layer.mask) if training else 1 - layer.dropout_ratio)
        else:
            x = ACTIVATIONS[name.rstrip("0123456789")](x)
    return x


def penalty(net, params):
    strength = net.regularizer.weight_decay_lambda if net.regularizer else 0
    return 0.5 * strength * sum((W**2).sum() for key, W in params.items() if key.startswith("W"))


def assert_same(net, x, t, torch_loss):
    gradients, params = net.gradient(x, t), tensors(net)
    loss = torch_loss(forward(net, params, torch.tensor(x))) + penalty(net, params)
    loss.backward()
    assert net.last_loss == pytest.approx(float(loss.detach()), rel=1e-12)
    for key, param in params.items():
        expected = param.grad.numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(gradients[key], expected, rtol=1e-9, atol=1e-12 + 1e-11 * scale)


def images(n=20, d=784, k=10):
    rng = np.random.default_rng(0)
    return rng.random((n, d)), rng.integers(0, k, n)


NETS = {
    "784-50-10": lambda: TwoLayerNet(784, 50, 10, **F64),
    "784-50-10, large weights": lambda: TwoLayerNet(784, 50, 10, 1.0, **F64),
    "batch norm": lambda: MultiLayerNet(784, [40, 30], 10, use_batchnorm=True, **F64),
    "sigmoid": lambda: MultiLayerNet(784, [40, 30], 10, "sigmoid", "xavier", **F64),
    "tanh": lambda: MultiLayerNet(784, [40, 30, 20], 10, "tanh", "glorot", **F64),
    "weight decay": lambda: MultiLayerNet(784, [40], 10, weight_decay_lambda=0.1, **F64),
    "dropout": lambda: MultiLayerNet(784, [40, 30], 10, use_dropout=True, **F64),
    "everything": lambda: MultiLayerNet(
        784, [40, 30], 10, "relu", "he", 0.1, True, 0.3, True, **F64
    ),
}


@pytest.mark.parametrize("labels", ["classes", "soft"])
@pytest.mark.parametrize("build", NETS.values(), ids=NETS)
def test_loss_and_gradients_of_a_classification(build, labels):
    x, t = images()
    if labels == "soft":
        t = np.random.default_rng(1).dirichlet(np.ones(10), len(x))
    assert_same(build(), x, t, lambda y: F.cross_entropy(y, torch.tensor(t)))


def test_loss_and_gradients_of_yes_or_no_outputs():
    x, _ = images(d=30)
    t = np.random.default_rng(1).random((len(x), 4)).round()
    net = MultiLayerNet(30, [20], 4, use_batchnorm=True, **F64)
    net.last_layer = SigmoidWithLoss()

    def torch_loss(y):
        return F.binary_cross_entropy_with_logits(y, torch.tensor(t), reduction="sum") / len(x)

    assert_same(net, x, t, torch_loss)


def test_loss_and_gradients_of_a_regression():
    x, _ = images(d=30)
    t = np.random.default_rng(1).standard_normal((len(x), 4))
    layers = [Affine.create(30, 9, **F64), Sigmoid(), Affine.create(9, 4, **F64)]
    net = Network(layers, IdentityWithLoss())
    assert_same(net, x, t, lambda y: ((y - torch.tensor(t)) ** 2).sum() / (2 * len(x)))


@pytest.mark.parametrize("build", NETS.values(), ids=NETS)
def test_scores_in_test_mode(build):
    net, (x, t) = build(), images()
    net.gradient(x, t)
    params = {key: param.detach() for key, param in tensors(net).items()}
    scores = forward(net, params, torch.tensor(x), training=False).numpy()
    np.testing.assert_allclose(net.predict(x), scores, rtol=1e-10, atol=1e-11)
    expected = F.cross_entropy(torch.tensor(scores), torch.tensor(t)) + penalty(net, params)
    assert net.loss(x, t) == pytest.approx(float(expected), rel=1e-10)
