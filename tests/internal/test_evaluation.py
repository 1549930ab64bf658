"""What Trainer measures after an epoch: in one forward pass for our networks, else by methods."""

import numpy as np
import pytest

from dlbasics import (
    L2,
    Affine,
    IdentityWithLoss,
    Network,
    SigmoidWithLoss,
    SimpleConvNet,
    TwoLayerNet,
)
from dlbasics._internal import evaluation
from dlbasics._internal.evaluation import evaluate
from tests.helpers import mean_error, normal

X, T, ROWS = normal(23, 6, dtype=np.float32), np.arange(23) % 3, np.eye(3)[np.arange(23) % 3]


def dense(last_layer=None):
    return Network([Affine.create(6, 3, rng=0)], last_layer, regularizer=L2(0.1))


NETWORKS = {
    "softmax": (lambda: dense(), X, T),
    "one-hot": (lambda: dense(), X, ROWS),
    "sigmoid": (lambda: dense(SigmoidWithLoss()), X, ROWS),
    "regression": (lambda: dense(IdentityWithLoss()), X, ROWS),
    "images": (
        lambda: SimpleConvNet((1, 6, 6), {"filter_size": 3}, output_size=3, rng=0),
        normal(70, 1, 6, 6, dtype=np.float32),
        np.arange(70) % 3,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_one_pass_gives_what_the_methods_give(name, monkeypatch):
    make, x, t = NETWORKS[name]
    network, metrics = make(), {"sum": lambda y, t: y.sum() + t.sum()}
    network.block_size = 9
    monkeypatch.setattr(evaluation, "AT_ONCE", 10)
    found = evaluate(network, x, t, metrics)
    network.accuracy = network.accuracy  # so it might be a reader's
    other = evaluate(network, x, t, metrics)
    assert found.loss == pytest.approx(network.loss(x, t), rel=1e-5)
    assert other.loss == pytest.approx(found.loss, rel=1e-5)
    assert other.metrics["sum"] == pytest.approx(found.metrics["sum"], rel=1e-4)
    if name == "regression":
        assert found.accuracy is other.accuracy is None
    else:
        assert found.accuracy == other.accuracy == network.accuracy(x, t)


def test_our_networks_are_asked_once(monkeypatch):
    network, asked = TwoLayerNet(6, 5, 3, rng=0), []
    forward = network.layers["Affine1"].forward
    network.layers["Affine1"].forward = lambda *args: asked.append(1) or forward(*args)
    evaluate(network, X, T, {"mean error": lambda y, t: 0})
    assert len(asked) == 1


class Own(TwoLayerNet):
    def accuracy(self, x, t):
        return 0.25

    def loss(self, x, t, train_flg=False):
        return 7.0

    def predict(self, x, train_flg=False):
        return np.ones((len(x), 3))


def test_methods_of_a_subclass_count():
    found = evaluate(Own(6, 5, 3), X, np.ones((23, 3)), {"mean error": mean_error})
    assert (found.loss, found.accuracy, found.metrics) == (7, 0.25, {"mean error": 0})


class SquaredError:
    """A loss layer as a reader types it; y of one output is a probability."""

    def forward(self, x, t):
        self.y, self.t = x, t
        return ((x - t) ** 2).sum() / 2 / len(x)

    def backward(self, dout=1):
        return (self.y - self.t) / len(self.y)


def test_a_readers_loss_layer_of_one_output_has_an_accuracy_if_labels_are_0_and_1():
    network = Network([Affine.create(6, 1, rng=0)], SquaredError())
    t = normal(23, 1)
    found = evaluate(network, X, t, {})
    assert found.accuracy is None
    assert found.loss == pytest.approx(network.loss(X, t))
    assert evaluate(network, X, T[:, np.newaxis] % 2, {}).accuracy is not None


def test_an_error_within_accuracy_is_not_hidden():
    def broken(x, t):
        raise TypeError("broken")

    network, other = TwoLayerNet(6, 5, 3), TwoLayerNet(6, 5, 3)
    network.accuracy = other.last_layer._correct = broken
    for each in (network, other):
        with pytest.raises(TypeError, match="broken"):
            evaluate(each, X, T, {})
