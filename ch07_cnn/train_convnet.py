"""*Implementing a CNN* (chapter 7): SimpleConvNet learns digits.

The script records the loss of every batch, the accuracy on 1,000 training and test images after
every epoch, and the accuracy on all images at the end.  Other scripts of this chapter read the file
simple_convnet.npz.  This command made it, in the project's folder:

    python ch07_cnn/train_convnet.py --weights ch07_cnn/simple_convnet.npz

The file holds the weights in float16, which takes half the room.  On another kind of processor the
weights differ by rounding.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.network import Network
from dlbasics.networks import SimpleConvNet
from dlbasics.trainer import Trainer

Images = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""x_train, t_train, x_test and t_test; each x has the shape (N, 1, 28, 28)."""

WEIGHTS = Path(__file__).with_name("simple_convnet.npz")


@dataclass(frozen=True)
class Config:
    """The settings of the published experiment.

    Args:
        epochs: How often the network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
        train_size: The number of training images.
        weights: The file for the trained weights, if you want one.
    """

    epochs: int = 20
    batch_size: int = 100
    learning_rate: float = 0.001
    train_size: int = 60_000
    # The file changes no number, so the claims are judged with any file.
    weights: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        path = self.weights and Path(self.weights)
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise ValueError(f"weights must be a file in a folder that exists, got {path}")


@dataclass(frozen=True)
class Result(Record):
    """What came of the training.

    Args:
        params: The trained parameters.
        train_loss: The loss of each mini-batch.
        train_acc: The accuracy on 1,000 training images, by epoch.
        test_acc: The accuracy on 1,000 test images, by epoch.
        final_train_acc: The accuracy on all training images, after training.
        final_test_acc: The accuracy on all test images, after training.
    """

    params: dict[str, np.ndarray]
    train_loss: list[float]
    train_acc: list[float]
    test_acc: list[float]
    final_train_acc: float
    final_test_acc: float


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    network = SimpleConvNet(rng=rng)
    images = as_images(data, config.train_size)
    trainer = train(network, images, config, rng, progress)
    save_weights(network, config)
    x_train, t_train, x_test, t_test = images
    return Result(
        dict(network.params),
        trainer.train_loss_list,
        trainer.train_acc_list,
        trainer.test_acc_list,
        network.accuracy(x_train, t_train),
        network.accuracy(x_test, t_test),
    )


def as_images(data: Data, train_size: int) -> Images:
    """Return the first training images, and all test images, in the shape (N, 1, 28, 28)."""
    x_train, t_train = data.x_train[:train_size], data.t_train[:train_size]
    return (
        x_train.reshape(-1, 1, 28, 28),
        t_train,
        data.x_test.reshape(-1, 1, 28, 28),
        data.t_test,
    )


def train(
    network: Network, images: Images, config: Config, rng: Generator, progress: Progress
) -> Trainer:
    """Train a network by Adam; after each epoch, evaluate it on 1,000 images of each kind."""
    trainer = Trainer(
        network,
        *images,
        epochs=config.epochs,
        mini_batch_size=config.batch_size,
        optimizer="Adam",
        optimizer_param={"lr": config.learning_rate},
        evaluate_sample_num_per_epoch=1_000,
        verbose=False,
        rng=rng,
    )
    for _ in progress(range(trainer.max_iter)):
        trainer.train_step()
    return trainer


def save_weights(network: Network, config: Config) -> None:
    """Save the weights in half precision, if `config.weights` names a file."""
    if config.weights:
        network.astype(np.float16).save_params(config.weights)
        print(f"weights: {config.weights}")


def trained_network(weights: str | Path = WEIGHTS) -> Network:
    """Return a SimpleConvNet with the weights in a file of this script, in float32."""
    network = SimpleConvNet(dtype=np.float16)
    network.load_params(weights)
    return network.astype(np.float32)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=range(1, len(result.train_acc) + 1),
        xlabel="epoch",
        ylabel="accuracy",
        title=f"at the end, on all test images: {result.final_test_acc:.2%}",
        markers=True,
        accuracy=True,
    )
    loss, axes = plotting.subplots()
    axes.plot(smooth_curve(result.train_loss), label="each batch, smoothed", color="lightsteelblue")
    epochs = np.array_split(np.arange(len(result.train_loss)), len(result.train_acc))
    middles = [iterations.mean() for iterations in epochs]
    means = [np.mean([result.train_loss[i] for i in iterations]) for iterations in epochs]
    axes.plot(middles, means, "o-", label="mean of each epoch", markersize=4)
    axes.set(xlabel="iteration", ylabel="loss, log axis", yscale="log")
    axes.legend(frameon=False)
    return {"accuracy": accuracy, "loss": loss}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "training accuracy",
            0.9982,
            lambda result: result.final_train_acc,
            0.99,
            1,
            why="it jumps with the last updates, and from training to training, as the text says",
        ),
        Claim.between(
            "test accuracy",
            0.9896,
            lambda result: result.final_test_acc,
            0.98,
            1,
            why="it jumps with the last updates, and from training to training, as the text says",
        ),
    ],
    quick={"epochs": 2, "train_size": 1_000},
)

if __name__ == "__main__":
    experiment.main()
