"""Implementing Mini-Batch Training (chapter 4): a two-layer network learns digits.

The loss of every batch, and the accuracy on training and test images after every epoch.  The
gradients come from backpropagation, or, with --gradient numerical, from numerical differentiation:
the same path, tens of thousands of times slower.
"""

import math
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ch04_training.two_layer_net import TwoLayerNet
from dlbasics import experiment
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.gradient import numerical_gradient
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    hidden_size: int = 50
    iters_num: int = 10_000
    batch_size: int = 100
    learning_rate: float = 0.1
    gradient: Literal["numerical", "backprop"] = "backprop"


@dataclass(frozen=True)
class Result:
    """gradient_difference: the largest between both kinds of gradient, on a small network."""

    train_loss: list[float]
    epochs: list[float]
    train_acc: list[float]
    test_acc: list[float]
    gradient_difference: float


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    result = Result([], [], [], [], gradient_difference(data))
    network = TwoLayerNet(784, config.hidden_size, 10, rng=rng)
    train_size = len(data.x_train)
    iter_per_epoch = math.ceil(train_size / config.batch_size)

    for i in progress(range(config.iters_num)):
        if i % iter_per_epoch == 0:
            evaluate(network, data, i / iter_per_epoch, result)
        batch_mask = rng.choice(train_size, config.batch_size)
        x_batch, t_batch = data.x_train[batch_mask], data.t_train[batch_mask]

        if config.gradient == "numerical":
            grad = network.numerical_gradient(x_batch, t_batch)
        else:
            grad = network.gradient(x_batch, t_batch)

        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= config.learning_rate * grad[key]
        result.train_loss.append(network.last_loss)

    evaluate(network, data, config.iters_num / iter_per_epoch, result)
    return result


def evaluate(network: TwoLayerNet, data: Data, epoch: float, result: Result) -> None:
    result.epochs.append(epoch)
    result.train_acc.append(network.accuracy(data.x_train, data.t_train))
    result.test_acc.append(network.accuracy(data.x_test, data.t_test))


def gradient_difference(data: Data) -> float:
    network = TwoLayerNet(784, 2, 10, weight_init_std=0.1, rng=0)
    x, t = data.x_train[:3], data.t_train[:3]
    numerical, backprop = network.numerical_gradient(x, t), network.gradient(x, t)
    return max(float(np.abs(numerical[key] - backprop[key]).max()) for key in backprop)


def run_after_warning(config: Config, rng: RngLike, data: Data, progress: Progress) -> Result:
    """`run`, for a reader who should know beforehand how long numerical gradients will take."""
    if config.gradient == "numerical":
        print(expected_time(config, data), flush=True)
    return run(config, rng, data, progress)


def expected_time(config: Config, data: Data) -> str:
    """How long training will take with either gradient, measured on this machine."""
    network = TwoLayerNet(784, config.hidden_size, 10, rng=0)
    x, t = data.x_train[: config.batch_size], data.t_train[: config.batch_size]
    b2 = network.params["b2"]  # ten numbers, however wide the network
    size = sum(param.size for param in network.params.values())
    network.gradient(x, t)  # the first call of anything is slow

    part = seconds(lambda: numerical_gradient(lambda b2: network.loss(x, t), b2))
    numerical = part * size / b2.size
    backprop = seconds(lambda: network.gradient(x, t))
    return (
        f"one numerical gradient, {2 * size:,} losses, takes about {in_words(numerical)}: "
        f"{config.iters_num:,} iterations take about {in_words(config.iters_num * numerical)}\n"
        f"--gradient backprop, the same gradients: about {in_words(config.iters_num * backprop)}"
    )


def seconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_words(duration: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if duration >= 2 * length:
            return f"{duration / length:.0f} {unit}"
    return f"{duration:.2g} s" if duration < 10 else f"{duration:.0f} s"


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    iters_num = len(result.train_loss)
    counts = (iters_num, 1_000) if iters_num > 1_000 else (iters_num,)
    loss, panels = plotting.subplots(1, len(counts), width=5.0, squeeze=False)
    for axes, count in zip(panels[0], counts, strict=True):
        plotting.draw_curves(axes, {"loss": result.train_loss[:count]})
        axes.set(xlabel="iteration", ylabel="loss", ylim=(0, None))

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=result.epochs,
        xlabel="epoch",
        ylabel="accuracy",
        ylim=(0, 1),
        markers=True,
    )
    return {"figure_4_11": loss, "figure_4_12": accuracy}


def first_and_last(loss: list[float]) -> tuple[float, float]:
    """The means of the first and of the last hundredth of the losses."""
    count = max(1, len(loss) // 100)
    return float(np.mean(loss[:count])), float(np.mean(loss[-count:]))


CLAIMS = [
    Claim(
        "mean loss of the first and the last hundredth of the iterations",
        "falls",
        lambda result: first_and_last(result.train_loss),
        lambda v: v[0] > 2 and v[1] < 0.4,
        digits=3,
    ),
    Claim(
        "test accuracy",
        "about 0.94",
        lambda result: result.test_acc[-1],
        lambda v: v >= 0.93,
    ),
    Claim(
        "training accuracy less test accuracy",
        "almost no difference",
        lambda result: result.train_acc[-1] - result.test_acc[-1],
        lambda v: abs(v) < 0.01,
    ),
    Claim(
        "largest difference between numerical and backprop gradient",
        "almost the same",
        lambda result: result.gradient_difference,
        lambda v: v < 1e-8,
        digits=2,
        any_data=True,
    ),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run_after_warning,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"iters_num": 30},
    )
