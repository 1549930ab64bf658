"""The claims of all scripts of chapter 2: each holds, and each can fail."""

from functools import cache

import pytest

from ch02_perceptron import adders, gates, learning_rule, regions
from tests.helpers import failed, holds_whatever_comes, judged_claims

EXPERIMENTS = {
    "gates": gates.experiment,
    "regions": regions.experiment,
    "learning_rule": learning_rule.experiment,
    "adders": adders.experiment,
}


@cache
def result_of(name):
    return EXPERIMENTS[name].run()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_claims_hold(name):
    assert failed(EXPERIMENTS[name].claims, result_of(name)) == []


@pytest.mark.parametrize(("name", "claim"), judged_claims(EXPERIMENTS))
def test_no_claim_holds_whatever_comes(name, claim):
    assert not holds_whatever_comes(claim, result_of(name))
