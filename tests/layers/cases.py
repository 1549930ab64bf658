"""All layers in one table: how to make each one, and the shape of an x that it takes."""

import numpy as np
import pytest

from dlbasics.layers import (
    Affine,
    AveragePooling,
    BatchNorm,
    Concatenate,
    Convolution,
    Dropout,
    Elu,
    Flatten,
    GlobalAveragePooling,
    Identity,
    LeakyRelu,
    LocalResponseNorm,
    Pooling,
    Relu,
    Reshape,
    Residual,
    Sigmoid,
    Tanh,
)
from tests.helpers import normal


def affine(dtype):
    return Affine(normal(6, 4, seed=1, dtype=dtype), normal(4, seed=2, dtype=dtype))


def batch_norm(size):
    def make(dtype):
        gamma, beta, mean, var = (normal(size, seed=seed, dtype=dtype) for seed in (3, 4, 5, 6))
        return BatchNorm(gamma, beta, running_mean=mean, running_var=np.exp(var))

    return make


def frozen(make):
    """Make a layer that leaves its running statistics, so that one sample will do in training."""

    def make_frozen(dtype):
        layer = make(dtype)
        layer.freeze()
        return layer

    return make_frozen


def convolution(channels, **geometry):
    def make(dtype):
        W = normal(4, channels, 3, 3, seed=1, dtype=dtype)
        return Convolution(W, normal(4, seed=2, dtype=dtype), **geometry)

    return make


def without_parameters(kind, *arguments, **options):
    return lambda dtype: kind(*arguments, **options)


ACTIVATIONS = {
    "Relu": (without_parameters(Relu), (5, 6)),
    "Relu, images": (without_parameters(Relu), (2, 3, 4, 5)),
    "LeakyRelu": (without_parameters(LeakyRelu, 0.1), (5, 6)),
    "LeakyRelu, slope 0": (without_parameters(LeakyRelu, 0), (5, 6)),
    "Elu": (without_parameters(Elu), (5, 6)),
    "Elu, alpha 0.5": (without_parameters(Elu, 0.5), (2, 3, 4, 5)),
    "Sigmoid": (without_parameters(Sigmoid), (5, 6)),
    "Tanh": (without_parameters(Tanh), (5, 6)),
    "Identity": (without_parameters(Identity), (5, 6)),
    "Dropout": (without_parameters(Dropout, 0.4, rng=0), (5, 6)),
    "Dropout, ratio 0": (without_parameters(Dropout, 0.0, rng=0), (5, 6)),
    "Dropout, inverted": (without_parameters(Dropout, 0.3, inverted=True, rng=1), (2, 3, 4, 5)),
    "Residual": (lambda dtype: Residual([Relu(), Tanh()]), (2, 3, 4, 6)),
}
"""The layers that take an x of any shape."""

