"""`Affine.create` and `Convolution.create`: random weights, and a bias of zeros."""

import numpy as np
import pytest

from dlbasics.initializers import he, xavier, zeros
from dlbasics.layers import Affine, Convolution

both_layers = pytest.mark.parametrize(
    ("create", "sizes", "shape", "fan_in"),
    [
        (Affine.create, (2000, 50), (2000, 50), 2000),
        (Convolution.create, (20, 50, 5), (50, 20, 5, 5), 500),
        (Convolution.create, (40, 30, (3, 5)), (30, 40, 3, 5), 600),
    ],
)


@both_layers
def test_weights_are_those_of_he_in_float32_and_the_bias_is_0(create, sizes, shape, fan_in):
    layer = create(*sizes, rng=0)
    assert layer.W.shape == shape and layer.W.dtype == np.float32
    assert layer.W.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.02)
    assert layer.b.dtype == np.float32 and layer.b.tolist() == [0] * sizes[1]
    np.testing.assert_array_equal(create(*sizes, rng=0).W, layer.W)
    np.testing.assert_array_equal(create(*sizes, rng=np.random.default_rng(0)).W, layer.W)
    assert (create(*sizes, rng=1).W != layer.W).any()


@both_layers
def test_weights_by_an_initializer_its_name_or_a_number(create, sizes, shape, fan_in):
    layer = create(*sizes, init=xavier, rng=0, dtype=np.float64)
    assert layer.W.dtype == layer.b.dtype == np.float64
    assert layer.W.std() == pytest.approx(np.sqrt(1 / fan_in), rel=0.02)
    assert not create(*sizes, init=zeros).W.any()
    assert create(*sizes, init=0.01, rng=0).W.std() == pytest.approx(0.01, rel=0.05)
    by_name, by_function = (create(*sizes, init=init, rng=0).W for init in ("he", he))
    np.testing.assert_array_equal(by_name, by_function)


def test_a_convolution_with_stride_and_padding():
    layer = Convolution.create(3, 4, 3, 2, 1)
    assert (layer.stride, layer.pad) == (2, 1)
    layer = Convolution.create(3, 4, 3)
    assert (layer.stride, layer.pad) == (1, 0)


@both_layers
def test_an_initializer_of_ones_own_gets_the_shape_and_a_generator(create, sizes, shape, fan_in):
    def init(shape, rng):
        return rng.normal(5, 1, shape)

    layer = create(*sizes, init=init, rng=3)
    expected = np.random.default_rng(3).normal(5, 1, shape).astype(np.float32)
    np.testing.assert_array_equal(layer.W, expected)


@both_layers
@pytest.mark.parametrize(
    ("init", "error", "message"),
    [
        (lambda shape, rng: 0.1, ValueError, r"init must return weights of shape .* got \(\)"),
        (lambda shape, rng: np.ones(3), ValueError, r"init must return weights of shape .*\(3,\)"),
        (lambda shape, rng: np.full(shape, np.inf), ValueError, "init must .* finite in float16"),
        (1e6, ValueError, "init must return weights that are finite in float16"),
        (lambda shape, rng: np.ones(shape, complex), TypeError, "init must hold real numbers"),
        (lambda shape, rng: "text", TypeError, "init must hold real numbers"),
        (lambda shape, rng: None, TypeError, "init must be an array of numbers, got None"),
    ],
)
def test_weights_that_an_initializer_must_not_return(
    create, sizes, shape, fan_in, init, error, message
):
    with pytest.raises(error, match=message):
        create(*sizes, init=init, dtype=np.float16)


def test_tiny_weights_are_no_error_whatever_seterr_says():
    with np.errstate(all="raise"):
        for std in (1e-6, 1e-300):
            assert np.isfinite(Affine.create(20, 20, std, rng=0, dtype=np.float16).W).all()


AFFINE, CONVOLUTION = {"n_in": 3, "n_out": 3}, {"channels": 3, "filter_num": 4, "filter_size": 3}


@pytest.mark.parametrize(
    ("create", "sizes", "name", "value"),
    [
        *((Affine.create, AFFINE, "n_in", value) for value in (0, -1, 2.0, "2")),
        (Affine.create, AFFINE, "n_out", 0),
        (Convolution.create, CONVOLUTION, "channels", 0),
        (Convolution.create, CONVOLUTION, "filter_num", 2.0),
        (Convolution.create, CONVOLUTION, "filter_size", 0),
        (Convolution.create, CONVOLUTION, "filter_size", (3, 0)),
        (Convolution.create, CONVOLUTION, "filter_size", (2.5, 2)),
        (Convolution.create, CONVOLUTION, "filter_size", (2, 2.5)),
        (Convolution.create, CONVOLUTION, "filter_size", (2, 2, 2)),
        (Convolution.create, CONVOLUTION, "filter_size", ()),
        (Convolution.create, CONVOLUTION, "filter_size", "33"),
    ],
)
def test_the_error_names_the_size_that_is_no_count(create, sizes, name, value):
    with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
        create(**{**sizes, name: value})
