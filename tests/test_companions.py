"""The scripts that do what companion texts of the book do: their claims, and what they compute."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ch04_training import equal_areas
from ch05_backprop import central_differences, without_biases
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result
from dlbasics.gradient import numerical_gradient
from dlbasics.layers import Affine, Sigmoid
from dlbasics.network import Network
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


# The network without biases


@cache
def without():
    config = without_biases.Config(hidden_size=8, iters_num=50, networks=2)
    return without_biases.run(config, 0, DIGITS)


def matrices(rng):
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 4))


def test_the_matrix_formulas_are_the_gradient_of_the_mean_cross_entropy():
    rng = np.random.default_rng(0)
    W1, W2 = matrices(rng)
    x, t = rng.standard_normal((7, 5)), np.eye(4)[rng.integers(4, size=7)]

    def loss(_):
        y1, y2 = without_biases.predict(x, W1, W2)
        assert y1.shape == (7, 3)
        return -np.log(y2[t == 1]).mean()

    for formula, W in zip(without_biases.gradients(x, t, W1, W2), (W1, W2), strict=True):
        assert np.allclose(formula, numerical_gradient(loss, W), atol=1e-8)


def test_the_matrix_formulas_equal_the_layers_to_rounding_and_a_wrong_one_does_not(monkeypatch):
    assert without().gradient_difference < 1e-14
    assert without().largest_gradient > 1e-3
    right = without_biases.gradients
    arrays = [
        np.arange(45).reshape(9, 5) / 45,
        DIGITS.t_train[:9] % 4,
        *matrices(np.random.default_rng(1)),
    ]
    monkeypatch.setattr(without_biases, "one_hot", lambda t: np.eye(4)[t])
    assert without_biases.compare(*arrays)[0] < 1e-14
    monkeypatch.setattr(
        without_biases, "gradients", lambda *args: (right(*args)[0] - 1e-3, right(*args)[1])
    )
    assert abs(without_biases.compare(*arrays)[0] - 1e-3) < 1e-12


def test_the_network_with_biases_has_weights_of_its_own():
    W1, W2 = matrices(np.random.default_rng(0))
    params = without_biases.network_with_biases(W1, W2).params
    for key, W in (("W1", W1), ("W2", W2)):
        assert np.array_equal(params[key], W)
        assert not np.shares_memory(params[key], W)
    assert params["b1"].tolist() == [0] * 3
    assert params["b2"].tolist() == [0] * 4


def test_both_networks_start_alike_and_learn():
    accuracies = without().test_acc
    assert without().epochs == [0, 1, 2, 2.5]
    for kind in ("without", "with"):
        assert accuracies[kind].shape == (2, 4)
        assert (accuracies[kind][:, -1] > accuracies[kind][:, 0] + 0.1).all()
    assert np.array_equal(accuracies["without"][:, 0], accuracies["with"][:, 0])
    assert not np.array_equal(accuracies["without"], accuracies["with"])
    assert not np.array_equal(accuracies["with"][0], accuracies["with"][1])


def test_matrices_and_layers_without_biases_are_trained_alike(monkeypatch):
    def layers_without_biases(W1, W2):
        return Network([Affine(W1.copy(), None), Sigmoid(), Affine(W2.copy(), None)])

    monkeypatch.setattr(without_biases, "network_with_biases", layers_without_biases)
    config = without_biases.Config(8, iters_num=60, learning_rate=0.5, networks=1)
    result = without_biases.run(config, 0, DIGITS)
    assert np.abs(result.test_acc["with"] - result.test_acc["without"]).max() <= 0.002


def test_accuracies_of_both_kinds_are_those_on_the_test_images():
    rng = np.random.default_rng(0)
    W1, W2 = rng.standard_normal((784, 5)), rng.standard_normal((5, 10))
    network = without_biases.network_with_biases(W1, W2)
    network.params["b2"][:] = np.arange(10)
    one = Network([Affine(W1, None), Sigmoid(), Affine(W2, None)])
    expected = [each.accuracy(DIGITS.x_test, DIGITS.t_test) for each in (one, network)]
    assert [*without_biases.accuracies_of(W1, W2, network, DIGITS)] == expected
    assert expected[0] != expected[1]
    assert expected[0] != one.accuracy(DIGITS.x_train, DIGITS.t_train)


def test_claims_and_figure_tell_what_the_missing_biases_cost():
    accuracies = {"without": [[0.125, 0.5], [0.25, 0.5]], "with": [[0.125, 0.75], [0.25, 0.375]]}
    test_acc = {kind: np.array(rows) for kind, rows in accuracies.items()}
    result = without_biases.Result(1e-17, 0.25, [0, 1], test_acc)
    difference, both, costs = numbers(without_biases, result)
    assert difference == [1e-17, 0.25]
    assert both == [0.5, 0.5625]
    assert costs.tolist() == [0.25, -0.125]
    accuracy, cost = without_biases.plot(result)["accuracy"].axes
    assert labelled(accuracy) == {
        "with biases": [0.1875, 0.5625],
        "without biases": [0.1875, 0.5],
    }
    assert [line.get_ydata().tolist() for line in cost.lines[:2]] == [[0, 25], [0, -12.5]]


def test_missing_biases_cost_little_on_mnist(mnist):
    config = without_biases.Config(iters_num=1_500, networks=1)
    result = without_biases.run(config, np.random.default_rng(0), mnist)
    without_them, with_them = result.test_acc["without"][0, -1], result.test_acc["with"][0, -1]
    assert 0.88 < without_them < 0.95
    assert abs(with_them - without_them) < 0.01
    assert [verdict.text for verdict in failed(without_biases, result)] in (
        [],
        [without_biases.CLAIMS[1].text],
    )


@pytest.mark.slow
def test_every_claim_without_biases_holds_on_mnist(mnist):
    result = without_biases.run(without_biases.Config(), np.random.default_rng(0), mnist)
    assert failed(without_biases, result) == []


# Backpropagation against central differences

FEW = central_differences.Config(hidden_size=2, epochs=2, batch_size=200, budget=0.6)


@cache
def against_differences():
    return central_differences.run(FEW, 0, DIGITS)


def small_network(seed=0):
    return MultiLayerNet(784, [2], 10, "sigmoid", "sigmoid", rng=seed, dtype=np.float64)


def few_batches(count):
    batches = central_differences.all_batches(DIGITS, FEW, 5)
    return iter([next(batches) for _ in range(count)])


def test_differences_go_the_way_of_backpropagation():
    for found in against_differences().differences.values():
        count = len(found.param_difference)
        assert 1 <= count <= 20
        assert {len(losses) for losses in found.losses.values()} == {count}
        assert 0 < max(found.param_difference) < 1e-4
        assert central_differences.largest_loss_difference(found) < 1e-5


@pytest.mark.parametrize("kind, plain", [("plain loop", True), ("by columns", False)])
def test_differences_are_taken_with_dx_plainly_or_by_columns(kind, plain, monkeypatch):
    assert central_differences.KINDS[kind] is plain
    asked = []
    take = Network.numerical_gradient

    def numerical_gradient(network, x, t, **options):
        asked.append(options)
        return take(network, x, t, **options)

    monkeypatch.setattr(Network, "numerical_gradient", numerical_gradient)
    config, network = replace(FEW, dx=1.0, budget=60.0), small_network()
    found = central_differences.train_both(network, config, plain, few_batches(2), iter)
    assert asked == [{"plain": plain, "h": 1.0}] * 2

    one, other = small_network(), small_network()
    x, t = next(few_batches(1))
    assert found.losses["differences"][0] == found.losses["backprop"][0] == network.loss(x, t)
    optimizer = SGD(config.learning_rate)
    optimizer.update(one.params, take(one, x, t, h=1.0))
    optimizer.update(other.params, other.gradient(x, t))
    expected = max(np.abs(one.params[key] - other.params[key]).max() for key in one.params)
    assert np.isclose(found.param_difference[0], expected, rtol=1e-6)
    assert expected > 1e-5
    assert found.losses["differences"][1] != found.losses["backprop"][1]


def test_backpropagation_beside_differences_is_gradient_descent():
    found = central_differences.train_both(
        small_network(), central_differences.Config(learning_rate=0.5), False, few_batches(3), iter
    )
    network, losses = small_network(), []
    for x, t in few_batches(3):
        losses.append(network.loss(x, t))
        for key, grad in network.gradient(x, t).items():
            network.params[key] -= 0.5 * grad
    assert np.allclose(found.losses["backprop"], losses, atol=1e-12)


def test_differences_end_with_the_budget_after_one_iteration_at_least():
    config = central_differences.Config(budget=1e-9)
    found = central_differences.train_both(small_network(), config, False, few_batches(3), iter)
    assert len(found.param_difference) == 1
    assert found.seconds > 1e-9


def test_seconds_are_those_of_iterations_and_each_kind_has_its_part_of_the_budget(monkeypatch):
    """With a clock by which differences take 3 seconds, and backpropagation one."""

    def step(network, gradient, config, x, t):
        return 1.0 if gradient == network.gradient else 3.0

    monkeypatch.setattr(central_differences, "timed_step", step)
    result = central_differences.run(replace(FEW, budget=14.0), 0, DIGITS)
    assert result.backprop.seconds == result.backprop.iterations == 20
    for found in result.differences.values():
        assert len(found.param_difference) == 3
        assert found.seconds == 9


def test_all_trainings_start_alike_and_see_the_same_batches(monkeypatch):
    seeds, all_batches = [], central_differences.all_batches

    def watched(data, config, seed):
        seeds.append(seed)
        return all_batches(data, config, seed)

    monkeypatch.setattr(central_differences, "all_batches", watched)
    result = central_differences.run(replace(FEW, budget=1e-9), 0, DIGITS)
    assert len(seeds) == 3
    assert len({*seeds}) == 1
    first = [losses[0] for kind in result.differences.values() for losses in kind.losses.values()]
    assert len(first) == 4
    assert len({*first}) == 1


def test_each_epoch_has_every_image_once_in_an_order_of_its_own():
    batches = [*central_differences.all_batches(DIGITS, FEW, 5)]
    assert len(batches) == against_differences().backprop.iterations == 20
    first, second = (np.concatenate([x for x, _ in part]) for part in (batches[:10], batches[10:]))
    assert first.dtype == np.float64
    assert not np.array_equal(first, second)
    for images in (first, second):
        assert np.array_equal(
            np.sort(images.sum(axis=1)), np.sort(DIGITS.x_train.sum(axis=1, dtype=float))
        )


def test_the_whole_training_is_by_backpropagation():
    backprop = against_differences().backprop
    assert len(backprop.train_acc) == len(backprop.test_acc) == 3
    assert 0 < backprop.seconds < 5

    config, network = replace(FEW, learning_rate=2.0), small_network()
    before = central_differences.accuracies_of(network, DIGITS)
    trained = central_differences.train(network, config, DIGITS, 5, iter)
    assert (trained.train_acc[0], trained.test_acc[0]) == before
    assert central_differences.accuracies_of(network, DIGITS) == before, "the start was changed"
    for x, t in few_batches(20):
        SGD(2.0).update(network.params, network.gradient(x, t))
    after = central_differences.accuracies_of(network, DIGITS)
    assert (trained.train_acc[-1], trained.test_acc[-1]) == after != before


def test_claims_and_figures_of_central_differences_tell_what_was_found():
    losses = {"differences": [2.0, 1.25], "backprop": [2.0, 1.5]}
    slow = central_differences.Differences(30.0, losses, [1e-6] * 10)
    fast = central_differences.Differences(30.0, losses, [1e-6] * 99 + [2e-6])
    backprop = central_differences.Backprop(9_600, 3.0, [0.125, 0.75], [0.25, 0.5])
    result = central_differences.Result(backprop, {"plain loop": slow, "by columns": fast})
    assert numbers(central_differences, result) == [
        0.5,
        3.0,
        28_800,  # 30 seconds / 10 iterations * 9,600
        9_600,
        [2_880, 960],
        [10, 100],
        [2e-6, 0.25],
    ]
    figures = central_differences.plot(result)
    accuracies = labelled(figures["accuracy"].axes[0])
    assert accuracies == {"training": [0.125, 0.75], "test": [0.25, 0.5]}
    loss, difference = map(labelled, figures["both"].axes)
    assert loss == {
        "backpropagation": losses["backprop"],
        "central differences by columns": losses["differences"],
    }
    assert difference == {
        "by columns": fast.param_difference,
        "plain loop": slow.param_difference,
    }


@pytest.mark.slow
def test_every_claim_on_central_differences_holds_on_mnist(mnist):
    result = central_differences.run(central_differences.Config(), np.random.default_rng(0), mnist)
    assert failed(central_differences, result) == []


# What a claim takes to hold

BOUNDS = {
    equal_areas: [
        (294_546.46, [294_546.6, 294_546.3, 377_970.75, NAN]),
        (0.04, [0.05, -0.01, NAN]),
        ((1_000_000, 40), [(1_000, 40), (1_000_000, 0), (NAN, 40), (1_000_000, NAN)]),
        ([0.04, 0.2], [[0.04, 1.5], [2.0, 0.1], [-0.01, 0.1], [NAN, 0.1], [0.1, NAN]]),
        ([2_000, 1_000], [[1_000, 2_000], [1_000, 1_000], [1_000, -1], [NAN, NAN]]),
    ],
    without_biases: [
        ([1e-17, 0.02], [[1e-5, 0.02], [1e-17, 1e-6], [-1, 0.02], [NAN, 0.02], [1e-17, NAN]]),
        ([0.948, 0.948], [[0.9, 0.948], [0.948, 0.9], [1.5, 0.948], [NAN, 0.9], [0.948, NAN]]),
        (np.array([0.001, -0.001]), [[0.02, 0], [0, -0.02], [], [NAN, 0]]),
    ],
    central_differences: [
        (0.92, [0.8, 1.1, NAN]),
        (2.0, [0, 100, NAN]),
        (10_000, [10, np.inf, NAN]),
        (5_000, [1, np.inf, NAN]),
        ([1_000, 500], [[30_000, 500], [1_000, 1], [1_000, 2_000], [NAN, 500], [1_000, NAN]]),
        ([20, 200], [[0, 200], [200, 20], [20, 20], [NAN, NAN]]),
        ([1e-5, 1e-6], [[1e-2, 1e-6], [1e-5, 1e-2], [0, 1e-6], [1e-5, 0], [NAN, 1e-6]]),
    ],
}


@pytest.mark.parametrize("script", BOUNDS, ids=lambda script: script.__name__)
def test_claims_of_companions_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


FIGURES = {
    equal_areas: (few_moves, {"areas", "energy"}),
    without_biases: (without, {"accuracy"}),
    central_differences: (against_differences, {"accuracy", "both"}),
}


@pytest.mark.parametrize("script", FIGURES, ids=lambda script: script.__name__)
def test_figures_are_drawn_and_results_stored(script, tmp_path):
    result_of, names = FIGURES[script]
    save_result(result_of(), {}, tmp_path / "result.json")
    figures = script.plot(result_of())
    assert {*figures} == names
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
