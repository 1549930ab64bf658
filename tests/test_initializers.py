"""Initial weights: their spread, the names of initializers, and their random numbers."""

import numpy as np
import pytest

from dlbasics.initializers import fans, glorot, he, initializer, normal, xavier, zeros
from tests.helpers import normal as normal_numbers

DRAWING = [normal(0.01), xavier, glorot, he]


@pytest.mark.parametrize(
    "shape, fan_in, fan_out", [((500, 300), 500, 300), ((64, 16, 5, 3), 16 * 15, 64 * 15)]
)
class TestShapes:
    def test_fans(self, shape, fan_in, fan_out):
        assert fans(shape) == (fan_in, fan_out)

    def test_zeros(self, shape, fan_in, fan_out):
        W = zeros(shape, np.random.default_rng(0))
        assert W.shape == shape and not W.any()


@pytest.mark.parametrize(
    "init, shape",
    [
        (normal(0.1), (3, 4)),
        (xavier, (100, 4)),
        (xavier, (3, 4, 5, 5)),
        (glorot, (150, 50)),
        (glorot, (3, 5, 5, 5)),
        (he, (200, 4)),
        (he, (3, 8, 5, 5)),
    ],
)
def test_shapes_whose_standard_deviation_is_0_1_by_hand(init, shape):
    expected, W = 0.1 * normal_numbers(*shape), init(shape, np.random.default_rng(0))
    np.testing.assert_allclose(W, expected, rtol=1e-15)
    assert W.dtype == np.float64


@pytest.mark.parametrize("init", DRAWING)
class TestRandomNumbers:
    def test_one_seed_gives_one_draw(self, init):
        first, second = (init((4, 3), np.random.default_rng(7)) for _ in range(2))
        assert np.array_equal(first, second)

    def test_the_generator_moves_on(self, init):
        rng = np.random.default_rng(7)
        assert not np.array_equal(init((4, 3), rng), init((4, 3), rng))

    def test_an_int_is_a_seed(self, init):
        assert np.array_equal(init((4, 3), 7), init((4, 3), np.random.default_rng(7)))

    def test_none_draws_afresh(self, init):
        assert not np.array_equal(init((4, 3), None), init((4, 3), None))


class TestNames:
    @pytest.mark.parametrize(
        "name, init",
        [("he", he), ("relu", he), ("xavier", xavier), ("sigmoid", xavier), ("glorot", glorot)],
    )
    @pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
    def test_a_name_in_any_case(self, case, name, init):
        W = initializer(case(name))((4, 3), np.random.default_rng(0))
        assert np.array_equal(W, init((4, 3), np.random.default_rng(0)))

    @pytest.mark.parametrize("std", [0.01, 1, np.float64(0.5), np.float32(0.25), 0])
    def test_a_number_is_the_standard_deviation(self, std):
        W = initializer(std)((4, 3), np.random.default_rng(0))
        np.testing.assert_allclose(W, std * normal(1)((4, 3), np.random.default_rng(0)))

    @pytest.mark.parametrize("name", ["", "lecun", "0.01", "he "])
    def test_an_unknown_name(self, name):
        with pytest.raises(ValueError, match=f"he, relu, xavier, sigmoid, glorot, got {name!r}"):
            initializer(name)


class TestErrors:
    @pytest.mark.parametrize("make", [normal, initializer])
    @pytest.mark.parametrize("std", [-0.01, np.nan, np.inf])
    def test_a_standard_deviation_out_of_range(self, make, std):
        with pytest.raises(ValueError, match="std must be a finite number"):
            make(std)

    @pytest.mark.parametrize("make", [normal, initializer])
    @pytest.mark.parametrize("std", [None, [0.1], 1j])
    def test_a_standard_deviation_that_is_no_number(self, make, std):
        with pytest.raises(TypeError, match="std must be a number"):
            make(std)

    @pytest.mark.parametrize("init", [xavier, glorot, he])
    @pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (1, 2, 3, 4, 5)])
    def test_a_shape_of_no_layer(self, init, shape):
        with pytest.raises(ValueError, match=r"shape must be \(D, M\) or \(FN, C, FH, FW\), got"):
            init(shape, np.random.default_rng(0))
