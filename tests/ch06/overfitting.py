"""The tests that overfit_weight_decay.py and overfit_dropout.py share."""

from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques.overfit_weight_decay import Config, Result, gap
from dlbasics.layers import Dropout
from tests.ch06.helpers import (
    assert_no_claim_always_holds,
    assert_same_start_and_batches,
    assert_seed_decides,
    assert_values,
    curves_of,
)
from tests.helpers import failed, few_digits

A, B = [0.25, 0.5], [0.75, 1.0]


def first_images(data, count):
    return replace(data, x_test=data.x_test[:count], t_test=data.t_test[:count])


class Overfitting:
    """Tests of the experiment of a subclass, which names its figures, too."""

    experiment = None
    figures = ()

    @pytest.mark.long
    def test_every_claim_holds_on_mnist_in_120_epochs(self, mnist):
        result = self.experiment.run(data=first_images(mnist, 300), epochs=120)
        assert failed(self.experiment.claims, result) == []

    @pytest.mark.slow
    def test_every_claim_holds_on_mnist(self, mnist):
        assert failed(self.experiment.claims, self.experiment.run(data=mnist)) == []

    @pytest.mark.slow
    def test_the_gap_is_smaller_on_average_with_five_other_seeds_on_mnist(self, mnist):
        data = first_images(mnist, 2_000)
        results = [self.experiment.run(seed=seed, data=data) for seed in range(1, 6)]
        gaps = np.array([[gap(r, key) for key in ("without", "with")] for r in results])
        print(gaps.round(3).tolist(), gaps.mean(axis=0))
        assert gaps[:, 1].mean() < gaps[:, 0].mean() - 0.015
        texts = {verdict.text for r in results for verdict in failed(self.experiment.claims, r)}
        assert texts <= {self.experiment.claims[2].text}

    def test_each_claim_sees_its_own_difference(self):
        def result(learned=1.0, test=0.7, train_with=0.9, test_with=0.7):
            train_acc = {
                "without": [0.5] * 99 + [learned] + [0.0] * 81 + [1.0] * 20,
                "with": [0.1] * 150 + [train_with] + [0.0] * 30 + [0.9] * 20,
            }
            test_acc = {"without": test, "with": test_with}
            return Result(train_acc, {key: [0.0] * 181 + [v] * 20 for key, v in test_acc.items()})

        claims = self.experiment.claims
        assert failed(claims, result()) == []
        for claim, change in zip(
            claims,
            (
                {"learned": 0.94},
                {"test": 0.85, "test_with": 0.8},
                {"test_with": 0.59},
                {"train_with": 1.0},
            ),
            strict=True,
        ):
            assert [v.text for v in failed(claims, result(**change))] == [claim.text]
        assert_values(claims, result(), 1, [1, 0.7], [0.3, 0.2], 0.9)
        assert_no_claim_always_holds(claims, result())

    @pytest.fixture
    def pair(self, recorded):
        return recorded(self.experiment, epochs=4)

    def test_both_networks_start_alike_and_see_the_same_300_images(self, pair):
        result, (without, with_it) = pair
        assert_same_start_and_batches(without, with_it)
        assert [W.shape for W in without.first.values()] == [
            (784, 100),
            *[(100, 100)] * 5,
            (100, 10),
        ]
        for W in without.first.values():
            assert W.std() == pytest.approx(np.sqrt(2 / len(W)), rel=0.1)
        assert without.regularizer is None
        assert without.layers_of(Dropout) == []

        x, t = few_digits().x_train[:300], few_digits().t_train[:300]
        seen = {image.tobytes() for batch, _ in without.batches for image in batch}
        assert seen <= {image.tobytes() for image in x}
        # 300 draws with replacement from 300 images hold about 300 (1 - 1 / e) of them.
        assert 150 < without.different_images(3) < 230
        assert without.different_images(12) > 270
        assert [batch.shape for batch, _ in without.batches] == [(100, 784)] * 12
        for key, network in (("without", without), ("with", with_it)):
            assert len(result.train_acc[key]) == len(result.test_acc[key]) == 4
            assert result.train_acc[key][-1] == network.accuracy(x, t)
            assert result.test_acc[key][-1] == network.accuracy(
                few_digits().x_test, few_digits().t_test
            )

    @pytest.mark.parametrize("lr", [1e-3, Config().learning_rate])
    def test_updates_are_those_of_sgd_with_the_learning_rate(self, lr, recorded):
        settings = {"train_size": 200, "batch_size": 50, "epochs": 2, "learning_rate": lr}
        _, networks = recorded(self.experiment, **settings)
        for network in networks:
            assert [len(x) for x, _ in network.batches] == [50] * 4 * 2
            network.assert_updated_by_sgd(lr)

    def test_seed_decides(self):
        assert_seed_decides(self.experiment, epochs=2)

    def test_figures_show_the_accuracies(self):
        result = Result({"without": A, "with": B}, {"without": B[::-1], "with": A[::-1]})
        figures = self.experiment.plot(result)
        assert tuple(figures) == self.figures
        without, with_it = (axes for figure in figures.values() for axes in figure.axes)
        assert curves_of(without) == {"training": [[1, 2], A], "test": [[1, 2], B[::-1]]}
        assert curves_of(with_it) == {"training": [[1, 2], B], "test": [[1, 2], A[::-1]]}
        assert without.get_title().startswith("without ")
        assert with_it.get_title().startswith("with ")
        assert with_it.get_ylim() == without.get_ylim() == (0, 1.03)
