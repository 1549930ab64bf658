"""The arguments that Trainer accepts, and the errors for all others."""

import inspect
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, TypeVar

from dlbasics._internal.device import is_array
from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop

OPTIMIZERS = (SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop)
KINDS = {kind.__name__.lower(): kind for kind in OPTIMIZERS}

T = TypeVar("T")


def as_network(network: Any) -> Any:
    """Return `network`; raise TypeError unless Trainer can train it."""
    params = getattr(network, "params", None)
    has_params = isinstance(params, Mapping) or hasattr(params, "items")
    methods = [getattr(network, name, None) for name in ("gradient", "loss")]
    if inspect.isclass(network) or not (has_params and all(map(callable, methods))):
        raise TypeError(
            "network must be an object with params, a mapping from names to arrays, "
            f"gradient(x, t) and loss(x, t), got {network!r}"
        )
    for key, param in params.items():  # type: ignore[union-attr]
        if not is_array(param):
            raise TypeError(f"network.params[{key!r}] must be an array, got {param!r}")
    return network


def as_optimizer(optimizer: Any, param: Mapping[str, Any] | None) -> Any:
    """Return `optimizer`, or make the optimizer of that name, in upper or lower case."""
    if isinstance(optimizer, str):
        if optimizer.lower() not in KINDS:
            raise ValueError(f"optimizer must be one of {[*KINDS]} or an object, got {optimizer!r}")
        if not (param is None or isinstance(param, Mapping)):
            raise TypeError(f"optimizer_param must be a dict like {{'lr': 0.01}}, got {param!r}")
        kind, given = KINDS[optimizer.lower()], {"lr": 0.01} if param is None else dict(param)
        if wrong := [key for key in given if key not in inspect.signature(kind).parameters]:
            raise ValueError(f"optimizer_param must hold arguments of {kind.__name__}, got {wrong}")
        return kind(**given)
    is_object = not (inspect.isclass(optimizer) or isinstance(optimizer, Mapping | Set))
    if not is_object or not callable(getattr(optimizer, "update", None)):  # a set has an `update`
        raise TypeError(f"optimizer must be a name or an object as Adam(), got {optimizer!r}")
    if param is not None:
        raise ValueError(f"optimizer_param goes with a name; {optimizer!r} already has its own")
    return optimizer


def optional(check: Callable[..., T], value: Any, name: str, **limits: Any) -> T | None:
    """Return None if `value` is None, else what `check` (as_count, as_number) returns."""
    return None if value is None else check(value, name, **limits)


def check_options(
    sampling: Any, augment: Any, schedule: Any, callbacks: Any, checkpoints: Any, every: Any
) -> None:
    """Raise TypeError or ValueError unless Trainer takes these arguments together."""
    if not isinstance(sampling, str) or sampling not in ("replacement", "epoch"):
        raise ValueError(f"sampling must be 'replacement' or 'epoch', got {sampling!r}")
    if not (augment is None or callable(augment)):
        raise TypeError(f"augment must be a function f(x, rng) or None, got {augment!r}")
    if not (schedule is None or callable(schedule)) or inspect.isclass(schedule):
        raise TypeError(f"schedule must be one like CosineDecay() or None, got {schedule!r}")
    is_list = isinstance(callbacks, Sequence) and not isinstance(callbacks, str)
    if not is_list or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}")
    if every is not None and checkpoints is None:
        raise ValueError("checkpoint_every needs checkpoints, a folder")


def as_metrics(metrics: Any, network: Any) -> dict[str, Any]:
    """Return functions f(y, t) by name; an empty dict for None."""
    if not isinstance(metrics, Mapping | None):
        raise TypeError(f"metrics must be a dict of functions f(y, t), got {metrics!r}")
    found = dict(metrics or {})
    for name, metric in found.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"metrics must have names, got {name!r}")
        if name in ("accuracy", "loss", "epoch_loss"):
            raise ValueError(f"metrics must have other names than the trainer's own, got {name!r}")
        if not callable(metric) or inspect.isclass(metric):
            raise TypeError(f"metrics[{name!r}] must be a function f(y, t), got {metric!r}")
    if found and not callable(getattr(network, "predict", None)):
        raise TypeError(f"metrics need a network with predict(x), got {network!r}")
    return found


def as_monitor(monitor: Any) -> Any:
    """Return `monitor`, which must be 'accuracy' or 'loss'."""
    if not isinstance(monitor, str) or monitor not in ("accuracy", "loss"):
        raise ValueError(f"monitor must be 'accuracy' or 'loss', got {monitor!r}")
    return monitor


def check_can_be_stored(optimizer: Any) -> None:
    """Raise TypeError unless checkpoints can hold the state of the optimizer."""
    methods = [getattr(optimizer, name, None) for name in ("state_dict", "load_state_dict")]
    if not all(map(callable, methods)):
        raise TypeError(
            "optimizer must have state_dict() and load_state_dict(state) for checkpoints, "
            f"got {optimizer!r}"
        )
