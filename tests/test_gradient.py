"""Numerical differentiation, and gradient descent by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from dlbasics import gradient
from dlbasics.gradient import gradient_descent, numerical_diff, numerical_gradient

fixed = settings(derandomize=True, deadline=None, database=None, max_examples=50)


def function_1(x):
    return 0.01 * (x * x) + 0.1 * x


def function_2(x):
    return x[0] * x[0] + x[1] * x[1]


def sum_of_squares(x):
    return np.sum(x**2)


def test_star_import_supplies_the_functions_and_np():
    assert gradient.np is np
    book = {"np", "numerical_diff", "numerical_gradient", "gradient_descent"}
    assert book <= {*gradient.__all__}
    assert all(hasattr(gradient, name) for name in gradient.__all__)


class TestNumericalDiff:
    @pytest.mark.parametrize("x, slope", [(5, 0.1999999999990898), (10, 0.2999999999986347)])
    def test_the_books_numbers(self, x, slope):
        assert numerical_diff(function_1, x) == slope
        assert numerical_diff(function_1, float(x)) == slope

    def test_the_books_partial_derivatives(self):
        assert numerical_diff(lambda x0: x0 * x0 + 4.0**2.0, 3.0) == 6.00000000000378
        assert numerical_diff(lambda x1: 3.0**2.0 + x1 * x1, 4.0) == 7.999999999999119

    def test_differences_are_central_with_step_1e_4(self):
        seen = []
        numerical_diff(lambda x: seen.append(x) or 0.0, 0.0)
        assert sorted(seen) == [-1e-4, 1e-4]

    def test_an_array_is_differentiated_element_by_element(self):
        x = np.array([0.5, 1.0, 2.0])
        np.testing.assert_allclose(numerical_diff(np.sin, x), np.cos(x), atol=1e-8)

    @pytest.mark.parametrize("x", [np.inf, np.nan, np.float64(-np.inf), np.array([np.inf, np.nan])])
    def test_non_finite_numbers_pass_without_a_warning(self, x):
        assert np.isnan(numerical_diff(lambda x: x, x)).all()

    @pytest.mark.parametrize("value", ["1", b"1", None, 1j, [[1.0], [1.0, 2.0]], np.ma.ones(1)])
    def test_f_must_return_numbers(self, value):
        with pytest.raises(TypeError, match=r"f\(x\) must "):
            numerical_diff(lambda x: value, 2.0)

    def test_no_number_is_an_error_whatever_seterr_says(self):
        for number in (5e-324, 1e308, np.inf, np.nan):
            with np.errstate(all="raise"):
                numerical_diff(lambda x, y=number: y, np.array([number]))
                numerical_diff(lambda x, y=number: np.float64(y), number)

    def test_lists_are_taken_and_float32_is_refused(self):
        np.testing.assert_allclose(numerical_diff(np.square, [3, 4]), [6, 8], atol=1e-9)
        with pytest.raises(TypeError, match="x must be float64"):
            numerical_diff(np.square, np.array([3, 100], np.float32))


class TestNumericalGradient:
    @pytest.mark.parametrize("x, slope", [((3, 4), (6, 8)), ((0, 2), (0, 4)), ((3, 0), (6, 0))])
    def test_at_the_books_points(self, x, slope):
        found = numerical_gradient(function_2, np.array(x, float))
        np.testing.assert_allclose(found, slope, atol=1e-10)

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 3, 4), (2, 1, 2, 3), (0,)])
    def test_any_number_of_dimensions(self, shape):
        rng = np.random.default_rng(0)
        x, weights = rng.standard_normal(shape), rng.standard_normal(shape)
        x = np.asarray(x)
        gradient = numerical_gradient(lambda x: np.sum(weights * x**2), x)
        assert gradient.shape == shape and gradient.dtype == np.float64
        np.testing.assert_allclose(gradient, 2 * weights * x, atol=1e-10)

    def test_f_gets_x_itself_with_one_element_moved_by_h(self):
        x = np.array([1.0, 2.0])
        seen = []

        def f(argument):
            assert argument is x
            seen.append(x.tolist())
            return 0.0

        numerical_gradient(f, x)
        h = 1e-4
        assert seen == [[1 + h, 2], [1 - h, 2], [1, 2 + h], [1, 2 - h]]

    @pytest.mark.parametrize("view", [np.s_[::2], np.s_[::-1], np.s_[1:3]])
    def test_x_may_be_a_view(self, view):
        base = np.arange(12.0).reshape(4, 3)
        gradient = numerical_gradient(lambda _: np.sum(base**2), base[view].T)
        np.testing.assert_allclose(gradient, 2 * base[view].T, atol=1e-9)

    @fixed
    @given(arrays(np.float64, array_shapes(max_dims=3, max_side=3)))
    def test_x_is_the_same_to_the_bit_afterwards(self, x):
        before = x.tobytes()
        numerical_gradient(lambda x: 0.0, x)
        assert x.tobytes() == before

    @pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
    def test_x_is_restored_even_when_f_raises(self, fails_at):
        x = np.array([0.1, 1e10])
        before, calls = x.tobytes(), []

        def f(x):
            calls.append(1)
            if len(calls) == fails_at:
                raise KeyboardInterrupt
            return 0.0

        with pytest.raises(KeyboardInterrupt):
            numerical_gradient(f, x)
        assert len(calls) == fails_at and x.tobytes() == before

    def test_f_must_return_one_number_of_any_kind(self):
        x = np.ones(2)
        for value in (2, 2.0, np.float64(2), np.float32(2), np.array(2.0), np.array([2.0])):
            assert numerical_gradient(lambda x, value=value: value, x).tolist() == [0, 0]
        for value in (np.zeros(2), np.zeros((2, 1)), [1.0, 2.0], np.zeros(0)):
            with pytest.raises(ValueError, match="f must return one number, got shape"):
                numerical_gradient(lambda x, value=value: value, x)
            assert x.tolist() == [1, 1]

    @pytest.mark.parametrize(
        "value", ["1", "0.5", b"1", None, 1j, np.array("2"), [[1.0], [1.0, 2.0]], np.ma.ones(1)]
    )
    def test_f_must_return_a_number(self, value):
        x = np.ones(2)
        with pytest.raises(TypeError, match="the value of f must "):
            numerical_gradient(lambda x: value, x)
        with pytest.raises(TypeError, match="the value of f must "):
            gradient_descent(lambda x: value, x)
        assert x.tolist() == [1, 1]

    def test_x_must_have_no_mask(self):
        with pytest.raises(TypeError, match="x must be an array without a mask"):
            numerical_gradient(np.sum, np.ma.ones(2))

    def test_no_number_is_an_error_whatever_seterr_says(self):
        for number in (5e-324, 1e308, np.inf, np.nan):
            x = np.array([number, 1.0])
            with np.errstate(all="raise"):
                numerical_gradient(lambda x, y=number: y, x)
                gradient_descent(lambda x, y=number: y if x[0] > 0 else 0.0, x, step_num=2)
                gradient_descent(lambda x: float(x[0]) + 1e300 * float(x[1]), x, lr=1e300)

    @pytest.mark.parametrize(
        "x, found",
        [
            *((np.ones(2, name), name) for name in ("int", "uint8", "float32", "float16", "bool")),
            (np.array([3j]), "complex128"),
            ([3.0, 4.0], "list"),
            (3.0, "float"),
            (np.float64(3.0), "float64"),
            (None, "NoneType"),
        ],
    )
    def test_x_must_be_a_float64_array(self, x, found):
        def f(x):
            raise AssertionError("f must not be called")

        with pytest.raises(TypeError, match=rf"float64 array .*astype\(np.float64\).*got {found}"):
            numerical_gradient(f, x)

    def test_x_must_be_writable_and_may_be_infinite_without_a_warning(self):
        x = np.array([np.inf, 1.0])
        assert np.isnan(numerical_gradient(lambda x: x[0], x)).all()
        x.flags.writeable = False
        with pytest.raises(ValueError, match="x must be writable"):
            numerical_gradient(np.sum, x)

    def test_the_step_is_h(self):
        x = np.array([2.0])
        assert abs(numerical_gradient(lambda x: x[0] ** 3, x, h=0.5)[0] - (12 + 0.25)) < 1e-12
        assert abs(numerical_gradient(lambda x: x[0] ** 3, x)[0] - (12 + 1e-8)) < 1e-10
        with pytest.raises(ValueError, match="h must be"):
            numerical_gradient(lambda x: x[0], x, h=0)


class TestGradientDescent:
    @pytest.mark.parametrize(
        "lr, end",
        [
            (10.0, [-2.58983747e13, -1.29524862e12]),
            (1e-10, [-2.99999994, 3.99999992]),
        ],
    )
    def test_the_books_numbers(self, lr, end):
        x = gradient_descent(function_2, init_x=np.array([-3.0, 4.0]), lr=lr, step_num=100)
        np.testing.assert_allclose(x, end, rtol=1e-8)

    def test_steps_follow_the_formula_and_defaults_are_the_books(self):
        x = gradient_descent(sum_of_squares, np.array([[1.0], [-2.0]]), lr=0.25, step_num=3)
        np.testing.assert_allclose(x, [[1 / 8], [-2 / 8]], rtol=1e-10)
        x = gradient_descent(lambda x: float(x**2), 2.0, lr=0.25, step_num=2)
        np.testing.assert_allclose(x, 0.5, rtol=1e-9)
        assert x.shape == ()
        x = gradient_descent(sum_of_squares, np.array([1.0]))
        np.testing.assert_allclose(x, 0.98**100, rtol=1e-9)

    @pytest.mark.parametrize("init_x", [[-3, 4], np.array([-3, 4]), np.array([-3, 4], np.float32)])
    def test_init_x_of_other_kinds_is_computed_in_float64(self, init_x):
        x = gradient_descent(function_2, init_x, lr=0.1, step_num=100)
        assert x.dtype == np.float64
        np.testing.assert_allclose(x, [-6.11110793e-10, 8.14814391e-10], rtol=1e-8)

    @pytest.mark.parametrize("step_num", [0, 5])
    def test_init_x_stays_as_it_is(self, step_num):
        init_x = np.array([-3.0, 4.0])
        x = gradient_descent(function_2, init_x, lr=0.1, step_num=step_num)
        assert init_x.tolist() == [-3, 4]
        assert not np.shares_memory(x, init_x)
        assert (x.tolist() == [-3, 4]) == (step_num == 0)

    @pytest.mark.parametrize(
        "name, value, error",
        [
            ("lr", np.nan, ValueError),
            ("lr", np.inf, ValueError),
            ("step_num", -1, ValueError),
            ("lr", "0.1", TypeError),
            ("step_num", 2.0, TypeError),
            ("init_x", "ab", TypeError),
        ],
    )
    def test_an_argument_of_wrong_type_or_out_of_range(self, name, value, error):
        with pytest.raises(error, match=f"{name} must"):
            gradient_descent(function_2, **{"init_x": np.ones(2), name: value})
