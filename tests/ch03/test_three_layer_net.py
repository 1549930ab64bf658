import numpy as np

from ch03_forward import three_layer_net


def test_forward_of_a_batch_is_that_of_its_rows():
    network = three_layer_net.init_network()
    x = np.array([[1.0, 0.5], [-2.0, 3.0], [0.0, 0.0]])
    y = three_layer_net.forward(network, x)
    assert y.shape == (3, 2)
    for row, expected in zip(x, y, strict=True):
        np.testing.assert_allclose(three_layer_net.forward(network, row), expected, rtol=1e-14)


def test_forward_by_hand():
    """Without weights in the first layers, the output is sigmoid(0) = 1/2 times W3, plus b3."""
    network = {key: np.zeros_like(w) for key, w in three_layer_net.init_network().items()}
    network["W3"] += [1, 10]
    network["b3"] += [0.25, -1]
    assert three_layer_net.forward(network, np.array([7.0, -7.0])).tolist() == [1.25, 9]
