"""The functions of chapters 3 and 4: the book's numbers, kinds of input, extremes, labels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dlbasics import functions
from dlbasics.functions import (
    cross_entropy_error,
    identity_function,
    log_softmax,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_loss,
    step_function,
    sum_squared_error,
)
from dlbasics.gradient import numerical_diff
from tests import labels
from tests.helpers import normal

fixed = settings(derandomize=True, deadline=None, database=None, max_examples=100)

ELEMENTWISE = [identity_function, step_function, sigmoid, sigmoid_grad, relu, relu_grad]
FLOAT_FUNCTIONS = [sigmoid, sigmoid_grad, relu, relu_grad, softmax, log_softmax]
FLOAT_DTYPES = [np.float16, np.float32, np.float64]

SCORES = np.array([[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]])


def close(actual, expected, rtol=1e-14, atol=0.0):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def test_star_import_supplies_every_function_and_np():
    assert functions.np is np
    assert {"np", *(f.__name__ for f in [*ELEMENTWISE, *FLOAT_FUNCTIONS])} <= {*functions.__all__}
    assert {"sum_squared_error", "cross_entropy_error", "softmax_loss"} <= {*functions.__all__}
    assert all(hasattr(functions, name) for name in functions.__all__)


class TestBookNumbers:
    def test_softmax_and_sigmoid(self):
        y = softmax(np.array([0.3, 2.9, 4.0]))
        close(y, [0.01821127, 0.24519181, 0.73659691], atol=5e-9)
        assert sum(y) == pytest.approx(1, abs=1e-15)
        assert softmax([2, 1, 0.1]).round(1).tolist() == [0.7, 0.2, 0.1]
        large = softmax(np.array([1010, 1000, 990]))
        close(large, [9.99954600e-01, 4.53978686e-05, 2.06106005e-09], rtol=1e-8)
        close(sigmoid(np.array([-1.0, 1.0, 2.0])), [0.26894142, 0.73105858, 0.88079708], atol=5e-9)

    @pytest.mark.parametrize(
        "y, squared, entropy",
        [
            ([0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0], 0.0975, 0.510825457),
            ([0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0], 0.5975, 2.302584093),
        ],
    )
    def test_losses(self, y, squared, entropy):
        t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        assert sum_squared_error(np.array(y), np.array(t)) == pytest.approx(squared, abs=1e-15)
        # The printed values hold the book's +1e-7 in the logarithm.
        assert cross_entropy_error(np.array(y), np.array(t)) == pytest.approx(entropy, abs=1.1e-6)
        exact = pytest.approx(-math.log(y[2]), rel=2e-15, abs=0)
        assert cross_entropy_error(np.array(y), np.array(t)) == exact


class TestFormulas:
    @fixed
    @given(st.floats(-700, 700))
    def test_sigmoid_is_its_formula(self, x):
        assert sigmoid(x) == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-14, abs=0)

    @pytest.mark.parametrize("x", [-3.0, -0.2, 0.0, 0.7, 5.0])
    def test_sigmoid_grad_is_the_derivative_of_sigmoid(self, x):
        assert sigmoid_grad(x) == pytest.approx(numerical_diff(sigmoid, x), abs=1e-9)

    def test_relu_its_derivative_and_the_step_are_0_at_0(self):
        x = np.array([-2.0, -0.0, 0.0, 1e-300, 3.0])
        assert relu(x).tolist() == [0, 0, 0, 1e-300, 3]
        assert relu_grad(x).tolist() == step_function(x).tolist() == [0, 0, 0, 1, 1]
        assert step_function(x).dtype.kind == "i"
        assert identity_function(x) is x

    @fixed
    @given(arrays(np.float64, array_shapes(max_dims=3), elements=st.floats(-500, 500)))
    def test_softmax_is_a_distribution_on_the_last_axis(self, x):
        y = softmax(x)
        assert y.shape == x.shape and y.min() >= 0
        close(y.sum(axis=-1), np.ones(x.shape[:-1]))
        close(softmax(x + 100), y, rtol=1e-12)
        close(np.exp(log_softmax(x)), y, rtol=1e-12, atol=1e-300)

    def test_softmax_works_by_rows(self):
        close(softmax(SCORES), [softmax(row) for row in SCORES], rtol=2e-15)
        cube = np.stack([SCORES, 2 * SCORES])
        close(softmax(cube), [softmax(SCORES), softmax(2 * SCORES)], rtol=2e-15)

    def test_sum_squared_error_sums_over_all_elements_and_neither_wraps_nor_broadcasts(self):
        assert sum_squared_error([[1, 2], [3, 4]], [[0, 2], [1, 1]]) == 7.0
        assert sum_squared_error(np.array([1], np.uint8), np.array([255], np.uint8)) == 32258.0
        assert math.isnan(sum_squared_error([np.inf], [np.inf]))
        assert sum_squared_error([1e200], [0]) == np.inf
        with pytest.raises(ValueError, match=r"t must have the shape of y, \(3,\), got \(3, 1\)"):
            sum_squared_error(np.zeros(3), np.zeros((3, 1)))


class TestKindsOfInput:
    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (2, 2, 2, 3)])
    @pytest.mark.parametrize("f", FLOAT_FUNCTIONS)
    def test_arrays_of_any_shape_keep_dtype_and_shape(self, f, shape, dtype):
        x = np.linspace(-2, 2, math.prod(shape)).reshape(shape).astype(dtype)
        y = f(x)
        assert y.dtype == dtype and y.shape == shape
        close(y, f(x.astype(np.float64)), rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("make", [lambda x, dtype: dtype(x), np.array])
    @pytest.mark.parametrize("f", [sigmoid, sigmoid_grad, relu, relu_grad])
    def test_scalars_keep_their_dtype(self, f, make, dtype):
        y = f(make(0.5, dtype))
        assert np.shape(y) == () and np.asarray(y).dtype == dtype

    @pytest.mark.parametrize("x", [[1, 2], (1, 2), np.array([1, 2]), np.array([1, 2], np.uint8)])
    @pytest.mark.parametrize("f", FLOAT_FUNCTIONS)
    def test_integers_and_lists_are_computed_in_float64(self, f, x):
        y = f(x)
        assert y.dtype == np.float64
        assert np.array_equal(y, f(np.array([1.0, 2.0])))

    @pytest.mark.parametrize("x", [2, 2.0, True, np.int8(2)])
    @pytest.mark.parametrize("f", ELEMENTWISE)
    def test_a_number_gives_a_number(self, f, x):
        assert float(f(x)) == float(f(np.array([x], np.float64))[0])

    @pytest.mark.parametrize("f", [step_function, *FLOAT_FUNCTIONS])
    def test_the_input_stays_as_it_is_and_what_comes_back_is_fresh(self, f):
        for x in (SCORES.copy(), np.abs(SCORES)):
            before = x.copy()
            y = f(x)
            y += 1
            assert np.array_equal(x, before)

    @pytest.mark.parametrize("f", [softmax, log_softmax])
    @pytest.mark.parametrize("x", [1.0, [], np.empty((2, 0))])
    def test_softmax_needs_a_score(self, f, x):
        with pytest.raises(ValueError, match="x must hold at least one score"):
            f(x)

    @pytest.mark.parametrize("f", [step_function, *FLOAT_FUNCTIONS])
    def test_an_array_with_a_mask_is_refused(self, f):
        masked = np.ma.array([1.0, 2.0], mask=[False, True])
        for x in (masked, [masked, masked], (masked,), [1.0, np.ma.masked], masked[0:1]):
            with pytest.raises(TypeError, match="x must be an array without a mask"):
                f(x)

    @pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">i4"])
    @pytest.mark.parametrize("f", [step_function, *FLOAT_FUNCTIONS])
    def test_results_have_the_byte_order_of_this_machine(self, f, dtype):
        x = np.array([1, 2], dtype)
        y = f(x)
        assert y.dtype.isnative
        np.testing.assert_array_equal(y, f(x.astype(x.dtype.newbyteorder("="))))

    def test_a_list_that_contains_itself_is_no_array(self):
        x = []
        x.append(x)
        with pytest.raises(TypeError, match="x must"):
            relu(x)

    @pytest.mark.parametrize("x", ["a", None, [[1, 2], [3]], 1j, [object()]])
    @pytest.mark.parametrize("f", [step_function, *FLOAT_FUNCTIONS])
    def test_what_is_no_number_is_a_type_error(self, f, x):
        with pytest.raises(TypeError, match="x must"):
            f(x)


class TestExtremes:
    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    def test_sigmoid_does_not_overflow(self, dtype):
        x = np.array([-np.inf, -1000, 0, 1000, np.inf], dtype)
        assert sigmoid(x).tolist() == [0, 0, 0.5, 1, 1]
        assert sigmoid_grad(x).tolist() == [0, 0, 0.25, 0, 0]

    @pytest.mark.parametrize(("x", "rel"), [(-700, 1e-14), (-710.0, 1e-2), (np.float32(-89), 1e-3)])
    def test_small_values_of_sigmoid_keep_their_digits(self, x, rel):
        assert sigmoid(x) == pytest.approx(math.exp(x), rel=rel, abs=0)
        assert sigmoid_grad(40) == pytest.approx(math.exp(-40), rel=1e-14, abs=0)
        assert sigmoid_grad(-40) == sigmoid_grad(40)

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    def test_a_score_of_minus_infinity_has_probability_0(self, dtype):
        x = np.array([1, -np.inf, 1], dtype)
        assert softmax(x).tolist() == [0.5, 0, 0.5]
        assert log_softmax(x)[1] == -np.inf

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, log_softmax])
    def test_no_number_is_an_error_whatever_seterr_says(self, f, dtype):
        """`np.seterr(all="raise")` makes errors of underflow, overflow, NaN and infinity."""
        info = np.finfo(dtype)
        tiny, largest = float(info.smallest_subnormal), float(info.max)
        for x in (tiny, -tiny, float(info.tiny), largest, -largest, 1e3, -1e3, np.inf, np.nan):
            with np.errstate(all="raise"):
                f(np.array([x, 0], dtype))
                f(np.array([[0, x, 12, -x]], dtype))

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("t", [0, 1, [0, 1], [1, 0]])
    def test_no_number_is_an_error_in_a_loss(self, t, dtype):
        info = np.finfo(dtype)
        for x in (float(info.smallest_subnormal), float(info.tiny), 0.0, np.inf, np.nan):
            with np.errstate(all="raise"):
                cross_entropy_error(np.array([x, 1], dtype), t)
        for x in (-float(info.max), float(info.max), 1e3, np.inf, -np.inf, np.nan):
            with np.errstate(all="raise"):
                softmax_loss(np.array([x, 1], dtype), t)
                sum_squared_error(np.array([x, 1], dtype), np.array([1e-5, -x], dtype))

    def test_half_precision_is_added_up_in_single(self):
        many = np.zeros(70_000, np.float16)
        close(softmax(many), np.full(70_000, 1 / 70_000), rtol=5e-3)
        close(log_softmax(many), np.full(70_000, -math.log(70_000)), rtol=1e-3)
        assert softmax_loss(many, 5) == pytest.approx(math.log(70_000), rel=1e-6)
        rows = np.full((1, 70_000), 0.5, np.float16)
        assert cross_entropy_error(rows, np.ones((1, 70_000))) == pytest.approx(
            70_000 * math.log(2), rel=1e-6
        )
        assert sum_squared_error(np.full(3, 300, np.float16), np.zeros(3, np.float16)) == 3 * 45_000
        assert sum_squared_error(np.float32([1e30]), np.float32([0])) == pytest.approx(5e59)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("f", [relu, softmax, log_softmax])
    def test_a_row_of_non_finite_numbers_passes_without_a_warning(self, f, bad):
        y = f(np.array([[bad, bad], [1.0, 1.0]]))
        assert np.isfinite(y[1]).all()
        assert not np.isfinite(y[0]).any() or (f is relu and bad == -np.inf)

    @pytest.mark.parametrize("f", ELEMENTWISE)
    def test_nan_stays_nan_but_is_not_above_0(self, f):
        expected = [0, 1] if f in (step_function, relu_grad) else [np.nan, f(1.0)]
        np.testing.assert_array_equal(f(np.array([np.nan, 1.0])), expected)

    @pytest.mark.parametrize("f", [sum_squared_error, cross_entropy_error, softmax_loss])
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_losses_of_non_finite_numbers_are_non_finite(self, f, bad):
        assert not math.isfinite(f(np.array([bad, 0.5]), np.array([1.0, 0.0])))


CROSS_ENTROPIES = {
    "cross_entropy_error": lambda x, t: cross_entropy_error(softmax(x), t),
    "softmax_loss": softmax_loss,
}
"""Both cross-entropies, as functions of the scores."""


@pytest.mark.parametrize("loss", CROSS_ENTROPIES.values(), ids=CROSS_ENTROPIES.keys())
class TestLabels:
    x = normal(4, 3)

    @labels.of_a_batch
    def test_every_form_of_a_batch(self, loss, t):
        expected = -np.log(softmax(self.x)[np.arange(4), labels.CLASSES]).mean()
        assert loss(self.x, t) == pytest.approx(expected, rel=1e-14)

    @labels.of_one_sample
    def test_every_form_of_one_sample(self, loss, t):
        assert loss(self.x[0], t) == pytest.approx(-math.log(softmax(self.x[0])[2]), rel=1e-14)

    def test_soft_rows_of_any_sum(self, loss):
        t, y = np.array([[0.2, 0.3, 0.5], [1.0, 1.0, 0.0]]), softmax(SCORES)
        total = sum(t[n][k] * math.log(y[n, k]) for n in range(2) for k in range(3))
        assert loss(SCORES, t) == pytest.approx(-total / 2, rel=1e-14)
        expected = -math.log(y[1, 0]) - math.log(y[1, 1])
        assert loss(SCORES[1], t[1]) == pytest.approx(expected, rel=1e-14)

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    def test_a_loss_is_a_python_float(self, loss, dtype):
        assert type(loss(SCORES.astype(dtype), [2, 0])) is float

    @labels.wrong_of_a_batch
    def test_any_other_label_is_an_error(self, loss, t):
        with pytest.raises(ValueError, match=r"^t must .*, got"):
            loss(self.x, t)

    @labels.wrong_of_one_sample
    def test_any_other_label_of_one_sample_is_an_error(self, loss, t):
        with pytest.raises(ValueError, match=r"^t must .*, got"):
            loss(self.x[0], t)

    @pytest.mark.parametrize("t", [[0.0, 1.0, 0.0], 1, [0, 1, 0]])
    def test_a_batch_of_one_wants_its_labels_as_a_batch(self, loss, t):
        with pytest.raises(ValueError, match="t must be"):
            loss(np.array([[0.2, 0.5, 0.3]]), t)

    @labels.no_numbers
    def test_labels_that_are_no_numbers(self, loss, t):
        with pytest.raises(TypeError, match="t must"):
            loss(self.x, t)


class TestCrossEntropies:
    @pytest.mark.parametrize(
        ("x", "t"), [([[0.3], [0.9]], [[1], [0]]), ([[0.3]], [0]), ([0.3], 0), ([0.3], [1])]
    )
    @pytest.mark.parametrize(("f", "name"), [(cross_entropy_error, "y"), (softmax_loss, "X")])
    def test_one_class_is_refused(self, f, name, x, t):
        """The softmax of a single score is always 1."""
        with pytest.raises(ValueError, match=f"{name} must have two or more .*SigmoidWithLoss"):
            f(x, t)
        assert softmax(x).tolist() == np.ones_like(x).tolist()

    @pytest.mark.parametrize("f", [cross_entropy_error, softmax_loss])
    @pytest.mark.parametrize("y", [0.5, np.full((1, 2, 2), 0.5), [], np.empty((0, 3))])
    def test_wrong_shapes(self, f, y):
        with pytest.raises(ValueError, match=r"must have shape \(N, K\) or \(K,\)"):
            f(y, [0])

    def test_a_negative_probability_is_an_error(self):
        with pytest.raises(ValueError, match=r"y must hold probabilities, got -0\.25"):
            cross_entropy_error([1.25, -0.25], 0)

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("t", [1, [0, 1]])
    def test_a_probability_of_0_gives_a_finite_error(self, t, dtype):
        expected = -math.log(float(np.finfo(dtype).tiny))
        error = cross_entropy_error(np.array([1, 0], dtype), t)
        assert error == pytest.approx(expected, rel=float(2 * np.finfo(dtype).eps))

    def test_small_probabilities_count_exactly_and_certainty_costs_nothing(self):
        assert cross_entropy_error([1e-300, 1], 0) == pytest.approx(300 * math.log(10), rel=1e-14)
        assert cross_entropy_error([0.0, 1.0], 1) == 0
        assert cross_entropy_error([0.0, 1.0], [0.0, 1.0]) == 0

    @pytest.mark.parametrize("dtype", FLOAT_DTYPES)
    @pytest.mark.parametrize("t", [1, [0, 1]])
    def test_softmax_loss_is_exact_at_any_score(self, t, dtype):
        assert softmax_loss(np.array([0, -1000], dtype), t) == 1000
        assert softmax_loss(np.array([-1000, 0], dtype), t) == 0

    @pytest.mark.parametrize("t", [0, 1, [1, 0], [0, 1]])
    def test_softmax_loss_at_a_score_of_minus_infinity(self, t):
        expected = np.inf if t in (1, [0, 1]) else 0
        assert softmax_loss([0, -np.inf], t) == expected

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_scores_near_the_largest_number_bring_no_warning(self, dtype):
        big = 0.6 * np.finfo(dtype).max
        assert softmax_loss(np.array([[big, 0], [big, 0]], dtype), [1, 1]) > 0.59 * big

    def test_inputs_stay_as_they_are(self):
        y, t = softmax(SCORES), np.eye(3)[[2, 0]]
        y.flags.writeable = t.flags.writeable = False
        for f in (cross_entropy_error, softmax_loss, sum_squared_error):
            f(y, t)
