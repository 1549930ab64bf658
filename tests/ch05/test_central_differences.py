from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ch05_backprop import central_differences
from ch05_backprop.central_differences import Backprop, Config, Differences, Result, experiment
from dlbasics.network import Network
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from tests.ch05.helpers import curves
from tests.helpers import few_digits

FEW = Config(hidden_size=1, epochs=2, batch_size=20)


def digits():
    """Return digits of which an epoch takes 10 iterations."""
    data = few_digits()
    return replace(data, x_train=data.x_train[:200], t_train=data.t_train[:200])


def small_network():
    return MultiLayerNet(784, [1], 10, "sigmoid", "sigmoid", rng=0, dtype=np.float64)


def few_batches(count):
    batches = central_differences.all_batches(digits(), FEW, 5)
    return iter([next(batches) for _ in range(count)])


@pytest.fixture(scope="module")
def run():
    """A result, and the seeds of all batches.

    By the clock of this run a step takes 3 seconds with central differences, and 1 second with
    backpropagation.
    """
    seeds = []
    all_batches, timed_step = central_differences.all_batches, central_differences.timed_step

    def step(network, gradient, config, x, t):
        timed_step(network, gradient, config, x, t)
        return 1.0 if gradient == network.gradient else 3.0

    def batches(data, config, seed):
        seeds.append(seed)
        return all_batches(data, config, seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(central_differences, "timed_step", step)
        patch.setattr(central_differences, "all_batches", batches)
        settings = {"hidden_size": 1, "epochs": 2, "batch_size": 20, "budget": 10.0}
        return experiment.run(data=digits(), **settings), seeds


def test_claims_and_figures_show_what_was_found():
    losses = {"differences": [2.0, 1.25], "backprop": [2.0, 1.5]}
    slow = Differences(30.0, losses, [1e-6] * 10)
    fast = Differences(30.0, losses, [1e-6] * 99 + [2e-6])
    backprop = Backprop(9_600, 3.0, [0.125, 0.75], [0.25, 0.5])
    errors = {"W1": 1e-5, "b1": 2e-5}
    result = Result(errors, backprop, {"plain loop": slow, "by columns": fast})
    assert [claim.value(result) for claim in experiment.claims] == [
        0.5,
        [1e-5, 2e-5],
        3.0,
        28_800,  # 30 seconds / 10 iterations * 9,600
        9_600,
        [2_880, 960],
        [10, 100],
        [2e-6, 0.25],
    ]
    figures = experiment.plot(result)
    (accuracy,) = figures["accuracy"].axes
    assert curves(accuracy) == {"training: 0.75": [0.75], "test: 0.5": [0.5]}
    assert [[*line.get_xdata()] for line in accuracy.lines] == [[1], [1]]
    assert accuracy.get_ylabel() == "accuracy (before training: 0.25)"
    loss, difference = map(curves, figures["both"].axes)
    assert loss == {
        "backpropagation": losses["backprop"],
        "central differences by columns": losses["differences"],
    }
    assert difference == {
        "by columns": fast.param_difference,
        "plain loop": slow.param_difference,
    }


def test_each_kind_gets_half_of_the_budget_and_leads_where_backpropagation_leads(run):
    result, _ = run
    assert result.backprop.seconds == result.backprop.iterations == 20
    for found in result.differences.values():
        assert found.seconds == 6
        assert {len(losses) for losses in found.losses.values()} == {2}
        assert len(found.param_difference) == 2
        assert 0 < max(found.param_difference) < 1e-4
        assert central_differences.largest_loss_difference(found) < 1e-5


def test_all_trainings_start_alike_and_see_the_same_batches(run):
    result, (seed, *seeds) = run
    assert seeds == [seed] * 3  # the last one compares the gradients
    first = [losses[0] for kind in result.differences.values() for losses in kind.losses.values()]
    assert first == [first[0]] * 4


@pytest.mark.parametrize("kind, plain", [("plain loop", True), ("by columns", False)])
def test_differences_are_taken_with_dx_plainly_or_by_columns(kind, plain, monkeypatch):
    assert central_differences.KINDS[kind] is plain
    asked = []
    take = Network.numerical_gradient

    def numerical_gradient(network, x, t, **options):
        asked.append(options)
        return take(network, x, t, **options)

    monkeypatch.setattr(Network, "numerical_gradient", numerical_gradient)
    config, network = replace(FEW, dx=1.0), small_network()
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
    config = Config(learning_rate=0.5)
    found = central_differences.train_both(small_network(), config, False, few_batches(3), iter)
    brief = replace(config, budget=1e-9)
    least = central_differences.train_both(small_network(), brief, False, few_batches(3), iter)
    assert len(least.param_difference) == 1
    network, losses = small_network(), []
    for x, t in few_batches(3):
        losses.append(network.loss(x, t))
        for key, grad in network.gradient(x, t).items():
            network.params[key] -= 0.5 * grad
    assert np.allclose(found.losses["backprop"], losses, atol=1e-12)


def test_each_epoch_has_every_image_once_in_an_order_of_its_own():
    batches, data = [*central_differences.all_batches(digits(), FEW, 5)], digits()
    assert len(batches) == 20
    first, second = (np.concatenate([x for x, _ in part]) for part in (batches[:10], batches[10:]))
    assert first.dtype == np.float64
    assert not np.array_equal(first, second)
    for images in (first, second):
        sums = images.sum(axis=1), data.x_train.sum(axis=1, dtype=float)
        np.testing.assert_array_equal(*map(np.sort, sums))


def test_the_whole_training_is_by_backpropagation():
    config, network, data = replace(FEW, learning_rate=2.0), small_network(), digits()
    before = central_differences.accuracies_of(network, data)
    trained = central_differences.train(network, config, data, 5, iter)
    assert len(trained.train_acc) == len(trained.test_acc) == 3
    assert (trained.train_acc[0], trained.test_acc[0]) == before
    assert central_differences.accuracies_of(network, data) == before, "the start was changed"
    for x, t in few_batches(20):
        SGD(2.0).update(network.params, network.gradient(x, t))
    after = central_differences.accuracies_of(network, data)
    assert (trained.train_acc[-1], trained.test_acc[-1]) == after != before


def test_an_epoch_in_which_one_image_would_be_left_over():
    trained = central_differences.train(
        small_network(), replace(FEW, epochs=1, batch_size=199), digits(), 5, iter
    )
    assert (trained.iterations, len(trained.train_acc)) == (1, 2)


def test_the_seconds_of_a_step_are_those_of_the_clock(monkeypatch):
    clock = SimpleNamespace(perf_counter=iter([10.0, 12.5]).__next__)
    monkeypatch.setattr(central_differences, "time", clock)
    network, batch = small_network(), next(few_batches(1))
    assert central_differences.timed_step(network, network.gradient, FEW, *batch) == 2.5


def test_the_relative_error_is_that_of_each_parameters_gradient():
    network, (x, t) = small_network(), next(few_batches(1))
    config = replace(FEW, dx=0.5)
    found = central_differences.relative_errors(network, config, x, t)
    grads, numerical = network.gradient(x, t), network.numerical_gradient(x, t, h=0.5)
    for key, grad in grads.items():
        difference = np.sqrt(((numerical[key] - grad) ** 2).sum() / (grad**2).sum())
        assert found[key] == pytest.approx(difference)
        assert found[key] > 1e-4
