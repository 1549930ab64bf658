"""Chapter 2: the gates, their regions, the learning rule and the adders."""

import json
from itertools import pairwise, product

import numpy as np
import pytest

from ch02_perceptron import adders, gates, learning_rule, regions
from ch02_perceptron.gates import AND, NAND, OR, XOR, perceptron, perceptron_by_threshold
from dlbasics import plotting
from dlbasics.experiment import judge
from dlbasics.experiment.results import save_result

LOGIC = {
    AND: lambda a, b: a and b,
    NAND: lambda a, b: not (a and b),
    OR: lambda a, b: a or b,
    XOR: lambda a, b: a != b,
}
RESULTS = {
    gates: gates.run,
    regions: lambda: regions.run(regions.Config()),
    learning_rule: lambda: learning_rule.run(learning_rule.Config()),
    adders: lambda: adders.run(adders.Config()),
}


@pytest.mark.parametrize("script", RESULTS, ids=lambda script: script.__name__)
def test_claims_hold(script):
    verdicts = judge(script.CLAIMS, RESULTS[script]())
    assert len(verdicts) >= 7
    assert [verdict for verdict in verdicts if not verdict.holds] == []


@pytest.mark.parametrize("script", RESULTS, ids=lambda script: script.__name__)
def test_a_result_can_be_saved_and_is_the_same_each_time(script, tmp_path):
    for name in ("first", "again"):
        save_result(RESULTS[script](), {}, tmp_path / f"{name}.json")
    first, again = ((tmp_path / f"{name}.json").read_text("utf-8") for name in ("first", "again"))
    assert first == again
    assert json.loads(first)["result"]


# Gates


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
    with pytest.raises(TypeError, match=r"x2 must hold real numbers"):
        AND(1, "1")
    with pytest.raises(ValueError, match="shape"):
        AND([0, 1], [0, 1, 1])


@pytest.mark.parametrize("setting", gates.AND_SETTINGS)
def test_both_forms_agree_on_real_numbers(setting):
    """Steps of 1/8 are exact, and put many of the points on the border itself."""
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


def test_the_two_inputs_have_their_own_weights():
    assert perceptron(1, 0, np.array([1.0, -1.0]), 0) == 1
    assert perceptron(0, 1, np.array([1.0, -1.0]), 0) == 0
    assert perceptron_by_threshold([1, 0], [0, 1], 1, -1, 0).tolist() == [1, 0]


# Regions


def test_regions_are_half_a_plane_and_a_band():
    result = regions.run(regions.Config(angles=4, offsets=5))
    x1, x2 = np.meshgrid(result.x, result.x)
    total = x1 + x2
    # On the border itself rounding decides.
    sure = (abs(total - 0.5) > 1e-9) & (abs(total - 0.4) > 1e-9) & (abs(total - 1.4) > 1e-9)
    assert sure.sum() > 150_000
    np.testing.assert_array_equal(result.or_region[sure], (total > 0.5)[sure])
    band = (total > 0.4) & (total < 1.4)
    np.testing.assert_array_equal(result.xor_region[sure], band[sure])


def test_rows_of_a_region_are_values_of_x2():
    """All of the book's regions look the same when x1 and x2 are exchanged; this one does not."""
    x = np.array([0.0, 1.0])
    figure = regions.region_figure(x, perceptron(*np.meshgrid(x, x), np.array([1, 0]), -0.5), "OR")
    (axes,) = figure.axes
    (contours,) = axes.collections
    zero, one = (path.get_extents() for path in contours.get_paths())
    assert (zero.x0, zero.x1, zero.y0, zero.y1) == (0, 0.5, 0, 1)
    assert (one.x0, one.x1, one.y0, one.y1) == (0.5, 1, 0, 1)


def test_lines_give_all_tables_but_xor_and_its_opposite():
    found = {tuple(table) for table in regions.tables_of_lines(72, 81).tolist()}
    assert set(product((0, 1), repeat=4)) - found == {(0, 1, 1, 0), (1, 0, 0, 1)}


def test_lines_of_every_angle_pass_over_all_four_points():
    tables = regions.tables_of_lines(72, 81).reshape(72, 81, 4)
    assert tables[:, 0].all()
    assert not tables[:, -1].any()


def test_the_lines_of_figure_2_7_get_so_many_points_wrong():
    result = regions.run(regions.Config())
    assert list(result.wrong.values()) == [1, 1, 2, 1]


