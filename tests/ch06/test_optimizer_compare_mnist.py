"""Chapter 6, optimizer_compare_mnist.py: the order of the optimizers, and what they start from."""

import numpy as np

from ch06_techniques.optimizer_compare_mnist import Result, experiment, iterations_to_low
from tests.helpers import few_digits


def test_sgd_is_slowest_in_120_iterations_on_mnist(mnist):
    result = experiment.run(data=mnist, iters_num=120)
    last = {key: np.mean(losses[-20:]) for key, losses in result.train_loss.items()}
    assert last.pop("SGD") > 1.5 * max(last.values())
    assert iterations_to_low(result, "SGD") == 120
    assert 20 < iterations_to_low(result, "Adam") < 120


def test_all_optimizers_start_from_the_same_weights_and_batch():
    result = experiment.run(data=few_digits(), iters_num=20)
    loss = result.train_loss
    assert len(loss) == 6
    assert len({losses[0] for losses in loss.values()}) == 1
    assert len({losses[-1] for losses in loss.values()}) == 6


def test_iterations_to_low_are_all_if_the_loss_stays_high():
    result = Result({"never": [1.0] * 40, "at 20": [1.0] * 20 + [0.0] * 20})
    assert iterations_to_low(result, "never") == 40
    assert 20 <= iterations_to_low(result, "at 20") <= 24
