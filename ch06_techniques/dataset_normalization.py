"""Dataset normalization, not the book's: inputs shifted and scaled before training.

From Takenawa's lecture *Deep Learning: Part 2*: uniform numbers are brought to mean 2 and variance
25.  Then one network learns MNIST with pixels from 0 to 255, from 0 to 1, of mean 0 and variance 1,
and of mean 2 and variance 25.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches, smooth_curve
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    """count: how many uniform numbers."""

    mean: float = 2.0
    variance: float = 25.0
    count: int = 10_000
    hidden_size: int = 100
    train_size: int = 60_000
    epochs: int = 1
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result:
    """numbers: as drawn, of mean 0 and variance 1, and as wanted.

    train_loss: by kind of inputs and iteration;  test_acc: by kind of inputs.
    """

    numbers: list[Array]
    train_loss: dict[str, list[float]]
    test_acc: dict[str, float]


def normalized(x: Array, like: Array, mean: float = 0.0, variance: float = 1.0) -> Array:
    """sqrt(variance) (x - m) / s + mean, where m and s^2 are mean and variance of all of `like`.

    With x = like it has exactly that mean and variance.  Test inputs are changed as the training
    inputs were: `normalized(x_test, like=x_train)`.
    """
    return math.sqrt(variance) * (x - like.mean()) / like.std() + mean


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    numbers = rng.random(config.count)
    wanted = {"mean": config.mean, "variance": config.variance}
    kinds: dict[str, Callable[[Array], Array]] = {
        "from 0 to 255": lambda x: 255 * x,
        "from 0 to 1": lambda x: x,
        "mean 0, variance 1": lambda x: normalized(x, data.x_train),
        f"mean {config.mean:g}, variance {config.variance:g}": lambda x: normalized(
            x, data.x_train, **wanted
        ),
    }
    seed = rng.integers(2**32)
    result = Result(
        [numbers, normalized(numbers, numbers), normalized(numbers, numbers, **wanted)], {}, {}
    )
    for name, change in progress(kinds.items()):
        network, losses = train(change(data.x_train[: config.train_size]), data, config, seed)
        result.train_loss[name] = losses
        result.test_acc[name] = network.accuracy(change(data.x_test), data.t_test)
    return result


def train(x: Array, data: Data, config: Config, rng: RngLike) -> tuple[MultiLayerNet, list[float]]:
    """A network that has learned the images x, and the loss of each batch."""
    rng = np.random.default_rng(rng)
    network = MultiLayerNet(784, [config.hidden_size], 10, rng=rng)
    optimizer, losses = SGD(config.learning_rate), []
    for _ in range(config.epochs):
        for batch in minibatches(x, data.t_train[: len(x)], config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(*batch))
            losses.append(network.last_loss)
    return network, losses


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (histogram, loss) = plotting.subplots(1, 2, width=5.5)
    for numbers in result.numbers:
        mean = round(float(numbers.mean()), 2) + 0.0  # no -0.00
        label = f"mean {mean:.2f}, variance {numbers.var():.2f}"
        histogram.hist(numbers, bins=25, density=True, histtype="step", linewidth=2, label=label)
    histogram.set(xlabel="uniform numbers", ylabel="density", yscale="log", ylim=(0.03, 5))
    histogram.legend(frameon=False)
    series = {name: smooth_curve(losses) for name, losses in result.train_loss.items()}
    plotting.draw_curves(loss, series)
    loss.axhline(math.log(10), color="gray", linestyle=":")
    loss.set(xlabel="iteration", ylabel="loss of the batch, smoothed", ylim=(0, 4))
    loss.get_legend().set_title("pixels")
    return {"numbers_and_loss": figure}


def accuracies(result: Result) -> list[float]:
    return [*result.test_acc.values()]


CLAIMS = [
    Claim.same(
        "mean and variance of uniform numbers, normalized",
        (2, 25),
        lambda result: (result.numbers[-1].mean(), result.numbers[-1].var()),
        rtol=1e-9,
        any_data=True,
    ),
    Claim(
        "test accuracy after an epoch, pixels from 0 to 255",
        "does not learn",
        lambda result: accuracies(result)[0],
        lambda v: 0 < v < 0.5,
        digits=3,
    ),
    Claim(
        "the same, from 0 to 1 and of mean 0 and variance 1",
        "learns faster normalized",
        lambda result: accuracies(result)[1:3],
        lambda v: 0.9 < v[0] < v[1] - 0.01,
        digits=3,
    ),
    Claim(
        "the same, of mean 0 and variance 1 and of mean 2 and variance 25",
        "worse with large inputs",
        lambda result: accuracies(result)[2:],
        lambda v: 0.3 < v[1] < v[0] - 0.02 < 1,
        digits=3,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"train_size": 2_000})
