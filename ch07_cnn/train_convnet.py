"""Implementing a CNN (chapter 7): SimpleConvNet learns digits.

The loss of every batch; the accuracy on 1,000 training and test images after every epoch, as in the
published experiment, and on all at the end.  The file simple_convnet.npz, which other scripts of
this chapter read, was made in the project's folder by

    python ch07_cnn/train_convnet.py --weights ch07_cnn/simple_convnet.npz

It holds float16, which takes half the room.  Without --weights no such file is written.  On another
kind of processor the weights differ by rounding.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics._internal.files import check_output_file
from dlbasics.data import smooth_curve
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.network import Network
from dlbasics.networks import SimpleConvNet
from dlbasics.storage import PathLike
from dlbasics.trainer import Trainer
from dlbasics.typing import Array, RngLike

Images = tuple[Array, Array, Array, Array]
"""x_train, t_train, x_test, t_test, with x (N, 1, 28, 28)."""

WEIGHTS = Path(__file__).with_name("simple_convnet.npz")


@dataclass(frozen=True)
class Config:
    epochs: int = 20
    batch_size: int = 100
    learning_rate: float = 0.001
    train_size: int = 60_000
    # Where the weights go makes no number another, so that the claims are still judged.
    weights: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.weights:
            check_output_file(self.weights, "weights")


@dataclass(frozen=True)
class Result:
    """train_acc and test_acc: by epoch, of 1,000 images each; final: of all, after training."""

    params: dict[str, Array]
    train_loss: list[float]
    train_acc: list[float]
    test_acc: list[float]
    final_train_acc: float
    final_test_acc: float


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    network = SimpleConvNet(rng=rng)
    images = as_images(data, config.train_size)
    trainer = train(network, images, config, rng, progress)
    write_weights(network, config)
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
    """The first training images, and all test images."""
    x_train, t_train = data.x_train[:train_size], data.t_train[:train_size]
    return (
        x_train.reshape(-1, 1, 28, 28),
        t_train,
        data.x_test.reshape(-1, 1, 28, 28),
        data.t_test,
    )


def train(
    network: Network, images: Images, config: Config, rng: RngLike, progress: Progress
) -> Trainer:
    """By Adam, with the accuracy on 1,000 images of either kind after each epoch."""
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


def write_weights(network: Network, config: Config) -> None:
    """In half precision, where `config.weights` names a file."""
    if config.weights:
        network.astype(np.float16).save_params(config.weights)
        print(f"weights: {config.weights}")


def trained_network(weights: PathLike = WEIGHTS) -> Network:
    """A SimpleConvNet with the parameters of such a file, in float32."""
    network = SimpleConvNet(dtype=np.float16)
    network.load_params(weights)
    return network.astype(np.float32)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=range(1, len(result.train_acc) + 1),
        xlabel="epoch",
        ylabel="accuracy on up to 1,000 images",
        markers=True,
    )
    loss = plotting.curves(
        {"loss": smooth_curve(result.train_loss)},
        xlabel="iteration",
        ylabel="loss of the batch, smoothed",
    )
    loss.axes[0].set_yscale("log")
    return {"accuracy": accuracy, "loss": loss}


CLAIMS = [
    Claim("training accuracy", 0.9982, lambda result: result.final_train_acc, lambda v: v >= 0.995),
    Claim("test accuracy", 0.9896, lambda result: result.final_test_acc, lambda v: v >= 0.985),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"epochs": 2, "train_size": 2_000},
    )
