"""*Inference for Neural Network* (chapter 3): train the weights that the book gives as a file.

The network 784-50-100-10 with sigmoid learns MNIST with Adam and a little weight decay.  The
learning rate falls linearly to 0.  All settings were chosen on 10,000 training images that were
held out, and never on the test images.  This command wrote the file sample_weight.npz, in the
folder of the project:

    python ch03_forward/train_weights.py --weights ch03_forward/sample_weight.npz

Without --weights the script writes no such file.  On another kind of processor the weights differ
by rounding errors.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import batch_count, minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam
from dlbasics.storage import save_arrays


@dataclass(frozen=True)
class Config:
    """The settings.

    Args:
        epochs: The number of epochs; in each, the network sees every training image once.
        batch_size: The number of images in a mini-batch, from which one update is computed.
        learning_rate: The size of the first steps; it falls to 0.
        weight_decay_lambda: The strength of the weight decay, which keeps the weights small.
        weights: The .npz file to which the weights are written.
    """

    epochs: int = 30
    batch_size: int = 100
    learning_rate: float = 0.003
    weight_decay_lambda: float = 1e-4
    # The file changes no result: the claims are judged whatever it is.
    weights: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        path = self.weights and Path(self.weights)
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise ValueError(f"weights must be a file in a folder that exists, got {path}")


@dataclass(frozen=True)
class Result(Record):
    """The trained weights, and the accuracies on the way.

    Args:
        params: The weights W1 (784, 50), W2 (50, 100) and W3 (100, 10), and b1, b2 and b3.
        train_acc: The accuracy on the training images after each epoch.
        test_acc: The accuracy on the test images after each epoch.
    """

    params: dict[str, np.ndarray]
    train_acc: list[float]
    test_acc: list[float]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
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
    iters_num = config.epochs * batch_count(len(data.x_train), config.batch_size, "epoch")
    train_acc, test_acc = [], []

    for _ in progress(range(config.epochs)):
        for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=rng):
            optimizer.lr = config.learning_rate * (1 - optimizer.iter / iters_num)
            optimizer.update(network.params, network.gradient(x, t))
        train_acc.append(network.accuracy(data.x_train, data.t_train))
        test_acc.append(network.accuracy(data.x_test, data.t_test))

    params = dict(network.params)
    if config.weights:
        save_arrays(config.weights, params)
        print(f"weights: {config.weights}")
    return Result(params, train_acc, test_acc)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=range(1, len(result.train_acc) + 1),
        xlabel="epoch",
        ylabel="accuracy (the axis does not begin at 0)",
        markers=True,
    )
    return {"accuracy": accuracy}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "test accuracy",
            0.9352,
            lambda result: result.test_acc[-1],
            0.9352,
            1,
            why="the book does not say how it trained its weights; ours must be no worse",
        ),
    ],
    quick={"epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