def test_figures_2_6_to_2_8():
    figures = regions.plot(regions.run(regions.Config()))
    assert list(figures) == ["figure_2_6", "figure_2_7", "figure_2_8"]
    for name, zeros in (("figure_2_6", [[0, 0]]), ("figure_2_7", [[0, 0], [1, 1]])):
        (axes,) = figures[name].axes
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x_1$", "$x_2$")
        (circles,) = [line for line in axes.lines if line.get_marker() == "o"]
        assert circles.get_xydata().tolist() == zeros


# Learning rule


def test_the_rule_by_hand_on_or():
    """From 0: (1, 0) is judged 0, so w = (1, 0), b = 1; then (0, 0) is judged 1, and so on."""
    first = learning_rule.learn(gates.TABLES["OR"], max_epochs=1)
    assert (first.mistakes, first.w, first.b) == ([1], [1, 0], 1)
    second = learning_rule.learn(gates.TABLES["OR"], max_epochs=2)
    assert (second.mistakes, second.w, second.b) == ([1, 2], [1, 1], 1)
    last = learning_rule.learn(gates.TABLES["OR"], max_epochs=10)
    assert (last.mistakes, last.w, last.b) == ([1, 2, 1, 0], [1, 1], 0)


def test_exactly_the_tables_that_lines_give_are_learned():
    linear = {tuple(table) for table in regions.tables_of_lines(72, 81).tolist()}
    for t in product((0, 1), repeat=4):
        training = learning_rule.learn(t, max_epochs=50)
        if t in linear:
            assert training.mistakes[-1] == 0
            assert len(training.mistakes) < 20
            assert training.table == list(t)
            assert training.repeat is None
        else:
            assert len(training.mistakes) == 50
            assert min(training.mistakes) > 0
            assert training.repeat is not None


def test_xor_goes_round():
    training = learning_rule.learn(gates.TABLES["XOR"], max_epochs=50)
    first, again = training.repeat
    period = again - first
    assert training.mistakes[first - 1 : -period] == training.mistakes[again - 1 :]
    before, after = (learning_rule.learn(gates.TABLES["XOR"], n - 1) for n in training.repeat)
    assert (before.w, before.b) == (after.w, after.b)


@pytest.mark.parametrize("t", [(0, 1, 1, 0), (1, 0, 0, 1)])
def test_the_first_repeat_is_told_however_long_it_goes_on(t):
    first, again = learning_rule.learn(t, max_epochs=50).repeat
    begun = [learning_rule.learn(t, n) for n in range(1, again)]
    weights = [(0.0, 0.0, 0.0), *((*training.w, training.b) for training in begun)]
    assert weights.index(weights[-1]) == first - 1
    assert len({*weights}) == again - 1


def test_what_is_not_learned_in_time_has_no_number_of_epochs():
    result = learning_rule.run(learning_rule.Config(max_epochs=4))
    told = [v for v in judge(learning_rule.CLAIMS, result) if v.text.startswith("epochs until")]
    assert [(v.ours, v.holds) for v in told] == [(None, False), (None, False), (4, True)]


def test_mistakes_are_drawn_from_epoch_1():
    result = learning_rule.run(learning_rule.Config(max_epochs=8))
    figure = learning_rule.plot(result)["mistakes"]
    drawn = {axes.get_title(): axes.lines[0].get_xydata().tolist() for axes in figure.axes}
    assert list(drawn) == ["AND", "NAND", "OR", "XOR"]
    assert drawn["OR"] == [[1, 1], [2, 2], [3, 1], [4, 0]]
    assert [x for x, _ in drawn["XOR"]] == list(range(1, 9))


# Adders


@pytest.mark.parametrize(
    "circuit",
    [adders.AND_GATE, adders.OR_GATE, adders.XOR_GATE, adders.HALF_ADDER, adders.FULL_ADDER],
)
def test_circuits_are_made_in_order_and_without_waste(circuit):
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
    result = adders.run(adders.Config(bits=bits))
    assert result.sums == result.right_sums == 4**bits


def test_a_wrong_carry_is_noticed(monkeypatch):
    def without_carry(a, b, carry_in):
        return adders.half_adder(a, b)

    monkeypatch.setattr(adders, "full_adder", without_carry)
    result = adders.run(adders.Config(bits=3))
    assert result.sums == 64
    assert result.right_sums < 40


