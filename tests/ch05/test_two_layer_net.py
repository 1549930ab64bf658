import numpy as np

from ch05_backprop.two_layer_net import TwoLayerNet
from dlbasics import networks
from tests.helpers import normal


def test_is_the_librarys_network_in_float64():
    network, single = TwoLayerNet(6, 5, 3, 0.5, rng=0), networks.TwoLayerNet(6, 5, 3, 0.5, rng=0)
    x, t = normal(4, 6, dtype=np.float32), np.array([0, 2, 1, 2])
    grads, numeric = network.gradient(x, t), network.numerical_gradient(x, t)
    assert {*grads} == {"W1", "b1", "W2", "b2"}
    for key, param in network.params.items():
        assert param.dtype == grads[key].dtype == np.float64
        np.testing.assert_allclose(param, single.params[key], atol=1e-6)
        np.testing.assert_allclose(grads[key], numeric[key], atol=1e-8)


def test_the_weights_are_small_unless_a_scale_is_given():
    assert abs(TwoLayerNet(200, 100, 10, rng=0).params["W1"].std() - 0.01) < 0.001
