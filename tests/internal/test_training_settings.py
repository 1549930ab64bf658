"""A checkpoint goes back only into the same layers, settings and data."""

import numpy as np
import pytest

from dlbasics import Affine, Dropout, MultiLayerNet, Network, Relu, Trainer, TwoLayerNet
from dlbasics._internal import training_settings
from dlbasics._internal.training_settings import data_settings, settings_of_part
from dlbasics.layers import (
    BatchNorm,
    IdentityWithLoss,
    LeakyRelu,
    Residual,
    Sigmoid,
    SigmoidWithLoss,
    Tanh,
)
from dlbasics.optimizers import AdamW
from dlbasics.regularizers import L1, L2
from tests.helpers import labelled, small_trainer


def dense(*middle, **options):
    layers = [Affine.create(6, 4, rng=0), *middle, Affine.create(4, 3, rng=1)]
    return Network(layers, rng=0, **options)


class Scale:
    """A layer as a reader types it, with a setting of its own, and a counter."""

    def __init__(self, factor, name="scale"):
        self.factor, self.name, self.passes = factor, name, 0

    def forward(self, x):
        self.passes += 1
        return self.factor * x

    def backward(self, dout):
        return self.factor * dout


class Typed:
    """A network as a reader types it; its layers may be any objects."""

    def __init__(self, activation=np.tanh, weight_decay_lambda=0, sizes=(6, 3), dropout_ratio=0.5):
        self.params = {"W": np.zeros((6, 3))}
        self.layers = {"scale": Scale(2), "f": activation, "dropout": Dropout(dropout_ratio)}
        self.weight_decay_lambda, self.sizes = weight_decay_lambda, sizes

    def loss(self, x, t):
        return 1.0

    def gradient(self, x, t):
        return {"W": np.zeros((6, 3))}

    def accuracy(self, x, t):
        return 0.5


class Decaying(Dropout):
    """A layer whose setting the training changes."""

    def _forward(self, x, train_flg):
        self.dropout_ratio *= 0.9
        return super()._forward(x, train_flg)


class Counting(Typed):
    """A network as a reader types it, which counts in an attribute named like an argument."""

    def __init__(self, iteration=0):
        super().__init__()
        self.iteration = iteration

    def gradient(self, x, t):
        self.iteration += 1
        return super().gradient(x, t)


class OtherTyped(Typed):
    pass


