"""The claims of chapters 2 to 4: each can fail, and those of scripts without data hold.

The tests of scripts that train, or look at MNIST, judge their claims on MNIST.
"""

from functools import cache
from importlib import import_module

import pytest

from tests.helpers import ROOT, failed, few_digits, holds_whatever_comes

SCRIPTS = {
    path.stem: import_module(f"{path.parent.name}.{path.stem}").experiment
    for path in sorted(ROOT.glob("ch0[234]_*/*.py"))
    if "experiment.main()" in path.read_text(encoding="utf-8")
    and path.stem != "equal_areas"  # its own test has a table of right and wrong values
}
SHORT = {
    "accuracy_staircase": {"hidden_size": 10, "iters_num": 100, "points": 11},
    "neuralnet_mnist": {"repeats": 1},
    "show_digits": {"train": 100, "test": 100},
    "show_mnist": {},
    "train_neuralnet": {"hidden_size": 2, "iters_num": 4},
    "train_weights": {"epochs": 1},
}
"""Settings of the scripts whose claims do not hold without MNIST, or without many digits."""


@cache
def result_of(name):
    data = few_digits() if name in SHORT and name != "show_digits" else None
    return SCRIPTS[name].run(data=data, **SHORT.get(name, {}))


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - SHORT.keys()))
def test_claims_hold(name):
    assert failed(SCRIPTS[name].claims, result_of(name)) == []


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        pytest.param(name, claim, id=f"{name}: {claim.text}")
        for name, script in SCRIPTS.items()
        for claim in script.claims
        if claim.holds is not None
    ],
)
def test_no_claim_holds_whatever_comes(name, claim):
    assert not holds_whatever_comes(claim, result_of(name))
