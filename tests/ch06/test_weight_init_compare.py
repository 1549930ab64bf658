"""Chapter 6, weight_init_compare.py: the order of the initial weights."""

import numpy as np
import pytest

from ch06_techniques.weight_init_compare import experiment
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
