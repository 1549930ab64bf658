"""What each layer computes, and which pixels speak for a class."""

import copy

import numpy as np
import pytest

from dlbasics import Affine, DeepConvNet, MultiLayerNet, Network, SimpleConvNet, TwoLayerNet
from dlbasics.pad.explain import input_gradient, layer_outputs, occlusion
from dlbasics.pad.networks import probabilities
from tests.helpers import normal

F64 = {"rng": 0, "dtype": np.float64}
SMALL = {f"conv_param_{i}": {"filter_num": 2} for i in range(1, 7)}
NETWORKS = {
    "TwoLayerNet": lambda: TwoLayerNet(784, 6, 10, 0.1, **F64),
    "SimpleConvNet": lambda: SimpleConvNet(
        conv_param={"filter_num": 3}, hidden_size=6, weight_init_std="he", **F64
    ),
    "DeepConvNet": lambda: DeepConvNet(hidden_size=6, **SMALL, **F64),
    "BatchNorm and Dropout": lambda: MultiLayerNet(
        784, [6, 5], 10, use_batchnorm=True, use_dropout=True, **F64
    ),
}
IMAGE = np.abs(normal(28, 28)).astype(np.float64)


@pytest.fixture(params=NETWORKS)
def network(request):
    network = NETWORKS[request.param]()
    if request.param.startswith("BatchNorm"):  # sets running statistics
        network.loss(normal(20, 784), np.arange(20) % 10, train_flg=True)
    return network


def log_p(network, image, k):
    return np.log(probabilities(network, image[np.newaxis])[0, k])


def test_the_outputs_are_those_of_each_layer_in_order(network):
    outputs = layer_outputs(network, IMAGE)
    assert [*outputs] == [*network.layers]
    x = IMAGE.reshape(1, *(network.input_dim or (784,)))
    for name, layer in network.layers.items():
        x = layer.forward(x, False)
        np.testing.assert_array_equal(outputs[name], x[0])
    np.testing.assert_allclose(x, network.predict(IMAGE.reshape(1, *(network.input_dim or (784,)))))


def test_the_input_gradient_is_the_derivative_of_the_log_probability(network):
    classes, h = [3, 8, 3], 1e-6
    gradient = input_gradient(network, IMAGE, classes)
    assert (gradient.shape, gradient.dtype) == ((3, 28, 28), np.float64)
    np.testing.assert_allclose(gradient[0], gradient[2])
    for i, j in np.random.default_rng(1).integers(0, 28, (25, 2)):
        more, less = IMAGE.copy(), IMAGE.copy()
        more[i, j] += h
        less[i, j] -= h
        for k, value in zip(classes[:2], gradient[:2, i, j], strict=True):
            numerical = (log_p(network, more, k) - log_p(network, less, k)) / (2 * h)
            assert value == pytest.approx(numerical, rel=1e-4, abs=1e-7)


def test_explanations_leave_the_network_and_the_image_as_they_were(network):
    before, image = copy.deepcopy(network), IMAGE.copy()
    x, t = normal(4, *(network.input_dim or (784,))), np.arange(4)
    for explain in (layer_outputs, lambda n, x: input_gradient(n, x, [1]), None):
        network.loss(x, t)
        dout = network.last_layer.backward(1)
        if explain is None:
            occlusion(network, image, [1])
        else:
            explain(network, image)
        last, same = [*network.layers.values()][-1], [*before.layers.values()][-1]
        before.loss(x, t)
        np.testing.assert_array_equal(last.backward(dout), same.backward(dout))
    np.testing.assert_array_equal(image, IMAGE)


def one_pixel(row, column, weight=2.0):
    """Return a network in which one pixel speaks for the class 7."""
    W = np.zeros((784, 10))
    W[28 * row + column, 7] = weight
    return Network([Affine(W, np.zeros(10))])


@pytest.mark.parametrize("paper", [0.0, 1.0])
@pytest.mark.parametrize(("row", "column"), [(14, 10), (0, 0), (27, 27), (13, 1)])
def test_occlusion_finds_the_one_pixel_that_counts(row, column, paper):
    network = one_pixel(row, column)
    image = np.full((28, 28), paper)
    image[row, column] = 1 - paper
    blank = np.full((28, 28), paper)
    falls = occlusion(network, image, [7, 2])
    assert falls.shape == (2, 28, 28)
    for k, fall in zip((7, 2), falls, strict=True):
        wanted = log_p(network, image, k) - log_p(network, blank, k)
        assert wanted * (1 if (k == 7) == (paper == 0) else -1) > 0
        assert fall[row, column] == pytest.approx(wanted)
        assert abs(fall).max() <= abs(wanted) + 1e-12
        far = np.ones((28, 28), bool)
        far[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4] = False
        assert not fall[far].any()


def test_a_square_takes_away_all_that_it_covers():
    """The fall is that of the whole square, not of its pixels one by one."""
    network = one_pixel(5, 5)
    network.params["W1"][:, 7] = 1
    image = np.zeros((28, 28))
    image[4:8, 8:12] = 1  # just one of the squares
    fall = occlusion(network, image, [7])[0]
    squares = []
    for top in (2, 4, 6):
        for left in (6, 8, 10):
            rest = image.copy()
            rest[top : top + 4, left : left + 4] = 0
            squares.append(log_p(network, image, 7) - log_p(network, rest, 7))
    # The pixel (5, 9) lies in the squares from rows 2 and 4, and columns 6 and 8.
    wanted = np.mean([squares[0], squares[1], squares[3], squares[4]])
    assert fall[5, 9] == pytest.approx(wanted)


def test_scores_of_any_size_have_finite_explanations():
    network = one_pixel(3, 3, weight=1e4)
    image = np.zeros((28, 28))
    image[3, 3] = 1
    falls = occlusion(network, image, [7, 2])
    assert np.isfinite(falls).all()
    assert falls[1, 3, 3] == pytest.approx(np.log(10) - 1e4)
    assert np.isfinite(input_gradient(network, image, [7, 2])).all()


@pytest.mark.parametrize("explain", [layer_outputs, input_gradient, occlusion])
@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros(784), ValueError, r"image must have shape \(28, 28\), got \(784,\)"),
        (np.zeros((1, 28, 28)), ValueError, r"image must have shape \(28, 28\), got \(1, 28, 28\)"),
        (None, TypeError, "image must be an array of numbers"),
    ],
)
def test_what_is_no_image_is_refused(explain, image, error, message):
    given = () if explain is layer_outputs else ([1],)
    with pytest.raises(error, match=message):
        explain(one_pixel(1, 1), image, *given)


@pytest.mark.parametrize("explain", [input_gradient, occlusion])
@pytest.mark.parametrize(
    ("classes", "error"),
    [([10], ValueError), ([-1], ValueError), ([], ValueError), ([0.5], TypeError), (3, TypeError),
     ("3", TypeError), (None, TypeError)],
)  # fmt: skip
def test_classes_are_digits(explain, classes, error):
    with pytest.raises(error, match="classes must be"):
        explain(one_pixel(1, 1), IMAGE, classes)
