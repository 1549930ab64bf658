"""The gradient check of a CNN."""

from dataclasses import replace

import pytest

from ch07_cnn.gradient_check import experiment
from dlbasics.layers import Convolution
from tests.helpers import failed


@pytest.fixture(scope="module")
def result():
    return experiment.run()


def test_gradient_check_sees_a_wrong_gradient(monkeypatch):
    right = Convolution.backward_params

    def wrong(self, dout):
        right(self, dout)
        self.dW = self.dW * 1.001

    monkeypatch.setattr(Convolution, "backward_params", wrong)
    (verdict,) = failed(experiment.claims, experiment.run())
    assert verdict.text.startswith("largest mean error of W1")


def test_gradient_check_has_every_parameter_and_gradients_that_are_not_0(result):
    assert [*result.mean_error] == [*result.mean_gradient] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert min(result.mean_gradient.values()) > 1e-3
    zero = replace(result, mean_gradient=dict.fromkeys(result.mean_gradient, 0.0))
    (verdict,) = failed(experiment.claims, zero)
    assert verdict.text == "smallest mean gradient of a parameter"
