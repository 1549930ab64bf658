import math

import numpy as np
import pytest

from ch03_forward import activation_functions


def step(x):
    return np.heaviside(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture(scope="module")
def result():
    return activation_functions.experiment.run()


def test_graphs_run_from_minus_5_to_5(result):
    assert (result.x[0], result.x[-1]) == (-5, 5)
    assert [*result.y] == ["step", "sigmoid", "ReLU", "tanh"]
    middle = len(result.x) // 2
    assert result.x[middle] == 0
    assert [result.y[name][middle] for name in result.y] == [0, 0.5, 0, 0]
    assert [result.y[name][-1] for name in result.y] == pytest.approx(
        [1, 1 / (1 + math.exp(-5)), 5, math.tanh(5)]
    )


@pytest.mark.parametrize(
    "name, ylabel, ylim, formulas",
    [
        ("figure_3_6", "step(x)", (-0.1, 1.1), [step]),
        ("figure_3_7", "sigmoid(x)", (-0.1, 1.1), [sigmoid]),
        ("figure_3_8", "h(x)", (-0.1, 1.1), [sigmoid, step]),
        ("figure_3_9", "ReLU(x)", (-1, 5.5), [lambda x: np.maximum(x, 0)]),
        ("tanh", "tanh(x)", (-1.1, 1.1), [lambda x: 2 / (1 + np.exp(-2 * x)) - 1]),
    ],
)
def test_figures_draw_the_functions_that_they_name(result, name, ylabel, ylim, formulas):
    (axes,) = activation_functions.plot(result)[name].axes
    assert (axes.get_ylabel(), axes.get_ylim()) == (ylabel, ylim)
    for line, formula in zip(axes.lines, formulas, strict=True):
        x, y = line.get_data()
        np.testing.assert_allclose(y, formula(x), atol=1e-14)
    if name == "figure_3_8":
        lines = [(line.get_label(), line.get_linestyle()) for line in axes.lines]
        assert lines == [("sigmoid", "-"), ("step", "--")]
