"""Whole networks against PyTorch's autograd, in float64."""

import numpy as np
import pytest

from dlbasics.layers import Affine, BatchNorm, Dropout
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
            states = [torch.tensor(s.copy()) for s in (layer.running_mean, layer.running_var)]
            weights = params[f"gamma{norm}"], params[f"beta{norm}"]
            x = F.batch_norm(x, *states, *weights, training=training, eps=layer.eps)
        elif isinstance(layer, Dropout):
            x = x * (torch.tensor(layer.mask) if training else 1 - layer.dropout_ratio)
        else:
            x = ACTIVATIONS[name.rstrip("0123456789")](x)
    return x


def penalty(net, params):
    strength = net.regularizer.weight_decay_lambda if net.regularizer else 0
    return 0.5 * strength * sum((W**2).sum() for key, W in params.items() if key.startswith("W"))


NETS = {
    "784-50-10": lambda: TwoLayerNet(784, 50, 10, **F64),
    "sigmoid": lambda: MultiLayerNet(784, [40, 30], 10, "sigmoid", "xavier", **F64),
    "tanh": lambda: MultiLayerNet(784, [40, 30, 20], 10, "tanh", "glorot", **F64),
    "everything": lambda: MultiLayerNet(
        784, [40, 30], 10, "relu", "he", 0.1, True, 0.3, True, **F64
    ),
}


@pytest.mark.parametrize("labels", ["classes", "soft"])
@pytest.mark.parametrize("build", NETS.values(), ids=NETS)
def test_losses_gradients_and_scores(build, labels):
    rng = np.random.default_rng(0)
    net, x, t = build(), rng.random((20, 784)), rng.integers(0, 10, 20)
    if labels == "soft":
        t = rng.dirichlet(np.ones(10), 20)
    gradients, params = net.gradient(x, t), tensors(net)
    scores = forward(net, params, torch.tensor(x))
    loss = F.cross_entropy(scores, torch.tensor(t)) + penalty(net, params)
    loss.backward()
    assert net.last_loss == pytest.approx(loss.item(), rel=1e-12)
    for key, param in params.items():
        expected = param.grad.numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(gradients[key], expected, rtol=1e-9, atol=1e-12 + 1e-11 * scale)

    scores = forward(net, params, torch.tensor(x), training=False).detach()
    np.testing.assert_allclose(net.predict(x), scores.numpy(), rtol=1e-10, atol=1e-11)
    loss = F.cross_entropy(scores, torch.tensor(t)) + penalty(net, params)
    assert net.loss(x, t) == pytest.approx(loss.item(), rel=1e-10)
