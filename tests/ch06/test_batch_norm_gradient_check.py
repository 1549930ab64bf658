"""Chapter 6, batch_norm_gradient_check.py: the errors of the gradients, and what they compare."""

import pytest

from ch06_techniques import batch_norm_gradient_check
from ch06_techniques.batch_norm_gradient_check import experiment
from tests.helpers import failed, few_digits

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), hidden_size=2)


def test_gradients_are_right_and_only_those_of_one_image_are_0(result):
    assert len(result.mean_error) == 10
    assert max(result.mean_error.values()) < 1e-7
    assert min(result.largest[key] for key in result.largest if key not in ("b1", "b2")) > 1e-3
    # With one image, only the last bias has a gradient.
    assert [key for key, value in result.largest_of_one_image.items() if value > 0] == ["b3"]


def test_a_wrong_gradient_is_seen(monkeypatch):
    right = batch_norm_gradient_check.MultiLayerNet.gradient

    def wrong(self, x, t):
        return {key: 1.001 * grad for key, grad in right(self, x, t).items()}

    monkeypatch.setattr(batch_norm_gradient_check.MultiLayerNet, "gradient", wrong)
    result = experiment.run(data=few_digits(), hidden_size=2)
    seen = {key for key, error in result.mean_error.items() if error > 1e-7}
    assert {"W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "W3", "b3"} <= seen
    assert [verdict.text for verdict in failed(experiment.claims, result)] == [
        experiment.claims[0].text
    ]
