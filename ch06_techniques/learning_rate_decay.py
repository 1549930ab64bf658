"""*AdaGrad* (chapter 6), on learning rate decay: large steps first, then small ones.

Takenawa, *Note on the magnitude of the learning coefficient*, describes it, too.  The same network
trains three times on the same batches: with a high learning rate, with a low one, and with a rate
that is lowered after half of the epochs.  If the number of epochs is odd, the middle one has the
high rate.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.schedules import StepDecay
from dlbasics.trainer import Trainer


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        learning_rate: The high learning rate.
        factor: The low learning rate divided by the high one.
        hidden_size: The number of hidden neurons.
        train_size: The number of training images.
        epochs: The number of epochs.
        batch_size: The number of images in a mini-batch.
    """

    learning_rate: float = 1.0
    factor: float = 0.1
    hidden_size: int = 100
    train_size: int = 60_000
    epochs: int = 20
    batch_size: int = 100


@dataclass(frozen=True)
class Result(Record):
    """The three trainings, by name: "high", "low" and "lowered".

    Args:
        lowered_after: The number of epochs before the rate is lowered.
        train_loss: The mean loss of the mini-batches of each epoch.
        test_acc: The test accuracy after each epoch.
    """

    lowered_after: int
    train_loss: dict[str, list[float]]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    weights_seed, batches_seed = rng.integers(2**32, size=2)
    high, low = config.learning_rate, config.learning_rate * config.factor
    lowered_after = (config.epochs + 1) // 2
    lowered = StepDecay(every=lowered_after, factor=config.factor)
    train_loss, test_acc = {}, {}
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
        train_loss[name] = [float(losses.mean()) for losses in epochs]
        test_acc[name] = history.test_acc
    return Result(lowered_after, train_loss, test_acc)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (loss, accuracy) = plotting.subplots(1, 2, width=5.5)
    epochs = range(1, len(result.test_acc["high"]) + 1)
    plotting.draw_curves(loss, result.train_loss, x=epochs, markers=True)
    loss.set_ylabel("mean loss of the batches")
    plotting.log_axis(loss.yaxis)
    plotting.draw_curves(accuracy, result.test_acc, x=epochs, markers=True)
    plotting.accuracy_axis(accuracy, "test accuracy")
    for axes in (loss, accuracy):
        axes.lines[2].set(linestyle="--")  # it covers the line of the high rate at first
        axes.axvline(result.lowered_after + 0.5, color="gray", linestyle=":")
        axes.set_xlabel("epoch")
        axes.get_legend().set_title("learning rate")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return {"loss_and_accuracy": figure}


def around_the_step(result: Result) -> list[float]:
    """Return the mean losses of the last epoch with the high rate, and of the next epoch."""
    return result.train_loss["lowered"][result.lowered_after - 1 : result.lowered_after + 1]


def at_the_end(result: Result) -> list[float]:
    """Return the mean test accuracies of the last five epochs: high, low, lowered."""
    return [float(np.mean(accuracies[-5:])) for accuracies in result.test_acc.values()]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "mean loss of the first epoch, high and low learning rate",
            "a small one takes a long time",
            lambda result: [result.train_loss[name][0] for name in ("high", "low")],
            lambda v: v[0] < v[1],
            "the first is smaller",
            why="the text gives no number",
            digits=3,
        ),
        Claim(
            "mean loss of the epochs before and after the rate is lowered",
            None,
            around_the_step,
            lambda v: 0 < v[1] < 0.75 * v[0],
            "the second below 75% of the first",
            why="at the same rate the loss falls far less from one epoch to the next",
            digits=3,
        ),
        Claim(
            "mean test accuracy of the last five epochs, high, low, lowered",
            "a smaller one improves accuracy",
            at_the_end,
            lambda v: max(v[:2]) < v[2] <= 1,
            "the third is the largest",
            why="the text gives no number; five epochs are averaged, as each one varies",
        ),
    ],
    quick={"train_size": 1_000, "epochs": 4},
)

if __name__ == "__main__":
    experiment.main()
