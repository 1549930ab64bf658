"""The arguments that Trainer accepts, and the errors for all others."""

import inspect

import numpy as np
import pytest

from dlbasics import SGD, Adam, Dropout, TwoLayerNet, optimizers
from dlbasics.optimizers import Optimizer
from dlbasics.schedules import StepDecay
from dlbasics.trainer import Trainer
from tests.helpers import labelled, small_trainer


def public_optimizers():
    public = [getattr(optimizers, name) for name in optimizers.__all__]
    kinds = {kind for kind in public if isinstance(kind, type) and hasattr(kind, "update")}
    assert Adam in kinds
    return kinds - {Optimizer}


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_every_public_optimizer_has_a_name_in_any_case(case):
    for kind in public_optimizers():
        assert type(small_trainer(optimizer=case(kind.__name__)).optimizer) is kind


def test_an_optimizer_is_given_by_its_name_and_arguments_or_as_an_object():
    optimizer = small_trainer(optimizer="Momentum", optimizer_param={"momentum": 0.5}).optimizer
    assert (optimizer.lr, optimizer.momentum) == (0.01, 0.5)
    assert small_trainer(optimizer=optimizer).optimizer is optimizer


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"mini_batch_size": 0}, ValueError, "mini_batch_size must be at least 1"),
        ({"mini_batch_size": 1.5}, TypeError, "mini_batch_size must be an integer"),
        ({"optimizer": "adams"}, ValueError, "optimizer must be one of .'sgd'"),
        ({"optimizer": Adam}, TypeError, "a name or an object as Adam"),
        ({"optimizer": None}, TypeError, "a name or an object"),
        ({"optimizer_param": {"rate": 1}}, ValueError, r"arguments of SGD, got \['rate'\]"),
        ({"optimizer_param": {"lr": -1}}, ValueError, "lr must be"),
        ({"optimizer": SGD(), "optimizer_param": {}}, ValueError, "goes with a name"),
        ({"evaluate_sample_num_per_epoch": 0}, ValueError, "evaluate_sample_num_per_epoch"),
        ({"sampling": "all"}, ValueError, "sampling must be 'replacement' or 'epoch'"),
        ({"max_norm": 0}, ValueError, "max_norm"),
        ({"patience": 0}, ValueError, "patience must be at least 1"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every"),
        ({"checkpoint_every": 5}, ValueError, "checkpoint_every needs checkpoints"),
        ({"schedule": 0.5}, TypeError, "schedule must be one like CosineDecay"),
        ({"schedule": StepDecay}, TypeError, "schedule must be one like CosineDecay"),
        ({"callbacks": print}, TypeError, "callbacks must be a list of functions"),
        ({"callbacks": [3]}, TypeError, "callbacks must be a list of functions"),
        ({"callbacks": ""}, TypeError, "callbacks must be a list of functions"),
        ({"augment": 0.5}, TypeError, "augment must be a function"),
        ({"rng": -1}, TypeError, "rng must be"),
        ({"optimizer": {"lr"}}, TypeError, "a name or an object as Adam"),  # a set has an `update`
        ({"optimizer": {"lr": 0.1}}, TypeError, "a name or an object as Adam"),
        ({"optimizer_param": 0.1}, TypeError, "optimizer_param must be a dict"),
        ({"optimizer_param": {1: 0.1, "lr": 1}}, ValueError, r"arguments of SGD, got \[1\]"),
        ({"verbose": "False"}, TypeError, "verbose must be True or False"),
        ({"keep": 0}, ValueError, "keep must be at least 1"),
        ({"monitor": "f1"}, ValueError, "monitor must be 'accuracy' or 'loss', got 'f1'"),
        ({"metrics": [max]}, TypeError, r"metrics must be a dict of functions f\(y, t\), got \["),
        ({"metrics": {1: max}}, TypeError, "metrics must have names, got 1"),
        ({"metrics": {"": max}}, TypeError, "metrics must have names, got ''"),
        ({"metrics": {"loss": max}}, ValueError, "metrics must have other names .* got 'loss'"),
        ({"metrics": {"f1": 0.5}}, TypeError, r"metrics\['f1'\] must be a function f\(y, t\)"),
        ({"metrics": {"f1": float}}, TypeError, r"metrics\['f1'\] must be a function f\(y, t\)"),
        ({"checkpoints": ""}, ValueError, "checkpoints must be the path of a folder, got ''"),
        ({"checkpoints": b"out"}, TypeError, "checkpoints must be the path of a folder"),
        ({"checkpoints": __file__}, ValueError, "checkpoints must be the path of a folder"),
    ],
)
def test_arguments_are_checked(changes, error, message):
    with pytest.raises(error, match=message):
        small_trainer(**changes)


