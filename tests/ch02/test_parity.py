from itertools import product

import numpy as np
import pytest

from ch02_perceptron import parity
from ch02_perceptron.adders import evaluate, to_bits


@pytest.mark.parametrize("bits", [2, 3, 7])
def test_parity_of_every_message(bits):
    for message in product((0, 1), repeat=bits):
        assert parity.parity(message) == sum(message) % 2
    assert parity.experiment.run(bits=bits).right == 2**bits


def test_a_wrong_gate_is_noticed(monkeypatch):
    monkeypatch.setattr(parity, "XOR_GATE", (("n", "a", "b"), ("y", "n", "n")))  # AND
    assert parity.experiment.run(bits=4).right < 16


def test_parity_finds_one_error_and_misses_two():
    assert parity.experiment.run(bits=5).found == [1, 0]


def test_exactly_one_output_stands_for_each_digit_and_none_for_larger_numbers():
    found = parity.decimal(np.arange(16))
    assert np.array_equal(found[:10], np.eye(10))
    assert not found[10:].any()


@pytest.mark.parametrize("circuit", [parity.parity_circuit(4), parity.decimal_circuit()])
def test_circuits_have_a_wire_for_each_nand(circuit):
    outputs = [output for output, _, _ in circuit]
    assert len(set(outputs)) == len(outputs)
    values = evaluate(circuit, {f"x{i}": bit for i, bit in enumerate(to_bits(5, 4))})
    assert set(outputs) < set(values)


def test_the_longest_way_counts_nands_one_after_another():
    assert parity.longest_way((("n", "a", "b"), ("p", "a", "n"), ("y", "p", "n"))) == 3
    assert parity.longest_way((("n", "a", "b"), ("y", "a", "b"))) == 1


def test_the_figure_shows_the_outputs():
    result = parity.experiment.run(bits=2)
    (axes,) = parity.plot(result)["decimal"].axes
    assert np.array_equal(axes.images[0].get_array(), np.eye(10))
    assert [label.get_text() for label in axes.get_yticklabels()][5] == "0101"


@pytest.mark.parametrize("bits", [1, 17])
def test_the_number_of_bits_is_limited(bits):
    with pytest.raises(ValueError, match=f"bits must be from 2 to 16, got {bits}"):
        parity.experiment.run(bits=bits)


def test_the_numbers_of_the_figure_can_be_read_on_their_cells():
    (axes,) = parity.plot(parity.experiment.run(bits=2))["decimal"].axes
    cells = {text.get_position(): text for text in axes.texts}
    assert (cells[5, 5].get_text(), cells[5, 5].get_color()) == ("1", "white")
    assert cells[5, 4].get_text() == "0"
    assert cells[5, 4].get_color() != "white"
