"""A training whose numbers are not finite stops and says where NaN or infinity came first."""

import numpy as np
import pytest

from dlbasics import SGD, Affine, Dropout, Network, Relu, TwoLayerNet
from dlbasics.layers import BatchNorm, Layer
from dlbasics.trainer import Trainer
from tests.helpers import labelled, small_trainer


class Broken(Layer):
    """y = x, with NaN in it from the given training pass on."""

    def __init__(self, at):
        self.at, self.passes = at, 0

    def forward(self, x, train_flg=True):
        self.passes += train_flg
        return x * np.nan if self.passes >= self.at else x * 1

    def backward(self, dout):
        return dout * 1


class Spoil(SGD):
    """It puts a value into an element, or all elements, of a parameter after each update."""

    def __init__(self, key, index, value):
        super().__init__(0.01)
        self.key, self.index, self.value = key, index, value

    def update(self, params, grads):
        super().update(params, grads)
        params[self.key][self.index] = self.value


def test_a_loss_that_is_nan_stops_at_once_and_names_the_layer():
    layers = {"first": Affine.create(6, 3, rng=0), "broken": Broken(6), "relu": Relu()}
    trainer = small_trainer(Network(layers))
    before = None
    with pytest.raises(FloatingPointError) as raised:
        for _ in range(12):
            before = trainer.network.params["W1"].copy()
            trainer.train_step()
    message = str(raised.value)
    assert message.startswith("iteration 6 (epoch 2): the loss is nan.")
    assert "first: layer broken: its output holds 48 nan, though its input" in message
    assert "a smaller learning rate (it is 0.01)" in message
    np.testing.assert_array_equal(trainer.network.params["W1"], before)
    assert trainer.history.stopped == "the loss is nan"


def test_a_rate_that_is_far_too_large():
    network = Network([Affine.create(6, 5, rng=0), Affine.create(5, 3, rng=1)])
    with pytest.raises(FloatingPointError, match=r"layer Affine2: its output holds 48 inf"):
        small_trainer(network, optimizer_param={"lr": 1e30}, epochs=50).train()


def test_a_parameter_that_is_infinite_while_the_loss_is_not_is_found_and_not_stored(tmp_path):
    spoil = Spoil("b1", 2, -np.inf)  # ReLU makes it 0
    with pytest.raises(FloatingPointError, match=r"iteration 4 \(epoch 1\): b1 .* 1 inf\."):
        small_trainer(optimizer=spoil).train()
    with pytest.raises(FloatingPointError, match="iteration 2"):
        small_trainer(optimizer=spoil, checkpoints=tmp_path, checkpoint_every=2).train()
    assert list(tmp_path.iterdir()) == []


def test_behind_dropout_and_normalization_too():
    layers = [Affine.create(6, 5), BatchNorm.create(5), Relu(), Dropout(), Affine.create(5, 3)]
    spoil = Spoil("W2", ..., np.nan)
    with pytest.raises(FloatingPointError, match=r"layer Affine2: W2 holds 15 nan"):
        small_trainer(Network(layers), mini_batch_size=50, optimizer=spoil).train()


def test_a_parameter_behind_normalization_that_is_infinite_while_the_loss_is_not():
    layers = [BatchNorm.create(6), Affine.create(6, 5), Relu(), Affine.create(5, 3)]
    spoil = Spoil("b1", 2, -np.inf)  # ReLU makes it 0
    with pytest.raises(FloatingPointError, match=r"layer Affine1: b1 holds 1 inf"):
        small_trainer(Network(layers), optimizer=spoil).train()


def test_running_statistics_are_looked_at():
    network = Network({"norm": BatchNorm.create(6), "affine": Affine.create(6, 3)})
    network.layers["norm"].running_mean = np.full(6, np.inf, np.float32)
    network.layers["norm"].running_var = np.ones(6, np.float32)
    network.params["W1"][0, 0] = np.nan
    with pytest.raises(FloatingPointError, match="layer norm: running_mean1 holds 6 inf"):
        small_trainer(network).train()


def test_inputs_that_are_not_finite_are_named():
    x, t = labelled(50)
    x[:, 3] = np.nan
    trainer = Trainer(TwoLayerNet(6, 5, 3), x, t, x, t, mini_batch_size=16, verbose=False)
    with pytest.raises(FloatingPointError, match=r"the input x of this batch.* 16 nan") as raised:
        trainer.train()
    message = str(raised.value)
    assert "np.nan_to_num(x_train) fills them" in message and "learning rate" not in message


def test_gaps_in_the_data_are_no_fault_of_augmentation():
    trainer = small_trainer(augment=lambda x, rng: x * 2)
    trainer.x_train[...] = np.nan
    with pytest.raises(FloatingPointError, match=r"the input .* Look for gaps in the data"):
        trainer.train()


def test_inputs_that_augmentation_spoils_are_not_the_datas_fault():
    trainer = small_trainer(augment=lambda x, rng: x * np.inf)
    with pytest.raises(FloatingPointError, match=r"the input .* so they come from augment$"):
        trainer.train()


@pytest.mark.parametrize(
    ("array", "loss", "message"),
    [
        ([1.0, np.inf, np.nan], np.inf, r"the loss is inf\..*first: c holds 1 nan and 1 inf"),
        ([1.0, 2.0, 3.0], np.nan, "the loss, while all parameters are finite"),
    ],
)
def test_a_readers_network_is_searched_for_parameters(array, loss, message):
    class Readers:
        params = {"W": np.ones(3), "c": np.array(array)}  # noqa: RUF012

        def gradient(self, x, t):
            return self.params

        def loss(self, x, t):
            return loss

    with pytest.raises(FloatingPointError, match=message):
        small_trainer(Readers()).train_step()