BATCHES = {
    "Affine": (affine, (5, 6)),
    "Affine, images": (affine, (5, 3, 2, 1)),
    "Affine, no bias": (lambda dtype: Affine(normal(6, 4, dtype=dtype), None), (5, 6)),
    "BatchNorm": (batch_norm(6), (5, 6)),
    "BatchNorm, images": (batch_norm(3), (4, 3, 2, 5)),
    "Residual, with parameters": (
        lambda dtype: Residual([batch_norm(6)(dtype), Affine(normal(6, 6, dtype=dtype), None)]),
        (5, 6),
    ),
    "Flatten": (without_parameters(Flatten), (2, 3, 2, 5)),
    "Reshape": (without_parameters(Reshape, (3, 2, 5)), (2, 30)),
    "Reshape, images": (without_parameters(Reshape, [6, 5]), (2, 3, 2, 5)),
    "Convolution": (convolution(3), (2, 3, 5, 6)),
    "Convolution, pad 1": (convolution(3, pad=1), (2, 3, 5, 6)),
    "Convolution, stride 2": (convolution(3, stride=2, pad=1), (2, 3, 5, 7)),
    "Convolution, one channel": (convolution(1), (2, 1, 5, 6)),
    "Convolution, no bias": (
        lambda dtype: Convolution(normal(4, 3, 2, 2, dtype=dtype), None),
        (2, 3, 4, 4),
    ),
    "Convolution, pad (1, 0)": (convolution(3, pad=(1, 0)), (2, 3, 5, 6)),
    "Convolution, stride (1, 2)": (convolution(3, stride=(1, 2), pad=(0, 1)), (2, 3, 5, 7)),
    "Convolution, floor": (convolution(2, stride=(2, 3), floor=True), (2, 2, 6, 8)),
    "Pooling": (without_parameters(Pooling, 3, 2, pad=1), (2, 3, 4, 5)),
    "Pooling, pairs": (without_parameters(Pooling, 2, 3, (2, 1), (0, 1)), (2, 3, 4, 5)),
    "Pooling, floor": (without_parameters(Pooling, 2, 2, 2, floor=True), (2, 3, 5, 7)),
    "Pooling, floor, even": (without_parameters(Pooling, 2, 2, 2, floor=True), (2, 3, 4, 6)),
    "AveragePooling, floor": (
        without_parameters(AveragePooling, 2, 2, 2, floor=True),
        (2, 3, 5, 6),
    ),
    "Pooling, stride 2": (without_parameters(Pooling, 2, 2, stride=2), (2, 3, 4, 6)),
    "AveragePooling": (without_parameters(AveragePooling, 2, 2, stride=2), (2, 3, 4, 6)),
    "GlobalAveragePooling": (without_parameters(GlobalAveragePooling), (2, 3, 4, 6)),
    "LocalResponseNorm": (without_parameters(LocalResponseNorm), (2, 7, 3, 4)),
    "LocalResponseNorm, strong": (
        without_parameters(LocalResponseNorm, 3, 0.7, 1.2, 0.5),
        (2, 4, 3, 2),
    ),
    "LocalResponseNorm, more than all channels": (
        without_parameters(LocalResponseNorm, 9, 0.3),
        (2, 3, 2, 2),
    ),
    "Concatenate": (
        lambda dtype: Concatenate([[Relu()], [Pooling(3, 3, 1, 1), Tanh()], []]),
        (2, 3, 4, 5),
    ),
    "Concatenate, with parameters": (
        lambda dtype: Concatenate(
            [
                [convolution(3, pad=1)(dtype), batch_norm(4)(dtype)],
                [Convolution(normal(2, 3, 1, 1, dtype=dtype), None), Relu()],
            ]
        ),
        (2, 3, 4, 5),
    ),
}
"""The layers that take a batch of samples of one shape."""

SINGLE_SAMPLES = {
    "Affine, one sample": (affine, (6,)),
    "Affine, one image": (affine, (3, 2, 1)),
    "Reshape, one sample": (without_parameters(Reshape, (3, 2, 5)), (30,)),
    "BatchNorm, one sample": (frozen(batch_norm(6)), (6,)),
    "Convolution, one image": (convolution(3), (3, 5, 6)),
    "Convolution, one image, stride 2": (convolution(3, stride=2), (3, 5, 7)),
    "Pooling, one image": (without_parameters(Pooling, 3, 3), (3, 4, 6)),
    "Pooling, one image, stride 2": (without_parameters(Pooling, 2, 2, stride=2), (3, 4, 6)),
    "AveragePooling, one image": (without_parameters(AveragePooling, 2, 2), (3, 4, 6)),
    "GlobalAveragePooling, one image": (without_parameters(GlobalAveragePooling), (3, 4, 6)),
    "LocalResponseNorm, one image": (without_parameters(LocalResponseNorm), (6, 3, 2)),
    "Concatenate, one image": (
        lambda dtype: Concatenate([[convolution(3, pad=1)(dtype)], [Relu()]]),
        (3, 4, 5),
    ),
}
"""The same layers with a single sample of that shape."""

LAYERS = {**ACTIVATIONS, **BATCHES, **SINGLE_SAMPLES}
"""Name -> (make, shape): `make(dtype)` returns a new layer with parameters of that dtype."""


def axis_1_last(x):
    """The same x; in memory the values along axis 1, the channels of images, lie side by side."""
    axis = min(1, x.ndim - 1)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, axis, -1)), -1, axis)


LAYOUTS = {
    "as made": np.asarray,
    "Fortran order": np.asfortranarray,
    "channels last": axis_1_last,
    "every other column": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
}
"""Ways in which one and the same x may lie in memory."""


def parametrized(layers):
    """Run a test with `make` and `shape` of each of these layers."""
    return pytest.mark.parametrize(("make", "shape"), layers.values(), ids=layers.keys())
