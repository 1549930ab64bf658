"""The table of fast replacements: which classes it replaces, and what `plain` switches off."""

import copy
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from dlbasics import SGD, Affine, MultiLayerNet, Pooling, plain
from dlbasics._internal import table
from tests.helpers import normal

pytestmark = pytest.mark.fast


def test_a_subclass_is_never_replaced():
    class OwnAffine(Affine):
        def _forward(self, x, train_flg):
            return super()._forward(x, train_flg) + 1

    W, x = np.eye(3), np.ones((2, 3))
    own, ours = OwnAffine(W, None), Affine(W, None)
    assert (own.forward(x) == ours.forward(x) + 1).all()
    assert ours._is_fast and not own._is_fast


def test_an_optimizer_of_ones_own_sees_whole_parameters():
    class Unit(SGD):
        def _step(self, W, dW):
            W -= self.lr * dW / np.linalg.norm(dW)

    W = np.zeros((300, 400))
    Unit(1.0).update({"W": W}, {"W": np.ones(W.shape)})
    assert np.linalg.norm(W) == pytest.approx(1)


def test_plain_switches_the_numerical_gradient_by_columns_off():
    network = MultiLayerNet(6, [5, 4], 3, weight_decay_lambda=0.1, use_dropout=True, rng=0)
    x, t = normal(4, 6), np.array([0, 1, 2, 1])
    fast, by_hand = (network.numerical_gradient(x, t, plain=way) for way in (False, True))
    with plain():
        slow = network.numerical_gradient(x, t)
    for key in slow:
        np.testing.assert_array_equal(slow[key], by_hand[key])
        np.testing.assert_allclose(fast[key], slow[key], rtol=1e-5, atol=1e-8)
    assert any((fast[key] != slow[key]).any() for key in fast), "both went the same way"


def test_plain_ends_with_its_block_also_after_an_error_and_within_another():
    assert not table.is_plain()
    with plain():
        with pytest.raises(KeyError), plain():
            assert table.is_plain()
            raise KeyError
        assert table.is_plain()
    assert not table.is_plain()


def test_plain_holds_in_other_threads_until_the_last_block_ends():
    entered, leave = threading.Event(), threading.Event()

    def work():
        with plain():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(20)
    with plain():
        pass
    layer = Affine(np.eye(2), None)
    layer.forward(np.ones((1, 2)))
    seen = table.is_plain(), layer._is_fast
    leave.set()
    thread.join()
    assert seen == (True, False)
    assert not table.is_plain()


def test_backward_goes_the_way_of_its_forward():
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 6))
    layer = Pooling(2, 2, stride=2)
    y = layer.forward(x)
    with plain():
        dx = layer.backward(np.ones_like(y))
        other = copy.deepcopy(layer)
        other.forward(x)
    np.testing.assert_array_equal(other.backward(np.ones_like(y)), dx)


TRAINING = """
import sys
import dlbasics.trainer, dlbasics.networks
assert not any("_internal.fast" in name for name in sys.modules), "imported with the lesson"
import numpy as np
from dlbasics import Adam, DeepConvNet
network, x, t = DeepConvNet(rng=0), np.ones((4, 1, 28, 28), np.float32), np.arange(4)
network.block_size = 3
Adam().update(network.params, network.gradient(x, t))
network.predict(x)
print(*[name for name in sys.modules if "_internal.fast" in name])
"""


@pytest.mark.long
@pytest.mark.parametrize("value", ["1", "0", ""])
def test_only_without_the_environment_variable_training_imports_what_is_fast(value):
    done = subprocess.run(
        [sys.executable, "-c", TRAINING],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DLBASICS_PLAIN": value},
    )
    assert bool(done.stdout.split()) == (value != "1")
