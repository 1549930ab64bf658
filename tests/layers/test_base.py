"""What every layer promises, and `Layer` in base.py does for all of them."""

import copy
import pickle

import numpy as np
import pytest

from dlbasics import layers
from dlbasics.layers import Affine, BatchNorm, Convolution, Layer
from dlbasics.network import Network
from dlbasics.networks import TwoLayerNet
from tests.helpers import normal
from tests.layers.cases import ACTIVATIONS, BATCHES, LAYERS, LAYOUTS, SINGLE_SAMPLES, parametrized

both_modes = pytest.mark.parametrize("train_flg", [True, False], ids=["train", "test"])


def test_every_layer_is_in_the_table_of_these_tests():
    """A layer without a line in tests/layers/cases.py would escape them."""
    public = {
        cls
        for cls in vars(layers).values()
        if isinstance(cls, type) and issubclass(cls, Layer) and cls is not Layer
    }
    assert public <= {type(make(np.float64)) for make, _ in LAYERS.values()}


def passed(make, shape, train_flg=True, dtype=np.float64):
    """Return a layer after a forward pass, its x and y, and a dout."""
    layer, x = make(dtype), normal(*shape, seed=7, dtype=dtype)
    y = layer.forward(x, train_flg)
    return layer, x, y, normal(*y.shape, seed=8, dtype=dtype)


def named(layer, names, prefix=""):
    """Return the arrays that a layer and its inner layers list in `names`, by depth and name."""
    return {
        (depth, name): getattr(inner, prefix + name)
        for depth, inner in enumerate(layer.walk())
        for name in getattr(inner, names)
        if getattr(inner, name) is not None
    }


def params(layer):
    return named(layer, "param_names")


def gradients(layer):
    return named(layer, "param_names", prefix="d")


def states(layer):
    return named(layer, "state_names")


def couples_samples(layer):
    return any(inner.couples_samples for inner in layer.walk())


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


