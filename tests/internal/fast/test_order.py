"""Max pooling runs before ReLU."""

import numpy as np
import pytest

from dlbasics import Dropout, Pooling, Relu
from dlbasics._internal.fast.order import pooling_before_relu
from tests.helpers import normal
from tests.internal.convnet import T, X, net


class OwnRelu(Relu):
    pass


@pytest.mark.parametrize("window", [(2, 2, 2, 0), (3, 3, 1, 1), (2, 4, 2, 0)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pooling_first_gives_the_same_to_the_bit(window, dtype):
    """Windows may overlap, and hold equal numbers or no positive one."""
    x = np.round(2 * normal(7, 2, 8, 8)).astype(dtype)
    x[3] = -np.abs(x[3])
    layers = Relu(), Pooling(*window)
    swapped = pooling_before_relu(layers)
    assert swapped == [*layers[::-1]]
    y = layers[1].forward(layers[0].forward(x))
    dout = normal(*y.shape, seed=1, dtype=dtype)
    dx = layers[0].backward(layers[1].backward(dout))
    np.testing.assert_array_equal(swapped[1].forward(swapped[0].forward(x)), y)
    np.testing.assert_array_equal(swapped[0].backward(swapped[1].backward(dout)), dx)


@pytest.mark.parametrize(
    "layers", [(OwnRelu(), Pooling(2, 2)), (Relu(), Dropout()), (Pooling(2, 2), Relu())]
)
def test_other_layers_stay_where_they_are(layers):
    assert pooling_before_relu(layers) == [*layers]


@pytest.mark.fast
def test_gradients_and_predictions_pool_first(monkeypatch):
    seen, forward = set(), Relu.forward

    def noted(self, x, train_flg=True):
        seen.add(x.shape[2:])
        return forward(self, x, train_flg)

    monkeypatch.setattr(Relu, "forward", noted)
    network = net()
    network.gradient(X, T)
    network.predict(X)
    assert seen == {(3, 3)}
    network.loss(X, T)
    assert seen == {(3, 3), (6, 6)}