def test_add_takes_arrays_of_any_shape_and_long_numbers():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2**40, (2, 3, 4))
    total = adders.add(adders.to_bits(a, 40), adders.to_bits(b, 40))
    assert total.shape == (41, 3, 4)
    np.testing.assert_array_equal(adders.from_bits(total), a + b)
    assert adders.add([1, 1, 0], [1, 0, 0]).tolist() == [0, 0, 1, 0]  # 3 + 1, the lowest bit first


def test_bits():
    assert adders.to_bits(6, 4).tolist() == [0, 1, 1, 0]
    assert adders.to_bits([1, 4], 3).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert adders.from_bits([0, 1, 1, 0]) == 6


def test_adders_refuse_what_they_cannot_add():
    with pytest.raises(ValueError, match=r"one shape \(n, ...\), got \(2,\) and \(3,\)"):
        adders.add([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"got \(\) and \(\)"):
        adders.add(1, 1)
    for numbers in (8, -1, 1.5):
        with pytest.raises(ValueError, match=r"integers from 0 to 7"):
            adders.to_bits(numbers, 3)
    for bits in (0, 11):
        with pytest.raises(ValueError, match="bits must be from 1 to 10"):
            adders.Config(bits=bits)


def test_nands_are_counted_as_they_are_used(monkeypatch):
    calls = []

    def counted(a, b):
        calls.append((a, b))
        return NAND(a, b)

    monkeypatch.setattr(adders, "NAND", counted)
    adders.add(adders.to_bits(200, 8), adders.to_bits(100, 8))
    assert len(calls) == adders.run(adders.Config()).nands["adder"]


def test_the_full_adder_is_drawn_with_no_wires_on_each_other():
    result = adders.run(adders.Config(bits=1))
    assert result.example_wires["sum"] == 0
    assert result.example_wires["carry"] == 1
    (axes,) = adders.plot(result)["full_adder"].axes
    assert [text.get_text() for text in axes.texts].count("NAND") == 9
    drawn = {wire: pieces(wire) for wire in result.example_wires}
    assert all(drawn.values())
    for one, other in product(drawn, repeat=2):
        if one < other:
            assert not [pq for pq in product(drawn[one], drawn[other]) if overlap(*pq)]


def test_wires_of_1_are_red():
    result = adders.run(adders.Config(bits=1))
    (axes,) = adders.plot(result)["full_adder"].axes
    words = {text.get_text(): text.get_color() for text in axes.texts}
    assert words["a = 1"] == words["carry = 1"] == words["1"] == "C3"
    assert words["b = 0"] == words["sum = 0"] == words["0"] == "0.55"
    for wire, value in product(result.example_wires, (0, 1)):
        colors = {line.get_color() for line in lines_of(wire, value)}
        assert colors - {"white"} == {("0.55", "C3")[value]}


@pytest.mark.parametrize("wire", adders.run(adders.Config(bits=1)).example_wires)
def test_dots_are_where_a_wire_branches(wire):
    drawn = pieces(wire)
    dots = [xy for line in lines_of(wire) if line.get_marker() == "o" for xy in line.get_xydata()]
    ends = {tuple(point) for piece in drawn for point in piece}
    assert {tuple(dot) for dot in dots} == {at for at in ends if len(ways(at, drawn)) > 2}


def ways(at, drawn):
    """The directions in which a wire goes on from a point."""
    found = set()
    for piece in drawn:
        low, high = sorted(piece)
        fixed = 0 if low[0] == high[0] else 1
        if at[fixed] == low[fixed] and low[1 - fixed] <= at[1 - fixed] <= high[1 - fixed]:
            found |= {(fixed, np.sign(end[1 - fixed] - at[1 - fixed])) for end in (low, high)}
    return {(fixed, sign) for fixed, sign in found if sign != 0}


def lines_of(wire, value=1):
    _, axes = plotting.subplots()
    adders.draw_wire(axes, wire, value)
    return axes.lines


def pieces(wire):
    """The straight pieces of one wire, as drawn on axes of its own."""
    paths = [line.get_xydata().tolist() for line in lines_of(wire) if line.get_marker() == "None"]
    return [pair for path in paths for pair in pairwise(path)]


def overlap(p, q):
    """Whether two horizontal or two vertical pieces share more than a point."""
    for fixed, along in ((0, 1), (1, 0)):
        if p[0][fixed] == p[1][fixed] == q[0][fixed] == q[1][fixed]:
            (p0, p1), (q0, q1) = (sorted(point[along] for point in piece) for piece in (p, q))
            return min(p1, q1) > max(p0, q0)
    return False
