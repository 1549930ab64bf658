import pytest

from ch05_backprop.gradient_check import experiment
from dlbasics.networks import TwoLayerNet
from tests.helpers import failed, few_digits


def test_all_claims_hold_on_mnist(mnist):
    result = experiment.run(data=mnist)
    assert list(result.mean_error) == ["W1", "b1", "W2", "b2"]
    assert failed(experiment.claims, result) == []


def test_another_seed_gives_nearly_equal_gradients():
    # With this seed an input of ReLU is closer to 0 than h, so the error is above 1e-9.
    assert experiment.run(seed=3, data=few_digits()).mean_error["W1"] < 1e-5


@pytest.mark.parametrize("wrong", ["W1", "b1", "W2", "b2"])
def test_a_wrong_gradient_fails_the_claim_about_its_parameter(monkeypatch, wrong):
    right = TwoLayerNet.gradient

    def gradient(network, x, t):
        grads = right(network, x, t)
        return grads | {wrong: grads[wrong] + 1e-6}

    monkeypatch.setattr(TwoLayerNet, "gradient", gradient)
    found = failed(experiment.claims, experiment.run(data=few_digits()))
    assert [verdict.text for verdict in found] == [f"mean error of {wrong}"]
