"""The claims of all scripts of chapter 4: each can fail, and those without data hold.

The tests of `accuracy_staircase` and `train_neuralnet` judge their claims on MNIST.
"""

from functools import cache

import pytest

from ch04_training import (
    accuracy_staircase,
    gradient_descent,
    gradient_field,
    loss_functions,
    numerical_differentiation,
    rounding_error,
    simple_net,
    step_and_sigmoid,
    train_neuralnet,
)
from tests.helpers import failed, few_digits, holds_whatever_comes, judged_claims

WITHOUT_DATA = {
    "gradient_descent": gradient_descent.experiment,
    "gradient_field": gradient_field.experiment,
    "loss_functions": loss_functions.experiment,
    "numerical_differentiation": numerical_differentiation.experiment,
    "rounding_error": rounding_error.experiment,
    "simple_net": simple_net.experiment,
    "step_and_sigmoid": step_and_sigmoid.experiment,
}
EXPERIMENTS = WITHOUT_DATA | {
    "accuracy_staircase": accuracy_staircase.experiment,
    "train_neuralnet": train_neuralnet.experiment,
}
SETTINGS = {
    "accuracy_staircase": {"data": few_digits(), "hidden_size": 10, "iters_num": 100, "points": 11},
    "train_neuralnet": {"data": few_digits(), "hidden_size": 2, "iters_num": 4},
}


@cache
def result_of(name):
    return EXPERIMENTS[name].run(**SETTINGS.get(name, {}))


@pytest.mark.parametrize("name", WITHOUT_DATA)
def test_claims_hold(name):
    assert failed(EXPERIMENTS[name].claims, result_of(name)) == []


@pytest.mark.parametrize(("name", "claim"), judged_claims(EXPERIMENTS))
def test_no_claim_holds_whatever_comes(name, claim):
    assert not holds_whatever_comes(claim, result_of(name))
