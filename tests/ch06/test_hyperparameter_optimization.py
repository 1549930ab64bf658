"""Chapter 6, hyperparameter_optimization.py: its trials, its claims and its figure."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques import hyperparameter_optimization as script
from ch06_techniques.hyperparameter_optimization import SPACE, Config, experiment, rank_correlation
from dlbasics.experiment import judge
from dlbasics.search import LogUniform, SearchResult, Trial
from tests.helpers import few_digits

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), trials=6, epochs=3)


def trained(lr, data, weight_decay=1e-6, seed=0, epochs=50):
    params = {"lr": lr, "weight_decay": weight_decay}
    arrays = (data.x_train[:400], data.t_train[:400], data.x_train[400:500], data.t_train[400:500])
    return script.train(arrays, 100, params, epochs, np.random.default_rng(seed))


def test_the_learning_rate_decides_on_mnist_in_three_trials(mnist):
    good, slow, slowest = (trained(lr, mnist)["score"] for lr in (0.008, 0.001, 1e-5))
    assert good > 0.65
    assert good > slow + 0.2
    assert slowest < 0.25


@pytest.mark.slow
def test_abandoning_hopeless_trials_finds_the_same_best_on_mnist(mnist):
    result = experiment.run(data=mnist, halving=3)
    assert result.best.score >= 0.7
    assert result.best.params["lr"] > 1e-3
    assert [trial.budget for trial in result.trials].count(50) == 3


def test_the_claims_fail_where_nothing_is_learned_or_weight_decay_decides():
    rng = np.random.default_rng(0)
    params = [{name: d.draw(rng) for name, d in SPACE.items()} for _ in range(100)]

    def holds(params, score):
        trials = [Trial(i, 50, drawn, score - 0.001 * i) for i, drawn in enumerate(params)]
        return [verdict.holds for verdict in judge(experiment.claims, SearchResult(tuple(trials)))]

    by_lr, by_decay = (
        sorted(params, key=lambda drawn: drawn[name], reverse=True)
        for name in ("lr", "weight_decay")
    )
    assert holds(params, 0.2) == [False, False, None, False]
    assert holds(by_decay, 0.8) == [True, False, None, False]
    assert holds(by_lr, 0.8) == [True, True, None, True]
    both = [{"lr": drawn["lr"], "weight_decay": drawn["lr"]} for drawn in by_lr]
    assert holds(both, 0.8) == [True, True, None, False]


def test_rank_correlation_by_hand():
    """Ranks 1 2 3 4 against 1.5 1.5 4 3: sums of squares 5, 4.5; of products 3.5 (Spearman)."""
    pairs = [(0.1, 0.5), (0.2, 0.5), (0.3, 0.9), (4.0, 0.8)]
    trials = [Trial(i, 1, {"lr": lr}, score) for i, (lr, score) in enumerate(pairs)]
    found = rank_correlation(SearchResult(tuple(trials)), "lr")
    assert found == pytest.approx(3.5 / np.sqrt(5 * 4.5))
    assert rank_correlation(SearchResult(tuple(trials[:2])), "lr") == 0  # equal scores


def test_settings_are_the_books_and_a_wrong_halving_is_refused():
    assert Config() == Config(100, 50, 500, 100, halving=0)
    assert SPACE == {"weight_decay": LogUniform(1e-8, 1e-4), "lr": LogUniform(1e-6, 1e-2)}
    for halving in (1, -2):
        with pytest.raises(ValueError, match=rf"halving must be .* got {halving}"):
            Config(halving=halving)


def test_trials_are_judged_by_a_fifth_of_the_images(monkeypatch):
    seen = []

    def look(data, batch_size, params, epochs, rng):
        seen.append((data, batch_size, epochs))
        return 0.5

    monkeypatch.setattr(script, "train", look)
    experiment.run(data=few_digits(), trials=2)
    (x_train, t_train, x_val, t_val), batch_size, epochs = seen[0]
    assert (x_train.shape, x_val.shape) == ((400, 784), (100, 784))
    assert (t_train.shape, t_val.shape, batch_size, epochs) == ((400,), (100,), 100, 50)
    both = np.concatenate([x_train, x_val])
    np.testing.assert_array_equal(
        np.sort(both.sum(axis=1)), np.sort(few_digits().x_train[:500].sum(axis=1))
    )
    assert seen[0][0][0] is seen[1][0][0]  # one split for all trials


def test_a_trial_uses_its_hyperparameters():
    """Strong decay shrinks what it learns; a learning rate of almost 0 leaves it at the start."""
    free, decayed = (
        trained(0.01, few_digits(), weight_decay=decay, epochs=15) for decay in (1e-6, 2.0)
    )
    assert decayed["train_acc"][-1] < free["train_acc"][-1] - 0.2
    assert free["score"] == free["val_acc"][-1] != free["train_acc"][-1]
    still, other = (trained(1e-9, few_digits(), seed=seed, epochs=5) for seed in (0, 1))
    assert len(still["val_acc"]) == len(still["train_acc"]) == 5
    assert len({*still["train_acc"]}) == 1
    assert other != still


def test_two_processes_give_the_same_trials(result):
    assert experiment.run(data=few_digits(), trials=6, epochs=3, processes=2) == result
    assert replace(Config(), processes=2) == Config()  # and is judged as such


def test_halving_abandons_trials():
    result = experiment.run(data=few_digits(), trials=4, epochs=2, halving=2)
    assert sorted(trial.budget for trial in result.trials) == [1, 1, 2, 2]


def test_the_figure_shows_the_20_best(result):
    trials = [copy.copy(result.best)] * 21
    trials[7] = Trial(7, 3, {"weight_decay": 1e-5, "lr": 0.5}, float("nan"), "diverged")
    panels = experiment.plot(SearchResult(tuple(trials)))["figure_6_24"].axes
    assert len(panels) == 20
    for line, name in zip(panels[0].lines, ("val_acc", "train_acc"), strict=True):
        np.testing.assert_array_equal(line.get_xydata().T, ([1, 2, 3], result.best.extra[name]))
    panels = experiment.plot(result)["figure_6_24"].axes
    assert [panel.get_visible() for panel in panels] == [True] * 6 + [False] * 14
