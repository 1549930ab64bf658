"""*How About Setting the Initial Weight Values to 0?* (chapter 6): equal units stay equal.

The same network trains from three kinds of initial weights: all 0, all equal, and random.  Hidden
units with equal weights have equal outputs and equal gradients, and so stay equal: together they
can do no more than one unit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

STARTS = ("zero", "equal", "random")
EQUAL = 0.01
"""The value of all weights of the start "equal"."""


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        hidden_size: The number of hidden units.
        iters_num: The number of training iterations, each a step on one mini-batch.
        batch_size: The number of images in a mini-batch, from which one step learns.
        learning_rate: The learning rate, which says how large a step is.
    """

    hidden_size: int = 20
    iters_num: int = 1_000
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result(Record):
    """What became of the three networks, by the name of their start.

    The weights of a hidden unit are its column of W1 and its row of W2.

    Args:
        train_loss: The loss of each mini-batch.
        difference: The largest difference between the weights of two hidden units, after training.
        moved: The largest change of a weight in W1.
        W1: The weights of the first layer after training, (784, hidden_size).
        test_acc: The test accuracy after training.
    """

    train_loss: dict[str, list[float]]
    difference: dict[str, float]
    moved: dict[str, float]
    W1: dict[str, np.ndarray]
    test_acc: dict[str, float]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    networks = {start: initial_network(start, config.hidden_size, rng) for start in STARTS}
    W1_at_first = {start: networks[start].params["W1"].copy() for start in STARTS}
    optimizer = SGD(config.learning_rate)
    train_loss: dict[str, list[float]] = {start: [] for start in STARTS}

    for _ in progress(range(config.iters_num)):
        batch_mask = rng.choice(len(data.x_train), config.batch_size)
        x_batch, t_batch = data.x_train[batch_mask], data.t_train[batch_mask]
        for start, network in networks.items():
            grads = network.gradient(x_batch, t_batch)
            optimizer.update(network.params, grads)
            train_loss[start].append(network.last_loss)

    W1 = {start: network.params["W1"] for start, network in networks.items()}
    return Result(
        train_loss,
        difference={start: difference(network) for start, network in networks.items()},
        moved={start: float(np.abs(W1[start] - W1_at_first[start]).max()) for start in STARTS},
        W1=W1,
        test_acc={
            start: network.accuracy(data.x_test, data.t_test) for start, network in networks.items()
        },
    )


def initial_network(start: str, hidden_size: int, rng: Generator) -> MultiLayerNet:
    """Return a network of 784, hidden_size and 10 units with this start.

    The activation function is the sigmoid.  With ReLU, weights of 0 would have gradients of 0.
    """
    std: Any = "sigmoid" if start == "random" else 0
    network = MultiLayerNet(784, [hidden_size], 10, "sigmoid", std, rng=rng, dtype=np.float64)
    if start == "equal":
        network.params["W1"][:] = EQUAL
        network.params["W2"][:] = EQUAL
    return network


def difference(network: MultiLayerNet) -> float:
    """Return the largest difference between the weights of two hidden units."""
    columns, rows = network.params["W1"], network.params["W2"]
    return float(max(np.ptp(columns, axis=1).max(), np.ptp(rows, axis=0).max()))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    loss = plotting.curves(
        {f"{start} weights": smooth_curve(result.train_loss[start]) for start in STARTS},
        xlabel="iteration",
        ylabel="loss of the batch, smoothed",
        ylim=(0, 2.5),
    )
    count = min(8, result.W1["random"].shape[1])
    units, rows = plotting.subplots(
        len(STARTS), count, width=8.8 / count, height=1.2, squeeze=False
    )
    limit = np.quantile(np.abs(result.W1["random"]), 0.999)
    for start, panels in zip(STARTS, rows, strict=True):
        for axes, unit in zip(panels, result.W1[start].T, strict=False):
            image = axes.imshow(unit.reshape(28, 28), cmap="coolwarm", vmin=-limit, vmax=limit)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        panels[0].set_ylabel(start)
    units.colorbar(image, ax=rows, label="weight", extend="both")
    units.suptitle("weights from the pixels to hidden units, after training")
    return {"loss": loss, "hidden_units": units}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "largest difference between two hidden units, weights 0 and equal at first",
            "all updated with the same value",
            lambda result: [result.difference[start] for start in ("zero", "equal")],
            low=0,
            high=1e-6,
            why="in float64, rounding alone parts them by far less",
            digits=2,
            any_data=True,
        ),
        Claim.between(
            "largest difference between two hidden units, random weights at first",
            "random values are required",
            lambda result: result.difference["random"],
            low=0.1,
            why="far above rounding, and far below what was measured",
            digits=2,
            any_data=True,
        ),
        Claim.between(
            "largest change of a weight: zero, equal and random weights at first",
            None,
            lambda result: [result.moved[start] for start in STARTS],
            low=0.01,
            why="equal units learn, too; a margin below what was measured",
            digits=2,
            any_data=True,
        ),
        Claim.between(
            "test accuracy: zero and equal weights at first",
            None,
            lambda result: [result.test_acc[start] for start in ("zero", "equal")],
            low=0,
            high=0.5,
            why="one unit cannot tell ten digits apart; a margin above what was measured",
        ),
        Claim.between(
            "test accuracy: random weights at first",
            None,
            lambda result: result.test_acc["random"],
            low=0.8,
            high=1,
            why="a margin below what was measured",
        ),
    ],
    quick={"iters_num": 50},
)

if __name__ == "__main__":
    experiment.main()