@parametrized(LAYERS)
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

    def test_the_caller_may_change_y_dx_and_gradients(self, make, shape, train_flg):
        layer, _, y, dout = passed(make, shape, train_flg)
        twin = passed(make, shape, train_flg)[0]
        expected = twin.backward(dout)
        y[...] = 1e9
        for _ in range(2):
            dx = layer.backward(dout)
            np.testing.assert_array_equal(dx, expected)
            assert_same(gradients(layer), gradients(twin))
            for array in (dx, *gradients(layer).values()):
                array[...] = 1e9

    def test_a_later_pass_leaves_earlier_results_alone(self, make, shape, train_flg):
        layer, x, y, dout = passed(make, shape, train_flg)
        kept = {"y": y, "dx": layer.backward(dout), **gradients(layer)}
        before = copy.deepcopy(kept)
        layer.forward(2 * x + 1, train_flg)
        layer.backward(3 * dout)
        assert_same(kept, before)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_keeps_the_dtype(self, make, shape, train_flg, dtype):
        layer, x, y, dout = passed(make, shape, train_flg, dtype)
        dx = layer.backward(dout)
        assert dx.shape == x.shape
        for name, gradient in gradients(layer).items():
            assert gradient.shape == params(layer)[name].shape
        for array in (y, dx, *gradients(layer).values(), *states(layer).values()):
            assert array.dtype == dtype

    def test_backward_params_sets_the_gradients_of_backward(self, make, shape, train_flg):
        layer, _, _, dout = passed(make, shape, train_flg)
        layer.backward(dout)
        expected = gradients(layer)
        layer.backward_params(dout)
        assert gradients(layer).keys() == expected.keys()
        for name, gradient in gradients(layer).items():
            assert gradient is not expected[name]
            np.testing.assert_allclose(gradient, expected[name], rtol=1e-12)

    def test_a_replica_shares_parameters_and_keeps_its_own_pass(self, make, shape, train_flg):
        layer, x, _, dout = passed(make, shape, train_flg)
        expected = layer.backward(dout)
        before = copy.deepcopy({**gradients(layer), **states(layer)})
        twin = layer.replica()
        assert type(twin) is type(layer)
        assert all(params(twin)[name] is param for name, param in params(layer).items())
        twin.backward(np.ones_like(twin.forward(2 * x, train_flg)))
        assert_same({**gradients(layer), **states(layer)}, before)
        np.testing.assert_array_equal(layer.backward(dout), expected)

    def test_a_frozen_layer_repeats_itself_and_keeps_its_states(self, make, shape, train_flg):
        layer, x, _, _ = passed(make, shape, train_flg)
        layer.freeze()
        before = copy.deepcopy(states(layer))
        y = layer.forward(x, train_flg)
        np.testing.assert_array_equal(layer.forward(x, train_flg), y)
        assert_same(states(layer), before)

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301
    def test_can_be_copied_and_pickled(self, make, shape, train_flg, copied):
        layer, _, _, dout = passed(make, shape, train_flg)
        twin = copied(layer)
        np.testing.assert_array_equal(twin.backward(dout), layer.backward(dout))

    def test_memory_layout_makes_no_difference(self, make, shape, train_flg):
        layer, x, y, dout = passed(make, shape, train_flg)
        expected = {"y": y, "dx": layer.backward(dout), **gradients(layer), **states(layer)}
        for relayed in LAYOUTS.values():
            twin = make(np.float64)
            found = {"y": twin.forward(relayed(x), train_flg), "dx": twin.backward(relayed(dout))}
            found |= {**gradients(twin), **states(twin)}
            for name in expected:
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-11, atol=1e-14)

    def test_integers_are_computed_in_float64(self, make, shape, train_flg):
        for dtype in (bool, np.uint8, np.int64):
            x = np.round(3 * normal(*shape)).clip(-3 if dtype is np.int64 else 0, 3).astype(dtype)
            y = make(np.float64).forward(x, train_flg)
            assert y.dtype == np.float64
            np.testing.assert_array_equal(y, make(np.float64).forward(x.astype(float), train_flg))

    def test_lists_are_arrays(self, make, shape, train_flg):
        layer, _, y, dout = passed(make, shape, train_flg)
        twin, x = make(np.float64), normal(*shape, seed=7)
        np.testing.assert_array_equal(twin.forward(x.tolist(), train_flg), y)
        np.testing.assert_array_equal(twin.backward(dout.tolist()), layer.backward(dout))
        assert_same(gradients(twin), gradients(layer))

    @pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">i4"])
    def test_results_have_the_byte_order_of_this_machine(self, make, shape, train_flg, dtype):
        layer, x = make(np.float64), (3 * normal(*shape)).astype(dtype)
        y = layer.forward(x, train_flg)
        dx = layer.backward(np.ones(y.shape, dtype))
        expected = make(np.float64).forward(x.astype(x.dtype.newbyteorder("=")), train_flg)
        np.testing.assert_array_equal(y, expected)
        for array in (y, dx, *gradients(layer).values(), *states(layer).values()):
            assert array.dtype.isnative

    def test_an_array_with_a_mask_is_refused(self, make, shape, train_flg):
        layer, x, _, dout = passed(make, shape, train_flg)
        for masked in (np.ma.masked_invalid(x), [np.ma.masked_invalid(x)]):
            with pytest.raises(TypeError, match="x must be an array without a mask"):
                layer.forward(masked, train_flg)
        for method in (layer.backward, layer.backward_params):
            with pytest.raises(TypeError, match="dout must be an array without a mask"):
                method(np.ma.masked_invalid(dout))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("least", ["tiny", "smallest_subnormal", "max"])
    def test_no_number_is_an_error_whatever_seterr_says(self, make, shape, train_flg, dtype, least):
        """`np.seterr(all="raise")` makes errors of underflow, overflow, NaN and infinity."""
        number = float(getattr(np.finfo(dtype), least))
        layer, x = make(dtype), normal(*shape, dtype=dtype)
        extremes = [number, -number, 3 * number, -1000, np.inf, np.nan]
        with np.errstate(all="ignore"):
            x.flat[: len(extremes)] = np.array(extremes[: x.size]).astype(dtype)
        with np.errstate(all="raise"):
            y = layer.forward(x, train_flg)
            layer.backward(np.resize(x, y.shape))
            layer.backward_params(np.resize(x, y.shape))
            layer.cast(np.float16)

    @pytest.mark.parametrize("method", ["backward", "backward_params"])
    def test_backward_before_forward_and_dout_of_another_shape_are_errors(
        self, make, shape, train_flg, method
    ):
        layer, _, _, dout = passed(make, shape, train_flg)
        with pytest.raises(ValueError, match="backward needs a forward before it"):
            getattr(make(np.float64), method)(dout)
        for wrong in (dout[..., :-1], dout[np.newaxis], dout.ravel()[0]):
            with pytest.raises(ValueError, match="dout must have the shape of the output"):
                getattr(layer, method)(wrong)


