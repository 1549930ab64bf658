"""*Implementing Mini-Batch Training* (chapter 4): a two-layer network learns digits.

The script records the loss of every batch, and the accuracy on training and test images after every
epoch.  The gradients come from backpropagation.  With --gradient numerical they come from numerical
differentiation: training takes the same steps, but tens of thousands of times more slowly.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.random import Generator

from ch04_training.two_layer_net import TwoLayerNet
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.gradient import numerical_gradient


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        hidden_size: The number of hidden neurons.
        iters_num: The number of training iterations; each is one update of all weights.
        batch_size: The number of images in a mini-batch, from which one update is computed.
        learning_rate: The size of the steps against the gradient.
        gradient: How the gradients are computed: numerical takes days, backprop seconds.
    """

    hidden_size: int = 50
    iters_num: int = 10_000
    batch_size: int = 100
    learning_rate: float = 0.1
    gradient: Literal["numerical", "backprop"] = "backprop"


@dataclass(frozen=True)
class Result(Record):
    """What happened during training.

    Args:
        train_loss: The loss of each mini-batch.
        epochs: The number of epochs done at each evaluation.
        train_acc: The accuracy on the training images, by evaluation.
        test_acc: The accuracy on the test images, by evaluation.
        gradient_difference: The largest difference between the two kinds of gradient, on a small
            network.
    """

    train_loss: list[float]
    epochs: list[float]
    train_acc: list[float]
    test_acc: list[float]
    gradient_difference: float


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    if config.gradient == "numerical":
        print(expected_time(config, data), flush=True)
    network = TwoLayerNet(784, config.hidden_size, 10, rng=rng)
    train_size = len(data.x_train)
    iter_per_epoch = math.ceil(train_size / config.batch_size)
    train_loss, epochs, train_acc, test_acc = [], [], [], []

    def evaluate(epoch: float) -> None:
        epochs.append(epoch)
        train_acc.append(network.accuracy(data.x_train, data.t_train))
        test_acc.append(network.accuracy(data.x_test, data.t_test))

    for i in progress(range(config.iters_num)):
        if i % iter_per_epoch == 0:
            evaluate(i / iter_per_epoch)
        batch_mask = rng.choice(train_size, config.batch_size)
        x_batch, t_batch = data.x_train[batch_mask], data.t_train[batch_mask]

        if config.gradient == "numerical":
            grad = network.numerical_gradient(x_batch, t_batch)
        else:
            grad = network.gradient(x_batch, t_batch)

        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= config.learning_rate * grad[key]
        train_loss.append(network.last_loss)

    evaluate(config.iters_num / iter_per_epoch)
    return Result(train_loss, epochs, train_acc, test_acc, gradient_difference(data))


def gradient_difference(data: Data) -> float:
    """Return the largest difference between numerical and backpropagated gradients."""
    network = TwoLayerNet(784, 2, 10, weight_init_std=0.1, rng=0)
    x, t = data.x_train[:3], data.t_train[:3]
    numerical, backprop = network.numerical_gradient(x, t), network.gradient(x, t)
    return max(float(np.abs(numerical[key] - backprop[key]).max()) for key in backprop)


def expected_time(config: Config, data: Data) -> str:
    """Return how long training will take with either gradient, measured on this machine."""
    network = TwoLayerNet(784, config.hidden_size, 10, rng=0)
    x, t = data.x_train[: config.batch_size], data.t_train[: config.batch_size]
    b2 = network.params["b2"]  # ten numbers, however wide the network
    size = sum(param.size for param in network.params.values())
    network.gradient(x, t)  # a warm-up, for the first call is slow

    part = seconds(lambda: numerical_gradient(lambda b2: network.loss(x, t), b2))
    numerical = part * size / b2.size
    backprop = seconds(lambda: network.gradient(x, t))
    return (
        f"One numerical gradient computes {2 * size:,} losses in about {in_words(numerical)}: "
        f"training takes about {in_words(config.iters_num * numerical)}.\n"
        "--gradient backprop takes the same steps in about "
        f"{in_words(config.iters_num * backprop)}."
    )


def seconds(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_words(duration: float) -> str:
    """Return seconds as text, in the unit that suits them."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if duration >= 2 * length:
            return f"{duration / length:.0f} {unit}"
    return f"{duration:.2g} s" if duration < 10 else f"{duration:.0f} s"


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    iters_num = len(result.train_loss)
    counts = (iters_num, 1_000) if iters_num > 1_000 else (iters_num,)
    loss, panels = plotting.subplots(
        1, len(counts), width=4.2, height=3.5, sharey=True, squeeze=False
    )
    for axes, count in zip(panels[0], counts, strict=True):
        axes.plot(result.train_loss[:count], linewidth=0.8)
        axes.set(xlabel="iteration", title=f"the first {count:,} iterations", ylim=(0, None))
    panels[0, 0].set(ylabel="loss of the mini-batch", title=f"all {iters_num:,} iterations")

    accuracy, panels = plotting.subplots(1, 2, width=4.2, height=3.5)
    for axes, start, title in zip(panels, (0, 1), ("all epochs", "from epoch 1 on"), strict=True):
        epochs = result.epochs[start:]
        axes.plot(epochs, result.train_acc[start:], "o-", markersize=4, label="training")
        axes.plot(epochs, result.test_acc[start:], "s--", markersize=4, label="test")
        axes.set(xlabel="epoch", title=title)
        axes.locator_params(axis="x", integer=True)
        axes.legend(frameon=False, loc="lower right")
    panels[0].set(ylabel="accuracy", ylim=(0, 1))
    panels[1].set_ylabel("accuracy (the axis does not begin at 0)")
    return {"figure_4_11": loss, "figure_4_12": accuracy}


def first_and_last(loss: list[float]) -> tuple[float, float]:
    """Return the means of the first and of the last hundredth of the losses."""
    count = max(1, len(loss) // 100)
    return float(np.mean(loss[:count])), float(np.mean(loss[-count:]))


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim(
            "mean loss of the first and the last hundredth of the iterations",
            "the loss decreases",
            lambda result: first_and_last(result.train_loss),
            lambda v: v[0] > 2 and 0 < v[1] < 0.4,
            condition="above 2, then from 0 to 0.4",
            why="guessing costs log 10 = 2.3; the end has a margin above every seed measured",
            digits=3,
        ),
        Claim.between(
            "test accuracy",
            None,
            lambda result: result.test_acc[-1],
            0.93,
            1,
            why="the text shows a curve and no number; below every seed measured",
        ),
        Claim.between(
            "training accuracy minus test accuracy",
            "almost the same",
            lambda result: result.train_acc[-1] - result.test_acc[-1],
            -0.01,
            0.01,
            why="the curves of the figure could not be told apart",
        ),
        Claim.between(
            "largest difference between numerical and backprop gradient",
            "almost the same",
            lambda result: result.gradient_difference,
            0,
            1e-8,
            why="rounding errors are divided by 2h = 2e-4",
            digits=2,
            any_data=True,
        ),
    ],
    quick={"iters_num": 30},
)

if __name__ == "__main__":
    experiment.main()
