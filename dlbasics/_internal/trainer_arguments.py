"""The arguments that Trainer accepts, and the errors for all others."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from dlbasics.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop

OPTIMIZERS = (SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop)
KINDS = {kind.__name__.lower(): kind for kind in OPTIMIZERS}

T = TypeVar("T")


def as_optimizer(optimizer: Any, param: Mapping[str, Any] | None) -> Any:
    """Return `optimizer`, or make the optimizer of that name, in upper or lower case."""
    if isinstance(optimizer, str):
        if optimizer.lower() not in KINDS:
            raise ValueError(f"optimizer must be one of {[*KINDS]} or an object, got {optimizer!r}")
        kind, given = KINDS[optimizer.lower()], {"lr": 0.01} if param is None else dict(param)
        if wrong := sorted(given.keys() - inspect.signature(kind).parameters.keys()):
            raise ValueError(f"optimizer_param must hold arguments of {kind.__name__}, got {wrong}")
        return kind(**given)
    if inspect.isclass(optimizer) or not hasattr(optimizer, "update"):
        raise TypeError(f"optimizer must be a name or an object as Adam(), got {optimizer!r}")
    if param is not None:
        raise ValueError(f"optimizer_param goes with a name; {optimizer!r} already has its own")
    return optimizer


def optional(check: Callable[..., T], value: Any, name: str, **limits: Any) -> T | None:
    """Return None if `value` is None, else what `check` (as_count, as_number) returns."""
    return None if value is None else check(value, name, **limits)


def check_options(
    sampling: Any, schedule: Any, callbacks: Any, checkpoints: Any, every: Any, optimizer: Any
) -> None:
    """Raise TypeError or ValueError unless Trainer takes these arguments together."""
    if sampling not in ("replacement", "epoch"):
        raise ValueError(f"sampling must be 'replacement' or 'epoch', got {sampling!r}")
    if not (schedule is None or callable(schedule)) or inspect.isclass(schedule):
        raise TypeError(f"schedule must be one like CosineDecay() or None, got {schedule!r}")
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}")
    if every is not None and checkpoints is None:
        raise ValueError("checkpoint_every needs checkpoints, a folder")
    if checkpoints is not None and not hasattr(optimizer, "state_dict"):
        raise TypeError(f"optimizer must have state_dict() for checkpoints, got {optimizer!r}")