@pytest.mark.parametrize(
    ("stored", "other", "message"),
    [
        (dense(Relu()), dense(Tanh()), "layer 2 must be Tanh, got Relu"),
        (dense(Dropout(0.5)), dense(Dropout(0.2)), "layer 2.dropout_ratio must be 0.2, got 0.5"),
        (dense(Dropout()), dense(Dropout(inverted=True)), "layer 2.inverted must be True"),
        (dense(LeakyRelu(0.1)), dense(LeakyRelu(0.2)), "layer 2.slope must be 0.2, got 0.1"),
        (dense(Relu(), Relu()), dense(Relu()), "layer 3 must be Affine, got Relu"),
        (
            dense(BatchNorm.create(4)),
            dense(BatchNorm(np.ones(4, np.float32), np.zeros(4, np.float32), 0.5)),
            "layer 2.momentum must be 0.5, got 0.9",
        ),
        (dense(Residual([Relu()])), dense(Residual([Sigmoid()])), "layer 3 must be Sigmoid"),
        (dense(Scale(2)), dense(Scale(3)), "layer 2.factor must be 3, got 2"),
        (dense(Scale(2)), dense(Scale(2, "other")), "layer 2.name must be other, got scale"),
        (dense(regularizer=L2(0.1)), dense(), "regularizer must be None, got L2"),
        (dense(regularizer=L2(0.1)), dense(regularizer=L1(0.1)), "regularizer must be L1, got L2"),
        (
            dense(regularizer=L2(0.1)),
            dense(regularizer=L2(0.2)),
            "regularizer.weight_decay_lambda must be 0.2, got 0.1",
        ),
        (dense(), dense(last_layer=SigmoidWithLoss()), "last_layer must be SigmoidWithLoss"),
        (Typed(), Typed(np.sin), "layer 2 must be sin, got tanh"),
        (Typed(), Typed(weight_decay_lambda=0.1), "network.weight_decay_lambda must be 0.1, got 0"),
        (Typed(), Typed(sizes=[6, 4]), r"network.sizes must be \[6, 4\], got \[6, 3\]"),
        (Typed(), Typed(dropout_ratio=0.1), "layer 3.dropout_ratio must be 0.1, got 0.5"),
        (Typed(), OtherTyped(), "network must be OtherTyped, got Typed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_layers_are_refused(tmp_path, stored, other, message):
    small_trainer(stored, epochs=1, checkpoints=tmp_path).train()
    with pytest.raises(ValueError, match=message):
        small_trainer(other).resume(tmp_path / "best.npz")


def test_another_weight_decay_of_the_optimizer_is_refused(tmp_path):
    small_trainer(optimizer=AdamW(weight_decay=0.1), epochs=1, checkpoints=tmp_path).train()
    with pytest.raises(ValueError, match=r"optimizer\.weight_decay must be 0.2, got 0.1"):
        small_trainer(optimizer=AdamW(weight_decay=0.2)).resume(tmp_path / "best.npz")


def test_a_setting_of_the_optimizer_that_a_callback_changes_comes_back(tmp_path):
    def more_momentum(running):
        running.optimizer.momentum = 0.95

    changes = {"optimizer": "Momentum", "callbacks": [more_momentum]}
    small_trainer(epochs=1, checkpoints=tmp_path, **changes).train()
    running = small_trainer(**changes)
    assert running.resume(tmp_path / "best.npz")
    assert running.optimizer.momentum == 0.95


def trainer(folder=None, **changes):
    """A trainer with changed data: `changes` maps x_train, ... to functions of the array."""
    names = ("x_train", "t_train", "x_test", "t_test")
    data = dict(zip(names, (*labelled(50), *labelled(30, seed=1)), strict=True))
    data |= {name: change(data[name]) for name, change in changes.items()}
    network = TwoLayerNet(6, 5, 3, rng=0)
    return Trainer(network, **data, epochs=1, verbose=False, checkpoints=folder, rng=0)


@pytest.mark.parametrize("name", ["x_train", "t_train", "x_test", "t_test"])
def test_other_data_of_the_same_size_are_refused(tmp_path, name):
    def one_changes(array):
        changed = array.copy()
        changed.flat[-1] = 1 - changed.flat[-1]
        return changed

    def other_dtype(array):
        return array.astype(np.float64 if array.dtype.kind == "f" else np.uint8)

    def equal(array):
        return np.array(array.tolist(), array.dtype)

    trainer(tmp_path).train()
    for change in (one_changes, other_dtype):
        with pytest.raises(ValueError, match=f"{name} must be .* with the checksum"):
            trainer(**{name: change}).resume(tmp_path / "best.npz")
    assert trainer(**{name: equal}).resume(tmp_path / "best.npz")


@pytest.mark.parametrize("make", [lambda: dense(Decaying()), Counting])
def test_settings_may_change_in_the_training(tmp_path, make):
    small_trainer(make(), epochs=1, checkpoints=tmp_path).train()
    assert small_trainer(make(), checkpoints=tmp_path).resume()


@pytest.mark.parametrize(
    "network",
    [
        TwoLayerNet(6, 5, 3, rng=0),
        Network([Affine.create(6, 5), Relu(), Affine.create(5, 3)]),
        type("Own", (TwoLayerNet,), {"input_dim": (6,)})(6, 5, 3),
    ],
)
def test_a_class_that_only_chooses_layers_may_be_another(tmp_path, network):
    small_trainer(MultiLayerNet(6, [5], 3, rng=0), epochs=1, checkpoints=tmp_path).train()
    assert small_trainer(network).resume(tmp_path / "best.npz")


def test_a_pass_changes_no_setting():
    layer, x = Scale(2), np.ones((2, 3))
    before = settings_of_part("layer 1", layer)
    layer.forward(x)
    assert settings_of_part("layer 1", layer) == before
    norm = BatchNorm.create(3)
    before = settings_of_part("layer 1", norm)
    norm.forward(x)
    assert settings_of_part("layer 1", norm) == before


def test_numbers_that_json_has_not_are_texts():
    assert settings_of_part("a", Scale(np.float32(2)))["a.factor"] == 2.0
    assert settings_of_part("a", Scale(float("nan")))["a.factor"] == "nan"
    assert "a.factor" not in settings_of_part("a", Scale(np.ones(3)))
    assert settings_of_part("a", IdentityWithLoss()) == {"a": "IdentityWithLoss"}
    assert settings_of_part("a", {}) == {"a": "dict"}
    assert settings_of_part("a", Residual([Relu()])) == {"a": "Residual"}


def test_the_checksum_is_one_of_the_numbers_not_of_their_place_in_memory():
    images = np.random.default_rng(0).random((5, 3, 4, 4))
    last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    backwards = np.ascontiguousarray(images[::-1])[::-1]
    assert data_settings({"x": images}) == data_settings({"x": last})
    assert data_settings({"x": images}) == data_settings({"x": backwards})


def test_of_a_large_array_some_samples_count(monkeypatch):
    x = np.random.default_rng(0).random((5000, 3))
    whole, other = data_settings({"x": x}), x.copy()
    other[1:, 0] += 1
    monkeypatch.setattr(training_settings, "WHOLE", x.nbytes // 10)
    assert data_settings({"x": x}) != whole
    assert data_settings({"x": other}) != data_settings({"x": x})
    other = x.copy()
    other[3] += 1  # one sample between those that count
    assert data_settings({"x": other}) == data_settings({"x": x})
