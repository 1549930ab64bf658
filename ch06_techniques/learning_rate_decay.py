"""Lowering the learning rate in mid-training, not the book's: large steps first, then small ones.

From Takenawa's lecture *Deep Learning: Part 2*.  Three trainings of the same network on the same
batches: with a high learning rate, with a low one, and with the high one for the first half of the
epochs (of an odd number, the larger half) and the low one for the second.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.schedules import StepDecay
from dlbasics.trainer import Trainer
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    """learning_rate: the high one;  factor: what makes the low one of it."""

    learning_rate: float = 1.0
    factor: float = 0.1
    hidden_size: int = 100
    train_size: int = 60_000
    epochs: int = 20
    batch_size: int = 100


@dataclass(frozen=True)
class Result:
    """lowered_after: how many epochs have the high rate, where it is lowered.

    By training, "high", "low" and "lowered", and epoch: the mean loss of its batches, and the test
    accuracy at its end.
    """

    lowered_after: int
    train_loss: dict[str, list[float]]
    test_acc: dict[str, list[float]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    weights_seed, batches_seed = rng.integers(2**32, size=2)
    high, low = config.learning_rate, config.learning_rate * config.factor
    result = Result((config.epochs + 1) // 2, {}, {})
    lowered = StepDecay(every=result.lowered_after, factor=config.factor)
    for name, lr, schedule in progress(
        [("high", high, None), ("low", low, None), ("lowered", high, lowered)]
    ):
        trainer = Trainer(
            MultiLayerNet(784, [config.hidden_size], 10, rng=weights_seed),
            data.x_train[: config.train_size],
            data.t_train[: config.train_size],
            data.x_test,
            data.t_test,
            epochs=config.epochs,
            mini_batch_size=config.batch_size,
            optimizer_param={"lr": lr},
            verbose=False,
            sampling="epoch",
            schedule=schedule,
            rng=batches_seed,
        )
        history = trainer.train()
        epochs = np.array_split(history.train_loss, config.epochs)
        result.train_loss[name] = [float(losses.mean()) for losses in epochs]
        result.test_acc[name] = history.test_acc
    return result


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (loss, accuracy) = plotting.subplots(1, 2, width=5.5)
    epochs = range(1, len(result.test_acc["high"]) + 1)
    plotting.draw_curves(loss, result.train_loss, x=epochs, markers=True)
    loss.set(ylabel="mean loss of the batches", yscale="log")
    plotting.draw_curves(accuracy, result.test_acc, x=epochs, markers=True)
    accuracy.set(ylabel="test accuracy")
    for axes in (loss, accuracy):
        axes.axvline(result.lowered_after + 0.5, color="gray", linestyle=":")
        axes.set_xlabel("epoch")
        axes.get_legend().set_title("learning rate")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return {"loss_and_accuracy": figure}


def around_the_step(result: Result) -> list[float]:
    """The mean loss of the last epoch before the rate is lowered, and of the first one after."""
    return result.train_loss["lowered"][result.lowered_after - 1 : result.lowered_after + 1]


def at_the_end(result: Result) -> list[float]:
    """The mean test accuracy of the last five epochs: high, low, lowered."""
    return [float(np.mean(accuracies[-5:])) for accuracies in result.test_acc.values()]


CLAIMS = [
    Claim(
        "mean loss of the first epoch, high and low learning rate",
        "a high one learns faster at first",
        lambda result: [result.train_loss[name][0] for name in ("high", "low")],
        lambda v: v[0] < v[1],
        digits=3,
    ),
    Claim(
        "mean loss of the epochs before and after the rate is lowered",
        "falls at once",
        around_the_step,
        lambda v: 0 < v[1] < 0.75 * v[0],
        digits=3,
    ),
    Claim(
        "mean test accuracy of the last five epochs, high, low, lowered",
        "lowered is best",
        at_the_end,
        lambda v: max(v[:2]) < v[2] <= 1,
    ),
]

if __name__ == "__main__":
    quick = {"train_size": 1_000, "epochs": 4}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
