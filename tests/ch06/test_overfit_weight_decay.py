"""Chapter 6, overfit_weight_decay.py: its claims, its two networks, and the figures."""

from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques.overfit_weight_decay import Result, claims, experiment
from dlbasics.layers import Dropout
from tests.ch06.helpers import assert_same_start_and_batches, assert_values, curves_of
from tests.helpers import failed, few_digits


@pytest.mark.slow
def test_claims_hold_with_five_other_seeds_on_mnist(mnist):
    assert_claims_hold_with_five_other_seeds(experiment, mnist)


def assert_claims_hold_with_five_other_seeds(experiment, mnist):
    data = replace(mnist, x_test=mnist.x_test[:2_000], t_test=mnist.t_test[:2_000])
    for seed in range(1, 6):
        assert failed(experiment.claims, experiment.run(seed=seed, data=data)) == [], seed


def made_up(learned=1.0, test=0.7, train_with=0.9, test_with=0.7):
    train_acc = {
        "without": [0.5] * 99 + [learned] + [1.0] * 101,
        "with": [0.1] * 50 + [train_with] + [0.0] * 49 + [0.9] * 101,
    }
    test_acc = {"without": test, "with": test_with}
    return Result(
        train_acc,
        {key: [0.0] * 100 + [v + 0.1] * 50 + [v] + [v - 0.1] * 50 for key, v in test_acc.items()},
    )


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, []),
        ({"learned": 0.94}, [0]),
        ({"test": 0.85, "test_with": 0.8}, [1]),
        ({"test_with": 0.59}, [2]),
        ({"train_with": 1.0}, [3]),
    ],
)
def test_each_claim_sees_its_own_difference(change, broken):
    verdicts = failed(claims("decay"), made_up(**change))
    assert [verdict.text for verdict in verdicts] == [claims("decay")[i].text for i in broken]


def test_claims_read_the_second_half_of_the_epochs_and_the_100th():
    assert_values(claims("decay"), made_up(), 1, [1, 0.7], [0.3, 0.2], 0.9)


def test_the_two_networks_differ_in_weight_decay_alone(recorded):
    result, (without, with_it) = recorded(experiment, epochs=4, batch_size=50, learning_rate=0.004)
    assert_same_start_and_batches(without, with_it)
    assert without.regularizer is None
    assert with_it.regularizer.weight_decay_lambda == 0.1
    assert [W.shape for W in without.first.values()] == [(784, 100), *[(100, 100)] * 5, (100, 10)]
    for W in without.first.values():
        assert W.std() == pytest.approx(np.sqrt(2 / len(W)), rel=0.1)

    x, t = few_digits().x_train[:300], few_digits().t_train[:300]
    seen = {image.tobytes() for batch, _ in without.batches for image in batch}
    assert seen <= {image.tobytes() for image in x}
    # 300 draws with replacement from 300 images hold about 300 (1 - 1 / e) of them.
    assert 150 < without.different_images(6) < 230
    assert without.different_images(24) > 270
    assert [batch.shape for batch, _ in without.batches] == [(50, 784)] * 24
    for key, network in (("without", without), ("with", with_it)):
        assert network.layers_of(Dropout) == []
        network.assert_updated_by_sgd(0.004)
        assert len(result.train_acc[key]) == len(result.test_acc[key]) == 4
        assert result.train_acc[key][-1] == network.accuracy(x, t)
        assert result.test_acc[key][-1] == network.accuracy(
            few_digits().x_test, few_digits().t_test
        )


def test_figures_show_the_accuracies():
    assert_figures_show_the_accuracies(experiment)


def assert_figures_show_the_accuracies(experiment):
    A, B = [0.25, 0.5], [0.75, 1.0]
    result = Result({"without": A, "with": B}, {"without": B[::-1], "with": A[::-1]})
    panels = [axes for figure in experiment.plot(result).values() for axes in figure.axes]
    for axes, key in zip(panels, ("without", "with"), strict=True):
        train_acc, test_acc = result.train_acc[key], result.test_acc[key]
        assert curves_of(axes) == {"training": [[1, 2], train_acc], "test": [[1, 2], test_acc]}
