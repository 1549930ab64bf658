import math
from itertools import product

import pytest

from ch02_perceptron import learning_rule, regions
from ch02_perceptron.gates import TABLES
from dlbasics.experiment import judge


def test_the_rule_by_hand_on_or():
    """The weights start from 0.  (1, 0) gives 0, so w = (1, 0) and b = 1; and so on."""
    for max_epochs, *expected in (
        (1, [1], [1, 0], 1),
        (2, [1, 2], [1, 1], 1),
        (10, [1, 2, 1, 0], [1, 1], 0),
    ):
        training = learning_rule.learn(TABLES["OR"], max_epochs)
        assert [training.mistakes, training.w, training.b] == expected


def test_exactly_the_tables_that_lines_give_are_learned():
    linear = {tuple(table) for table in regions.tables_of_lines(72, 81).tolist()}
    assert {*product((0, 1), repeat=4)} - linear == {(0, 1, 1, 0), (1, 0, 0, 1)}
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


@pytest.mark.parametrize("t", [(0, 1, 1, 0), (1, 0, 0, 1)])
def test_the_first_two_epochs_that_begin_alike_are_found_and_mistakes_repeat(t):
    training = learning_rule.learn(t, max_epochs=50)
    first, again = training.repeat
    trainings = [learning_rule.learn(t, n) for n in range(1, again)]
    weights = [(0.0, 0.0, 0.0), *((*each.w, each.b) for each in trainings)]
    assert weights.index(weights[-1]) == first - 1
    assert len({*weights}) == again - 1
    assert training.mistakes[first - 1 : first - again] == training.mistakes[again - 1 :]


def test_a_gate_that_is_not_learned_in_time_has_no_number_of_epochs():
    experiment = learning_rule.experiment
    verdicts = judge(experiment.claims, experiment.run(max_epochs=4))
    epochs, tables, *_ = verdicts
    assert epochs.ours == [math.inf, math.inf, 4]
    assert not epochs.holds
    assert not tables.holds


def test_mistakes_are_drawn_from_epoch_1():
    figure = learning_rule.plot(learning_rule.experiment.run(max_epochs=8))["mistakes"]
    drawn = {axes.get_title(): axes.lines[0].get_xydata().tolist() for axes in figure.axes}
    assert list(drawn) == ["AND", "NAND", "OR", "XOR"]
    assert drawn["OR"] == [[1, 1], [2, 2], [3, 1], [4, 0]]
    assert [x for x, _ in drawn["XOR"]] == list(range(1, 9))
