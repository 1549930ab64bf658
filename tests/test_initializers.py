"""Initial weights: their spread, the names of initializers, and their random numbers."""

import numpy as np
import pytest

from dlbasics.initializers import fans, glorot, he, initializer, normal, xavier, zeros
from tests.helpers import normal as normal_numbers


def test_fans_and_zeros():
    for shape, expected in (((50, 30), (50, 30)), ((64, 16, 5, 3), (16 * 15, 64 * 15))):
        W = zeros(shape, np.random.default_rng(0))
        assert fans(shape) == expected and W.shape == shape and not W.any()


@pytest.mark.parametrize("init", [normal(0.01), xavier, glorot, he])
def test_a_seed_or_its_generator_gives_one_draw_and_the_generator_moves_on(init):
    rng = np.random.default_rng(7)
    first, second = init((4, 3), rng), init((4, 3), rng)
    assert (first == init((4, 3), 7)).all() and (first != second).any()
    assert (init((4, 3), None) != init((4, 3), None)).any()


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


@pytest.mark.parametrize("make", [normal, initializer])
def test_a_standard_deviation_must_be_a_number_from_0_on(make):
    for std in (-0.01, np.nan, np.inf, 1e308):
        with pytest.raises(ValueError, match="std must be a finite number"):
            make(std)
    for std in (None, [0.1], 1j):
        with pytest.raises(TypeError, match="std must be a number"):
            make(std)


@pytest.mark.parametrize("init", [fans, normal(0.1), zeros, xavier, glorot, he])
@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ((0, 3), ValueError),
        ((3, 0), ValueError),
        ((2, -1), ValueError),
        ((3, 2, 0, 5), ValueError),
        ((10**400, 10**400), ValueError),
        ((10**18, 10**18), ValueError),
        ((2.0, 3), TypeError),
        ((1j, 3), TypeError),
        (["a", "b"], TypeError),
        ((None, 3), TypeError),
        ("34", TypeError),
        (5, TypeError),
        (np.array(5), TypeError),
        (None, TypeError),
    ],
)
def test_sizes_that_are_no_counts(init, shape, error):
    arguments = () if init is fans else (np.random.default_rng(0),)
    with pytest.raises(error, match="shape must be"):
        init(shape, *arguments)


def test_a_shape_may_be_a_list_or_hold_integers_of_numpy():
    assert fans([np.int64(3), 2]) == (3, 2) and type(fans([np.int64(3), 2])[0]) is int
    assert he([3, 2], 0).tolist() == he((3, 2), 0).tolist()


def test_tiny_standard_deviations_are_no_error_whatever_seterr_says():
    with np.errstate(all="raise"):
        assert np.abs(normal(5e-324)((20, 20), 0)).max() < 1e-322


@pytest.mark.parametrize("init", [xavier, glorot, he])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (1, 2, 3, 4, 5)])
def test_a_shape_of_no_layer(init, shape):
    with pytest.raises(ValueError, match=r"shape must be \(D, M\) or \(FN, C, FH, FW\), got"):
        init(shape, np.random.default_rng(0))
