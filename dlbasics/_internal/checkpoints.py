"""Checkpoints: .npz files that hold everything that a Trainer needs to continue a training."""

import copy
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal.checkpoint_folder import CheckpointFolder
from dlbasics._internal.checks import Array, as_count, as_number
from dlbasics._internal.network_state import (
    arrays_of,
    check_fit,
    dtypes_of_state,
    generators_of,
    layers_of,
    put_back,
)
from dlbasics._internal.training_settings import check_settings, settings_of
from dlbasics.data import batch_count
from dlbasics.history import DICTS, ENTRIES, FIRST, TEXTS, History
from dlbasics.layers import BatchNorm
from dlbasics.optimizers import Adam
from dlbasics.storage import PathLike, load_arrays

if TYPE_CHECKING:
    from dlbasics.trainer import Trainer

LONGEST = 10_000_000
"""The number of bytes that the texts under one name may have."""

LARGEST = {"pos": 624, "buffer_pos": 4, "has_uint32": 1}
"""The largest values in the state of a generator that it uses as indices or flags."""


def checkpoint_of(trainer: "Trainer") -> dict[str, Array]:
    """Return all that training changes, as arrays under names like 'optimizer/lr'."""
    own = {
        "settings": json.dumps(settings_of(trainer)),
        "generators": states_of(_generators(trainer)),
        "iteration": trainer.current_iter,
        "iter_per_epoch": trainer.iter_per_epoch,
        "lr": trainer._initial_lr,
        "seconds": trainer._seconds(),
    }
    if trainer._order is not None:
        own["order"] = trainer._order
    groups: dict[str, Mapping[str, Any]] = {
        "trainer": own,
        "network": arrays_of(trainer.network),
        "best": trainer._best,
        "optimizer": trainer.optimizer.state_dict(),
        "history": flat(trainer.history),
    }
    entries = ((f"{name}/{key}", group[key]) for name, group in groups.items() for key in group)
    return {name: np.asarray(value) for name, value in entries}


def flat(history: History) -> dict[str, Any]:
    """Return all entries; a curve of a metric has a name like 'test_metrics/f1'."""
    entries = {name: getattr(history, name) for name in ENTRIES if name not in DICTS}
    for name in DICTS:
        entries |= {f"{name}/{key}": curve for key, curve in getattr(history, name).items()}
    return entries


def load_newest(trainer: "Trainer", folder: CheckpointFolder) -> bool:
    """Load the newest checkpoint in the trainer's folder that is not damaged.

    Return False if there is no checkpoint.

    Raises:
        ValueError: If the file is not a checkpoint of this training, or all files are damaged.
    """
    seen = folder.newest_first()
    damaged: list[ValueError] = []
    for path in seen:
        try:
            arrays = load_arrays(path)
        except FileNotFoundError:
            if folder.newest_first() == seen:
                raise
            return load_newest(trainer, folder)  # a training that is running has removed it
        except ValueError as error:
            damaged.append(error)
            continue
        load_checkpoint(trainer, path, arrays, seen)
        for problem in damaged:
            warnings.warn(f"{problem}; the training goes on from {path}", stacklevel=3)
        return True
    if damaged:
        raise damaged[0]
    return False


def load_checkpoint(
    trainer: "Trainer", path: PathLike, arrays: Mapping[str, Array], seen: Sequence[Path]
) -> None:
    """Bring `trainer` to the state that a checkpoint holds.

    If that fails, `trainer` stays as it was.

    Args:
        trainer: The trainer.
        path: The checkpoint.
        arrays: What `load_arrays` has read from it.
        seen: What was in the trainer's folder before that.

    Raises:
        ValueError: If the file is not a checkpoint of this training.
    """
    try:
        restore(trainer, arrays)
    except Exception as error:  # its class depends on what a strange file holds
        raise ValueError(f"{path} is no checkpoint of this training: {error}") from error
    if trainer.folder is not None:
        trainer.folder.resume_from(path, seen)


def restore(trainer: "Trainer", arrays: Mapping[str, Array]) -> None:
    """Bring `trainer` to the state that `checkpoint_of` returned; raise an error if it differs."""
    _checked(trainer, arrays).give_to(trainer)


@dataclass
class _State:
    """What a checkpoint holds, when all of it is checked."""

    iteration: int
    iter_per_epoch: int
    lr: float
    seconds: float
    order: Array | None
    generators: list[dict[str, Any]]
    history: History
    network: dict[str, Array]
    best: dict[str, Array]
    optimizer: dict[str, Array]

    def give_to(self, trainer: "Trainer") -> None:
        # First what may raise an error, if a reader wrote the optimizer.
        trainer.optimizer.load_state_dict(self.optimizer)
        put_back(trainer.network, self.network)
        for generator, state in zip(_generators(trainer), self.generators, strict=True):
            generator.bit_generator.state = state
        trainer.history, trainer._best, trainer._order = self.history, self.best, self.order
        trainer.current_iter, trainer.iter_per_epoch = self.iteration, self.iter_per_epoch
        trainer._initial_lr = self.lr
        trainer._seconds_before, trainer._started = self.seconds, None


