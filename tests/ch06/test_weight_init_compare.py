"""Chapter 6, weight_init_compare.py: the order of the initial weights."""

import numpy as np
import pytest

from ch06_techniques.weight_init_compare import experiment
from tests.ch06.helpers import wrong_values_that_hold
from tests.helpers import few_digits


def test_he_learns_fastest_in_300_iterations_on_mnist(mnist):
    result = experiment.run(data=mnist, iters_num=300)
    last = {key: np.mean(losses[-20:]) for key, losses in result.train_loss.items()}
    assert abs(last["std 0.01"] - np.log(10)) < 0.02
    assert last["He"] < 0.8 < last["Xavier"] < 2.2


def test_the_first_losses_tell_the_initial_weights():
    result = experiment.run(data=few_digits(), iters_num=20)
    first = {key: losses[0] for key, losses in result.train_loss.items()}
    assert first["std 0.01"] == pytest.approx(np.log(10), abs=1e-4)
    assert first["He"] > first["Xavier"] > np.log(10)


def test_claims_know_wrong_values():
    assert (
        wrong_values_that_hold(
            experiment.claims,
            {
                "mean loss of the last 100 iterations, std 0.01": [2.2, 2.4],
                "mean loss of the last 100 iterations: Xavier, He": [
                    [0.3, 0.7],
                    [0.7, 0.3],
                    [-1, 0],
                ],
                "mean loss of the last 100 iterations, Glorot": [0.7, -1],
                "mean loss of all": [[0.4, 0.8], [0.4, 0.4]],
            },
        )
        == []
    )
