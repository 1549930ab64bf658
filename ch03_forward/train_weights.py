"""Weights for Handwritten Digit Recognition (chapter 3): trains what the book gives as a file.

The network 784-50-100-10 with sigmoid learns MNIST by Adam, with a rate that falls in a straight
line to 0 and a little weight decay; all settings were chosen on 10,000 held-out training images,
never on the test images.  The file sample_weight.npz was made in the project's folder by

    python ch03_forward/train_weights.py --weights ch03_forward/sample_weight.npz

Without --weights no such file is written.  On another kind of processor the weights differ by
rounding.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics._internal.files import check_output_file
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam
from dlbasics.storage import save_arrays
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    epochs: int = 30
    batch_size: int = 100
    learning_rate: float = 0.003
    weight_decay_lambda: float = 1e-4
    # Where the weights go makes no number another, so that the claims are still judged.
    weights: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.weights:
            check_output_file(self.weights, "weights")


@dataclass(frozen=True)
class Result:
    """params: W1 (784, 50), W2 (50, 100), W3 (100, 10) and b1, b2, b3; accuracies by epoch."""

    config: Config
    params: dict[str, Array]
    train_acc: list[float]
    test_acc: list[float]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    network = MultiLayerNet(
        784,
        [50, 100],
        10,
        activation="sigmoid",
        weight_init_std="xavier",
        weight_decay_lambda=config.weight_decay_lambda,
        rng=rng,
    )
    optimizer = Adam()
    iters_num = config.epochs * math.ceil(len(data.x_train) / config.batch_size)
    result = Result(config, dict(network.params), [], [])

    for _ in progress(range(config.epochs)):
        for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=rng):
            optimizer.lr = config.learning_rate * (1 - optimizer.iter / iters_num)
            optimizer.update(network.params, network.gradient(x, t))
        result.train_acc.append(network.accuracy(data.x_train, data.t_train))
        result.test_acc.append(network.accuracy(data.x_test, data.t_test))
    return result


def run_and_write(config: Config, rng: RngLike, data: Data, progress: Progress) -> Result:
    """`run`, with the weights written at once: figures may open windows, and wait."""
    result = run(config, rng, data, progress)
    if config.weights:
        save_arrays(config.weights, result.params)
        print(f"weights: {config.weights}")
    return result


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=range(1, len(result.train_acc) + 1),
        xlabel="epoch",
        ylabel="accuracy",
        markers=True,
    )
    return {"accuracy": accuracy}


CLAIMS = [
    Claim("test accuracy", 0.9352, lambda result: result.test_acc[-1], lambda v: v >= 0.9352),
]

if __name__ == "__main__":
    experiment.main(__doc__, run_and_write, plot, config=Config, claims=CLAIMS, quick={"epochs": 1})
