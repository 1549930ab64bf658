"""What a verbose training says about large inputs, and about an end at chance level."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlbasics import SGD, Affine, BatchNorm, Network, TwoLayerNet
from dlbasics._internal.training_hints import say_if_at_chance_level
from dlbasics.trainer import INTERRUPTED, Trainer
from tests.helpers import labelled, small_trainer


def said(capsys, x, network=None, **changes):
    """Return the lines that a training on x prints, but for those about epochs."""
    t = np.arange(len(x)) % 3
    network = network or TwoLayerNet(x[0].size, 3, 3, rng=0)
    arguments = {"epochs": 1, "optimizer": SGD(1e-9), "rng": 0, **changes}
    trainer = Trainer(network, x, t, x, t, **arguments)
    trainer.train()
    return [line for line in capsys.readouterr().out.splitlines() if "epoch 1" not in line], trainer


def inputs(low, high, dtype=np.float32):
    return np.random.default_rng(0).uniform(low, high, (30, 4)).astype(dtype)


@pytest.mark.parametrize(
    ("x", "cure"),
    [
        (inputs(0, 255.4, np.uint8), "x / 255"),
        (inputs(0, 255), "x / 255"),
        (inputs(-100, 100), "(x - x_train.mean(axis=0)) / x_train.std(axis=0)"),
        (inputs(0, 5000, np.float64), "(x - x_train.mean(axis=0)) / x_train.std(axis=0)"),
        (inputs(0, 1), None),
        (inputs(-6, 6), None),
        (inputs(0, 255, np.int64), None),
    ],
    ids=["bytes", "pixels", "both signs", "thousands", "0 to 1", "of about 1", "indices"],
)
def test_inputs_that_are_large_are_mentioned_once(capsys, x, cure):
    lines, trainer = said(capsys, x)
    large = [line for line in lines if "the inputs are large" in line]
    assert [f"such as {cure}, in training and in test" in line for line in large] == [True] * (
        cure is not None
    )
    trainer.epochs = 2
    trainer.train()
    assert "large" not in capsys.readouterr().out


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_numbers_that_have_no_square_are_none_of_them(capsys, value):
    x = inputs(0, 1, np.float64)
    x[:, 1] = value  # in each sample, so in each batch
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match=r"loss is|W1 holds"):
        said(capsys, x)
    assert "large" not in capsys.readouterr().out


def test_normalization_makes_up_for_large_inputs(capsys):
    network = Network([BatchNorm.create(4), Affine.create(4, 3, rng=0)])
    assert not any("large" in line for line in said(capsys, inputs(0, 255), network)[0])


def test_a_network_of_a_readers_own_hears_of_it_too(capsys):
    class Own:
        def __init__(self):
            self.net = TwoLayerNet(4, 3, 3, rng=0)
            self.params = self.net.params
            self.gradient, self.loss = self.net.gradient, self.net.loss
            self.accuracy = self.net.accuracy

    assert "large, up to 255" in said(capsys, inputs(254, 255), Own())[0][0]


CHANCE = "the training ended at chance level: the test accuracy is {:.4f}, and {:.4f} of the test"


def chance(capsys, **changes):
    trainer = small_trainer(verbose=True, **changes)
    trainer.train()
    lines = [line for line in capsys.readouterr().out.splitlines() if "chance" in line]
    return trainer, lines


@pytest.mark.parametrize("form", ["classes", "column", "rows"])
def test_an_end_at_chance_level_is_mentioned(capsys, form):
    (x, t), (x_test, t_test) = labelled(50), labelled(30, seed=1)
    shapes = {"classes": t_test, "column": t_test[:, None], "rows": np.eye(3)[t_test]}
    network = Network([Affine(np.zeros((6, 3)), np.zeros(3))])
    trainer = Trainer(network, x, t, x_test, shapes[form], epochs=2, optimizer=SGD(0))
    trainer.train()
    accuracy, share = trainer.test_acc_list[-1], np.bincount(t_test).max() / 30
    assert accuracy == np.mean(t_test == 0) <= share
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(CHANCE.format(accuracy, share))
    assert "another learning rate (it is 0)" in last


def test_one_that_has_learned_is_not(capsys):
    trainer, lines = chance(capsys, epochs=20, optimizer_param={"lr": 0.5})
    assert trainer.test_acc_list[-1] > 0.6 and lines == []


def test_with_patience_the_best_epoch_counts(capsys):
    def spoil(trainer):
        if trainer.current_epoch > 20:
            trainer.network.params["W2"][...] = trainer.optimizer.lr = 0

    arguments = {"epochs": 22, "optimizer_param": {"lr": 0.5}, "callbacks": [spoil]}
    assert len(chance(capsys, **arguments)[1]) == 1
    assert chance(capsys, **arguments, patience=10)[1] == []


def test_nobody_guesses_wrong_if_there_is_one_class(capsys):
    x, _ = labelled(30)
    t = np.zeros(30, int)
    Trainer(TwoLayerNet(6, 3, 3, rng=0), x, t, x, t, epochs=9, optimizer=SGD(1)).train()
    assert "chance" not in capsys.readouterr().out


def test_ctrl_c_is_no_end(capsys):
    stop = {"callbacks": [lambda trainer: trainer.stop(INTERRUPTED)], "optimizer_param": {"lr": 0}}
    assert chance(capsys, **stop)[1] == []


def test_labels_of_pixels_are_not_looked_at(capsys):
    history = SimpleNamespace(test_acc=[0.0])
    labels = np.zeros((9, 4, 4), int)
    labels[0] = 1
    say_if_at_chance_level(
        SimpleNamespace(
            history=history, evaluate_sample_num_per_epoch=None, t_test=labels, patience=1
        )
    )
    assert capsys.readouterr().out == ""


def test_a_training_that_was_stopped_early_says_so_last(capsys):
    stop = {"callbacks": [lambda trainer: trainer.stop("enough")], "optimizer_param": {"lr": 0}}
    small_trainer(verbose=True, **stop).train()
    assert capsys.readouterr().out.endswith("stopped after iteration 4: enough\n")


def test_nothing_is_said_unless_verbose(capsys):
    said(capsys, inputs(0, 255), verbose=False)
    small_trainer(optimizer_param={"lr": 0}).train()
    assert capsys.readouterr() == ("", "")
