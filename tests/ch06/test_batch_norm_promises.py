"""Chapter 6, batch_norm_promises.py: learning rates and overfitting."""

import numpy as np

from ch06_techniques import batch_norm_promises
from ch06_techniques.batch_norm_promises import Result, experiment, gap, highest_rate
from tests.ch06.helpers import (
    Recorded,
    assert_same_start_and_batches,
    wrong_values_that_hold,
)
from tests.helpers import few_digits

CURVES = {"neither": [0.0, 0.9, 0.8, 1.0, 0.9, 0.9]}
RESULT = Result(
    rates=np.array([0.01, 0.1, 1]),
    without_norm=[0.95, 0.92, 0.1],
    with_norm=[0.1, 0.95, 0.91],
    epochs=[1, 2, 3, 4, 5, 6],
    train_acc=CURVES,
    test_acc={"neither": [0.0, 0.5, 0.5, 0.5, 0.5, 0.5]},
)


def test_the_highest_rate_that_learns_and_the_gap():
    assert highest_rate(RESULT, RESULT.without_norm) == 0.1
    assert highest_rate(RESULT, RESULT.with_norm) == 1
    assert highest_rate(RESULT, [0.1, 0.2, 0.3]) == 0
    np.testing.assert_allclose(gap(RESULT, "neither"), 0.4)


def test_networks_differ_in_batch_normalization_and_dropout_alone(monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append(Recorded(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(batch_norm_promises, "MultiLayerNet", make)
    settings = {"rates": 2, "rate_epochs": 1, "epochs": 4, "evaluate_every": 2}
    result = batch_norm_promises.experiment.run(data=few_digits(), **settings)
    assert result.rates.tolist() == [0.01, 10]
    assert len(made) == 2 * 2 + 4
    for one, other in ((0, 1), (2, 3), (4, 5), (4, 6), (4, 7)):
        assert_same_start_and_batches(made[one], made[other])
    kinds = [{layer.kind for layer in network.layers.values()} for network in made]
    assert ["BatchNorm" in kind for kind in kinds] == [False, True] * 2 + [False, True, False, True]
    assert ["Dropout" in kind for kind in kinds] == [False] * 6 + [True] * 2
    assert result.epochs == [2, 4]
    assert all(len(curve) == 2 for curve in result.test_acc.values())
    assert made[4].different_images(3) == 300


def test_claims_know_wrong_values():
    assert (
        wrong_values_that_hold(
            experiment.claims,
            {
                "highest": [[0.1, 0.2], [0, 1], [1, 0.1]],
                "learning rates": [[5, 5], [5, 2]],
                "training accuracy": [[1, 0.8], [0.8, 1], [1, 1.1]],
            },
        )
        == []
    )