@parametrized({**ACTIVATIONS, **BATCHES})
@both_modes
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_bring_no_warning(make, shape, train_flg, dtype, bad):
    """Warnings are errors in these tests."""
    layer, x = make(dtype), np.ones(shape, dtype)
    x[1], x[-1, 0] = bad, bad
    y = layer.forward(x, train_flg)
    dx = layer.backward(np.full_like(y, bad))
    assert y.dtype == dx.dtype == dtype
    assert np.isfinite(y[0]).all() or (train_flg and couples_samples(layer))
    assert np.isnan(y[1]).all() or not np.isnan(bad)


@parametrized(LAYERS)
@pytest.mark.parametrize("train_flg", ["False", 0, None, np.zeros(1, bool)], ids=repr)
def test_train_flg_must_be_true_or_false(make, shape, train_flg):
    layer, x = make(np.float64), normal(*shape)
    with pytest.raises(TypeError, match="train_flg must be True or False, got"):
        layer.forward(x, train_flg)
    layer.forward(x, np.bool_(False))


@parametrized({name: case for name, case in ACTIVATIONS.items() if "Residual" not in name})
@both_modes
def test_a_number_is_an_array_without_dimensions(make, shape, train_flg):
    layer = make(np.float64)
    for x in (0.5, np.float64(0.5), np.array(0.5)):
        y = layer.forward(x, train_flg)
        dx = layer.backward(x)
        for array in (y, dx):
            assert type(array) is np.ndarray and array.shape == () and array.flags.writeable
        assert y == make(np.float64).forward(np.array([0.5]), train_flg)[0]


@pytest.mark.parametrize("dtype", [None, "i4", "text", complex, {"a": 1}, [], "f4,f4"], ids=repr)
def test_a_dtype_must_be_a_floating_point_one(dtype):
    """NumPy takes None for float64."""
    for use in (
        Affine.create(2, 2).cast,
        lambda dtype: Affine.create(2, 2, dtype=dtype),
        lambda dtype: Convolution.create(2, 2, 3, dtype=dtype),
        lambda dtype: BatchNorm.create(2, dtype=dtype),
        Network([Affine.create(2, 2)]).astype,
        lambda dtype: TwoLayerNet(2, 2, 2, dtype=dtype),
    ):
        with pytest.raises(TypeError, match="dtype must be a floating-point dtype, got"):
            use(dtype)
    assert Affine.create(2, 2, dtype=">f8").W.dtype.isnative


@parametrized(SINGLE_SAMPLES)
@both_modes
def test_a_single_sample_is_a_batch_of_one(make, shape, train_flg):
    layer, x, y, dout = passed(make, shape, train_flg)
    batch = make(np.float64)
    np.testing.assert_array_equal(y, batch.forward(x[np.newaxis], train_flg)[0])
    dx = layer.backward(dout)
    np.testing.assert_array_equal(dx, batch.backward(dout[np.newaxis])[0])
    assert_same(gradients(layer), gradients(batch))


@parametrized(BATCHES)
@both_modes
@pytest.mark.parametrize("method", ["backward", "backward_params"])
def test_an_empty_batch_goes_forward_and_backward(make, shape, train_flg, method):
    layer = make(np.float64)
    y = layer.forward(np.empty((0, *shape[1:])), train_flg and not couples_samples(layer))
    assert y.shape == (0, *layer.output_shape(shape[1:]))
    dx = getattr(layer, method)(y)
    assert dx is None if method == "backward_params" else dx.shape == (0, *shape[1:])
    for name, param in params(layer).items():
        assert gradients(layer)[name].tolist() == np.zeros(param.shape).tolist()


@parametrized({**BATCHES, **SINGLE_SAMPLES})
@pytest.mark.parametrize("wrong", [np.ones(7), np.ones((2, 3, 0, 5)), "text", None], ids=str)
def test_a_refused_forward_leaves_the_last_pass_as_it_was(make, shape, wrong):
    layer, _, _, dout = passed(make, shape)
    expected = copy.deepcopy((layer.backward(dout), states(layer)))
    for refuses in (layer, unused := make(np.float64)):
        with pytest.raises((ValueError, TypeError), match="x must"):
            refuses.forward(wrong)
    np.testing.assert_array_equal(layer.backward(dout), expected[0])
    assert_same(states(layer), expected[1])
    with pytest.raises(ValueError, match="backward needs a forward before it"):
        unused.backward(dout)


@pytest.mark.parametrize(
    ("kind", "shapes", "x"),
    [
        (Affine, [(3, 2), (2,)], (4, 3)),
        (Convolution, [(4, 3, 3, 3), (4,)], (1, 3, 5, 5)),
        (BatchNorm, [(3,), (3,)], (4, 3)),
    ],
)
def test_a_layer_uses_the_very_arrays_that_it_is_given(kind, shapes, x):
    given = [normal(*shape, seed=i) for i, shape in enumerate(shapes)]
    layer, x = kind(*given), normal(*x, seed=2)
    y = layer.forward(x)
    for name, array in zip(layer.param_names, given, strict=True):
        assert getattr(layer, name) is array
        array *= 2
    np.testing.assert_allclose(layer.forward(x), 2 * y)


