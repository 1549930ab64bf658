import numpy as np
import pytest

from dlbasics.gradient import check_gradients
from dlbasics.layers import Affine, BatchNorm, Convolution, Dropout, Identity, Relu, Residual
from dlbasics.network import Network
from tests.helpers import normal


def block(channels=2, rng=0):
    rng = np.random.default_rng(rng)
    convolution = [
        Convolution.create(channels, channels, 3, pad=1, rng=rng, dtype=np.float64)
        for _ in range(2)
    ]
    first, second = (BatchNorm.create(channels, dtype=np.float64) for _ in range(2))
    return Residual([convolution[0], first, Relu(), convolution[1], second])


@pytest.mark.parametrize("x", [normal(3, 4), normal(1, 4), normal(4)], ids=["batch", "one", "bare"])
def test_adds_x_to_what_its_layers_make_of_it(x):
    dout, W = normal(*x.shape, seed=1), normal(4, 4, seed=2)
    layer = Residual([Identity(), Affine(W, None)])
    np.testing.assert_allclose(layer.forward(x), x + x @ W)
    np.testing.assert_allclose(layer.backward(dout), dout + dout @ W.T)
    np.testing.assert_allclose(layer.layers[1].dW, np.atleast_2d(x).T @ np.atleast_2d(dout))
    np.testing.assert_array_equal(Residual([]).forward(x), 2 * x)


def test_gradients_of_a_network_with_residual_blocks():
    convolution = Convolution.create(1, 2, 3, rng=0)
    network = Network(
        [convolution, block(rng=1), Relu(), block(rng=2), Affine.create(32, 3, rng=3)]
    )
    x, t = normal(4, 1, 6, 6), np.array([0, 2, 1, 0])
    report = check_gradients(network, x, t, sample=20)
    assert report, f"\n{report}"
    keys = [*network.params]
    assert keys[:4] == ["W1", "b1", "W2", "b2"] and {"gamma4", "beta4", "W6"} <= set(keys)


def test_the_list_of_layers_is_copied():
    layers = [Identity()]
    layer = Residual(layers)
    layers.append(Relu())
    assert layer.layers == layers[:1] and layer.layers is not layers


def test_a_layer_that_occurs_twice_is_refused():
    """It would remember only its last forward, so its gradients would be wrong."""
    relu = Relu()
    for layers in ([relu, relu], [Residual([relu]), relu]):
        with pytest.raises(ValueError, match="layers must hold each layer only once"):
            Residual(layers)


def test_training_mode_and_generator_reach_the_inner_layers():
    dropout = Dropout(0.5)
    network = Network([Residual([dropout])], rng=0)
    assert dropout.rng is not None
    x = np.ones((2, 50))
    np.testing.assert_array_equal(network.predict(x), 1.5 * x)
    assert set(np.unique(network.predict(x, train_flg=True))) == {1, 2}


def test_layers_that_change_the_shape_are_refused():
    layer = Residual([Affine(normal(4, 3), None)])
    with pytest.raises(ValueError, match=r"Residual: .*keep the shape of x, \(2, 4\).*\(2, 3\)"):
        layer.forward(normal(2, 4))
    with pytest.raises(ValueError, match=r"Residual: .*keep the shape of x, \(4,\).*\(3,\)"):
        layer.output_shape((4,))
    assert block().output_shape((2, 7, 7)) == (2, 7, 7)


@pytest.mark.parametrize("layers", [Relu(), [3], None])
def test_what_are_no_layers_is_an_error(layers):
    with pytest.raises(TypeError, match="layers must be a list of layers"):
        Residual(layers)