def test_data_of_two_lengths_are_refused():
    (x, t), test, network = labelled(50), labelled(30), TwoLayerNet(6, 5, 3)
    with pytest.raises(ValueError, match=r"x_train and t_train .* got \(50, 6\) and"):
        Trainer(network, x, t[:-1], *test)
    with pytest.raises(ValueError, match="x_test and t_test"):
        Trainer(network, x, t, test[0], test[1][:0])


def test_checkpoints_need_an_optimizer_whose_state_can_be_stored(tmp_path):
    class Readers:
        def update(self, params, grads): ...

    small_trainer(optimizer=Readers())
    with pytest.raises(TypeError, match="state_dict"):
        small_trainer(optimizer=Readers(), checkpoints=tmp_path)


@pytest.mark.parametrize(
    "value", [None, 2, "x", [], {1}, object()], ids=["None", "2", "x", "list", "set", "object"]
)
@pytest.mark.parametrize("name", [*inspect.signature(Trainer).parameters])
def test_whatever_an_argument_is_the_error_names_it(name, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # "x" is a folder
    given = dict(zip(["x_train", "t_train"], labelled(50), strict=True))
    given |= zip(["x_test", "t_test"], labelled(30, seed=1), strict=True)
    given |= {"network": TwoLayerNet(6, 5, 3), "epochs": 1, "verbose": False, "checkpoints": "y"}
    try:
        trainer = Trainer(**{**given, name: value})
    except (TypeError, ValueError) as error:
        assert name in str(error)
    else:
        trainer.train()


class NoNetwork:
    """It lacks something that a network has."""

    params = {"W": np.ones(2)}  # noqa: RUF012

    def gradient(self, x, t): ...

    def loss(self, x, t): ...


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params": None}, "network must be an object with params"),
        ({"params": [np.ones(2)]}, "network must be an object with params"),
        ({"params": {"W": 0.5}}, r"network.params\['W'\] must be an array, got 0.5"),
        ({"gradient": None}, r"network must be .* gradient\(x, t\)"),
        ({"loss": None}, r"network must be .* loss\(x, t\)"),
    ],
)
def test_a_network_has_params_gradient_and_loss(changes, message):
    small_trainer(NoNetwork())
    network = type("Own", (NoNetwork,), changes)()
    with pytest.raises(TypeError, match=message):
        small_trainer(network)
    with pytest.raises(TypeError, match="network must be an object"):
        small_trainer(NoNetwork)


def test_metrics_need_predictions():
    with pytest.raises(TypeError, match=r"metrics need a network with predict\(x\), got <"):
        small_trainer(NoNetwork(), metrics={"f1": max})


def test_an_argument_that_is_refused_leaves_no_folder_and_no_generator_behind(tmp_path):
    network, dropout = TwoLayerNet(6, 5, 3), Dropout()
    network.layers["extra"] = dropout
    with pytest.raises(TypeError, match="rng must be"):
        small_trainer(network, checkpoints=tmp_path / "new", rng="no")
    assert not (tmp_path / "new").exists()
    assert dropout.rng is None


def test_a_link_to_a_folder_that_is_gone_is_no_folder(tmp_path):
    try:
        (tmp_path / "link").symlink_to(tmp_path / "gone")
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(ValueError, match="checkpoints must be the path of a folder"):
        small_trainer(checkpoints=tmp_path / "link")
