"""The affine layer."""

import numpy as np
import pytest

from dlbasics.initializers import he, xavier, zeros
from dlbasics.layers import Affine, Identity, IdentityWithLoss, Sigmoid, SoftmaxWithLoss


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_bias_is_added_to_every_row_and_its_gradient_is_the_column_sum():
    layer = Affine(np.eye(3), np.array([1.0, 2.0, 3.0]))
    y = layer.forward(np.array([[0.0, 0, 0], [10, 10, 10]]))
    assert y.tolist() == [[1, 2, 3], [11, 12, 13]]
    layer.backward(np.array([[1.0, 2, 3], [4, 5, 6]]))
    assert layer.db.tolist() == [5, 7, 9]


def test_bias_of_the_lecture():
    layer, dout = Affine(np.eye(2), np.zeros(2)), np.array([[1.0, 0], [0, -1], [1, 1]])
    layer.forward(np.zeros((3, 2)))
    assert layer.backward(dout).tolist() == dout.tolist()
    assert layer.db.tolist() == [2, 0]


def test_products_of_the_book():
    W = np.array([[1.0, 3, 5], [2, 4, 6]])
    assert Affine(W, None).forward(np.array([1.0, 2])).tolist() == [5, 11, 17]
    W = np.array([[1.0, 2], [3, 4], [5, 6]])
    assert Affine(W, None).forward(np.array([[1, 2, 3], [4, 5, 6]])).tolist() == [
        [22, 28],
        [49, 64],
    ]


def test_three_layer_network_of_chapter_3():
    W1, b1 = np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), np.array([0.1, 0.2, 0.3])
    W2, b2 = np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]), np.array([0.1, 0.2])
    W3, b3 = np.array([[0.1, 0.3], [0.2, 0.4]]), np.array([0.1, 0.2])
    x = np.array([1.0, 0.5])
    x = Affine(W1, b1).forward(x)
    np.testing.assert_allclose(x, [0.3, 0.7, 1.1])
    x = Sigmoid().forward(x)
    np.testing.assert_allclose(x, [0.57444252, 0.66818777, 0.75026011], rtol=1e-7)
    for layer in (Affine(W2, b2), Sigmoid(), Affine(W3, b3), Identity()):
        x = layer.forward(x)
    np.testing.assert_allclose(x, [0.31682708, 0.69627909], rtol=1e-7)


def test_simple_net_of_chapter_4():
    W = np.array([[0.47355232, 0.9977393, 0.84668094], [0.85557411, 0.03563661, 0.69422093]])
    layer, last_layer = Affine(W, None), SoftmaxWithLoss()
    scores = layer.forward(np.array([0.6, 0.9]))
    np.testing.assert_allclose(scores, [1.05414809, 0.63071653, 1.1328074], rtol=1e-7)
    assert last_layer.forward(scores, np.array([0, 0, 1])) == pytest.approx(0.928068537)
    layer.backward(last_layer.backward())
    expected = [[0.21924763, 0.14356247, -0.36281009], [0.32887144, 0.2153437, -0.54421514]]
    np.testing.assert_allclose(layer.dW, expected, rtol=1e-7)


def test_one_sample():
    layer = Affine(normal(2, 3), normal(3))
    x, dout = normal(2, seed=1), normal(3, seed=2)
    np.testing.assert_allclose(layer.forward(x), x @ layer.W + layer.b)
    np.testing.assert_allclose(layer.backward(dout), layer.W @ dout)
    np.testing.assert_allclose(layer.dW, np.outer(x, dout))
    np.testing.assert_array_equal(layer.db, dout)


def test_images_are_flattened_in_the_order_channel_row_column():
    layer, images = Affine(normal(12, 2), normal(2)), normal(5, 3, 2, 2, seed=1)
    channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    rows = images.reshape(5, 12)
    np.testing.assert_allclose(layer.forward(channels_last), rows @ layer.W + layer.b)
    dout = normal(5, 2, seed=2)
    np.testing.assert_allclose(layer.backward(dout), (dout @ layer.W.T).reshape(5, 3, 2, 2))
    np.testing.assert_allclose(layer.dW, rows.T @ dout)


@pytest.mark.parametrize("b", [None, 0, 0.0, np.float32(0), np.array(0.0)])
def test_no_bias(b):
    layer, x, dout = Affine(normal(3, 2), b), normal(4, 3), normal(4, 2)
    np.testing.assert_array_equal(layer.forward(x), x @ layer.W)
    layer.backward(dout)
    assert layer.b is None and layer.db is None


def test_keeps_the_very_arrays_it_is_given():
    W, b = normal(3, 2), normal(2)
    layer = Affine(W, b)
    assert layer.W is W and layer.b is b
    W += 1
    np.testing.assert_allclose(layer.forward(np.ones(3)), W.sum(axis=0) + b)


def test_x_is_the_last_batch_as_rows():
    layer, x = Affine(normal(12, 2), None), normal(5, 3, 2, 2)
    layer.forward(x)
    np.testing.assert_array_equal(layer.x, x.reshape(5, 12))


@pytest.mark.parametrize("b", [np.float32, np.float64, None])
@pytest.mark.parametrize("W", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("x", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_results_have_numpys_result_type(x, W, b):
    layer = Affine(np.ones((3, 2), W), None if b is None else np.ones(2, b))
    y = layer.forward(np.ones((4, 3), x))
    assert y.dtype == np.result_type(*(dtype for dtype in (x, W, b) if dtype is not None))
    assert y.tolist() == [[3.0 + (b is not None)] * 2] * 4


def test_float32_x_with_float64_weights_gives_float64():
    layer = Affine(normal(3, 2), normal(2))
    assert layer.forward(normal(4, 3, dtype=np.float32)).dtype == np.float64


def test_an_empty_batch_goes_forward_and_backward():
    layer = Affine(normal(3, 2), normal(2))
    assert layer.forward(np.empty((0, 3))).shape == (0, 2)
    assert layer.backward(np.empty((0, 2))).shape == (0, 3)
    assert not layer.dW.any() and layer.dW.shape == (3, 2) and layer.db.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float16])
