"""Chapter 5, update_tables.py: the tables of Huang's text."""

from dataclasses import replace

import numpy as np
import pytest

from ch05_backprop import update_tables
from ch05_backprop.update_tables import corner, different_cells, printed
from dlbasics.experiment import LEFT_OUT
from dlbasics.networks import MultiLayerNet
from tests.helpers import few_digits


@pytest.fixture(scope="module")
def result():
    return update_tables.experiment.run(data=few_digits(), seed=0)


def test_the_tables_are_those_of_the_layers_gradient_and_adam(result):
    data = few_digits()
    network = MultiLayerNet(784, [128, 64], 10, rng=np.random.default_rng(0), dtype=np.float64)
    grads = network.gradient(data.x_train[:1].astype(np.float64), data.t_train[:1])
    for name, (W, b) in update_tables.TABLES.items():
        table = result.by_hand[name]
        before = corner(network.params[W], network.params[b])
        gradient = corner(grads[W], grads[b])
        step = 0.001 * gradient / (np.abs(gradient) + 1e-7 / np.sqrt(0.001))
        assert table["before"] == printed(before, "{:.3f}")
        assert table["gradient"] == printed(gradient, "{:.3f}")
        assert table["after"] == printed(before - step, "{:.3f}")
        found = np.array(table["step"], float)
        np.testing.assert_allclose(found, step, rtol=1e-3, atol=1e-12)


def test_a_corner_has_the_first_four_and_the_last_of_rows_columns_and_biases():
    W, b = np.arange(42).reshape(7, 6), np.arange(6) + 100
    assert corner(W, b)[0].tolist() == [0, 1, 2, 3, 5, 100]
    assert corner(W, b)[4].tolist() == [36, 37, 38, 39, 41, 105]


def test_zeros_are_printed_without_a_sign():
    assert printed(np.array([[-1e-9, 0.25]]), "{:.3f}") == [["0.000", "0.250"]]
    assert printed(np.array([[0.0, 1e-3]]), "{:.3e}") == [["0", "1.000e-03"]]


def test_cells_that_differ_are_counted(result):
    assert different_cells(replace(result, pytorch=None)) is LEFT_OUT
    assert different_cells(replace(result, pytorch=result.by_hand)) == [0, 0, 0]
    wrong = {name: {**table, "step": table["before"]} for name, table in result.by_hand.items()}
    assert min(different_cells(replace(result, pytorch=wrong))) > 5


def test_pytorch_prints_the_same_digits(result):
    pytest.importorskip("torch")
    assert different_cells(result) == [0, 0, 0]


def test_each_figure_shows_its_table(result):
    for name, figure in update_tables.plot(result).items():
        for axes, part in zip(figure.axes, update_tables.PARTS, strict=True):
            (cells,) = axes.tables
            texts = [cells[i + 1, j].get_text().get_text() for i in range(5) for j in range(6)]
            assert texts == [text for row in result.by_hand[name][part] for text in row]
