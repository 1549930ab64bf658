from functools import cache
from itertools import pairwise, product

import numpy as np
import pytest

from ch02_perceptron import adders
from ch02_perceptron.gates import NAND
from dlbasics import plotting
from dlbasics.experiment import judge


@pytest.mark.parametrize(
    "circuit",
    [adders.AND_GATE, adders.OR_GATE, adders.XOR_GATE, adders.HALF_ADDER, adders.FULL_ADDER],
)
def test_circuits_use_known_wires_and_all_their_nands(circuit):
    known = {"a", "b", "carry in"}
    for output, first, second in circuit:
        assert {first, second} <= known
        assert output not in known
        known.add(output)
    used = {wire for _, *taken in circuit for wire in taken}
    assert {output for output, _, _ in circuit} - used <= {"y", "sum", "carry"}


@pytest.mark.parametrize("bits", list(product((0, 1), repeat=3)))
def test_adders_of_bits(bits):
    digit, carry = adders.full_adder(*bits)
    assert 2 * carry + digit == sum(bits)
    digit, carry = adders.half_adder(*bits[:2])
    assert 2 * carry + digit == sum(bits[:2])


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_every_sum_is_tried_and_right(bits):
    result = adders.experiment.run(bits=bits)
    assert result.sums == result.right_sums == 4**bits


def test_a_wrong_carry_is_noticed(monkeypatch):
    monkeypatch.setattr(adders, "full_adder", lambda a, b, carry_in: adders.half_adder(a, b))
    result = adders.experiment.run(bits=3)
    assert result.sums == 64
    assert result.right_sums < 40


def test_add_takes_arrays_of_any_shape_and_long_numbers():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2**40, (2, 3, 4))
    assert adders.to_bits([1, 4], 3).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert adders.from_bits([0, 1, 1, 0]) == 6
    total = adders.add(adders.to_bits(a, 40), adders.to_bits(b, 40))
    assert total.shape == (41, 3, 4)
    np.testing.assert_array_equal(adders.from_bits(total), a + b)
    assert adders.add([1, 1, 0], [1, 0, 0]).tolist() == [0, 0, 1, 0]  # 3 + 1, lowest bit first


def test_adders_refuse_what_they_cannot_add():
    with pytest.raises(ValueError, match=r"one shape \(n, ...\), got \(2,\) and \(3,\)"):
        adders.add([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"got \(\) and \(\)"):
        adders.add(1, 1)
    for numbers in (8, -1, 1.5):
        with pytest.raises(ValueError, match=r"integers from 0 to 7"):
            adders.to_bits(numbers, 3)
    with pytest.raises(ValueError, match="bits must be at most 10, got 11"):
        adders.experiment.run(bits=11)


@pytest.mark.parametrize("circuit", ["AND", "XOR", "half_sum", "full_carry"])
def test_a_wrong_truth_table_is_noticed(circuit):
    result = adders.experiment.run(bits=1)
    table = result.gates[circuit] if circuit in result.gates else getattr(result, circuit)
    table[-1] = 1 - table[-1]
    assert judge(adders.experiment.claims, result)[0].ours == 1


def test_nands_are_counted_as_they_are_used(monkeypatch):
    result, calls = adders.experiment.run(bits=4), []

    def counted(a, b):
        calls.append((a, b))
        return NAND(a, b)

    monkeypatch.setattr(adders, "NAND", counted)
    adders.add(adders.to_bits(10, 4), adders.to_bits(7, 4))
    assert len(calls) == result.nands["adder"] == 5 + 3 * 9


def test_the_full_adder_is_drawn_with_no_wires_on_each_other():
    result = adders.experiment.run(bits=1)
    assert result.example_wires["sum"] == 0
    assert result.example_wires["carry"] == 1
    (axes,) = adders.plot(result)["full_adder"].axes
    words = {text.get_text() for text in axes.texts}
    assert words >= {"a = 1", "b = 0", "sum = 0", "carry = 1"}
    drawn = {wire: pieces(wire) for wire in result.example_wires}
    assert all(drawn.values())
    for one, other in product(drawn, repeat=2):
        if one < other:
            assert not [pq for pq in product(drawn[one], drawn[other]) if overlap(*pq)]


@cache
def lines_of(wire):
    """Return the lines of one wire, drawn on axes of its own."""
    _, axes = plotting.subplots()
    adders.draw_wire(axes, wire, 1)
    return [*axes.lines]


def pieces(wire):
    """Return the straight pieces of a wire."""
    paths = [line.get_xydata().tolist() for line in lines_of(wire) if line.get_marker() == "None"]
    return [pair for path in paths for pair in pairwise(path)]


def overlap(p, q):
    """Return whether two horizontal or two vertical pieces share more than a point."""
    for fixed, along in ((0, 1), (1, 0)):
        if p[0][fixed] == p[1][fixed] == q[0][fixed] == q[1][fixed]:
            (p0, p1), (q0, q1) = (sorted(point[along] for point in piece) for piece in (p, q))
            return min(p1, q1) > max(p0, q0)
    return False
