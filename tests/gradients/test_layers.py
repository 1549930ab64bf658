"""Every layer and every loss, with every option, against central differences."""

import numpy as np
import pytest

from dlbasics import layers
from dlbasics.gradient import check_gradients
from tests.helpers import normal
from tests.layers import cases


def away_from_0(*shape):
    x = normal(*shape, seed=10)
    return x + np.copysign(0.1, x)


def batch_norm(size):
    return layers.BatchNorm(normal(size, seed=1), normal(size, seed=2))


def convolution(*shape, stride=1, pad=0):
    return layers.Convolution(normal(*shape, seed=1), normal(shape[0], seed=2), stride, pad)


LAYERS = {
    **{name: (make(np.float64), shape) for name, (make, shape) in cases.LAYERS.items()},
    "Affine, wide, float32": (layers.Affine.create(100, 30, rng=0), (20, 100)),
    "LeakyRelu, slope 1": (layers.LeakyRelu(1), (3, 6)),
    "BatchNorm, two samples": (batch_norm(4), (2, 4)),
    "BatchNorm, one image": (batch_norm(3), (1, 3, 4, 4)),
    "BatchNorm, float32": (layers.BatchNorm.create(4), (7, 4)),
    "Convolution, more padding than filter": (convolution(2, 2, 2, 2, pad=3), (2, 2, 2, 3)),
    "Convolution, as large as the image": (convolution(3, 2, 4, 3), (2, 2, 4, 3)),
    "Convolution, larger than the image": (convolution(2, 1, 5, 5, pad=2), (2, 1, 1, 2)),
    "Convolution, one filter": (convolution(1, 2, 3, 3), (2, 2, 4, 4)),
    "Convolution, float32": (layers.Convolution.create(2, 3, 3, rng=0), (2, 2, 4, 4)),
    "Residual, convolutions": (
        layers.Residual([convolution(3, 3, 3, 3, pad=1), batch_norm(3), layers.Relu()]),
        (2, 3, 4, 4),
    ),
}
"""The layers that tests/layers tests, and further options of theirs."""


@pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])
@pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS.keys())
def test_layer(layer, shape, train_flg):
    x = away_from_0(*shape)
    report = check_gradients(layer, x, train_flg=train_flg)
    assert report, f"\n{report}"
    params = [(inner, name) for inner in layer.walk() for name in inner.param_names]
    expected = ["x", *(name for inner, name in params if getattr(inner, name) is not None)]
    assert [check.name.rpartition(".")[2] for check in report.checks] == expected
    assert [check.checked for check in report.checks] == [np.prod(c.shape) for c in report.checks]


GEOMETRIES = [
    (filter_h, filter_w, stride, pad, channels, H, W)
    for filter_h in (1, 2, 3)
    for filter_w in (1, 2, 3)
    for stride in (1, 2, 3)
    for pad in (0, 1, 2)
    for channels in (1, 2)
    for H, W in ((3, 4), (4, 5))
    if (H + 2 * pad - filter_h) % stride == 0 and (W + 2 * pad - filter_w) % stride == 0
]


@pytest.mark.parametrize(("FH", "FW", "stride", "pad", "C", "H", "W"), GEOMETRIES)
def test_convolution_of_any_geometry(FH, FW, stride, pad, C, H, W):
    layer = convolution(2, C, FH, FW, stride=stride, pad=pad)
    report = check_gradients(layer, normal(2, C, H, W))
    assert report, f"\n{report}"


@pytest.mark.parametrize("make", [layers.Pooling, layers.AveragePooling])
@pytest.mark.parametrize(
    ("FH", "FW", "stride", "pad", "C", "H", "W"), [g for g in GEOMETRIES if g[3] < min(g[:2])]
)
def test_pooling_of_any_geometry(make, FH, FW, stride, pad, C, H, W):
    report = check_gradients(make(FH, FW, stride, pad), normal(2, C, H, W))
    assert report, f"\n{report}"


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
IMAGE_CLASSES = np.random.default_rng(0).integers(0, 3, (2, 2, 4))
LOSSES = {
    **{f"softmax, {name}": (layers.SoftmaxWithLoss, (5, 3), t) for name, t in LABELS.items()},
    "softmax, one sample": (layers.SoftmaxWithLoss, (3,), 1),
    "softmax, one sample, one-hot": (layers.SoftmaxWithLoss, (3,), np.array([0, 1, 0])),
    "softmax, one sample, soft": (layers.SoftmaxWithLoss, (3,), np.array([0.5, 1, 2])),
    "sigmoid, yes or no": (layers.SigmoidWithLoss, (5, 3), np.eye(3)[CLASSES]),
    "sigmoid, booleans": (layers.SigmoidWithLoss, (5, 3), np.eye(3, dtype=bool)[CLASSES]),
    "sigmoid, soft": (layers.SigmoidWithLoss, (5, 3), np.random.default_rng(0).random((5, 3))),
    "sigmoid, one column": (layers.SigmoidWithLoss, (5, 1), CLASSES[:, np.newaxis] / 2),
    "sigmoid, one sample": (layers.SigmoidWithLoss, (3,), np.array([0, 1, 0.5])),
    "softmax, images": (layers.SoftmaxWithLoss, (2, 3, 2, 4), IMAGE_CLASSES),
    "softmax, images, soft": (layers.SoftmaxWithLoss, (2, 3, 2, 4), abs(normal(2, 3, 2, 4))),
    "sigmoid, images": (layers.SigmoidWithLoss, (2, 2, 3, 2), normal(2, 2, 3, 2, seed=3) > 0),
    "identity, images": (layers.IdentityWithLoss, (2, 2, 3, 2), normal(2, 2, 3, 2, seed=3)),
    "identity": (layers.IdentityWithLoss, (5, 3), normal(5, 3, seed=2)),
    "identity, one column": (layers.IdentityWithLoss, (5, 1), normal(5, 1, seed=2)),
    "identity, one sample": (layers.IdentityWithLoss, (3,), normal(3, seed=2)),
}


@pytest.mark.parametrize(("make", "shape", "t"), LOSSES.values(), ids=LOSSES.keys())
def test_loss(make, shape, t):
    report = check_gradients(make(), 2 * normal(*shape), t)
    assert report, f"\n{report}"
    assert [(check.name, check.checked) for check in report.checks] == [("x", np.prod(shape))]
