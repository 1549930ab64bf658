"""What every layer promises, by the contract all layers share."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics.layers import (
    Affine,
    AveragePooling,
    BatchNorm,
    Convolution,
    Dropout,
    GlobalAveragePooling,
    Identity,
    LeakyRelu,
    Pooling,
    Relu,
    Residual,
    Sigmoid,
    Tanh,
)


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def affine(dtype):
    return Affine(normal(6, 4, seed=1, dtype=dtype), normal(4, seed=2, dtype=dtype))


def batch_norm(size, dtype):
    mean, var = normal(size, seed=5, dtype=dtype), np.exp(normal(size, seed=6, dtype=dtype))
    gamma, beta = normal(size, seed=3, dtype=dtype), normal(size, seed=4, dtype=dtype)
    return BatchNorm(gamma, beta, running_mean=mean, running_var=var)


def convolution(channels, size, **geometry):
    def make(dtype):
        W = normal(4, channels, size, size, seed=1, dtype=dtype)
        return Convolution(W, normal(4, seed=2, dtype=dtype), **geometry)

    return make


LAYERS = {
    "Affine": (affine, (5, 6)),
    "Affine, one sample": (affine, (6,)),
    "Affine, images": (affine, (5, 3, 2, 1)),
    "Affine, no bias": (lambda dtype: Affine(normal(6, 4, dtype=dtype), None), (5, 6)),
    "Relu": (lambda dtype: Relu(), (5, 6)),
    "Relu, images": (lambda dtype: Relu(), (2, 3, 4, 5)),
    "LeakyRelu": (lambda dtype: LeakyRelu(0.1), (5, 6)),
    "Sigmoid": (lambda dtype: Sigmoid(), (5, 6)),
    "Tanh": (lambda dtype: Tanh(), (5, 6)),
    "Identity": (lambda dtype: Identity(), (5, 6)),
    "Dropout": (lambda dtype: Dropout(0.4, rng=0), (5, 6)),
    "Dropout, ratio 0": (lambda dtype: Dropout(0.0, rng=0), (5, 6)),
    "BatchNorm": (lambda dtype: batch_norm(6, dtype), (5, 6)),
    "BatchNorm, one sample": (lambda dtype: batch_norm(6, dtype), (6,)),
    "BatchNorm, images": (lambda dtype: batch_norm(3, dtype), (4, 3, 2, 5)),
    "Convolution": (convolution(3, 3), (2, 3, 5, 6)),
    "Convolution, pad 1": (convolution(3, 3, pad=1), (2, 3, 5, 6)),
    "Convolution, stride 2": (convolution(3, 3, stride=2, pad=1), (2, 3, 5, 7)),
    "Convolution, one channel": (convolution(1, 3), (2, 1, 5, 6)),
    "Convolution, one image": (convolution(3, 3), (3, 5, 6)),
    "Convolution, one image, stride 2": (convolution(3, 3, stride=2), (3, 5, 7)),
    "Convolution, no bias": (
        lambda dtype: Convolution(normal(4, 3, 2, 2, dtype=dtype), None),
        (2, 3, 4, 4),
    ),
    "Pooling": (lambda dtype: Pooling(3, 2, pad=1), (2, 3, 4, 5)),
    "Pooling, stride 2": (lambda dtype: Pooling(2, 2, stride=2), (2, 3, 4, 6)),
    "Pooling, one image": (lambda dtype: Pooling(2, 2, stride=2), (3, 4, 6)),
    "AveragePooling": (lambda dtype: AveragePooling(2, 2, stride=2), (2, 3, 4, 6)),
    "GlobalAveragePooling": (lambda dtype: GlobalAveragePooling(), (2, 3, 4, 6)),
    "GlobalAveragePooling, one image": (lambda dtype: GlobalAveragePooling(), (3, 4, 6)),
    "Residual": (lambda dtype: Residual([Relu(), Tanh()]), (2, 3, 4, 6)),
}

every_layer = pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS.keys())
both_modes = pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])


def passed(make, shape, train_flg=True, dtype=np.float64):
    """A layer after a forward pass, and x, y and a dout that go with it."""
    layer, x = make(dtype), normal(*shape, seed=7, dtype=dtype)
    y = layer.forward(x, train_flg)
    return layer, x, y, normal(*y.shape, seed=8, dtype=dtype)


def params(layer):
    found = {name: getattr(layer, name) for name in layer.param_names}
    return {name: value for name, value in found.items() if value is not None}


def gradients(layer):
    return {name: getattr(layer, f"d{name}") for name in params(layer)}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@every_layer
@both_modes
class TestEveryLayer:
    def test_never_writes_into_x_or_dout_or_parameters(self, make, shape, train_flg):
        layer, x, _, dout = passed(make, shape, train_flg)
        before = copy.deepcopy((x, dout, params(layer)))
        for array in (x, dout, *params(layer).values()):
            array.flags.writeable = False
        layer.forward(x, train_flg)
        layer.backward(dout)
        layer.backward_params(dout)
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_array_equal(dout, before[1])
        assert_same(params(layer), before[2])

    def test_returns_fresh_writable_arrays(self, make, shape, train_flg):
        layer, x, y, dout = passed(make, shape, train_flg)
        again = layer.forward(x, train_flg)
        dx = layer.backward(dout)
        handed_out = [y, again, dx, *gradients(layer).values()]
        for i, array in enumerate(handed_out):
            assert isinstance(array, np.ndarray) and array.flags.writeable
            for other in [x, dout, *params(layer).values(), *handed_out[i + 1 :]]:
                assert not np.shares_memory(array, other)

    def test_the_caller_may_change_y_before_backward(self, make, shape, train_flg):
        layer, _, y, dout = passed(make, shape, train_flg)
        twin = passed(make, shape, train_flg)[0]
        y[...] = 1e9
        np.testing.assert_array_equal(layer.backward(dout), twin.backward(dout))
        assert_same(gradients(layer), gradients(twin))

    def test_the_caller_may_change_dx_and_gradients(self, make, shape, train_flg):
        layer, _, _, dout = passed(make, shape, train_flg)
        dx = layer.backward(dout)
        expected = copy.deepcopy((dx, gradients(layer)))
        for array in (dx, *gradients(layer).values()):
            array[...] = 1e9
        np.testing.assert_array_equal(layer.backward(dout), expected[0])
        assert_same(gradients(layer), expected[1])

    def test_a_later_pass_leaves_earlier_results_alone(self, make, shape, train_flg):
        layer, x, y, dout = passed(make, shape, train_flg)
        kept = {"y": y, "dx": layer.backward(dout), **gradients(layer)}
        before = copy.deepcopy(kept)
        layer.forward(2 * x + 1, train_flg)
        layer.backward(3 * dout)
        assert_same(kept, before)

    def test_dx_has_the_shape_of_x_and_gradients_those_of_parameters(self, make, shape, train_flg):
        layer, x, _, dout = passed(make, shape, train_flg)
        assert layer.backward(dout).shape == x.shape
        for name, gradient in gradients(layer).items():
            assert gradient.shape == getattr(layer, name).shape

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_keeps_the_dtype(self, make, shape, train_flg, dtype):
        layer, _, y, dout = passed(make, shape, train_flg, dtype)
        dx = layer.backward(dout)
        states = [getattr(layer, name) for name in layer.state_names]
        for array in (y, dx, *gradients(layer).values(), *states):
            assert array.dtype == dtype

    def test_backward_params_sets_the_gradients_of_backward(self, make, shape, train_flg):
        layer, _, _, dout = passed(make, shape, train_flg)
        twin = passed(make, shape, train_flg)[0]
        layer.backward(dout)
        twin.backward_params(dout)
        assert gradients(twin).keys() == gradients(layer).keys()
        for name, gradient in gradients(layer).items():
            np.testing.assert_allclose(gradients(twin)[name], gradient, rtol=1e-12)

    def test_a_replica_shares_parameters_and_keeps_its_own_pass(self, make, shape, train_flg):
        layer, x, _, dout = passed(make, shape, train_flg)
        expected = layer.backward(dout)
        expected_gradients = copy.deepcopy(gradients(layer))
        twin = layer.replica()
        assert type(twin) is type(layer)
        assert all(getattr(twin, name) is param for name, param in params(layer).items())
        twin.backward(np.ones_like(twin.forward(2 * x, train_flg)))
        assert_same(gradients(layer), expected_gradients)
        np.testing.assert_array_equal(layer.backward(dout), expected)

    def test_a_frozen_layer_repeats_itself_and_keeps_its_states(self, make, shape, train_flg):
        layer, x, _, _ = passed(make, shape, train_flg)
        layer.freeze()
        before = {name: getattr(layer, name).copy() for name in layer.state_names}
        y = layer.forward(x, train_flg)
        np.testing.assert_array_equal(layer.forward(x, train_flg), y)
        assert_same({name: getattr(layer, name) for name in layer.state_names}, before)

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301
    def test_can_be_copied_and_pickled(self, make, shape, train_flg, copied):
        layer, _, _, dout = passed(make, shape, train_flg)
        twin = copied(layer)
        np.testing.assert_array_equal(twin.backward(dout), layer.backward(dout))

    def test_memory_layout_makes_no_difference(self, make, shape, train_flg):
        layer, x, y, dout = passed(make, shape, train_flg)
        dx = layer.backward(dout)
        for relayed in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]):
            twin = make(np.float64)
            np.testing.assert_allclose(twin.forward(relayed(x), train_flg), y, rtol=1e-12)
            np.testing.assert_allclose(twin.backward(relayed(dout)), dx, rtol=1e-12, atol=1e-14)
            for name, gradient in gradients(layer).items():
                np.testing.assert_allclose(gradients(twin)[name], gradient, rtol=1e-12)

    @pytest.mark.parametrize("method", ["backward", "backward_params"])
    def test_backward_before_forward_is_an_error(self, make, shape, train_flg, method):
        _, _, _, dout = passed(make, shape, train_flg)
        with pytest.raises(ValueError, match="backward needs a forward before it"):
            getattr(make(np.float64), method)(dout)

    @pytest.mark.parametrize("method", ["backward", "backward_params"])
    def test_dout_of_another_shape_is_an_error(self, make, shape, train_flg, method):
        layer, _, _, dout = passed(make, shape, train_flg)
        for wrong in (dout[..., :-1], dout[np.newaxis], dout.ravel()[0]):
            with pytest.raises(ValueError, match="dout must have the shape of the output"):
                getattr(layer, method)(wrong)
