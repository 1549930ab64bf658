import numpy as np
import pytest

from ch03_forward import activation_functions

FORMULAS = {
    "step": lambda x: np.heaviside(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "ReLU": lambda x: np.maximum(x, 0),
    "tanh": lambda x: 2 / (1 + np.exp(-2 * x)) - 1,
}


@pytest.mark.parametrize(
    "name, functions",
    [
        ("figure_3_6", ["step"]),
        ("figure_3_7", ["sigmoid"]),
        ("figure_3_8", ["sigmoid", "step"]),
        ("figure_3_9", ["ReLU"]),
        ("tanh", ["tanh"]),
    ],
)
def test_figures_draw_the_functions_that_they_name(name, functions):
    result = activation_functions.experiment.run()
    (axes,) = activation_functions.plot(result)[name].axes
    for line, function in zip(axes.lines, functions, strict=True):
        x, y = line.get_data()
        assert (x[0], x[len(x) // 2], x[-1]) == (-5, 0, 5)
        np.testing.assert_allclose(y, FORMULAS[function](x), atol=1e-14)
        np.testing.assert_array_equal(y, result.y[function])