def test_dout_of_any_dtype_is_summed_without_wrapping_round(dtype):
    layer, dout = Affine(np.ones((3, 2)), np.zeros(2)), np.ones((300, 2), dtype)
    layer.forward(np.ones((300, 3)))
    assert layer.backward(dout).tolist() == [[2.0] * 3] * 300
    assert layer.dW.tolist() == [[300.0] * 2] * 3
    assert layer.db.tolist() == [300, 300]


def test_create():
    layer = Affine.create(2000, 50, rng=0)
    assert layer.W.shape == (2000, 50) and layer.W.dtype == np.float32
    assert layer.W.std() == pytest.approx(np.sqrt(2 / 2000), rel=0.02)
    assert layer.b.dtype == np.float32 and not layer.b.any() and layer.b.shape == (50,)
    np.testing.assert_array_equal(Affine.create(2000, 50, rng=0).W, layer.W)
    assert (Affine.create(2000, 50, rng=1).W != layer.W).any()


def test_create_with_an_initializer_a_generator_and_a_dtype():
    layer = Affine.create(2000, 50, xavier, rng=np.random.default_rng(0), dtype=np.float64)
    assert layer.W.dtype == layer.b.dtype == np.float64
    assert layer.W.std() == pytest.approx(np.sqrt(1 / 2000), rel=0.02)
    assert not Affine.create(3, 2, init=zeros).W.any()


@pytest.mark.parametrize(
    ("W", "b", "error", "message"),
    [
        ([[1.0]], None, TypeError, "W must be a NumPy array, got list"),
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
    with pytest.raises(ValueError, match=r"x must have 6 values a sample.* got \("):
        Affine(normal(6, 4), None).forward(np.ones(shape))


@pytest.mark.parametrize(("n_in", "n_out"), [(0, 3), (3, 0), (-1, 3), (2.0, 3), ("2", 3)])
def test_sizes_that_are_not_counts(n_in, n_out):
    with pytest.raises((ValueError, TypeError), match=r"n_(in|out) must be"):
        Affine.create(n_in, n_out)


def test_a_refused_forward_leaves_the_last_pass_as_it_was():
    layer, x, dout = Affine(normal(6, 4), normal(4)), normal(5, 6), normal(5, 4)
    layer.forward(x)
    expected = layer.backward(dout)
    with pytest.raises(ValueError, match="x must have 6 values"):
        layer.forward(np.ones((5, 7)))
    np.testing.assert_array_equal(layer.backward(dout), expected)


def test_stacked_linear_layers_collapse_into_one():
    first, second = Affine(normal(4, 5), normal(5)), Affine(normal(5, 3, seed=1), normal(3, seed=1))
    both = Affine(first.W @ second.W, first.b @ second.W + second.b)
    x = normal(6, 4, seed=2)
    np.testing.assert_allclose(second.forward(first.forward(x)), both.forward(x), rtol=1e-12)


def test_lecture():
    W = np.array([[2.0, 0], [1, 1], [0, 4]])
    for last_layer, t, dX, dW in (
        (IdentityWithLoss(), [1, 2], [4, 3, 4], [[4, 2], [-2, -1], [2, 1]]),
        (SoftmaxWithLoss(), [1, 0], [-1, 0, 2], [[-1, 1], [0.5, -0.5], [-0.5, 0.5]]),
    ):
        layer = Affine(W, None)
        last_layer.forward(layer.forward(np.array([2.0, -1, 1])), t)
        np.testing.assert_allclose(layer.backward(last_layer.backward()), dX)
        np.testing.assert_allclose(layer.dW, dW)


def test_create_takes_what_the_networks_take():
    by_name, by_function = (Affine.create(50, 40, init, rng=0).W for init in ("he", he))
    assert np.array_equal(by_name, by_function)
    assert Affine.create(500, 400, 0.01, rng=0).W.std() == pytest.approx(0.01, rel=0.05)


def test_an_error_names_the_layer():
    with pytest.raises(ValueError, match="Affine: x must have 3 values a sample"):
        Affine.create(3, 2).forward(np.ones((4, 5)))
    with pytest.raises(ValueError, match="Affine: a sample must have 3 values"):
        Affine.create(3, 2).output_shape((7,))


def test_one_sample_of_any_shape_is_a_sample():
    rng = np.random.default_rng(0)
    layer = Affine(rng.standard_normal((24, 5)), rng.standard_normal(5))
    x, dout = rng.standard_normal((2, 3, 4)), rng.standard_normal(5)
    y = layer.forward(x)
    np.testing.assert_allclose(y, x.reshape(24) @ layer.W + layer.b)
    dx = layer.backward(dout)
    assert dx.shape == (2, 3, 4)
    np.testing.assert_allclose(layer.dW, np.outer(x, dout))


def test_several_samples_come_before_one():
    layer = Affine(np.eye(4), None)
    assert layer.forward(np.ones((1, 4))).shape == (1, 4)
    assert layer.forward(np.ones((4, 2, 2))).shape == (4, 4)
    assert layer.forward(np.ones((0, 4))).shape == (0, 4)
