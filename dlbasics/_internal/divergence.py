"""A training with numbers that are not finite stops, and says where NaN or infinity came first."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal.checks import Array, quiet
from dlbasics._internal.params import slots
from dlbasics.network import Network

if TYPE_CHECKING:
    from dlbasics.trainer import Trainer


def check_loss_is_finite(trainer: "Trainer", x_batch: Array) -> None:
    """Raise FloatingPointError if the last loss, that of `x_batch`, is NaN or infinite."""
    if not math.isfinite(loss := trainer.train_loss_list[-1]):
        _give_up(trainer, f"the loss is {loss}", x_batch)


def check_params_are_finite(trainer: "Trainer") -> None:
    """Raise FloatingPointError if a parameter holds NaN or infinity."""
    if found := _not_finite_param(trainer.network):
        _give_up(trainer, found, trainer.x_train[:2])  # batch normalization takes no single one


def _give_up(trainer: "Trainer", what: str, x: Array) -> None:
    trainer.stop(what)
    iteration = len(trainer.train_loss_list)
    if found := _not_finite(x):
        place = f"the input x of this batch: it holds {found}"
        cure = (
            "Look for gaps in the data: np.isfinite(x_train) is False there; "
            "np.nan_to_num(x_train) fills them with 0"
        )
        if trainer.augment is not None and not _not_finite(trainer.x_train):
            cure = "x_train has none of them, so they come from augment"
    else:
        place = _first_not_finite(trainer.network, x)
        cure = (
            f"This usually helps: a smaller learning rate (it is {trainer.history.lr[-1]:g}), "
            "shorter gradients (max_norm=1), initial weights 'he' or 'xavier', batch "
            "normalization, inputs from 0 to 1"
        )
    raise FloatingPointError(
        f"iteration {iteration} (epoch {math.ceil(iteration / trainer.iter_per_epoch)}): {what}. "
        f"NaN or infinity came first: {place}. {cure}"
    )


def _not_finite_param(network: Any) -> str:
    """Return the first parameter with NaN or infinity, as "W1 holds 3 nan"; "" if none has."""
    for key, param in network.params.items():
        if found := _not_finite(param):
            return f"{key} holds {found}"
    return ""


@quiet
def _first_not_finite(network: Any, x: Array) -> str:
    """Return the first place with NaN or infinity that the batch x meets in the network.

    In each layer, the search looks at the parameters, the running statistics and the output.  In a
    network that a reader wrote, it looks at the parameters only.
    """
    layers = network.layers if isinstance(network, Network) else {}
    stored = slots(layers, ["param_names", "state_names"])
    for name, layer in layers.items():
        for key, (owner, attribute) in stored.items():
            array = getattr(owner, attribute)
            if owner in layer.walk() and array is not None and (found := _not_finite(array)):
                return f"layer {name}: {key} holds {found}"
        x = layer.replica().forward(x)
        if found := _not_finite(x):
            return f"layer {name}: its output holds {found}, though its input is finite"
    return _not_finite_param(network) or "the loss, while all parameters are finite"


def _not_finite(array: Array) -> str:
    """Return the counts of NaN and infinity, as "3 nan and 1 inf"; "" if all are finite."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    counts = {"nan": np.isnan(array).sum(), "inf": np.isinf(array).sum()}
    return " and ".join(f"{count} {word}" for word, count in counts.items() if count)
