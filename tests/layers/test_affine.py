import numpy as np
import pytest

from dlbasics.layers import Affine, IdentityWithLoss, SoftmaxWithLoss
from tests.helpers import channels_last, normal


def test_bias_is_added_to_every_row_and_its_gradient_is_the_column_sum():
    layer = Affine(np.eye(3), np.array([1.0, 2.0, 3.0]))
    y = layer.forward(np.array([[0.0, 0, 0], [10, 10, 10]]))
    assert y.tolist() == [[1, 2, 3], [11, 12, 13]]
    dout = np.array([[1.0, 2, 3], [4, 5, 6]])
    assert layer.backward(dout).tolist() == dout.tolist()
    assert layer.db.tolist() == [5, 7, 9]


@pytest.mark.parametrize(
    ("x", "W", "y"),
    [
        ([[1, 2], [3, 4]], [[5, 6], [7, 8]], [[19, 22], [43, 50]]),
        ([[1, 2, 3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]], [[22, 28], [49, 64]]),
        ([7, 8], [[1, 3, 5], [2, 4, 6]], [23, 53, 83]),
        ([1, 2], [[1, 3, 5], [2, 4, 6]], [5, 11, 17]),
    ],
)
def test_matrix_products_of_the_book(x, W, y):
    assert Affine(np.array(W), None).forward(np.array(x)).tolist() == y


@pytest.mark.parametrize(
    ("last_layer", "t", "dX", "dW"),
    [
        (IdentityWithLoss(), [1, 2], [4, 3, 4], [[4, 2], [-2, -1], [2, 1]]),
        (SoftmaxWithLoss(), [1, 0], [-1, 0, 2], [[-1, 1], [0.5, -0.5], [-0.5, 0.5]]),
    ],
)
def test_gradients_of_the_lecture(last_layer, t, dX, dW):
    layer = Affine(np.array([[2.0, 0], [1, 1], [0, 4]]), None)
    last_layer.forward(layer.forward(np.array([2.0, -1, 1])), t)
    np.testing.assert_allclose(layer.backward(last_layer.backward()), dX)
    np.testing.assert_allclose(layer.dW, dW)


@pytest.mark.parametrize("shape", [(24,), (2, 3, 4)])
def test_one_sample_of_any_shape(shape):
    layer, x, dout = Affine(normal(24, 5), normal(5)), normal(*shape, seed=1), normal(5, seed=2)
    np.testing.assert_allclose(layer.forward(x), x.reshape(24) @ layer.W + layer.b)
    np.testing.assert_allclose(layer.backward(dout), (layer.W @ dout).reshape(shape))
    np.testing.assert_allclose(layer.dW, np.outer(x, dout))
    np.testing.assert_array_equal(layer.db, dout)


def test_x_that_could_be_either_is_a_batch_not_one_sample():
    layer = Affine(np.eye(4), None)
    assert layer.forward(np.ones((1, 4))).shape == (1, 4)
    assert layer.forward(np.ones((4, 2, 2))).shape == (4, 4)
    assert layer.forward(np.ones((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("shape", [(), (4,), (0,)])
def test_at_width_1_a_number_is_no_sample_and_a_row_no_batch(shape):
    layer = Affine(np.array([[2.0, 3.0]]), None)
    with pytest.raises(ValueError, match=r"x must have 1 values a sample.* got \("):
        layer.forward(np.ones(shape))
    assert layer.forward(np.ones(1)).tolist() == [2, 3]
    assert layer.forward(np.ones((4, 1))).tolist() == [[2, 3]] * 4


def test_integers_do_not_wrap_round():
    layer = Affine(np.array([[200]], np.uint8), None)
    assert layer.forward(np.array([[2]], np.uint8)).tolist() == [[400]]
    assert layer.backward(np.array([[200]], np.uint8)).tolist() == [[40_000]]


def test_images_are_flattened_in_the_order_channel_row_column():
    layer, images = Affine(normal(12, 2), normal(2)), normal(5, 3, 2, 2, seed=1)
    rows = images.reshape(5, 12)
    np.testing.assert_allclose(layer.forward(channels_last(images)), rows @ layer.W + layer.b)
    np.testing.assert_array_equal(layer.x, rows)
    dout = normal(5, 2, seed=2)
    np.testing.assert_allclose(layer.backward(dout), (dout @ layer.W.T).reshape(5, 3, 2, 2))
    np.testing.assert_allclose(layer.dW, rows.T @ dout)


@pytest.mark.parametrize(
    ("W", "b", "error", "message"),
    [
        ([[1.0]], None, TypeError, "W must be a NumPy array, got list$"),
        (
            784,
            50,
            TypeError,
            r"W must be a NumPy array, got int; Affine\.create\(n_in, n_out\) makes",
        ),
        (np.ones((0, 2)), None, ValueError, r"W must hold at least one number, got shape \(0, 2\)"),
        (np.ones((2, 0)), None, ValueError, r"W must hold at least one number, got shape \(2, 0\)"),
        (np.ones(3), None, ValueError, r"W must have shape \(D, M\), got \(3,\)"),
        (np.array([["a"]]), None, TypeError, "W must hold real numbers, got dtype <U1"),
        (np.ones((3, 2)), np.ones(3), ValueError, r"b must have shape \(2,?\), got \(3,\)"),
        (np.ones((3, 2)), np.ones((1, 2)), ValueError, r"b must have shape \(2,?\)"),
        (np.ones((3, 2)), 1.5, TypeError, "b must be a NumPy array, got float"),
        (np.ones((3, 2)), [0.0, 0.0], TypeError, "b must be a NumPy array, got list"),
        (np.ones((3, 2)), [[1.0], [1.0, 2.0]], TypeError, "b must be a NumPy array"),
    ],
)
def test_parameters_of_another_kind(W, b, error, message):
    with pytest.raises(error, match=message):
        Affine(W, b)


@pytest.mark.parametrize("shape", [(), (5,), (4, 5), (4, 7), (4, 2, 2), (6, 4), (0, 5), (0,)])
def test_x_of_another_width(shape):
    layer = Affine(normal(6, 4), None)
    with pytest.raises(ValueError, match=r"Affine: x must have 6 values a sample.* got \("):
        layer.forward(np.ones(shape))
    with pytest.raises(ValueError, match="Affine: a sample must have 6 values"):
        layer.output_shape(shape[1:])
