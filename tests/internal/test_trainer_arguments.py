"""The arguments that Trainer accepts, and the errors for all others."""

import pytest

from dlbasics import SGD, Adam, optimizers
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
        ({"rng": -1}, TypeError, "rng must be"),
    ],
)
def test_arguments_are_checked(changes, error, message):
    with pytest.raises(error, match=message):
        small_trainer(**changes)


def test_data_of_two_lengths_are_refused():
    (x, t), test = labelled(50), labelled(30)
    with pytest.raises(ValueError, match=r"x_train and t_train .* got \(50, 6\) and"):
        Trainer(None, x, t[:-1], *test)
    with pytest.raises(ValueError, match="x_test and t_test"):
        Trainer(None, x, t, test[0], test[1][:0])


def test_checkpoints_need_an_optimizer_whose_state_can_be_stored(tmp_path):
    class Readers:
        def update(self, params, grads): ...

    small_trainer(optimizer=Readers())
    with pytest.raises(TypeError, match="state_dict"):
        small_trainer(optimizer=Readers(), checkpoints=tmp_path)
