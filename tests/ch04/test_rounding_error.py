import numpy as np
import pytest

from ch04_training import rounding_error


def test_differences_of_a_square():
    assert rounding_error.forward_difference(np.square, 3.0, 0.5) == 6.5  # 2x + h
    assert rounding_error.central_difference(np.square, 3.0, 0.5) == 6.0


@pytest.mark.parametrize("kind", ["forward", "central"])
def test_differences_keep_float32(kind):
    x, h = np.float32([1, 2]), np.float32(0.01)
    assert rounding_error.DIFFERENCES[kind](np.exp, x, h).dtype == np.float32


@pytest.mark.parametrize("kind, high, power", [("forward", 1e-2, 1), ("central", 1e-1, 2)])
def test_a_tenth_of_h_has_a_tenth_or_a_hundredth_of_the_error(kind, high, power):
    above, below = rounding_error.errors(kind, "float64", np.array([high, high / 10]))
    assert above / below == pytest.approx(10**power, rel=0.02)


@pytest.mark.parametrize("dtype, h", [("float32", 1e-6), ("float64", 1e-13)])
def test_rounding_grows_as_h_falls(dtype, h):
    near, far = rounding_error.errors("central", dtype, np.array([h, 100 * h]))
    assert 10 < near / far < 1000


def test_the_error_is_relative_to_the_true_derivative():
    """The relative error of forward differences of exp is (e^h - 1) / h - 1."""
    (error,) = rounding_error.errors("forward", "float64", np.array([0.5]))
    assert error == pytest.approx((np.exp(0.5) - 1) / 0.5 - 1)


def test_figures_draw_the_slopes_and_the_errors():
    result = rounding_error.experiment.run()
    figures = rounding_error.plot(result)
    function, tangent, secant = (
        line.get_xydata() for line in figures["figure_4_5"].axes[0].lines[:3]
    )
    for line, slope in ((tangent, np.e), (secant, np.e**2 - np.e)):
        np.testing.assert_allclose(line[:, 1], np.e + slope * (line[:, 0] - 1))
    np.testing.assert_allclose(function[:, 1], np.exp(function[:, 0]))
    for axes, dtype in zip(figures["error_against_h"].axes, ("float32", "float64"), strict=True):
        drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
        for kind in ("forward", "central"):
            np.testing.assert_array_equal(drawn[kind], result.error[f"{kind} {dtype}"])
