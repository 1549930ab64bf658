"""Going Deeper (chapter 8): a network of eight layers with weights learns MNIST.

The accuracy on 1,000 training and 1,000 test images after every epoch, and on all test images at
the end.  The file deep_convnet.npz, in half precision to be small, was made in the project's
folder by

    python ch08_deep/train_deepnet.py --weights ch08_deep/deep_convnet.npz

Without --weights no such file is written.  On another kind of processor the weights differ by
rounding.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ch07_cnn.train_convnet import Config, as_images, train, write_weights
from dlbasics import experiment
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet
from dlbasics.typing import RngLike

WEIGHTS = Path(__file__).with_name("deep_convnet.npz")


@dataclass(frozen=True)
class Result:
    """Accuracies by epoch, of the first images;  final_acc: of all test images, at the end."""

    train_acc: list[float]
    test_acc: list[float]
    final_acc: float


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    network = DeepConvNet(rng=rng)
    images = as_images(data, config.train_size)
    trainer = train(network, images, config, rng, progress)
    write_weights(network, config)
    _, _, x_test, t_test = images
    return Result(trainer.train_acc_list, trainer.test_acc_list, network.accuracy(x_test, t_test))


def trained_network() -> Network:
    """The network with the weights of deep_convnet.npz, in float32."""
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
    )
    return {"accuracy": accuracy}


# Of 10,000 images, an accuracy of 99.38% has a standard error of 0.08%: two below the book's hold.
CLAIMS = [
    Claim("test accuracy", 0.9938, lambda result: result.final_acc, lambda v: v >= 0.9922),
]

if __name__ == "__main__":
    experiment.main(
        __doc__,
        run,
        plot,
        config=Config,
        claims=CLAIMS,
        quick={"epochs": 2, "train_size": 1_000},
    )