FILTERS = {  # layers that make 2 values of a sample of shape (3, 3, 3)
    "Affine": lambda W, b: Affine(W.reshape(2, 27).T, b),
    "Convolution": Convolution,
    "Convolution, stride 2": lambda W, b: Convolution(W, b, stride=2),
}
with_filters = pytest.mark.parametrize("make", FILTERS.values(), ids=FILTERS.keys())


@with_filters
@pytest.mark.parametrize("b", [np.float32, np.float64, None])
@pytest.mark.parametrize("W", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("x", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_results_have_numpys_result_type(make, x, W, b):
    layer = make(np.ones((2, 3, 3, 3), W), None if b is None else np.ones(2, b))
    y = layer.forward(np.ones((4, 3, 3, 3), x))
    assert y.dtype == np.result_type(*(dtype for dtype in (x, W, b) if dtype is not None))
    assert y.ravel().tolist() == [27.0 + (b is not None)] * 8
    for dout in (np.ones_like(y), np.ones(y.shape, np.float32)):
        dx = layer.backward(dout)
        assert dx.dtype == np.result_type(dout, W)
        assert layer.dW.dtype in (np.result_type(x, dout), y.dtype)
        assert dx.ravel().tolist() == [2.0] * 108 and layer.dW.ravel().tolist() == [4.0] * 54
        assert b is None or layer.db.tolist() == [4, 4]


@with_filters
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_parameters_of_integers_are_kept_and_computed_in_float64(make, dtype):
    W, b = np.full((2, 3, 3, 3), 100, dtype), np.full(2, 100, dtype)
    for n, x in ((4, np.full((4, 3, 3, 3), 2, dtype)), (1, np.full((3, 3, 3), 2.0))):
        layer = make(W, b)
        assert layer.W.base is W or layer.W is W
        y = layer.forward(x)
        assert y.dtype == np.float64 and (y == 27 * 200 + 100).all()
        dx = layer.backward(np.full(y.shape, 100, dtype))
        assert (dx == 20_000).all() and (layer.dW == n * 200).all() and (layer.db == n * 100).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(2, bool), "must hold numbers, got dtype bool"),
        (np.ones(2, complex), "must hold real numbers, got dtype complex128"),
        (np.ones(2, object), "must hold real numbers, got dtype object"),
        (np.ma.ones(2), "must be an array without a mask"),
    ],
    ids=["bool", "complex", "object", "masked"],
)
def test_parameters_that_hold_no_numbers(array, message):
    W, filters, vector = array.reshape(1, 2), array.reshape(2, 1, 1, 1), np.ones(2)
    for name, make in {
        "W": [lambda: Affine(W, None), lambda: Convolution(filters, None)],
        "b": [
            lambda: Affine(np.ones((3, 2)), array),
            lambda: Convolution(np.ones((2, 1, 1, 1)), array),
        ],
        "gamma": [lambda: BatchNorm(array, vector)],
        "beta": [lambda: BatchNorm(vector, array)],
        "running_mean": [lambda: BatchNorm(vector, vector, running_mean=array, running_var=vector)],
        "running_var": [lambda: BatchNorm(vector, vector, running_mean=vector, running_var=array)],
    }.items():
        for refuses in make:
            with pytest.raises(TypeError, match=f"{name} {message}"):
                refuses()


@with_filters
@pytest.mark.parametrize("b", [None, 0, 0.0, np.float32(0), np.array(0.0)])
def test_no_bias(make, b):
    W, x = normal(2, 3, 3, 3), normal(4, 3, 3, 3, seed=1)
    layer = make(W, b)
    y = layer.forward(x)
    np.testing.assert_array_equal(y, make(W, np.zeros(2)).forward(x))
    layer.backward(np.ones_like(y))
    assert layer.b is None and layer.db is None


@with_filters
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float16])
def test_dout_of_any_dtype_is_summed_without_wrapping_round(make, dtype):
    layer = make(np.ones((2, 3, 3, 3)), np.zeros(2))
    y = layer.forward(np.ones((300, 3, 3, 3)))
    assert layer.backward(np.ones(y.shape, dtype)).ravel().tolist() == [2.0] * 8100
    assert layer.dW.ravel().tolist() == [300.0] * 54
    assert layer.db.tolist() == [300, 300]
