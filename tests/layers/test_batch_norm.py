"""Batch normalization: what it computes, and its running statistics."""

import numpy as np
import pytest

from dlbasics._internal.fast import memory
from dlbasics.layers import BatchNorm, BatchNormalization

EPS = 1e-7


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def images(n=6, seed=0):
    """Images whose three channels have means and spreads of their own."""
    x = normal(n, 3, 4, 5, seed=seed)
    return x * np.array([1.0, 3, 0.5]).reshape(3, 1, 1) + np.array([0.0, 10, -2]).reshape(3, 1, 1)


def layer_of(size, **options):
    return BatchNorm(normal(size, seed=1), normal(size, seed=2), **options)


def as_columns(x):
    """Images (N, C, H, W) as rows (N H W, C)."""
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def test_each_column_comes_out_with_mean_0_and_variance_1():
    y = BatchNorm.create(4, dtype=np.float64).forward(5 + 3 * normal(50, 4))
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-7)


def test_training_follows_the_formula():
    layer, x = layer_of(4), 5 + 3 * normal(7, 4)
    expected = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPS) * layer.gamma + layer.beta
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-12)


def test_test_mode_follows_the_formula():
    mean, var = normal(4, seed=3), np.exp(normal(4, seed=4))
    layer, x = layer_of(4, running_mean=mean, running_var=var), normal(7, 4)
    expected = (x - mean) / np.sqrt(var + EPS) * layer.gamma + layer.beta
    np.testing.assert_allclose(layer.forward(x, train_flg=False), expected, rtol=1e-12)
    dout = normal(7, 4, seed=5)
    np.testing.assert_allclose(layer.backward(dout), dout * layer.gamma / np.sqrt(var + EPS))
    np.testing.assert_array_equal(layer.dbeta, dout.sum(axis=0))


def test_a_batch_of_one_gives_beta():
    layer = layer_of(4)
    np.testing.assert_array_equal(layer.forward(normal(1, 4)), layer.beta[np.newaxis])
    np.testing.assert_array_equal(layer.forward(normal(4)), layer.beta)
    assert not layer.backward(normal(4)).any()


def test_a_column_without_spread_gives_beta():
    layer = layer_of(2)
    np.testing.assert_array_equal(layer.forward(np.full((3, 2), 0.5)), [layer.beta] * 3)


