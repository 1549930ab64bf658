"""What Trainer measures after each epoch: the loss, the accuracy, and the reader's own metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlbasics._internal import device
from dlbasics._internal.checks import Array, NoAccuracyError
from dlbasics.layers import LossLayer
from dlbasics.network import Network

if TYPE_CHECKING:
    from dlbasics.history import History

Metric = Callable[[Array, Array], Any]

AT_ONCE = 500
"""The number of samples that a network of a reader's gets at once."""

METHODS = ("predict", "loss", "accuracy")


@dataclass(frozen=True)
class Evaluation:
    """The loss of some samples, their accuracy if there is one, and the metrics by name."""

    loss: float
    accuracy: float | None
    metrics: dict[str, float]


def evaluate(network: Any, x: Array, t: Array, metrics: Mapping[str, Metric]) -> Evaluation:
    """Return what a network reaches on samples x (N, ...) with the labels t.

    Raises:
        TypeError: If a metric does not return a number.
    """
    run = _from_scores if _is_ours(network) else _by_its_methods
    loss, accuracy, scores = run(network, x, t, bool(metrics))
    found = {name: _number(name, metric(scores, t)) for name, metric in metrics.items()}
    return Evaluation(loss, accuracy, found)


def record(history: "History", train: Evaluation, test: Evaluation) -> None:
    """Append what the training samples and the test samples have reached to the curves."""
    history.epoch_loss.append(train.loss)
    history.test_loss.append(test.loss)
    if train.accuracy is not None and test.accuracy is not None:
        history.train_acc.append(train.accuracy)
        history.test_acc.append(test.accuracy)
    for curves, found in ((history.train_metrics, train), (history.test_metrics, test)):
        for name, value in found.metrics.items():
            curves.setdefault(name, []).append(value)


def _is_ours(network: Any) -> bool:
    """Return whether the network's loss and accuracy are those that `Network` computes."""
    return (
        isinstance(network, Network)
        and all(getattr(type(network), name) is getattr(Network, name) for name in METHODS)
        and vars(network).keys().isdisjoint(METHODS)
        and type(network.last_layer).forward is LossLayer.forward
    )


def _from_scores(
    network: Network, x: Array, t: Array, keep: bool
) -> tuple[float, float | None, Array]:
    """Return the loss, the accuracy, and with `keep` the scores: one forward pass gives all."""
    last, count, total, right = network.last_layer, 0, 0.0, 0
    has_accuracy, kept = True, []
    for part in network._parts(len(x)):
        scores = network.predict(x[part])
        losses = last.losses(scores, t[part])
        count, total = count + losses.size, total + float(losses.sum(dtype=np.float64))
        try:
            right += int(last.correct(scores, t[part]).sum())
        except NoAccuracyError:
            has_accuracy = False
        if keep:
            kept.append(scores)
    accuracy = right / count if has_accuracy else None
    return total / count + network._penalty(), accuracy, _joined(kept)


def _by_its_methods(
    network: Any, x: Array, t: Array, keep: bool
) -> tuple[float, float | None, Array]:
    """Do the same by the methods of a network that a reader wrote."""
    parts = [slice(i, i + AT_ONCE) for i in range(0, len(x), AT_ONCE)]
    losses = [float(network.loss(x[part], t[part])) for part in parts]
    loss = float(np.average(losses, weights=[len(x[part]) for part in parts]))
    accuracy = None
    if callable(getattr(network, "accuracy", None)):
        try:
            accuracy = float(network.accuracy(x, t))
        except NoAccuracyError:
            pass
    kept = [np.asarray(device.get(network.predict(x[part]))) for part in parts] if keep else []
    return loss, accuracy, _joined(kept)


def _joined(kept: list[Array]) -> Array:
    return np.concatenate(kept) if kept else np.empty(0)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metrics[{name!r}] must return a number, got {value!r}") from None
