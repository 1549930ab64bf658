"""Can We Set the Initial Weight Values to 0? (chapter 6): hidden units that start equal stay equal.

The same network is trained from weights of 0, from equal ones and from random ones.  Units with
equal weights give equal outputs, get equal gradients, and so move alike: together they are no more
than one unit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from dlbasics.typing import Array, RngLike

STARTS = ("zero", "equal", "random")
EQUAL = 0.01
"""All weights of the start "equal"."""


@dataclass(frozen=True)
class Config:
    hidden_size: int = 20
    iters_num: int = 1_000
    batch_size: int = 100
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Result:
    """By start.  A unit's weights are its column of W1 and its row of W2.

    difference: the largest between two units' weights, after training;
    moved: how far the weight that moved furthest is from its start;
    W1: (784, hidden_size), after training;  test_acc: the accuracy then.
    """

    train_loss: dict[str, list[float]]
    difference: dict[str, float]
    moved: dict[str, float]
    W1: dict[str, Array]
    test_acc: dict[str, float]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
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


def initial_network(start: str, hidden_size: int, rng: np.random.Generator) -> MultiLayerNet:
    """784, hidden_size and 10 units with sigmoid; ReLU would let nothing move from 0."""
    std: Any = "sigmoid" if start == "random" else 0
    network = MultiLayerNet(784, [hidden_size], 10, "sigmoid", std, rng=rng, dtype=np.float64)
    if start == "equal":
        network.params["W1"][:] = EQUAL
        network.params["W2"][:] = EQUAL
    return network


def difference(network: MultiLayerNet) -> float:
    """The largest difference between the weights of two hidden units."""
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
        len(STARTS), count, width=1.1, height=1.2, squeeze=False, sharex=True, sharey=True
    )
    for start, panels in zip(STARTS, rows, strict=True):
        W1 = result.W1[start]
        limit = np.abs(W1).max()
        for axes, unit in zip(panels, W1.T, strict=False):
            axes.imshow(unit.reshape(28, 28), cmap="coolwarm", vmin=-limit, vmax=limit)
            axes.set(xticks=[], yticks=[])
        panels[0].set_ylabel(f"{start} weights", fontsize=8)
    units.suptitle(f"weights from the pixels to the first {count} hidden units, after training")
    return {"loss": loss, "hidden_units": units}


CLAIMS = [
    Claim(
        "largest difference between two hidden units, all weights 0 at first",
        "0",
        lambda result: result.difference["zero"],
        lambda v: 0 <= v < 1e-6,
        digits=2,
        any_data=True,
    ),
    Claim(
        "the same, all weights equal at first",
        "0",
        lambda result: result.difference["equal"],
        lambda v: 0 <= v < 1e-6,
        digits=2,
        any_data=True,
    ),
    Claim(
        "the same, random weights",
        "not 0",
        lambda result: result.difference["random"],
        lambda v: v > 0.1,
        digits=2,
        any_data=True,
    ),
    Claim(
        "how far weights moved meanwhile, zero, equal and random at first",
        "updated alike",
        lambda result: [result.moved[start] for start in STARTS],
        lambda v: min(v) > 0.01,
        digits=2,
        any_data=True,
    ),
    Claim(
        "test accuracy, zero, equal and random weights at first",
        "random learns",
        lambda result: [result.test_acc[start] for start in STARTS],
        lambda v: max(v[0], v[1]) < 0.5 and v[2] > 0.8,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"iters_num": 50})
