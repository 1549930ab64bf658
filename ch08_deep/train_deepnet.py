"""*Deeper Networks* (chapter 8): a network of eight layers with weights learns MNIST.

The script records the accuracy on 1,000 training and 1,000 test images after every epoch, and the
accuracy on all test images at the end.  This command, in the project's folder, made the file
deep_convnet.npz:

    python ch08_deep/train_deepnet.py --weights ch08_deep/deep_convnet.npz

The file holds the weights in half precision, to be small.  On another kind of processor the weights
differ by rounding.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from ch07_cnn.train_convnet import Config, as_images, save_weights, train
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet

WEIGHTS = Path(__file__).with_name("deep_convnet.npz")


@dataclass(frozen=True)
class Result(Record):
    """What came of the training.

    Args:
        train_acc: The accuracy on 1,000 training images, by epoch.
        test_acc: The accuracy on 1,000 test images, by epoch.
        final_acc: The accuracy on all test images, after training.
    """

    train_acc: list[float]
    test_acc: list[float]
    final_acc: float


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    network = DeepConvNet(rng=rng)
    images = as_images(data, config.train_size)
    trainer = train(network, images, config, rng, progress)
    save_weights(network, config)
    _, _, x_test, t_test = images
    return Result(trainer.train_acc_list, trainer.test_acc_list, network.accuracy(x_test, t_test))


def trained_network() -> Network:
    """Return the network with the weights of deep_convnet.npz, in float32."""
    network = DeepConvNet(dtype=np.float16)
    network.load_params(WEIGHTS)
    return network.astype(np.float32)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    accuracy = plotting.curves(
        {"training": result.train_acc, "test": result.test_acc},
        x=range(1, len(result.train_acc) + 1),
        xlabel="epoch",
        ylabel="accuracy",
        title=f"at the end, on all test images: {result.final_acc:.2%}",
        markers=True,
        accuracy=True,
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
            0.9938,
            lambda result: result.final_acc,
            0.9922,
            1,
            why="with 10,000 images it has a standard error of 0.0008: two of them",
        ),
    ],
    quick={"epochs": 1, "train_size": 300},
)

if __name__ == "__main__":
    experiment.main()
