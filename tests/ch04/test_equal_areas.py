from itertools import product

import numpy as np
import pytest

from ch04_training import equal_areas
from ch04_training.equal_areas import RULES


@pytest.fixture(scope="module")
def result():
    return equal_areas.experiment.run(goal=5.0, tries=100_000, single_tries=2_000, starts=2)


def one_rule(result, rule):
    """Return all searches by one rule."""
    return [result.several[rule], *result.single[rule]]


def test_the_areas_are_those_of_46_prefectures_and_add_up_to_the_published_total():
    assert len(equal_areas.AREAS) == 46
    assert "Hokkaido" not in equal_areas.AREAS
    assert abs(sum(equal_areas.AREAS.values()) - 294_546.40) < 1e-6
    assert min(equal_areas.AREAS, key=equal_areas.AREAS.get) == "Kagawa"
    assert max(equal_areas.AREAS, key=equal_areas.AREAS.get) == "Iwate"


def test_the_other_copy_of_the_table_limits_the_energy():
    """The smallest E is 0 or 0.02, by the remainder of the sum of integers divided by four."""
    remainders = [
        round(100 * sum(areas.values())) % 4
        for areas in (equal_areas.AREAS, equal_areas.OTHER_AREAS)
    ]
    assert remainders == [0, 2]


def test_the_last_energy_is_that_of_the_groups_by_its_definition(result):
    areas = np.array([*equal_areas.AREAS.values()])
    for search in one_rule(result, "falling") + one_rule(result, "annealing"):
        sums = np.array([areas[search.group == i].sum() for i in range(4)])
        assert np.allclose(equal_areas.sums(search), sums)
        assert abs(np.abs(areas.sum() / 4 - sums).sum() - search.energy[-1]) < 1e-6
        assert search.tries == sorted(search.tries)
        assert search.tries[0] == 0
        assert search.tries[-1] <= search.tried
        assert equal_areas.lowest(search) == min(search.energy)


def test_without_a_temperature_the_energy_only_falls(result):
    assert all((np.diff(search.energy) < 0).all() for search in one_rule(result, "falling"))
    assert all((np.diff(search.energy) > 0).any() for search in one_rule(result, "annealing"))


def test_a_search_ends_at_its_goal_or_when_all_moves_are_tried(result):
    falling = result.several["falling"]
    assert falling.energy[-2] > 5 >= falling.energy[-1]
    assert falling.tried < 100_000
    assert {search.tried for search in result.single["falling"]} == {2_000}
    assert result.several["annealing"].tried <= falling.tried
    start = np.zeros(46, int)
    nothing = equal_areas.search(start, equal_areas.single, 3, 0.04, np.random.default_rng(0))
    assert nothing.tried == 3


def test_energies_after_moves_are_those_of_the_groups_after_the_exchange():
    rng = np.random.default_rng(1)
    group = rng.integers(4, size=46)
    taken = equal_areas.several(rng, 40)
    one = rng.integers(4, size=40)
    other = (one + rng.integers(1, 4, size=40)) % 4
    after = equal_areas.energies_after(group, taken, one, other)
    for i in range(40):
        moved = equal_areas.exchanged(group, taken[i], one[i], other[i])
        assert after[i] == equal_areas.energy(equal_areas.excess_of(moved))
        changed = moved != group
        assert changed.any()
        assert (taken[i][changed] == 1).all()
        assert {*group[changed], *moved[changed]} == {one[i], other[i]}


def energies_of_neighbours(group):
    """Return E in km² after each move of one prefecture to another group."""
    energies = []
    for i, to in product(range(46), range(4)):
        moved = group.copy()
        moved[i] = to
        if to != group[i]:
            energies.append(equal_areas.energy(equal_areas.excess_of(moved)))
    return np.array(energies)


def test_moves_of_one_prefecture_leave_a_search_where_no_move_is_better(result):
    # Of the 46 * 12 moves, 2,000 random ones find nearly all that are better.
    for search in result.single["falling"]:
        assert np.sum(energies_of_neighbours(search.group) < search.energy[-1]) <= 2


def test_annealing_keeps_a_move_that_rises_with_the_probability_of_its_temperature(result):
    """The search starts where every move of one prefecture raises E, at a constant temperature."""
    rng, count, temperature = np.random.default_rng(0), 2_000, 3_000.0
    start = result.single["falling"][0].group
    rise = energies_of_neighbours(start) - equal_areas.energy(equal_areas.excess_of(start))
    # Each of the two orders of two groups has the chance 1/12.  In half of the moves the prefecture
    # is in neither group, so that E stays the same, and the move is kept.
    expected = np.exp(-np.maximum(rise, 0) / temperature).sum() / 46 / 6 + 1 / 2
    temperatures = (temperature, temperature)
    kept = 0
    for _ in range(count):
        search = equal_areas.search(start, equal_areas.single, 1, 0.0, rng, temperatures)
        kept += len(search.tries) > 1
    assert abs(kept / count - expected) < 0.04


def test_each_several_moves_half_of_the_prefectures_and_single_one():
    rng = np.random.default_rng(0)
    assert abs(equal_areas.several(rng, 2_000).mean(axis=0) - 0.5).max() < 0.06
    taken = equal_areas.single(rng, 2_000)
    assert (taken.sum(axis=1) == 1).all()
    assert (taken.sum(axis=0) > 0).all()


def test_the_search_is_that_of_the_readmes_numbers(result):
    """The quick twin of test_claims_hold_and_our_numbers_in_the_readme_are_those_of_a_run."""
    falling = result.several["falling"]
    assert (falling.tried, len(falling.tries)) == (57_724, 31)


def test_figures_show_the_energies_of_all_searches_and_the_four_areas(result):
    figures = equal_areas.plot(result)
    several, single = figures["energy"].axes
    energies = {line.get_label(): [*line.get_ydata()] for line in several.lines}
    for rule, label in RULES.items():
        found = result.several[rule].energy
        assert energies[label] == [*found, found[-1]]
    *curves, goal = single.lines
    assert [*goal.get_ydata()] == [0.04, 0.04]
    lowest = [line.get_ydata()[-1] for line in curves]
    searches = result.single["annealing"] + result.single["falling"]
    assert lowest == [equal_areas.lowest(search) for search in searches]
    (axes,) = figures["areas"].axes
    areas = equal_areas.sums(result.several["falling"])
    heights = [bar.get_height() for bar in axes.patches]
    assert np.allclose(heights, areas - areas.mean(), atol=1e-6)
    labels = [label.get_text().split("\n")[1] for label in axes.get_xticklabels()]
    assert labels == [f"{area:,.2f} km²" for area in areas]
    assert f"E = {np.abs(heights).sum():.2f} km²" in axes.get_title()


def test_a_temperature_falls_from_the_first_to_the_second(result):
    """A hot search keeps all moves, and a cold one hardly any that raises E."""
    start = result.single["falling"][0].group

    def kept(*temperatures):
        rng, moves = np.random.default_rng(0), equal_areas.single
        return equal_areas.search(start, moves, 400, 0.0, rng, temperatures).tries

    falling, rising = kept(1e9, 1e-9), kept(1e-9, 1e9)
    assert sum(tried <= 100 for tried in falling) > 90
    assert sum(tried > 300 for tried in rising) > 60
    assert sum(tried > 300 for tried in falling) < sum(tried > 300 for tried in rising)
