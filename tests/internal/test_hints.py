"""What error messages say helps, where the mistake is a frequent one."""

import re

import numpy as np
import pytest

from dlbasics import (
    Affine,
    Convolution,
    IdentityWithLoss,
    Network,
    SigmoidWithLoss,
    SimpleConvNet,
    SoftmaxWithLoss,
    augmentation,
)
from dlbasics._internal import hints
from dlbasics.functions import cross_entropy_error, sum_squared_error

FIRST, LAST = "the channels come first, as in x.transpose", "makes images of the rows"


@pytest.mark.parametrize(
    ("shape", "sample", "hint"),
    [
        ((5, 32, 32, 3), (3, 32, 32), f"; {FIRST}(0, 3, 1, 2)"),
        ((5, 28, 20, 3), (3, 28, 20), f"; {FIRST}(0, 3, 1, 2)"),
        ((32, 32, 3), (3, 32, 32), f"; {FIRST}(2, 0, 1)"),
        ((5, 28, 28), (1, 28, 28), "; x[:, None] gives each image a channel"),
        ((5, 784), (1, 28, 28), f"; x.reshape(-1, 1, 28, 28) {LAST}"),
        ((5, 3072), (3, 32, 32), f"; x.reshape(-1, 3, 32, 32) {LAST}"),
        ((5, 32, 32, 3), (3, "H", "W"), f"; {FIRST}(0, 3, 1, 2)"),
        ((5, 28, 28), (1, "H", "W"), "; x[:, None] gives each image a channel"),
        ((5, 784), (1, "H", "W"), ""),
        ((5, 32, 28, 3), (3, 32, 32), ""),
        ((5, 28, 28), (3, 28, 28), ""),
        ((5, 785), (1, 28, 28), ""),
        ((5, 3, 6, 4), (3, 4, 6), ""),
        ((5, 28, 28), (784,), ""),
        ((5, 32, 32, 3), ("C", "H", "W"), ""),
        ((), (1, 28, 28), ""),
    ],
)
def test_for_images(shape, sample, hint):
    assert hints.for_images(shape, sample) == hint


@pytest.mark.parametrize("shape", [(5, 8, 8, 1), (8, 8, 1), (5, 8, 8), (5, 64)])
def test_what_helps_images_does_so(shape):
    network, x = SimpleConvNet((1, 8, 8), {"filter_size": 3}, 4, 2, rng=0), np.ones(shape)
    with pytest.raises(ValueError, match=r"got .*; ") as caught:
        network.predict(x)
    (cure,) = re.findall(r"x\[.*?\]|x\.\w+\(.*?\)", str(caught.value).partition("; ")[2])
    assert network.predict(eval(cure)).shape[-1] == 2


@pytest.mark.parametrize("last_layer", [SigmoidWithLoss(), IdentityWithLoss()])
def test_labels_of_one_output_need_a_column(last_layer):
    network, x, t = Network([Affine.create(4, 1)], last_layer), np.ones((5, 4)), np.ones(5)
    with pytest.raises(ValueError, match=r"got \(5,\); t\[:, None\] has it$"):
        network.gradient(x, t)
    network.gradient(x, t[:, None])
    with pytest.raises(ValueError, match=r"; t\[:, None\] has it$"):
        sum_squared_error(np.ones((5, 1)), t)


def test_classes_are_no_labels_of_a_sigmoid():
    network = Network([Affine.create(4, 3)], SigmoidWithLoss())
    x, t = np.ones((5, 4)), np.arange(5) % 3
    with pytest.raises(ValueError, match=r"; .* SoftmaxWithLoss, or rows, np\.eye\(3\)\[t\]$"):
        network.gradient(x, t)
    network.gradient(x, np.eye(3)[t])
    with pytest.raises(ValueError, match=r"got \(4,\)$"):
        network.gradient(x, t[:4])


@pytest.mark.parametrize(
    ("t", "helps"),
    [
        (np.ones(5), True),
        (np.ones((5, 1), np.float32), True),
        (np.ones(5, bool), True),
        (np.full(5, 0.5), False),
        (np.full(5, np.nan), False),
        (np.full(5, np.inf), False),
        (np.ones(4), False),
        (np.ones((5, 2)), False),
    ],
)
def test_classes_are_integers(t, helps):
    for call in (SoftmaxWithLoss().forward, cross_entropy_error):
        with pytest.raises(ValueError, match="t must be integer classes") as caught:
            call(np.full((5, 3), 1 / 3), t)
        assert str(caught.value).endswith("; t.astype(int) holds such classes") == helps


def test_a_convolution_hears_of_channels_first():
    layer = Convolution.create(3, 2, 3)
    for call in (
        lambda: layer.forward(np.ones((5, 8, 8, 3))),
        lambda: layer.output_shape((8, 8, 3)),
    ):
        with pytest.raises(ValueError, match="; the channels come first"):
            call()


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((32, 32, 3), True),
        ((28, 28, 1), True),
        ((4, 4, 3), True),
        ((3, 3, 3), False),
        ((1, 28, 28), False),
        ((3, 32, 32), False),
        ((16, 4, 3), False),
        ((64, 64, 4), False),
        ((28, 28), False),
    ],
)
def test_images_with_their_channels_last_are_known_by_their_shape(shape, found):
    assert hints.has_channels_last(shape) == found


def test_augmentation_hears_of_channels_first():
    for shape, cure in [((2, 8, 8, 3), "x.transpose(0, 3, 1, 2)"), ((2, 8, 8), "x[:, None]")]:
        x = np.ones(shape)
        with pytest.raises(ValueError, match=re.escape(f"got {shape}; ") + ".*" + re.escape(cure)):
            augmentation.flip(x)
        assert augmentation.flip(eval(cure)).size == x.size
