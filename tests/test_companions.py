"""The scripts that do what companion texts of the book do: their claims, and what they compute."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ch04_training import equal_areas
from ch06_techniques import hidden_nodes
from dlbasics._internal.checks import as_rng
from dlbasics.data import minibatches
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

DIGITS = load_data("digits", quick=True)
NAN = float("nan")


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if not verdict.holds]


def numbers(script, result):
    return [claim.value(result) for claim in script.CLAIMS]


def labelled(axes):
    """What each line shows, by its label."""
    return {line.get_label(): [*line.get_ydata()] for line in axes.lines}


# Optimization without a gradient


@cache
def few_moves():
    config = equal_areas.Config(goal=1.0, tries=500_000, single_tries=2_000, starts=2)
    return equal_areas.run(config, 0)


def searches():
    result = few_moves()
    return [*result.several.values(), *result.single["falling"], *result.single["annealing"]]


def test_the_areas_are_those_of_46_prefectures_and_add_up_to_the_published_total():
    assert len(equal_areas.AREAS) == 46
    assert "Hokkaido" not in equal_areas.AREAS
    assert abs(sum(equal_areas.AREAS.values()) - 294_546.44) < 0.1
    assert min(equal_areas.AREAS, key=equal_areas.AREAS.get) == "Kagawa"
    assert max(equal_areas.AREAS, key=equal_areas.AREAS.get) == "Iwate"


def test_the_last_energy_is_that_of_the_groups_by_its_definition():
    areas = np.array([*equal_areas.AREAS.values()])
    for search in searches():
        sums = np.array([areas[search.group == i].sum() for i in range(4)])
        assert np.allclose(equal_areas.sums(search), sums)
        assert abs(np.abs(areas.sum() / 4 - sums).sum() - search.energy[-1]) < 1e-6
        assert search.tries == sorted(search.tries)
        assert search.tries[0] == 0
        assert search.tries[-1] <= search.tried
        assert equal_areas.lowest(search) == min(search.energy)


def test_without_a_temperature_the_energy_only_falls():
    result = few_moves()
    for search in [result.several["falling"], *result.single["falling"]]:
        assert (np.diff(search.energy) < 0).all()
    for search in [result.several["annealing"], *result.single["annealing"]]:
        assert (np.diff(search.energy) > 0).any()


def test_a_search_ends_at_its_goal_or_when_all_moves_are_tried():
    result = few_moves()
    assert result.several["falling"].energy[-2] > 1 >= result.several["falling"].energy[-1]
    assert result.several["falling"].tried < 500_000
    assert {search.tried for search in result.single["falling"]} == {2_000}
    assert result.several["annealing"].tried <= result.several["falling"].tried
    start = np.zeros(46, int)
    nothing = equal_areas.search(start, equal_areas.single, 3, 0.04, np.random.default_rng(0))
    assert nothing.tried == 3


def test_energies_after_moves_are_those_of_the_groups_after_the_exchange():
    rng = np.random.default_rng(1)
    group = rng.integers(4, size=46)
    taken = equal_areas.several(rng, 40)
    one = rng.integers(4, size=40)
    other = (one + rng.integers(1, 4, size=40)) % 4
    after = equal_areas.excess_after(group, taken, one, other)
    for i in range(40):
        moved = equal_areas.exchanged(group, taken[i], one[i], other[i])
        assert np.array_equal(after[i], equal_areas.excess_of(moved))
        changed = moved != group
        assert changed.any()
        assert (taken[i][changed] == 1).all()
        assert {*group[changed], *moved[changed]} == {one[i], other[i]}


def test_moves_of_one_prefecture_leave_a_search_where_no_move_is_better():
    # 2,000 moves of 46 * 12 find nearly all that are better.
    for search in few_moves().single["falling"]:
        here = search.energy[-1]
        better = 0
        for i in range(46):
            for to in range(4):
                group = search.group.copy()
                group[i] = to
                better += equal_areas.energy(equal_areas.excess_of(group)) < here
        assert better <= 2


def test_annealing_keeps_a_move_that_rises_with_the_probability_of_its_temperature():
    """From a split that every move of one prefecture makes worse, at one temperature."""
    rng = np.random.default_rng(0)
    start = few_moves().single["falling"][0].group
    here = equal_areas.energy(equal_areas.excess_of(start))
    temperature = 3_000.0
    expected, count = 0.0, 4_000
    for i in range(46):
        for to in range(4):
            group = start.copy()
            group[i] = to
            rise = max(0.0, equal_areas.energy(equal_areas.excess_of(group)) - here)
            # Each of the two orders of both groups is drawn once in 12.
            expected += (to != start[i]) * np.exp(-rise / temperature) / 46 / 6
    expected += 1 / 2  # moves whose groups are not the prefecture's: E stays, which is kept
    kept = sum(
        len(
            equal_areas.search(
                start, equal_areas.single, 1, 0.0, rng, (temperature, temperature)
            ).tries
        )
        > 1
        for _ in range(count)
    )
    assert abs(kept / count - expected) < 0.03


def test_each_several_moves_half_of_the_prefectures_and_single_one():
    rng = np.random.default_rng(0)
    assert abs(equal_areas.several(rng, 2_000).mean(axis=0) - 0.5).max() < 0.06
    taken = equal_areas.single(rng, 2_000)
    assert (taken.sum(axis=1) == 1).all()
    assert (taken.sum(axis=0) > 0).all()


def test_same_seed_same_split():
    config = equal_areas.Config(tries=3_000, single_tries=100, starts=1)
    first, again, other = (equal_areas.run(config, seed) for seed in (3, 3, 4))
    assert numbers(equal_areas, first) == numbers(equal_areas, again)
    assert numbers(equal_areas, first) != numbers(equal_areas, other)


def test_figures_show_the_energies_of_all_searches_and_the_four_areas():
    result = few_moves()
    figures = equal_areas.plot(result)
    several, single = figures["energy"].axes
    energies = labelled(several)
    for rule, label in equal_areas.RULES.items():
        found = result.several[rule]
        assert energies[label] == [*found.energy, found.energy[-1]]
    lowest = [line.get_ydata()[-1] for line in single.lines]
    assert lowest == [
        equal_areas.lowest(search)
        for rule in ("annealing", "falling")
        for search in result.single[rule]
    ]
    axes = figures["areas"].axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == equal_areas.sums(result.several["falling"]).tolist()
    assert np.allclose(labelled(axes)["a quarter of the total"], np.mean(heights))


def test_a_temperature_falls_from_the_first_to_the_second():
    """All moves of a hot search, and hardly one that rises in a cold one, are kept."""
    start = few_moves().single["falling"][0].group

    def kept(*temperatures):
        rng, moves = np.random.default_rng(0), equal_areas.single
        return equal_areas.search(start, moves, 400, 0.0, rng, temperatures).tries

    falling, rising = kept(1e9, 1e-9), kept(1e-9, 1e9)
    assert sum(tried <= 100 for tried in falling) > 90
    assert sum(tried > 300 for tried in rising) > 60
    assert sum(tried > 300 for tried in falling) < sum(tried > 300 for tried in rising)


# Hidden nodes


@cache
def three_sizes():
    config = hidden_nodes.Config((10, 40, 640), epochs=5, evaluate_every=2)
    return hidden_nodes.run(config, 0, DIGITS)


def test_networks_of_each_size_are_trained_and_evaluated():
    result = three_sizes()
    assert result.hidden_sizes == (10, 40, 640)
    assert result.epochs == [2, 4, 5]
    assert result.train_acc.shape == result.test_acc.shape == (3, 3)
    assert (result.test_acc[:2, -1] > result.test_acc[:2, 0]).all()
    assert not np.array_equal(result.train_acc, result.test_acc)
    assert np.array_equal(hidden_nodes.gaps(result), result.train_acc - result.test_acc)


def test_the_last_accuracies_are_those_of_training_by_hand():
    config, rng = hidden_nodes.Config((12,), epochs=2, learning_rate=0.5), np.random.default_rng(4)
    result = hidden_nodes.run(config, 4, DIGITS)
    network = MultiLayerNet(784, [12], 10, "sigmoid", "sigmoid", rng=rng)
    for _ in range(2):
        seed = rng.integers(2**32)
        for x, t in minibatches(DIGITS.x_train, DIGITS.t_train, 100, rng=seed):
            SGD(0.5).update(network.params, network.gradient(x, t))
    assert result.train_acc.tolist() == [[network.accuracy(DIGITS.x_train, DIGITS.t_train)]]
    assert result.test_acc.tolist() == [[network.accuracy(DIGITS.x_test, DIGITS.t_test)]]


def test_all_sizes_take_the_same_batches_and_their_seconds_add_up(monkeypatch):
    drawn = []

    def train_epoch(network, data, config, seed):
        drawn.append(as_rng(seed).random())
        return len(network.params["b1"])

    monkeypatch.setattr(hidden_nodes, "train_epoch", train_epoch)
    result = hidden_nodes.run(hidden_nodes.Config((10, 20), epochs=3), 0, DIGITS)
    assert result.seconds == [30, 60]
    assert drawn[::2] == drawn[1::2]
    assert len({*drawn}) == 3


def test_settings_are_those_of_the_text_and_claims_and_figure_have_their_numbers():
    sizes = (50, 100, 150, 200, 250, 300)
    assert hidden_nodes.Config() == hidden_nodes.Config(sizes, 50, 100, 0.1)
    train_acc, test_acc = np.array([[0.5, 0.8], [0.6, 0.9]]), np.array([[0.4, 0.6], [0.3, 0.5]])
    result = hidden_nodes.Result((50, 100), [1.0, 2.0], [5, 10], train_acc, test_acc)
    seconds, _, *accuracies, gap = numbers(hidden_nodes, result)
    assert seconds == [1, 2]
    np.testing.assert_array_equal(accuracies, [[0.6, 0.5], [0.8, 0.9]])
    np.testing.assert_allclose(gap, [[0.1, 0.3], [0.2, 0.4]])
    _, accuracy, gap = hidden_nodes.plot(result)["time_and_accuracy"].axes
    for axes, labels, curves in (
        (accuracy, ["training", "test"], [[0.8, 0.9], [0.6, 0.5]]),
        (gap, ["50 nodes", "100 nodes"], [[0.1, 0.2], [0.3, 0.4]]),
    ):
        assert [line.get_label() for line in axes.lines] == labels
        np.testing.assert_allclose([line.get_ydata() for line in axes.lines], curves)


def test_more_nodes_take_more_time():
    few, _, many = three_sizes().seconds
    assert 0 < few < many


def test_the_line_through_times_and_the_distance_from_it():
    nothing = np.zeros((3, 1))
    exact = hidden_nodes.Result((50, 100, 150), [12.0, 22.0, 32.0], [1], nothing, nothing)
    assert np.allclose(hidden_nodes.line(exact), (0.2, 2))
    assert hidden_nodes.distance_from_line(exact) < 1e-12
    bent = replace(exact, seconds=[12.0, 22.0, 38.0])  # the line: 11, 24, 37
    assert np.isclose(hidden_nodes.distance_from_line(bent), 2 / 38)


def test_a_gap_grows_within_some_epochs_on_mnist(mnist):
    few = replace(mnist, x_train=mnist.x_train[:2_000], t_train=mnist.t_train[:2_000])
    config = hidden_nodes.Config((50,), epochs=40, learning_rate=0.5, evaluate_every=4)
    first, *_, last = hidden_nodes.gaps(hidden_nodes.run(config, 0, few))[0]
    assert last > first + 0.02


# What a claim takes to hold

BOUNDS = {
    equal_areas: [
        (294_546.46, [294_546.6, 294_546.3, 377_970.75, NAN]),
        (0.04, [0.05, -0.01, NAN]),
        ((1_000_000, 40), [(1_000, 40), (1_000_000, 0), (NAN, 40), (1_000_000, NAN)]),
        ([0.04, 0.2], [[0.04, 1.5], [2.0, 0.1], [-0.01, 0.1], [NAN, 0.1], [0.1, NAN]]),
        ([2_000, 1_000], [[1_000, 2_000], [1_000, 1_000], [1_000, -1], [NAN, NAN]]),
    ],
    hidden_nodes: [
        ([10.0, 20.0, 30.0], [[10.0, 30.0, 20.0], [10.0, 10.0, 20.0], [NAN, NAN, NAN]]),
        (0.02, [0.06, -0.1, NAN]),
        ([0.96, 0.97], [[0.9, 0.97], [0.97, 0.9], [1.1, 0.97], [NAN, 0.97]]),
        ([0.97, 0.98], [[0.9, 0.98], [0.98, 0.9], [1.1, 0.98], [0.98, NAN]]),
        (
            [[-0.01, 0], [0.01, 0.02]],
            [[[0, 0.03], [0.01, 0.02]], [[-0.02, 0], [-0.01, 0.01]], [[NAN, 0], [NAN, 0.01]]],
        ),
    ],
}


@pytest.mark.parametrize("script", BOUNDS, ids=lambda script: script.__name__)
def test_claims_of_companions_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


FIGURES = {
    equal_areas: (few_moves, {"areas", "energy"}),
    hidden_nodes: (three_sizes, {"time_and_accuracy"}),
}


@pytest.mark.parametrize("script", FIGURES, ids=lambda script: script.__name__)
def test_figures_are_drawn_and_results_stored(script, tmp_path):
    result_of, names = FIGURES[script]
    save_result(result_of(), {}, tmp_path / "result.json")
    figures = script.plot(result_of())
    assert {*figures} == names
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
