"""L1 and L2 penalties: values, gradients, and the minima they move."""

import numpy as np
import pytest

from dlbasics.gradient import numerical_gradient
from dlbasics.regularizers import L1, L2

W = np.array([[1.5, -2.0, 0.25], [-0.5, 3.0, -1.0]])
BOTH = pytest.mark.parametrize("kind", [L1, L2])


def test_l2_is_half_lambda_times_the_square():
    assert L2(0.1).penalty(np.array([[3.0, -4.0]])) == pytest.approx(np.array([[0.45, 0.8]]))
    assert L2(0.1).gradient(np.array([[3.0, -4.0]])) == pytest.approx(np.array([[0.3, -0.4]]))


def test_l1_is_lambda_times_the_magnitude():
    assert L1(0.1).penalty(np.array([[3.0, -4.0]])) == pytest.approx(np.array([[0.3, 0.4]]))
    assert L1(0.1).gradient(np.array([[3.0, -4.0]])) == pytest.approx(np.array([[0.1, -0.1]]))


def test_at_0_both_have_gradient_0():
    for kind in (L1, L2):
        assert kind(0.1).gradient(np.array([0.0, -0.0])).tolist() == [0, 0]


@BOTH
@pytest.mark.parametrize("weights", [W, W.reshape(1, 2, 3, 1), W[0]])
def test_the_gradient_is_the_derivative_of_the_penalty(kind, weights):
    regularizer = kind(0.3)
    assert regularizer.penalty(weights).shape == weights.shape
    numeric = numerical_gradient(lambda W: regularizer.penalty(W).sum(), weights.copy())
    np.testing.assert_allclose(regularizer.gradient(weights), numeric, atol=1e-10)


@BOTH
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_of_the_weights_is_kept(kind, dtype):
    regularizer = kind(np.float64(0.1))
    assert regularizer.penalty(W.astype(dtype)).dtype == dtype
    assert regularizer.gradient(W.astype(dtype)).dtype == dtype


@BOTH
def test_the_weights_stay_as_they_are(kind):
    weights = W.copy()
    kind(1).penalty(weights).fill(7)
    kind(1).gradient(weights).fill(7)
    assert np.array_equal(weights, W)


@BOTH
def test_lambda_0_is_no_penalty(kind):
    assert not kind(0).penalty(W).any()
    assert not kind(0).gradient(W).any()


def quadratic_slope(w):
    """Of (w1 - 3)^2 + 4 (w2 - 6)^2."""
    return np.array([2, 8]) * (w - np.array([3, 6]))


@pytest.mark.parametrize(
    "regularizer, minimum",
    [
        pytest.param(L2(2), [1.5, 4.8], id="w1^2 + w2^2"),
        pytest.param(L1(10), [0, 4.75], id="10 (|w1| + |w2|)"),
    ],
)
def test_the_lectures_minima(regularizer, minimum):
    w, lr = np.array([3.0, 6.0]), 1e-3
    for _ in range(10_000):
        w -= lr * (quadratic_slope(w) + regularizer.gradient(w))
    np.testing.assert_allclose(w, minimum, atol=20 * lr)


def test_l1_keeps_at_0_a_weight_whose_slope_is_below_lambda():
    def loss(w1):
        return (w1 - 3) ** 2 + L1(10).penalty(np.array([w1])).sum()

    assert all(loss(0.0) < loss(w1) for w1 in (-0.1, -1e-6, 1e-6, 0.1, 3.0))


@BOTH
@pytest.mark.parametrize("strength", [-0.1, np.nan, np.inf])
def test_a_strength_out_of_range(kind, strength):
    with pytest.raises(ValueError, match="weight_decay_lambda must be a finite number"):
        kind(strength)


@BOTH
@pytest.mark.parametrize("strength", ["0.1", None, [0.1]])
def test_a_strength_that_is_no_number(kind, strength):
    with pytest.raises(TypeError, match="weight_decay_lambda must be a number"):
        kind(strength)


@BOTH
@pytest.mark.parametrize("strength", [0, 0.1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_weights_pass_without_a_warning(kind, strength, bad):
    weights = np.array([bad, 1.0])
    assert not np.isfinite(kind(strength).penalty(weights)[0])
    if kind is L2 or np.isnan(bad):
        assert not np.isfinite(kind(strength).gradient(weights)[0])


def test_a_square_too_large_for_its_dtype_is_infinite_without_a_warning():
    assert L2(1).penalty(np.array([1e30], np.float32)).tolist() == [np.inf]
