"""A network takes batches and samples of its own shape, and refuses all others."""

import numpy as np
import pytest

from dlbasics import MultiLayerNet, ResNet, SimpleConvNet, TwoLayerNet
from dlbasics._internal.sample_shapes import is_batch

BATCHES = [
    ((4, 784), (784,)),
    ((1, 784), (784,)),
    ((784, 784), (784,)),
    ((4, 28, 28), (784,)),
    ((1, 28, 28), (784,)),
    ((4, 1, 28, 28), (784,)),
    ((4, 16, 7, 7), (784,)),
    ((3, 1), (1,)),
    ((1, 1), (1,)),
    ((1, 1, 1), (1,)),
    ((5, 3, 4, 6), (3, 4, 6)),
    ((3, 3, 4, 6), (3, 4, 6)),
]
SAMPLES = [((784,), (784,)), ((28, 28), (784,)), ((1,), (1,)), ((3, 4, 6), (3, 4, 6))]
NEITHER = [
    ((4, 14, 14), (784,)),
    ((2, 392), (784,)),
    ((56, 14), (784,)),
    ((4, 783), (784,)),
    ((4, 1, 784), (784,)),
    ((2, 2, 1, 28, 28), (784,)),
    ((), (1,)),
    ((3,), (1,)),
    ((72,), (3, 4, 6)),
    ((5, 72), (3, 4, 6)),
    ((5, 3, 6, 4), (3, 4, 6)),
    ((5, 4, 6), (3, 4, 6)),
]


@pytest.mark.parametrize(("shape", "sample"), BATCHES)
def test_a_batch_is_known_by_its_shape(shape, sample):
    assert is_batch(shape, sample)


@pytest.mark.parametrize(("shape", "sample"), SAMPLES)
def test_a_sample_is_known_by_its_shape(shape, sample):
    assert not is_batch(shape, sample)


@pytest.mark.parametrize(("shape", "sample"), NEITHER)
def test_any_other_shape_is_an_error_that_names_it(shape, sample):
    with pytest.raises(ValueError, match=r"^x must have shape \(N, ") as caught:
        is_batch(shape, sample)
    assert f"or {sample} for one sample, got {shape}" in str(caught.value)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (TwoLayerNet(784, 5, 10, rng=0), (4, 14, 14)),
        (TwoLayerNet(784, 5, 10, rng=0), (2, 392)),
        (MultiLayerNet(784, [5], 10, use_batchnorm=True, rng=0), (2, 2, 14, 14, 1)),
        (TwoLayerNet(1, 5, 10, rng=0), ()),
        # 48 x 12 pixels after the filter are as many as 24 x 24: the Affine layer would take them.
        (SimpleConvNet(rng=0), (2, 1, 52, 16)),
    ],
)
@pytest.mark.parametrize("method", ["predict", "loss", "gradient", "numerical_gradient"])
def test_no_method_of_a_network_takes_another_shape(method, network, shape):
    t = () if method == "predict" else (np.zeros(2, int),)
    with pytest.raises(ValueError, match=r"x must have shape .* got \("):
        getattr(network, method)(np.ones(shape), *t)


def test_predictions_have_a_row_for_each_sample():
    network, images = TwoLayerNet(784, 5, 10, rng=0), np.ones((3, 1, 28, 28))
    for x in (images, images[:, 0], images.reshape(3, -1), images.reshape(3, 4, 14, 14)):
        assert network.predict(x).shape == (3, 10)
    for x in (images[0, 0], images.reshape(3, -1)[0]):
        assert network.predict(x).shape == (10,)
    assert network.predict(images[0]).shape == (1, 10)
    narrow = TwoLayerNet(1, 5, 10, rng=0)
    assert (narrow.predict([2.0]).shape, narrow.predict([[2.0]]).shape) == ((10,), (1, 10))


@pytest.mark.parametrize(
    "network",
    [
        ResNet((1, 8, 8), filter_nums=(2,), blocks=1, rng=0),  # batch normalization of images
        SimpleConvNet((1, 6, 6), {"filter_num": 1, "filter_size": 3}, 5, 3, rng=0),
    ],
)
def test_one_image_is_predicted_as_a_batch_of_one(network):
    x = np.random.default_rng(0).random((2, *network.input_dim))
    found = network.predict(x[0])
    np.testing.assert_allclose(found, network.predict(x[:1])[0], rtol=1e-6)
