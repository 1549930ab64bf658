"""Batch normalization: what it computes, and its running statistics."""

import numpy as np
import pytest

from dlbasics._internal.fast import memory
from dlbasics.gradient import check_gradients
from dlbasics.layers import BatchNorm, BatchNormalization
from dlbasics.networks import MultiLayerNet
from tests.helpers import normal

EPS = 1e-7


def layer_of(size, **options):
    return BatchNorm(normal(size, seed=1), normal(size, seed=2), **options)


def assert_follows_the_formula(layer, shape, train_flg):
    """dx = gamma / std (dout - mean(dout) - xn mean(xn dout)); in test mode, gamma / std dout."""
    x, dout = 3 + 2 * normal(*shape), normal(*shape, seed=5)
    layer.forward(2 * x)
    y, dx = layer.forward(x, train_flg), layer.backward(dout)
    axes = (0, *range(2, len(shape)))
    column = (shape[1], *[1] * (len(shape) - 2))
    gamma, beta = layer.gamma.reshape(column), layer.beta.reshape(column)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    if not train_flg:
        mean, var = (v.reshape(column) for v in (layer.running_mean, layer.running_var))
    xn = (x - mean) / np.sqrt(var + EPS)
    inner = dout
    if train_flg:
        inner = dout - dout.mean(axes, keepdims=True) - xn * (xn * dout).mean(axes, keepdims=True)
    np.testing.assert_allclose(y, gamma * xn + beta, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(dx, gamma / np.sqrt(var + EPS) * inner, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(layer.dgamma, (xn * dout).sum(axes), rtol=1e-11)
    np.testing.assert_allclose(layer.dbeta, dout.sum(axes), rtol=1e-11)


@pytest.mark.parametrize("block", [1, 300, 1 << 20])
@pytest.mark.parametrize("shape", [(10, 3), (4, 3, 5, 6)])
def test_training_follows_the_formula(shape, block, monkeypatch):
    monkeypatch.setattr(memory, "BLOCK", block)
    mean, var = normal(3, seed=3), np.exp(normal(3, seed=4))
    for layer in (layer_of(3), layer_of(3, running_mean=mean, running_var=var)):
        assert_follows_the_formula(layer, shape, train_flg=True)
        assert_follows_the_formula(layer, shape, train_flg=False)


def test_a_batch_of_one_and_columns_without_spread_give_beta():
    layer = layer_of(4)
    np.testing.assert_array_equal(layer._forward(normal(1, 4), True), layer.beta[np.newaxis])
    image = layer._forward(normal(1, 4, 1, 1), True)
    np.testing.assert_array_equal(image, layer.beta.reshape(1, 4, 1, 1))
    np.testing.assert_array_equal(layer.forward(np.full((3, 4), 0.5)), [layer.beta] * 3)


@pytest.mark.parametrize("shape", [(1, 4), (4,), (1, 4, 1, 1)])
def test_one_value_a_channel_is_refused_in_training(shape):
    """The running variance would move to 0, and y would not depend on x."""
    layer = layer_of(4)
    layer.forward(normal(7, 4, seed=1))
    before = layer.running_mean, layer.running_var
    with pytest.raises(ValueError, match=r"x must hold 2 or more values of each channel .*batch"):
        layer.forward(normal(*shape))
    assert (layer.running_mean, layer.running_var) == before
    layer.forward(normal(*shape), train_flg=False)
    layer.freeze()
    x = normal(*shape)
    np.testing.assert_array_equal(layer.forward(x), layer.beta.reshape(shape))
    assert not layer.backward(np.ones(shape)).any()
    layer.frozen = False
    for enough in ((2, 4), (1, 4, 1, 2), (1, 4, 2, 1)):
        layer.forward(normal(*enough))


def test_a_network_refuses_one_sample_where_it_trains():
    network = MultiLayerNet(6, [5], 3, use_batchnorm=True)
    x, t = normal(1, 6), np.array([1])
    for train in (
        lambda: network.gradient(x, t),
        lambda: network.numerical_gradient(x, t),
        lambda: network.loss(x, t, train_flg=True),
        lambda: network.predict(x[0], train_flg=True),
        lambda: check_gradients(network, x, t),
    ):
        with pytest.raises(ValueError, match="BatchNorm: x must hold 2 or more values"):
            train()
    assert network.predict(x).shape == (1, 3) and network.loss(x, t) > 0


@pytest.mark.parametrize("kept", ["gamma", "beta"])
def test_integers_as_parameters_are_computed_in_float64_but_not_trained(kept):
    arrays = {"gamma": normal(3, seed=1), "beta": normal(3, seed=2), kept: np.array([3, -1, 2])}
    statistics = {"running_mean": normal(3, seed=3), "running_var": np.exp(normal(3, seed=4))}
    layer, x = BatchNorm(**arrays, **statistics), normal(7, 3)
    assert getattr(layer, kept) is arrays[kept]
    twin = BatchNorm(*(arrays[name].astype(float) for name in ("gamma", "beta")), **statistics)
    np.testing.assert_array_equal(layer.forward(x, False), twin.forward(x, False))
    with pytest.raises(TypeError, match=f"{kept} must hold floating-point numbers to train, got"):
        layer.forward(x)
    layer.freeze()
    np.testing.assert_array_equal(layer.forward(x), twin.forward(x))
    np.testing.assert_allclose(layer.running_var, statistics["running_var"])
    assert BatchNorm(np.ones(3, int), np.zeros(3, int)).forward(x, False).dtype == np.float64


def test_images_have_one_statistic_a_channel_not_a_pixel():
    scales, shifts = np.array([1.0, 3, 0.5]), np.array([0.0, 10, -2])
    layer, x = layer_of(3), normal(6, 4, 5, 3) * scales + shifts
    layer.forward(x.transpose(0, 3, 1, 2))
    assert layer.running_mean.shape == layer.running_var.shape == (3,)
    np.testing.assert_allclose(layer.running_mean, x.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, x.var(axis=(0, 1, 2)), rtol=1e-12)


def test_the_first_training_batch_sets_the_running_statistics():
    layer, x = layer_of(4), 5 + 3 * normal(50, 4)
    assert layer.running_mean is None and layer.running_var is None
    trained = layer.forward(x)
    np.testing.assert_allclose(layer.running_mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, x.var(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.forward(x, train_flg=False), trained, rtol=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_further_batches_move_the_running_statistics(momentum):
    first, second = normal(50, 4), 5 + 3 * normal(50, 4, seed=1)
    trained = layer_of(4, momentum=momentum)
    trained.forward(first)
    before = trained.running_mean, trained.running_var
    given = layer_of(4, momentum=momentum, running_mean=before[0], running_var=before[1])
    for layer in (trained, given):
        layer.forward(second)
        mean = momentum * first.mean(axis=0) + (1 - momentum) * second.mean(axis=0)
        var = momentum * first.var(axis=0) + (1 - momentum) * second.var(axis=0)
        np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.running_var, var, rtol=1e-12)
    np.testing.assert_allclose(before, [first.mean(axis=0), first.var(axis=0)], rtol=1e-12)


def test_before_the_first_batch_mean_is_0_and_variance_1():
    layer, x = layer_of(4), normal(7, 4)
    expected = x / np.sqrt(1 + EPS) * layer.gamma + layer.beta
    np.testing.assert_allclose(layer.forward(x, train_flg=False), expected, rtol=1e-12)
    assert layer.running_mean is None and layer.running_var is None


def test_test_mode_leaves_the_running_statistics():
    layer, x = layer_of(4), normal(7, 4)
    layer.forward(x)
    before = layer.running_mean.copy(), layer.running_var.copy()
    layer.forward(x + 9, train_flg=False)
    np.testing.assert_array_equal((layer.running_mean, layer.running_var), before)


def test_a_frozen_layer_still_normalizes_by_the_batch():
    layer, twin, x = layer_of(4), layer_of(4), normal(7, 4)
    layer.freeze()
    np.testing.assert_array_equal(layer.forward(x), twin.forward(x))
    assert layer.running_mean is None


def test_samples_are_coupled_and_parameters_and_states_have_the_books_names():
    assert BatchNorm.couples_samples
    assert BatchNorm.param_names == ("gamma", "beta")
    assert BatchNorm.state_names == ("running_mean", "running_var")
    assert BatchNormalization is BatchNorm
    assert BatchNorm(np.ones(2), np.zeros(2)).momentum == 0.9


def test_create_makes_gamma_of_ones_and_beta_of_zeros_in_float32():
    layer = BatchNorm.create(3)
    assert layer.gamma.tolist() == [1, 1, 1] and layer.beta.tolist() == [0, 0, 0]
    assert BatchNorm.create(3, dtype=np.float64).gamma.dtype == np.float64
    layer.forward(normal(4, 3))
    arrays = (layer.gamma, layer.beta, layer.running_mean, layer.running_var)
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert layer.forward(np.ones((2, 3), np.float32), train_flg=False).dtype == np.float32


def test_half_precision_normalizes_values_whose_squares_overflow():
    x = (1000 * normal(20, 3)).astype(np.float16)
    y = BatchNorm.create(3, dtype=np.float16).forward(x)
    expected = BatchNorm.create(3, dtype=np.float64).forward(x.astype(np.float64))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, expected, rtol=0.01, atol=0.01)


def test_the_mean_of_many_pixels_does_not_overflow_in_half_precision():
    layer, x = BatchNorm.create(2, dtype=np.float16), np.full((20, 2, 80, 80), 5, np.float16)
    x[:, 1] = np.where(np.arange(80) % 2, 3, 7)
    y = layer.forward(x)
    assert y.dtype == np.float16
    np.testing.assert_allclose(layer.running_mean, [5, 5], rtol=1e-3)
    np.testing.assert_allclose(layer.running_var, [0, 4], rtol=1e-3)
    np.testing.assert_allclose(y[:, 1], (x[:, 1] - 5) / 2, rtol=1e-2)


def test_in_half_precision_means_over_many_pixels_are_not_lost():
    """Half precision cannot count to 78,400, the number of pixels of a channel."""
    x, dout, dx = normal(100, 2, 28, 28), 5 * abs(normal(100, 2, 28, 28, seed=1)), []
    for dtype in (np.float16, np.float64):
        layer = BatchNorm.create(2, dtype=dtype)
        layer.forward(x.astype(np.float16).astype(dtype))
        dx.append(layer.backward(dout.astype(np.float16).astype(dtype)))
    assert dx[0].dtype == np.float16
    np.testing.assert_allclose(*dx, atol=0.03)


def test_a_gradient_check_over_one_sample_would_check_nothing():
    """Over one sample, as in the book's check, the right gradients of x and gamma are all 0."""
    layer = layer_of(4)
    layer.freeze()
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
    for layer in (layer_of(3), frozen := layer_of(3)):
        frozen.freeze()
        with pytest.raises(ValueError, match=r"x must hold \d or more values of each channel"):
            layer.forward(np.ones(shape))
    assert layer_of(3).forward(np.ones(shape), train_flg=False).shape == shape


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0], np.zeros(1)), {}, "gamma must be a NumPy array, got list$"),
        ((50, 0), {}, r"gamma must be a NumPy array, got int; BatchNorm\.create\(size\) makes"),
        ((np.ones(0), np.zeros(0)), {}, r"gamma must hold at least one number, got shape \(0,\)"),
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
        (
            (np.ones(2), np.zeros(2)),
            {"running_mean": np.zeros(2), "running_var": np.ones(2, int)},
            "running_var must hold floating-point numbers to train, got int64",
        ),
    ],
)
def test_arguments_of_another_kind(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        BatchNorm(*arguments, **options)
