import numpy as np
import pytest

from ch04_training import simple_net


def test_the_gradient_is_x_times_y_minus_t():
    result = simple_net.experiment.run()
    y = np.exp(result.p) / np.exp(result.p).sum()
    expected = np.outer([0.6, 0.9], y - [0, 0, 1])
    np.testing.assert_allclose(result.dW, expected, atol=1e-9)
    assert result.loss == pytest.approx(-np.log(y[2]))


def test_weights_are_drawn_or_given():
    assert simple_net.simpleNet().W.shape == (2, 3)
    first, again, other = (simple_net.simpleNet(rng=seed).W for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).all()
    W = np.zeros((2, 3))
    net = simple_net.simpleNet(W)
    assert net.W is W
    assert net.loss(np.array([0.6, 0.9]), 2) == pytest.approx(np.log(3))