def test_images_have_one_statistic_a_channel_not_a_pixel():
    layer, twin, x = layer_of(3), layer_of(3), images()
    y, expected = layer.forward(x), twin.forward(as_columns(x))
    assert layer.running_mean.shape == layer.running_var.shape == (3,)
    np.testing.assert_allclose(layer.running_mean, x.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, x.var(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(as_columns(y), expected, rtol=1e-12)


@pytest.mark.parametrize("train_flg", [True, False])
def test_images_and_their_columns_have_the_same_gradients(train_flg):
    layer, twin, x, dout = layer_of(3), layer_of(3), images(), images(seed=1)
    layer.forward(x, train_flg)
    twin.forward(as_columns(x), train_flg)
    dx, expected = layer.backward(dout), twin.backward(as_columns(dout))
    np.testing.assert_allclose(as_columns(dx), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(layer.dgamma, twin.dgamma, rtol=1e-12)
    np.testing.assert_allclose(layer.dbeta, twin.dbeta, rtol=1e-12)


def test_the_first_training_batch_sets_the_running_statistics():
    layer, x = layer_of(4), 5 + 3 * normal(50, 4)
    assert layer.running_mean is None and layer.running_var is None
    layer.forward(x)
    np.testing.assert_allclose(layer.running_mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, x.var(axis=0), rtol=1e-12)
    trained = layer.forward(x)
    np.testing.assert_allclose(layer.forward(x, train_flg=False), trained, rtol=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_further_batches_move_the_running_statistics(momentum):
    first, second = normal(50, 4), 5 + 3 * normal(50, 4, seed=1)
    layer = layer_of(4, momentum=momentum)
    layer.forward(first)
    layer.forward(second)
    mean = momentum * first.mean(axis=0) + (1 - momentum) * second.mean(axis=0)
    var = momentum * first.var(axis=0) + (1 - momentum) * second.var(axis=0)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-12)


def test_before_the_first_batch_mean_is_0_and_variance_1():
    layer, x = layer_of(4), normal(7, 4)
    expected = x / np.sqrt(1 + EPS) * layer.gamma + layer.beta
    np.testing.assert_allclose(layer.forward(x, train_flg=False), expected, rtol=1e-12)
    assert layer.running_mean is None and layer.running_var is None


def test_given_running_statistics_are_moved_but_not_written_into():
    mean, var, x = np.zeros(4), np.ones(4), 5 + normal(50, 4)
    layer = layer_of(4, running_mean=mean, running_var=var)
    layer.forward(x)
    np.testing.assert_allclose(layer.running_mean, 0.1 * x.mean(axis=0), rtol=1e-12)
    assert mean.tolist() == [0] * 4 and var.tolist() == [1] * 4


def test_test_mode_and_a_frozen_layer_leave_the_running_statistics():
    layer, x = layer_of(4), normal(7, 4)
    layer.forward(x)
    before = layer.running_mean.copy(), layer.running_var.copy()
    layer.forward(x + 9, train_flg=False)
    layer.freeze()
    layer.forward(x + 9)
    np.testing.assert_array_equal((layer.running_mean, layer.running_var), before)


def test_a_frozen_layer_still_normalizes_by_the_batch():
    layer, twin, x = layer_of(4), layer_of(4), normal(7, 4)
    layer.freeze()
    np.testing.assert_array_equal(layer.forward(x), twin.forward(x))
    assert layer.running_mean is None


def test_a_replica_keeps_running_statistics_of_its_own():
    layer, x = layer_of(4), normal(7, 4)
    layer.forward(x)
    before = layer.running_mean.copy()
    twin = layer.replica()
    twin.forward(x + 9)
    np.testing.assert_array_equal(layer.running_mean, before)


def test_samples_are_coupled_and_parameters_and_states_have_the_books_names():
    assert BatchNorm.couples_samples
    assert BatchNorm.param_names == ("gamma", "beta")
    assert BatchNorm.state_names == ("running_mean", "running_var")
    assert BatchNormalization is BatchNorm
    assert BatchNorm(np.ones(2), np.zeros(2)).momentum == 0.9


def test_create():
    layer = BatchNorm.create(3)
    assert layer.gamma.tolist() == [1, 1, 1] and layer.beta.tolist() == [0, 0, 0]
    assert layer.gamma.dtype == layer.beta.dtype == np.float32
    assert BatchNorm.create(3, dtype=np.float64).gamma.dtype == np.float64


def test_keeps_the_very_parameters_it_is_given():
    gamma, beta = np.ones(2), np.zeros(2)
    layer = BatchNorm(gamma, beta)
    assert layer.gamma is gamma and layer.beta is beta


def test_integers_are_normalized_in_float64():
    layer, x = layer_of(3), np.random.default_rng(0).integers(0, 256, (9, 3), dtype=np.uint8)
    y = layer.forward(x)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, layer_of(3).forward(x.astype(np.float64)))


def test_half_precision_normalizes_values_whose_squares_overflow():
    x = (1000 * normal(20, 3)).astype(np.float16)
    layer = BatchNorm.create(3, dtype=np.float16)
    y = layer.forward(x)
    expected = BatchNorm.create(3, dtype=np.float64).forward(x.astype(np.float64))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, expected, rtol=0.01, atol=0.01)


def test_a_gradient_check_over_one_sample_would_check_nothing():
    """Over one sample every gradient of x and gamma is 0, right or wrong (the book's check)."""
    layer = layer_of(4)
    layer.forward(normal(1, 4))
    assert not layer.backward(normal(1, 4, seed=1)).any()
    assert not layer.dgamma.any()


@pytest.mark.parametrize(
    "shape", [(), (5,), (4,), (2, 5), (2, 4, 4), (2, 5, 3, 3), (2, 3, 3, 3, 3)]
)
def test_x_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3\) or \(N, 3, H, W\), got \("):
        layer_of(3).forward(np.ones(shape))


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2, 2), (2, 3, 0, 2)])
def test_an_empty_batch_has_no_mean(shape):
    with pytest.raises(ValueError, match="x must hold a sample in training"):
        layer_of(3).forward(np.ones(shape))
    assert layer_of(3).forward(np.ones(shape), train_flg=False).shape == shape


