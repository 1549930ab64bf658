"""*ResNet* (chapter 8), a note on transfer learning: trained weights help where images are few.

A small VGG learns the digits 0 to 4 from many images.  Then networks of the same structure learn
the digits 5 to 9 from few images, in three ways: from random weights, from the trained weights of
the convolutions, and from these while only the Affine layers learn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.network import Network
from dlbasics.networks import VGG
from dlbasics.optimizers import Adam

WAYS = ("from random weights", "fine-tuned", "only Affine layers learn")
CONVOLUTIONS = 4
"""The number of convolutions of the network: they have the parameters W1, b1, ..., W4, b4."""

Params = dict[str, np.ndarray]


@dataclass(frozen=True)
class Config:
    """The two trainings.

    Args:
        first_size: The number of training images of the digits 0 to 4.
        first_epochs: How often the first network sees all of these.
        sizes: The numbers of training images of the digits 5 to 9.
        updates: The number of updates with each of these numbers of images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
        tries: The number of networks that learn from each number of images, from other images and
            other random weights.
    """

    first_size: int = 5_000
    first_epochs: int = 2
    sizes: tuple[int, ...] = (10, 50)
    updates: int = 100
    batch_size: int = 25
    learning_rate: float = 0.001
    tries: int = 2


@dataclass(frozen=True)
class Result(Record):
    """What the networks have learned.

    Args:
        first_acc: The accuracy of the first network on the first 1,000 test images of 0 to 4.
        sizes: The numbers of training images of the digits 5 to 9.
        test_acc: The accuracies on the first 1,000 test images of 5 to 9, by way, (sizes, tries).
    """

    first_acc: float
    sizes: tuple[int, ...]
    test_acc: dict[str, np.ndarray]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    small, large = halves(data.x_train, data.t_train), halves(data.x_test, data.t_test)
    (x_first, t_first), (x_second, t_second) = small
    (x_first_test, t_first_test), (x_test, t_test) = [(x[:1_000], t[:1_000]) for x, t in large]

    first = VGG(output_size=5, rng=rng)
    updates = config.first_epochs * -(-min(config.first_size, len(x_first)) // 100)
    train(first, x_first[: config.first_size], t_first, updates, 100, config.learning_rate, rng)
    trained = {key: first.params[key] for key in [*first.params][: 2 * CONVOLUTIONS]}

    test_acc: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for size in progress(config.sizes):
        rows: dict[str, list[float]] = {way: [] for way in WAYS}
        for seed in rng.integers(2**32, size=config.tries):
            chosen = np.random.default_rng(seed).permutation(len(x_second))[:size]
            for way in WAYS:
                network = VGG(output_size=5, rng=seed)
                if way != WAYS[0]:
                    for key, param in trained.items():
                        network.params[key] = param.copy()
                train(
                    network,
                    x_second[chosen],
                    t_second[chosen],
                    config.updates,
                    config.batch_size,
                    config.learning_rate,
                    np.random.default_rng(seed),
                    fixed=2 * CONVOLUTIONS if way == WAYS[2] else 0,
                )
                rows[way].append(network.accuracy(x_test, t_test))
        for way in WAYS:
            test_acc[way].append(rows[way])
    return Result(
        first_acc=first.accuracy(x_first_test, t_first_test),
        sizes=config.sizes,
        test_acc={way: np.array(rows) for way, rows in test_acc.items()},
    )


def halves(x: np.ndarray, t: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return images and labels of the digits 0 to 4, and of 5 to 9; both have labels 0 to 4."""
    x = x.reshape(-1, 1, 28, 28)
    return [(x[t < 5], t[t < 5]), (x[t >= 5], t[t >= 5] - 5)]


def train(
    network: Network,
    x: np.ndarray,
    t: np.ndarray,
    updates: int,
    batch_size: int,
    learning_rate: float,
    rng: Generator,
    fixed: int = 0,
) -> None:
    """Update the network with Adam; the first `fixed` parameters stay as they are."""
    optimizer = Adam(learning_rate)
    learning = [*network.params][fixed:]
    params = {key: network.params[key] for key in learning}
    while optimizer.iter < updates:
        for batch in minibatches(x, t[: len(x)], min(batch_size, len(x)), rng=rng):
            grads = network.gradient(*batch)
            optimizer.update(params, {key: grads[key] for key in learning})
            if optimizer.iter == updates:
                break


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=7.0)
    means = {way: accuracies.mean(axis=1) for way, accuracies in result.test_acc.items()}
    plotting.draw_curves(axes, means, x=result.sizes, markers=True)
    for i, accuracies in enumerate(result.test_acc.values()):
        for column in accuracies.T:
            axes.plot(result.sizes, column, "o", color=f"C{i}", alpha=0.4, markersize=4)
    axes.set(xscale="log", xlabel="training images of the digits 5 to 9")
    plotting.accuracy_axis(axes, "test accuracy")
    axes.set_title("lines: means of the tries; pale points: each try", fontsize=10)
    axes.set_xticks(result.sizes, result.sizes)
    axes.minorticks_off()
    return {"accuracy": figure}


def mean(result: Result, way: str, i: int) -> float:
    """Return the mean accuracy of the tries with the number i of images."""
    return float(result.test_acc[way][i].mean())


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "accuracy of the first network on the digits 0 to 4",
            None,
            lambda result: result.first_acc,
            0.95,
            1,
            why="it must know its own digits, or it has nothing to hand on",
        ),
        # Two tries from few images differ by more than the ways do: these numbers are not judged.
        Claim.shown(
            "test accuracy, fewest images: random weights, fine-tuned, only Affine",
            "transfer: effective with few images",
            lambda result: [mean(result, way, 0) for way in WAYS],
            digits=3,
        ),
        Claim.shown(
            "test accuracy, most images: random weights, fine-tuned, only Affine",
            None,
            lambda result: [mean(result, way, -1) for way in WAYS],
            digits=3,
        ),
        Claim.shown(
            "gain of fine-tuning over random weights: each try, fewest, most images",
            None,
            lambda result: (result.test_acc[WAYS[1]] - result.test_acc[WAYS[0]])[[0, -1]],
            digits=2,
        ),
    ],
    quick={"first_size": 200, "first_epochs": 1, "sizes": (10, 50), "updates": 3, "tries": 1},
)

if __name__ == "__main__":
    experiment.main()
