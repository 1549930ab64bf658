"""Deep sigmoid networks, not the book's: accuracy against depth, and what each remedy brings.

From Takenawa's lecture *Deep Learning: Part 2*: sigmoid layers on small initial weights, trained by
SGD, do not learn any more when there are many.  He's initial weights, batch normalization and Adam
are tried each alone, then all three together; at last ReLU, which He's weights are meant for, takes
the place of the sigmoid.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD, Adam
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Kind:
    activation: str = "sigmoid"
    weight_init_std: float | str = 0.01
    use_batchnorm: bool = False
    adam: bool = False


KINDS = {
    "sigmoid, std 0.01, SGD": Kind(),
    "He": Kind(weight_init_std="he"),
    "batch normalization": Kind(use_batchnorm=True),
    "Adam": Kind(adam=True),
    "all three": Kind(weight_init_std="he", use_batchnorm=True, adam=True),
    "He and ReLU": Kind(activation="relu", weight_init_std="he"),
}
PLAIN = next(iter(KINDS))


@dataclass(frozen=True)
class Config:
    depths: tuple[int, ...] = (1, 2, 3, 5, 10, 20)
    hidden_size: int = 50
    train_size: int = 3_000
    epochs: int = 15
    batch_size: int = 100
    sgd_lr: float = 0.1
    adam_lr: float = 0.001


@dataclass(frozen=True)
class Result:
    """depths: hidden layers;  test_acc: by kind and depth, on the first 1,000 test images."""

    depths: list[int]
    test_acc: dict[str, list[float]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    seed = rng.integers(2**32)
    test_acc: dict[str, list[float]] = {name: [] for name in KINDS}
    for depth in progress(config.depths):
        for name, kind in KINDS.items():
            network = train(kind, depth, config, seed, data)
            test_acc[name].append(network.accuracy(data.x_test[:1_000], data.t_test[:1_000]))
    return Result([*config.depths], test_acc)


def train(kind: Kind, depth: int, config: Config, rng: RngLike, data: Data) -> MultiLayerNet:
    rng = np.random.default_rng(rng)
    network = MultiLayerNet(
        784,
        [config.hidden_size] * depth,
        10,
        kind.activation,
        kind.weight_init_std,
        use_batchnorm=kind.use_batchnorm,
        rng=rng,
    )
    optimizer = Adam(config.adam_lr) if kind.adam else SGD(config.sgd_lr)
    x_train, t_train = data.x_train[: config.train_size], data.t_train[: config.train_size]
    for _ in range(config.epochs):
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
    return network


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=7.5, height=4.2)
    plotting.draw_curves(axes, result.test_acc, x=result.depths, markers=True)
    axes.lines[0].set(linestyle="--", zorder=3)  # seen where another lies on it
    axes.set(xlabel="hidden layers", ylabel="test accuracy", xscale="log", ylim=(0, 1))
    axes.set_xticks(result.depths, result.depths)
    axes.minorticks_off()
    axes.axhline(0.1, color="gray", linestyle=":", label="guessing")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return {"accuracy": figure}


def deepest_that_learns(result: Result, kind: str) -> int:
    """The most hidden layers with a test accuracy above 0.5; 0 where none has."""
    learns = zip(result.depths, result.test_acc[kind], strict=True)
    return max((depth for depth, accuracy in learns if accuracy > 0.5), default=0)


def depth_claim(text: str, book: str, kind: str, low: int, high: int) -> Claim:
    """low, high: the fewest and the most layers that will do."""
    return Claim(
        text,
        book,
        lambda result: deepest_that_learns(result, kind),
        lambda v: low <= v <= high,
    )


CLAIMS = [
    Claim(
        "test accuracy with 1 and with 20 hidden layers, sigmoid, std 0.01, SGD",
        "fails as depth grows",
        lambda result: [result.test_acc[PLAIN][i] for i in (0, -1)],
        lambda v: v[0] > 0.5 and v[1] < 0.2,
        digits=3,
    ),
    depth_claim("most hidden layers above an accuracy of 0.5", "few", PLAIN, 1, 1),
    depth_claim("the same with He's weights", "more", "He", 2, 3),
    depth_claim("the same with batch normalization", "more", "batch normalization", 5, 10),
    depth_claim("the same with Adam", "more", "Adam", 2, 5),
    depth_claim("the same with all three", "all", "all three", 20, 20),
    depth_claim("the same with He's weights and ReLU", "more", "He and ReLU", 10, 20),
    Claim(
        "test accuracy with 20 hidden layers, all three",
        "learns",
        lambda result: result.test_acc["all three"][-1],
        lambda v: v > 0.75,
        digits=3,
    ),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"depths": (1, 3), "train_size": 500, "epochs": 2},
    )