def _checked(trainer: "Trainer", arrays: Mapping[str, Array]) -> _State:
    """Return the state that the arrays of a checkpoint hold; raise an error if it does not fit."""
    groups: dict[str, dict[str, Array]] = {
        name: {} for name in ("trainer", "network", "best", "optimizer", "history")
    }
    for name, array in arrays.items():
        group, _, key = name.partition("/")
        if group not in groups:
            raise ValueError(f"it holds {name}")
        groups[group][key] = array
    own, network, best = groups["trainer"], groups["network"], groups["best"]
    settings = json.loads(_item(own, "settings", "U"))
    check_settings(trainer, settings)
    iteration = as_count(_item(own, "iteration", "iu"), "iteration", least=0)
    iter_per_epoch = _iter_per_epoch(trainer, own)
    for weights in [network, best] if best else [network]:
        check_fit(trainer.network, weights)
    _check_optimizer(trainer, groups["optimizer"], network)
    return _State(
        iteration,
        iter_per_epoch,
        lr=_rate(trainer, own),
        seconds=as_number(_item(own, "seconds", "f"), "seconds", low=0),
        order=_order(trainer, own, iteration),
        generators=_generator_states(trainer, own),
        history=_history(
            trainer, groups["history"], iteration, iter_per_epoch, is_exact="data" in settings
        ),
        network=network,
        best=best,
        optimizer=groups["optimizer"],
    )


def _item(group: Mapping[str, Array], name: str, kinds: str) -> Any:
    """Return the number or text under that name, whose dtype must be of one of the kinds."""
    array = group.get(name)
    is_one = array is not None and array.ndim == 0 and array.dtype.kind in kinds
    if array is None or not is_one or array.nbytes > LONGEST:
        raise ValueError(f"it must hold one value called {name}, got {_form(array)}")
    return array.item()


def _iter_per_epoch(trainer: "Trainer", own: Mapping[str, Array]) -> int:
    now = batch_count(trainer.train_size, trainer.batch_size, trainer.sampling)
    # Earlier versions did not store it.  Their last batch of an epoch could hold one sample.
    before = math.ceil(trainer.train_size / trainer.batch_size)
    stored = _item(own, "iter_per_epoch", "iu") if "iter_per_epoch" in own else before
    if stored not in (now, before):
        raise ValueError(f"iter_per_epoch must be {now}, got {stored}")
    layers = [inner for layer in layers_of(trainer.network).values() for inner in layer.walk()]
    if stored != now and any(isinstance(layer, BatchNorm) for layer in layers):
        raise ValueError(
            "an earlier version saved it, whose epochs end with a batch of one sample, which batch "
            "normalization does not take any more: begin the training anew"
        )
    return int(stored)


def _rate(trainer: "Trainer", own: Mapping[str, Array]) -> float:
    """Return the learning rate before any schedule; it is NaN if the optimizer has none."""
    lr = _item(own, "lr", "f")
    if math.isnan(lr) and not hasattr(trainer.optimizer, "lr"):
        return math.nan
    return as_number(lr, "lr", low=0)


def _order(trainer: "Trainer", own: Mapping[str, Array], iteration: int) -> Array | None:
    order = own.get("order")
    if (order is not None) != (trainer.sampling == "epoch" and iteration > 0):
        raise ValueError(f"order must belong to sampling='epoch', got {_form(order)}")
    if order is not None and (
        order.shape != (trainer.train_size,)
        or order.dtype.kind not in "iu"
        or not np.array_equal(np.sort(order), np.arange(trainer.train_size))
    ):
        raise ValueError(f"order must hold each index of {trainer.train_size} samples once")
    return order


