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
    ],
)
def test_the_error_names_the_size_that_is_no_count(create, sizes, name, value):
    with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
        create(**{**sizes, name: value})
