"""Early stopping, not the book's: training ends when images that were held back are read worse.

From Takenawa's lecture *Deep Learning: Part 2*.  A fifth of the labels is wrong, of training and
validation images alike; those of the test images are right.  A network that is trained on and on
learns the wrong ones by heart; one that is stopped when its validation accuracy has not risen for
some epochs takes back its best weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import label_smoothing, train_validation_split
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam
from dlbasics.trainer import Trainer
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Training:
    """What label_noise.py has in common with this script.

    patience: epochs without a gain, after which a training is stopped.
    size: how many images are for training and validation together.
    """

    patience: int = 8
    size: int = 6_000
    validation_rate: float = 1 / 6
    hidden_size: int = 200
    epochs: int = 60
    batch_size: int = 100
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Config(Training):
    """wrong: the share of training and validation labels that are."""

    wrong: float = 0.2


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    train_acc, validation_acc, test_acc: at the end of each epoch; only test labels are all right.
    final_acc: of the network as it is handed out, on test images.
    """

    train_acc: list[float]
    validation_acc: list[float]
    test_acc: list[float]
    final_acc: float


@dataclass(frozen=True)
class Result:
    """Without a stop and with early stopping, from the same weights and on the same batches."""

    on_and_on: Trained
    stopped: Trained


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    t = with_wrong_labels(data.t_train[: config.size], config.wrong, rng)
    seed = rng.integers(2**32)
    trained = [train(t, data, config, seed, n) for n in progress([None, config.patience])]
    return Result(*trained)


def with_wrong_labels(t: Array, share: float, rng: RngLike) -> Array:
    """A copy of t (N,) in which about `share` of the labels are one of the other nine classes."""
    rng = np.random.default_rng(rng)
    shift = rng.integers(1, 10, len(t)) * (rng.random(len(t)) < share)
    return ((t + shift) % 10).astype(t.dtype)


def train(
    t: Array,
    data: Data,
    config: Training,
    rng: RngLike,
    patience: int | None = None,
    smoothing: float = 0.0,
) -> Trained:
    """Learn the first training images, with the labels t, some of which are held back.

    patience: as in Trainer; config.patience is not used.
    smoothing: epsilon of `label_smoothing`, for the labels that are learned.
    """
    rng = np.random.default_rng(rng)
    (x_train, t_train), (x_validation, t_validation) = train_validation_split(
        data.x_train[: len(t)], t, config.validation_rate, rng
    )
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    test_acc: list[float] = []
    history = Trainer(
        network,
        x_train,
        label_smoothing(t_train, epsilon=smoothing),
        x_validation,
        t_validation,
        epochs=config.epochs,
        mini_batch_size=config.batch_size,
        optimizer=Adam(config.learning_rate),
        verbose=False,
        sampling="epoch",
        patience=patience,
        callbacks=[lambda _: test_acc.append(network.accuracy(data.x_test, data.t_test))],
        rng=rng,
    ).train()
    final_acc = network.accuracy(data.x_test, data.t_test)
    return Trained(history.train_acc, history.test_acc, test_acc, final_acc)


def best_epoch(stopped: Trained) -> int:
    """The epoch, from 1, whose weights the network has at the end: of the best validation."""
    return stopped.validation_acc.index(max(stopped.validation_acc)) + 1


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    trained = result.on_and_on
    figure, axes = plotting.subplots(width=7.5, height=4.2)
    series = {
        "training, some labels wrong": trained.train_acc,
        "validation, some labels wrong": trained.validation_acc,
        "test, labels right": trained.test_acc,
    }
    plotting.draw_curves(axes, series, x=range(1, len(trained.test_acc) + 1))
    for epoch, label, style in (
        (best_epoch(result.stopped), "best validation", "-"),
        (len(result.stopped.test_acc), "early stopping", ":"),
    ):
        axes.axvline(epoch, color="gray", linestyle=style, label=f"{label}: epoch {epoch}")
    axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.03))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return {"accuracy": figure}


CLAIMS = [
    Claim(
        "training accuracy after all epochs, a fifth of the labels wrong",
        "wrong labels learned by heart",
        lambda result: result.on_and_on.train_acc[-1],
        lambda v: 0.9 < v <= 1,
        digits=3,
    ),
    Claim(
        "test accuracy at its highest and after all epochs",
        "falls again",
        lambda result: [max(result.on_and_on.test_acc), result.on_and_on.test_acc[-1]],
        lambda v: v[1] < v[0] - 0.05,
        digits=3,
    ),
    Claim(
        "epochs until early stopping, and the one of the best validation accuracy",
        "far from all 60",
        lambda result: [len(result.stopped.test_acc), best_epoch(result.stopped)],
        lambda v: v[1] < v[0] < 30,
    ),
    Claim(
        "test accuracy after all epochs and with early stopping",
        "better with",
        lambda result: [result.on_and_on.final_acc, result.stopped.final_acc],
        lambda v: v[0] + 0.05 < v[1] <= 1,
        digits=3,
    ),
]

if __name__ == "__main__":
    quick = {"size": 600, "hidden_size": 50, "epochs": 20, "patience": 3}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
