"""A network whose layers do not fit each other is refused when it is built."""

import numpy as np
import pytest

from dlbasics import (
    Affine,
    BatchNorm,
    Convolution,
    Dropout,
    GlobalAveragePooling,
    Layer,
    Network,
    Pooling,
    Relu,
    Residual,
)


def conv(channels, filter_num):
    return Convolution.create(channels, filter_num, 3, pad=1, rng=0)


def affine(n_in, n_out):
    return Affine.create(n_in, n_out, rng=0)


class Half(Layer):
    """It changes the shape, and does not say so."""

    def _forward(self, x, train_flg):
        return x[:, ::2]

    def _backward(self, dout):
        return np.repeat(dout, 2, axis=1)


class Book:
    """A layer typed from the book."""

    def forward(self, x):
        return x[:, ::2]

    def backward(self, dout):
        return dout


class Wider(Affine):
    """A subclass whose formulas may do anything."""

    def _forward(self, x, train_flg):
        return np.tile(super()._forward(x, train_flg), 2)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([affine(4, 5), affine(6, 2)], "Affine2 gets the output of Affine1: .* 6 values, got .5,."),
        ([affine(4, 5), Relu(), Dropout(), affine(6, 2)], "Affine2 gets the output of Dropout1"),
        ([affine(4, 5), BatchNorm.create(4)], "BatchNorm1 gets the output of Affine1: .*got .5,"),
        ([affine(4, 5), conv(5, 2)], "Conv1 gets the output of Affine1: a sample must have shape"),
        ([affine(4, 5), Pooling(2, 2)], "Pool1 gets the output of Affine1: a sample must have"),
        ([Relu(), affine(4, 5), affine(4, 5)], "Affine2 gets the output of Affine1"),
        ([conv(1, 3), Relu(), conv(4, 3)], "Conv2 gets the output of Relu1: .* 4 channels, got 3"),
        ([conv(1, 3), Pooling(2, 2), BatchNorm.create(4)], "BatchNorm1 gets the output of Pool1"),
        ([conv(1, 3), BatchNorm.create(3), conv(4, 3)], "Conv2 gets the output of BatchNorm1"),
        ([conv(1, 3), Residual([conv(3, 3)]), conv(4, 3)], "Conv2 gets the output of Residual1"),
        ([conv(1, 3), GlobalAveragePooling(), affine(4, 2)], "Affine1 gets .* 4 values, got .3,."),
        ([affine(4, 5), Residual([affine(6, 6)])], "Residual1 gets .* Affine: .* 6 values"),
        ([Half(), affine(4, 5), affine(4, 5)], "Affine2 gets the output of Affine1"),
        ({"in": affine(4, 5), "out": affine(6, 2)}, "out gets the output of in: "),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_named(layers, message):
    with pytest.raises(ValueError, match=f"layers must fit each other, but .*{message}"):
        Network(layers)


@pytest.mark.parametrize(
    ("layers", "x"),
    [
        ([affine(4, 6), Half(), affine(3, 2)], np.ones((5, 4))),
        ([affine(4, 6), Book(), affine(3, 2)], np.ones((5, 4))),
        ([Half(), affine(2, 3)], np.ones((5, 4))),
        ([Wider(np.ones((4, 3)), None), affine(6, 2)], np.ones((5, 4))),
        ([conv(1, 4), Half(), conv(2, 3)], np.ones((5, 1, 4, 4))),
        ([conv(1, 4), Pooling(2, 2, stride=2), affine(16, 3)], np.ones((5, 1, 4, 4))),
        ([conv(1, 4), BatchNorm.create(4), affine(64, 3)], np.ones((5, 1, 4, 4))),
        ([BatchNorm.create(4), conv(4, 2)], np.ones((5, 4, 3, 3))),
        ([conv(1, 4), GlobalAveragePooling(), BatchNorm.create(4)], np.ones((5, 1, 4, 4))),
        ([GlobalAveragePooling(), affine(4, 2)], np.ones((5, 4, 3, 3))),
        ([affine(4, 6), Residual([affine(6, 6), Relu()])], np.ones((5, 4))),
    ],
)
def test_what_fits_or_may_fit_is_accepted(layers, x):
    assert np.isfinite(Network(layers).predict(x)).all()
