from itertools import product

import numpy as np
import pytest

from ch02_perceptron import gates
from ch02_perceptron.gates import (
    AND,
    NAND,
    OR,
    SETTINGS,
    TABLES,
    XOR,
    perceptron,
    perceptron_by_threshold,
    rows_that_differ,
)
from dlbasics.experiment import judge

LOGIC = {
    AND: lambda a, b: a and b,
    NAND: lambda a, b: not (a and b),
    OR: lambda a, b: a or b,
    XOR: lambda a, b: a != b,
}


@pytest.mark.parametrize("gate", LOGIC, ids=lambda gate: gate.__name__)
@pytest.mark.parametrize(("a", "b"), list(product((0, 1), repeat=2)))
def test_gate_on_numbers(gate, a, b):
    y = gate(a, b)
    expected = int(LOGIC[gate](a, b))
    assert y == expected
    assert str(y) == str(expected)
    assert bool(y) == bool(expected)  # readers write `if AND(a, b):`


@pytest.mark.parametrize("gate", LOGIC, ids=lambda gate: gate.__name__)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float32])
def test_gate_on_arrays_of_any_shape(gate, dtype):
    a, b = np.random.default_rng(0).integers(0, 2, (2, 3, 4, 5)).astype(dtype)
    y = gate(a, b)
    assert y.shape == (3, 4, 5)
    assert y.dtype.kind == "i"
    expected = [int(LOGIC[gate](p, q)) for p, q in zip(a.flat, b.flat, strict=True)]
    assert y.ravel().tolist() == expected
    assert gate(1, [0, 1]).tolist() == gate([1, 1], [0, 1]).tolist()


def test_gates_take_real_numbers():
    assert AND(0.9, 0.6) == 1
    assert AND(0.9, 0.4) == 0
    assert OR(0.1, 0.4) == 1
    assert NAND(-5, 5) == 1


def test_gates_refuse_what_is_no_number():
    with pytest.raises(TypeError):
        AND(1, "1")
    with pytest.raises(ValueError, match="shape"):
        AND([0, 1], [0, 1, 1])


@pytest.mark.parametrize("setting", [setting for gate, setting in SETTINGS if gate == "AND"])
def test_both_forms_agree_on_real_numbers(setting):
    """Steps of 1/8 are exact in floating point; they put many points on the border itself."""
    w1, w2, theta = np.round(np.array(setting) * 8) / 8
    x1, x2 = np.meshgrid(np.arange(-2, 2, 0.125), np.arange(-2, 2, 0.125))
    expected = perceptron_by_threshold(x1, x2, w1, w2, theta)
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(perceptron(x1, x2, np.array([w1, w2]), -theta), expected)


def test_a_perceptron_by_threshold_on_numbers_and_arrays():
    assert str(perceptron_by_threshold(1, 1, 0.5, 0.5, 0.7)) == "1"
    assert str(perceptron_by_threshold(True, False, 0.5, 0.5, 0.7)) == "0"
    bits = np.array([[0, 1], [1, 1]], dtype=np.uint8)
    assert perceptron_by_threshold(bits, 1, -1, -1, -2).tolist() == [[1, 0], [0, 0]]


def test_on_the_border_a_perceptron_gives_0():
    assert perceptron_by_threshold(1, 0, 1, 1, 1) == 0
    assert perceptron_by_threshold(1, 0, -1, -1, -1) == 0
    assert perceptron(1, 0, np.array([1, 1]), -1) == 0


@pytest.mark.parametrize("x, y", [((1, 0), 1), ((0, 1), 0)])
def test_the_two_inputs_have_their_own_weights(x, y):
    assert perceptron(*x, np.array([1.0, -1.0]), 0) == perceptron_by_threshold(*x, 1, -1, 0) == y


def test_rows_that_differ_are_counted_in_one_table_or_several():
    assert rows_that_differ([0, 1, 1, 0], (0, 1, 1, 1)) == 1
    assert rows_that_differ([[0, 1], [1, 1]], [(0, 1), (0, 0)]) == 2
    assert rows_that_differ([*TABLES.values()], [*TABLES.values()]) == 0


@pytest.mark.parametrize("name", ["NAND", "perceptron_by_threshold"])
def test_a_wrong_gate_is_noticed(name, monkeypatch):
    def wrong(x1, x2, *setting):
        return OR(x1, x2)

    wrong.__name__ = name
    monkeypatch.setattr(gates, name, wrong)
    tables, settings, *_ = judge(gates.experiment.claims, gates.experiment.run())
    assert (tables.holds, settings.holds) == (name != "NAND", name == "NAND")


def test_a_wrong_condition_is_noticed(monkeypatch):
    strict = {**gates.CONDITIONS, "OR": lambda w1, w2, t: (w1 > t) & (w2 > t) & (t > 0)}
    monkeypatch.setattr(gates, "CONDITIONS", strict)
    found = gates.experiment.run()
    assert found.wrong["OR"] > 0
    assert found.wrong["AND"] == found.wrong["NAND"] == 0
    assert found.grid == 17**3