def test_a_refused_forward_is_no_forward():
    layer = layer_of(3)
    with pytest.raises(ValueError, match="x must have shape"):
        layer.forward(np.ones((2, 5)))
    with pytest.raises(ValueError, match="backward needs a forward before it"):
        layer.backward(np.ones((2, 5)))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0], np.zeros(1)), {}, "gamma must be a NumPy array, got list"),
        ((np.ones((1, 2)), np.zeros(2)), {}, r"gamma must have shape \(D,?\), got \(1, 2\)"),
        ((np.ones(2), np.zeros(3)), {}, r"beta must have shape \(2,?\), got \(3,\)"),
        ((np.ones(2), np.zeros(2), 1.5), {}, "momentum must be"),
        ((np.ones(2), np.zeros(2), "fast"), {}, "momentum must be"),
        ((np.ones(2), np.zeros(2)), {"running_mean": np.zeros(2)}, "must be given together"),
        (
            (np.ones(2), np.zeros(2)),
            {"running_mean": np.zeros(3), "running_var": np.ones(3)},
            r"running_mean must have shape \(2,?\), got \(3,\)",
        ),
    ],
)
def test_arguments_of_another_kind(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        BatchNorm(*arguments, **options)


def test_running_statistics_have_the_dtype_of_the_parameters():
    layer = BatchNorm.create(3)
    layer.forward(np.random.default_rng(0).random((4, 3)))
    assert layer.running_mean.dtype == layer.running_var.dtype == np.float32
    assert layer.forward(np.ones((2, 3), np.float32), train_flg=False).dtype == np.float32


def test_the_mean_of_many_pixels_does_not_overflow_in_half_precision():
    layer, x = BatchNorm.create(2, dtype=np.float16), np.full((20, 2, 80, 80), 5, np.float16)
    x[:, 1] = np.where(np.arange(80) % 2, 3, 7)
    y = layer.forward(x)
    assert y.dtype == np.float16
    np.testing.assert_allclose(layer.running_mean, [5, 5], rtol=1e-3)
    np.testing.assert_allclose(layer.running_var, [0, 4], rtol=1e-3)
    np.testing.assert_allclose(y[:, 1], (x[:, 1] - 5) / 2, rtol=1e-2)


def test_images_give_the_same_wherever_their_channels_lie():
    gamma, beta = np.array([1.0, 2, -3]), np.array([0.5, 0, 1])
    x, dout = np.random.default_rng(0).standard_normal((2, 4, 3, 5, 6))
    first, last = BatchNorm(gamma, beta), BatchNorm(gamma, beta)

    def channels_last(images):
        return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    np.testing.assert_allclose(first.forward(x), last.forward(channels_last(x)), rtol=1e-12)
    dx = last.backward(channels_last(dout))
    np.testing.assert_allclose(first.backward(dout), dx, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(first.dgamma, last.dgamma, rtol=1e-12)
    np.testing.assert_allclose(first.running_var, last.running_var, rtol=1e-12)
    assert dx.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("block", [1, 300, 1 << 20])
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("shape", [(10, 3), (4, 3, 5, 6)])
def test_blocks_of_any_size_give_the_formula(shape, train, block, monkeypatch):
    """dx = gamma / std (dout - mean(dout) - xn mean(xn dout)); in test mode, gamma / std dout."""
    monkeypatch.setattr(memory, "BLOCK", block)
    rng = np.random.default_rng(0)
    x, dout = 3 + 2 * rng.standard_normal(shape), rng.standard_normal(shape)
    layer = BatchNorm(np.array([0.5, 2, 3]), np.array([1.0, 0, -1]))
    layer.forward(2 * x)
    y, dx = layer.forward(x, train), layer.backward(dout)

    axes = (0, *range(2, len(shape)))
    column = (3, *[1] * (len(shape) - 2))
    gamma, beta = layer.gamma.reshape(column), layer.beta.reshape(column)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    if not train:
        mean, var = (v.reshape(column) for v in (layer.running_mean, layer.running_var))
    xn = (x - mean) / np.sqrt(var + layer.eps)
    inner = dout
    if train:
        inner = dout - dout.mean(axes, keepdims=True) - xn * (xn * dout).mean(axes, keepdims=True)
    np.testing.assert_allclose(y, gamma * xn + beta, rtol=1e-12)
    np.testing.assert_allclose(dx, gamma / np.sqrt(var + layer.eps) * inner, rtol=1e-9)
    np.testing.assert_allclose(layer.dgamma, (xn * dout).sum(axes), rtol=1e-12)
    np.testing.assert_allclose(layer.dbeta, dout.sum(axes), rtol=1e-12)


def test_in_half_precision_means_over_many_pixels_are_not_lost():
    """78,400 pixels a channel are more than half precision counts to, and their sum too."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 2, 28, 28)).astype(np.float16)
    dout = rng.uniform(0, 5, x.shape).astype(np.float16)
    dx = []
    for dtype in (np.float16, np.float64):
        layer = BatchNorm.create(2, dtype=dtype)
        layer.forward(x.astype(dtype))
        dx.append(layer.backward(dout.astype(dtype)))
    assert dx[0].dtype == np.float16
    np.testing.assert_allclose(*dx, atol=0.02)