def _history(
    trainer: "Trainer",
    group: Mapping[str, Array],
    iteration: int,
    iter_per_epoch: int,
    *,
    is_exact: bool,
) -> History:
    """Return the history up to the iteration.

    After an interruption, evaluations may be missing.  Unless `is_exact`, there may also be one
    loss too many, as in files of earlier versions after an error in `train_step`.  Losses and
    metrics that the file does not hold are NaN.
    """
    curves = {name: curve for name, curve in group.items() if name not in TEXTS}
    own = [name for name in curves if name.partition("/")[0] not in DICTS]
    names = [name for name in ENTRIES if name not in TEXTS + DICTS]
    if sorted(own) not in (sorted(names), sorted(set(FIRST) - set(TEXTS))):
        raise ValueError(f"history must hold {names}, got {own}")
    stopped = _item(group, "stopped", "U")
    for name, curve in curves.items():
        if curve.ndim != 1 or curve.dtype.kind not in "fiu":
            raise ValueError(f"history must hold a list of numbers {name}, got {_form(curve)}")
    losses = len(curves["train_loss"])
    evaluations = max(len(curves["test_acc"]), len(curves["seconds"]))
    missing = np.full(evaluations, np.nan)
    for name in names:
        curves.setdefault(name, missing)
    for name, curve in curves.items():
        expected = losses if name in ("train_loss", "lr") else evaluations
        has_none = name in ("train_acc", "test_acc") and not len(curves["test_acc"])
        if is_exact and len(curve) != (0 if has_none else expected):
            raise ValueError(f"history must hold {expected} of {name}, got {len(curve)}")
    if not iteration <= losses <= iteration + (not is_exact):
        raise ValueError(f"iteration must fit the history of {losses}, got {iteration}")
    if evaluations > iteration // iter_per_epoch:
        raise ValueError(f"iteration must fit {evaluations} evaluations, got {iteration}")

    history = History(stopped=stopped, monitor=trainer.monitor)
    for name in names:
        setattr(history, name, _listed(curves[name][:iteration]))
    for kind in DICTS:
        found = {name: curves.get(f"{kind}/{name}", missing) for name in trainer.metrics}
        setattr(history, kind, {name: _listed(curve) for name, curve in found.items()})
    return history


def _listed(curve: Array) -> list[float]:
    numbers: list[float] = curve.astype(np.float64).tolist()
    return numbers


def _check_optimizer(
    trainer: "Trainer", stored: Mapping[str, Array], network: Mapping[str, Array]
) -> None:
    """Raise an error unless the trainer's optimizer can take the state, and go on from it."""
    try:
        optimizer = copy.deepcopy(trainer.optimizer)
    except TypeError:
        return  # a reader's own need not allow copies
    optimizer.load_state_dict(stored)
    if type(optimizer).__module__ != Adam.__module__:
        return  # a reader's own may hold anything
    params = {key: network[f"params/{key}"].copy() for key in trainer.network.params}
    for name in optimizer.state_names:
        state = getattr(optimizer, name)
        if not state and not optimizer.iter:
            continue
        if state.keys() != params.keys():
            raise ValueError(f"optimizer must hold {name} of {[*params]}, got {[*state]}")
        for key, array in state.items():
            if array.shape != params[key].shape or array.dtype not in dtypes_of_state(params[key]):
                raise ValueError(
                    f"optimizer must hold {name}/{key}: {_form(params[key])}, got {_form(array)}"
                )
    # The next step must not spoil the parameters, as it does with a root of negative numbers.
    optimizer.update(params, {key: np.zeros_like(param) for key, param in params.items()})
    if wrong := [key for key, param in params.items() if not np.isfinite(param).all()]:
        raise ValueError(f"optimizer must hold a state from which it can go on for {wrong}")


def _generators(trainer: "Trainer") -> list[np.random.Generator]:
    return [*dict.fromkeys([trainer.rng, *generators_of(trainer.network)])]


def _generator_states(trainer: "Trainer", own: Mapping[str, Array]) -> list[dict[str, Any]]:
    generators, stored = _generators(trainer), own.get("generators")
    is_list = stored is not None and stored.ndim == 1 and stored.dtype.kind == "U"
    if stored is None or not is_list or stored.nbytes > LONGEST:
        raise ValueError(f"it must hold the states of random generators, got {_form(stored)}")
    states = [json.loads(state) for state in stored.tolist()]
    kinds = [state["bit_generator"] for state in states]
    own_kinds = [generator.bit_generator.state["bit_generator"] for generator in generators]
    if kinds != own_kinds:
        raise ValueError(f"random generators must be {own_kinds}, got {kinds}")
    for own_state, state in zip(states_of(generators), states, strict=True):
        _check_generator_state(json.loads(own_state), state)
    for generator, state in zip(generators, states, strict=True):
        copy.deepcopy(generator.bit_generator).state = state  # raises, if it is out of range
    return states


def _check_generator_state(own: Any, state: Any, name: str = "state") -> None:
    """Raise ValueError unless the state has the form of `own`; NumPy does not look at all of it."""
    if isinstance(own, dict) and isinstance(state, dict) and own.keys() == state.keys():
        for key in own:
            _check_generator_state(own[key], state[key], key)
    elif isinstance(own, list) and isinstance(state, list) and len(own) == len(state):
        for own_item, item in zip(own, state, strict=True):
            _check_generator_state(own_item, item, name)
    elif type(own) is not type(state) or isinstance(own, dict | list):
        raise ValueError(f"a random generator must have a {name} like {own}, got {state}")
    elif isinstance(own, int) and not 0 <= state <= LARGEST.get(name, state):
        raise ValueError(f"a random generator must have a {name} in its range, got {state}")


def states_of(generators: Sequence[np.random.Generator]) -> list[str]:
    """Return the state of each generator, as JSON."""
    return [json.dumps(g.bit_generator.state, default=np.ndarray.tolist) for g in generators]


def _form(array: Array | None) -> str:
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"
