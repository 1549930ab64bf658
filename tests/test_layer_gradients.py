"""Every layer and every loss, with every option, against central differences."""

import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import (
    Affine,
    BatchNorm,
    Dropout,
    Identity,
    IdentityWithLoss,
    LeakyRelu,
    Relu,
    Sigmoid,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    Tanh,
)


def normal(*shape, seed=10):
    return np.random.default_rng(seed).standard_normal(shape)


def away_from_0(*shape):
    x = normal(*shape)
    return x + np.copysign(0.1, x)


def trained(layer, *shape):
    layer.forward(3 + 2 * normal(*shape, seed=9))
    return layer


def batch_norm(size):
    return BatchNorm(normal(size, seed=1), normal(size, seed=2))


class BatchNormOfZeros(BatchNorm):
    def backward(self, dout):
        super().backward(dout)
        return np.zeros_like(dout)


LAYERS = {
    "Affine": (Affine(normal(6, 4, seed=1), normal(4, seed=2)), (3, 6)),
    "Affine, one sample": (Affine(normal(6, 4, seed=1), normal(4, seed=2)), (6,)),
    "Affine, no bias": (Affine(normal(6, 4, seed=1), None), (3, 6)),
    "Affine, bias 0": (Affine(normal(6, 4, seed=1), 0), (3, 6)),
    "Affine, images": (Affine(normal(12, 4, seed=1), normal(4, seed=2)), (3, 3, 2, 2)),
    "Affine, float32": (Affine.create(6, 4, rng=0), (3, 6)),
    "Affine, wide": (Affine.create(100, 30, rng=0), (20, 100)),
    "Relu": (Relu(), (3, 6)),
    "Relu, images": (Relu(), (2, 3, 2, 2)),
    "LeakyRelu": (LeakyRelu(), (3, 6)),
    "LeakyRelu, slope 0": (LeakyRelu(0), (3, 6)),
    "LeakyRelu, slope 1": (LeakyRelu(1), (3, 6)),
    "Sigmoid": (Sigmoid(), (3, 6)),
    "Sigmoid, images": (Sigmoid(), (2, 3, 2, 2)),
    "Tanh": (Tanh(), (3, 6)),
    "Identity": (Identity(), (3, 6)),
    "Dropout": (Dropout(0.5, rng=0), (6, 6)),
    "Dropout, images": (Dropout(0.2, rng=0), (2, 3, 2, 2)),
    "Dropout, ratio 0": (Dropout(0), (3, 6)),
    "Dropout, ratio 1": (Dropout(1), (3, 6)),
    "BatchNorm": (batch_norm(4), (7, 4)),
    "BatchNorm, two samples": (batch_norm(4), (2, 4)),
    "BatchNorm, images": (batch_norm(3), (4, 3, 2, 2)),
    "BatchNorm, one image": (batch_norm(3), (1, 3, 4, 4)),
    "BatchNorm, trained": (trained(batch_norm(4), 50, 4), (7, 4)),
    "BatchNorm, images, trained": (trained(batch_norm(3), 50, 3, 2, 2), (4, 3, 2, 2)),
    "BatchNorm, float32": (BatchNorm.create(4), (7, 4)),
}


@pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])
@pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS.keys())
def test_layer(layer, shape, train_flg):
    x = away_from_0(*shape)
    report = check_gradients(layer, x, train_flg=train_flg)
    assert report, f"\n{report}"
    expected = ["x", *(name for name in layer.param_names if getattr(layer, name) is not None)]
    assert [check.name for check in report.checks] == expected
    assert [check.checked for check in report.checks] == [np.prod(c.shape) for c in report.checks]


@pytest.mark.parametrize("scale", [1e-6, 1e-2, 1e2, 1e6])
def test_the_check_holds_at_any_scale_of_the_weights(scale):
    report = check_gradients(Affine(scale * normal(6, 4), scale * normal(4)), normal(5, 6))
    assert report, f"\n{report}"


@pytest.mark.parametrize("seed", range(5))
def test_the_check_holds_for_any_probe(seed):
    for layer in (batch_norm(4), Affine(normal(4, 3), normal(3)), Tanh()):
        report = check_gradients(layer, normal(6, 4), rng=seed)
        assert report, f"\n{report}"


@pytest.mark.parametrize("seed", range(3))
def test_the_probe_is_not_x_when_both_come_from_one_seed(seed):
    """With x itself as the probe, the gradient of batch normalization is almost 0 everywhere."""
    report = check_gradients(batch_norm(4), normal(6, 4, seed=seed), rng=seed)
    assert report, f"\n{report}"
    assert not check_gradients(BatchNormOfZeros(np.ones(4), np.zeros(4)), normal(6, 4), rng=10)


CLASSES = np.array([2, 0, 2, 1, 1])
LABELS = {
    "classes": CLASSES,
    "classes, uint8": CLASSES.astype(np.uint8),
    "column of classes": CLASSES[:, np.newaxis],
    "one-hot": np.eye(3)[CLASSES],
    "one-hot, integers": np.eye(3, dtype=int)[CLASSES],
    "soft, sums of 1": np.random.default_rng(0).dirichlet(np.ones(3), 5),
    "soft, any sum": np.random.default_rng(0).random((5, 3)) * 3,
    "negative soft rows": normal(5, 3, seed=2),
}
LOSSES = {
    **{f"softmax, {name}": (SoftmaxWithLoss, (5, 3), t) for name, t in LABELS.items()},
    "softmax, one sample": (SoftmaxWithLoss, (3,), 1),
    "softmax, one sample, one-hot": (SoftmaxWithLoss, (3,), np.array([0, 1, 0])),
    "softmax, one sample, soft": (SoftmaxWithLoss, (3,), np.array([0.5, 1, 2])),
    "sigmoid, yes or no": (SigmoidWithLoss, (5, 3), np.eye(3)[CLASSES]),
    "sigmoid, booleans": (SigmoidWithLoss, (5, 3), np.eye(3, dtype=bool)[CLASSES]),
    "sigmoid, soft": (SigmoidWithLoss, (5, 3), np.random.default_rng(0).random((5, 3))),
    "sigmoid, one column": (SigmoidWithLoss, (5, 1), np.random.default_rng(0).random((5, 1))),
    "sigmoid, one sample": (SigmoidWithLoss, (3,), np.array([0, 1, 0.5])),
    "identity": (IdentityWithLoss, (5, 3), normal(5, 3, seed=2)),
    "identity, one column": (IdentityWithLoss, (5, 1), normal(5, 1, seed=2)),
    "identity, one sample": (IdentityWithLoss, (3,), normal(3, seed=2)),
}


@pytest.mark.parametrize(("make", "shape", "t"), LOSSES.values(), ids=LOSSES.keys())
def test_loss(make, shape, t):
    report = check_gradients(make(), 2 * normal(*shape), t)
    assert report, f"\n{report}"
    assert [(check.name, check.checked) for check in report.checks] == [("x", np.prod(shape))]


def test_gradient_check_freezes_the_dropout_mask():
    assert check_gradients(Dropout(0.5, rng=0), np.ones((20, 20)), tolerance=1e-6)


def test_gradient_check_freezes_the_running_statistics():
    layer = trained(batch_norm(4), 50, 4)
    mean = layer.running_mean.copy()
    assert check_gradients(layer, normal(7, 4))
    np.testing.assert_array_equal(layer.running_mean, mean)
