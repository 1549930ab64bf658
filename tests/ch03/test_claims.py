"""The claims of all scripts of chapter 3: each can fail, and those without data hold.

The tests of `show_mnist`, `neuralnet_mnist` and `train_weights` judge their claims on MNIST.
"""

from functools import cache

import pytest

from ch03_forward import (
    activation_functions,
    draw_digit,
    linear_layers,
    matrix_products,
    neuralnet_mnist,
    show_digits,
    show_mnist,
    softmax_overflow,
    three_layer_net,
    train_weights,
)
from tests.helpers import failed, few_digits, holds_whatever_comes, judged_claims

WITHOUT_DATA = {
    "activation_functions": activation_functions.experiment,
    "draw_digit": draw_digit.experiment,
    "linear_layers": linear_layers.experiment,
    "matrix_products": matrix_products.experiment,
    "softmax_overflow": softmax_overflow.experiment,
    "three_layer_net": three_layer_net.experiment,
}
EXPERIMENTS = WITHOUT_DATA | {
    "neuralnet_mnist": neuralnet_mnist.experiment,
    "show_digits": show_digits.experiment,
    "show_mnist": show_mnist.experiment,
    "train_weights": train_weights.experiment,
}
SETTINGS = {
    "neuralnet_mnist": {"data": few_digits(), "repeats": 1},
    "show_digits": {"train": 100, "test": 100},
    "show_mnist": {"data": few_digits()},
    "train_weights": {"data": few_digits(), "epochs": 1},
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
