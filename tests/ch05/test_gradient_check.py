from ch05_backprop.gradient_check import experiment
from tests.helpers import failed, few_digits, misjudged


def test_all_claims_hold_on_mnist(mnist):
    result = experiment.run(data=mnist)
    assert list(result.mean_error) == ["W1", "b1", "W2", "b2"]
    assert failed(experiment.claims, result) == []


def test_claims_know_right_values_from_wrong_ones():
    assert misjudged(experiment.claims, [(1e-12, [1e-8, float("nan")])] * 4) == []


def test_another_seed_gives_nearly_equal_gradients():
    # With this seed an input of ReLU is closer to 0 than h, so the error is above 1e-9.
    assert experiment.run(seed=3, data=few_digits()).mean_error["W1"] < 1e-5
