"""L1, L2 and max-norm penalties: values and gradients."""

import numpy as np
import pytest

from dlbasics.gradient import numerical_gradient
from dlbasics.regularizers import L1, L2, LInf

W = np.array([[1.5, -2.0, 0.25], [-0.5, 3.0, -1.0]])
ALL = pytest.mark.parametrize("kind", [L1, L2, LInf])


@pytest.mark.parametrize(
    "regularizer, penalty, gradient",
    [
        (L2(0.1), [0.45, 0.8, 0, 0], [0.3, -0.4, 0, 0]),
        (L1(0.1), [0.3, 0.4, 0, 0], [0.1, -0.1, 0, 0]),
        (LInf(0.1), [0, 0.4, 0, 0], [0, -0.1, 0, 0]),
    ],
    ids=[
        "half of lambda times the square",
        "lambda times the magnitude",
        "lambda times the largest magnitude",
    ],
)
def test_the_formula_and_its_gradient_which_is_0_at_0(regularizer, penalty, gradient):
    weights = np.array([3.0, -4.0, 0.0, -0.0])
    np.testing.assert_allclose(regularizer.penalty(weights), penalty)
    np.testing.assert_allclose(regularizer.gradient(weights), gradient)


@ALL
@pytest.mark.parametrize("weights", [W, W.reshape(1, 2, 3, 1), W[0]])
def test_the_gradient_is_the_derivative_of_the_penalty(kind, weights):
    regularizer = kind(0.3)
    assert regularizer.penalty(weights).shape == weights.shape
    numeric = numerical_gradient(lambda W: regularizer.penalty(W).sum(), weights.copy())
    np.testing.assert_allclose(regularizer.gradient(weights), numeric, atol=1e-10)


@ALL
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_of_the_weights_is_kept_but_a_penalty_is_at_least_single(kind, dtype):
    regularizer = kind(np.float64(0.1))
    assert regularizer.penalty(W.astype(dtype)).dtype == np.result_type(dtype, np.float32)
    assert regularizer.gradient(W.astype(dtype)).dtype == dtype


@ALL
def test_the_weights_stay_as_they_are_and_lambda_0_is_no_penalty(kind):
    weights = W.copy()
    kind(1).penalty(weights).fill(7)
    kind(1).gradient(weights).fill(7)
    assert np.array_equal(weights, W)
    assert not kind(0).penalty(W).any() and not kind(0).gradient(W).any()


@ALL
def test_the_strength_must_be_a_number_from_0_on(kind):
    for bad in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="weight_decay_lambda must be a finite number"):
            kind(bad)
    for bad in ("0.1", None, [0.1]):
        with pytest.raises(TypeError, match="weight_decay_lambda must be a number"):
            kind(bad)


@ALL
@pytest.mark.parametrize("strength", [0, 0.1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_weights_pass_without_a_warning(kind, strength, bad):
    weights = np.array([bad, 1.0])
    assert not np.isfinite(kind(strength).penalty(weights)[0])
    if kind is L2 or np.isnan(bad):
        assert not np.isfinite(kind(strength).gradient(weights)[0])


def test_the_largest_weights_share_the_penalty_of_the_max_norm():
    weights = np.array([[2.0, -1.0], [-2.0, 0.5]])
    np.testing.assert_allclose(LInf(3).penalty(weights), [[3, 0], [3, 0]])
    np.testing.assert_allclose(LInf(3).gradient(weights), [[1.5, 0], [-1.5, 0]])
    assert (
        LInf(3).penalty(np.zeros(3)).tolist() == LInf(3).gradient(np.zeros(3)).tolist() == [0] * 3
    )
    assert LInf(3).penalty(np.ones((0, 2))).shape == (0, 2)


def test_a_square_too_large_for_its_dtype_is_infinite_without_a_warning():
    assert L2(1).penalty(np.array([1e30], np.float32)).tolist() == [np.inf]


@pytest.mark.parametrize(
    ("weights", "l2", "l1"),
    [
        (np.array([200, 3], np.uint8), [20_000, 4.5], [200, 3]),
        (np.array([-128, 3], np.int8), [8_192, 4.5], [128, 3]),
        (np.array([300, 3], np.float16), [45_000, 4.5], [300, 3]),
        ([300, 3], [45_000, 4.5], [300, 3]),
    ],
)
def test_integers_and_half_precision_do_not_overflow(weights, l2, l1):
    np.testing.assert_array_equal(L2(1).penalty(weights), l2)
    np.testing.assert_array_equal(L1(1).penalty(weights), l1)
    np.testing.assert_array_equal(L2(1).gradient(weights), np.asarray(weights, float))
    np.testing.assert_array_equal(L1(1).gradient(weights), np.sign(np.asarray(weights, float)))
    half = np.full(2, 1000, np.float16)
    np.testing.assert_allclose(L2(1e-8).gradient(half), 1e-5, rtol=1e-2)
    np.testing.assert_array_equal(L2(0.1).penalty(half), 0.05 * half.astype(np.float32) ** 2)


@ALL
@pytest.mark.parametrize(
    "wrong", [None, "x", object(), [[1], [2, 3]], W + 1j, W.astype(object), b"W", np.ma.array(W)]
)
def test_what_is_no_array_of_real_numbers_is_an_error(kind, wrong):
    for method in (kind(0.1).penalty, kind(0.1).gradient):
        with pytest.raises(TypeError, match=r"W must (be an array|hold real numbers)"):
            method(wrong)
