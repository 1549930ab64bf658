"""Improving Recognition Accuracy (chapter 8): what the book suggests, and 99.7%.

Data augmentation, learning-rate decay, an ensemble; besides batch normalization, label smoothing
and averaged weights.  The network is the book's deep one with batch normalization, with 100 hidden
units in place of 50, less dropout, and pooling before ReLU.

To compare settings without a look at the test images,

    python ch08_deep/best.py --validation-size 10000

holds back so many training images and takes them in place of the test images.  Without it all are
trained on, and the test images are looked at once, at the end.  The Trainer evaluates nothing that
matters: it is given one training image for that.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ch08_deep import misclassified_mnist
from dlbasics import experiment
from dlbasics._internal.checks import as_count, as_number
from dlbasics.augmentation import warp
from dlbasics.averaging import WeightAverage
from dlbasics.data import label_smoothing
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.functions import softmax
from dlbasics.layers import Affine, BatchNorm, Convolution, Dropout, Layer, Pooling, Relu
from dlbasics.network import Network
from dlbasics.optimizers import Adam
from dlbasics.schedules import CosineDecay, Warmup
from dlbasics.trainer import Trainer
from dlbasics.typing import Array, RngLike


@dataclass(frozen=True)
class Config:
    networks: int = 4
    epochs: int = 12
    batch_size: int = 100
    learning_rate: float = 0.003
    label_smoothing: float = 0.1
    dropout_ratio: float = 0.2
    average_decay: float = 0.999
    # How far training images are turned, scaled, moved and bent: see augmentation.warp.
    degrees: float = 10.0
    share: float = 0.12
    pixels: float = 2.0
    alpha: float = 0.5
    # How many training images, from the first on.
    train_size: int = 60_000
    # Training images held back to be judged on, in place of test images.
    validation_size: int = 0
    # How many networks are trained at once, which changes no number.
    processes: int = field(default=2, compare=False)

    def __post_init__(self) -> None:
        for name in ("networks", "epochs", "batch_size", "train_size", "processes"):
            as_count(getattr(self, name), name)
        for name in ("degrees", "share", "pixels", "alpha"):
            as_number(getattr(self, name), name, low=0)
        for name in ("label_smoothing", "dropout_ratio", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, got {getattr(self, name)}")
        as_count(self.validation_size, "validation_size", least=0)


@dataclass(frozen=True)
class Result:
    """test_acc: by network;  ensemble_acc: of the mean of their probabilities, whose errors follow.

    train_loss: by network and epoch, on augmented images with smoothed labels.
    """

    train_loss: list[list[float]]
    test_acc: list[float]
    ensemble_acc: float
    errors: misclassified_mnist.Result


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    n = config.train_size
    data = replace(data, x_train=data.x_train[:n], t_train=data.t_train[:n])
    if config.validation_size:
        data = validation_data(data, config.validation_size)
    jobs = [(data, config, own_rng) for own_rng in rng.spawn(config.networks)]
    with experiment.processes(config.processes) as pool:
        if pool is None:
            calls = [partial(train, *job) for job in jobs]
        else:
            calls = [pool.submit(train, *job).result for job in jobs]
        train_loss, probabilities = zip(*[call() for call in progress(calls)], strict=True)
    mean = np.mean(probabilities, axis=0)
    return Result(
        [*train_loss],
        [accuracy(y, data) for y in probabilities],
        accuracy(mean, data),
        misclassified_mnist.errors(mean, data),
    )


def accuracy(probabilities: Array, data: Data) -> float:
    return float(np.mean(probabilities.argmax(axis=1) == data.t_test))


def validation_data(data: Data, size: int) -> Data:
    """The training images, of which `size`, the same in every run, take the test images' place."""
    if not 0 < size < len(data.x_train):
        raise ValueError(f"validation_size must be below {len(data.x_train)}, got {size}")
    order = np.random.default_rng(0).permutation(len(data.x_train))
    held, kept = order[:size], order[size:]
    x, t = data.x_train, data.t_train
    return Data(data.name, x[kept], t[kept], x[held], t[held])


def make_network(dropout_ratio: float, rng: RngLike) -> Network:
    """DeepConvNet with batch normalization, and with no dropout at the end.

    Pooling comes before normalization and ReLU, which then have a quarter of the work.
    """
    rng = np.random.default_rng(rng)
    layers: list[Layer] = []
    for i, (channels, filter_num) in enumerate(pairwise((1, 16, 16, 32, 32, 64, 64))):
        pad = 2 if i == 3 else 1
        layers.append(Convolution.create(channels, filter_num, 3, pad=pad, rng=rng))
        if i % 2:
            layers.append(Pooling(2, 2, stride=2))
        layers += [BatchNorm.create(filter_num), Relu()]
    layers += [Affine.create(64 * 4 * 4, 100, rng=rng), BatchNorm.create(100), Relu()]
    layers += [Dropout(dropout_ratio), Affine.create(100, 10, rng=rng)]
    return Network(layers, rng=rng)


def train(data: Data, config: Config, rng: np.random.Generator) -> tuple[list[float], Array]:
    """The mean loss of each epoch, and what the averaged network makes of the test images."""

    def augment(x: Array, rng: np.random.Generator) -> Array:
        return warp(
            x,
            degrees=config.degrees,
            share=config.share,
            pixels=config.pixels,
            alpha=config.alpha,
            rng=rng,
        )

    network = make_network(config.dropout_ratio, rng)
    x, t = data.x_train.reshape(-1, 1, 28, 28), data.t_train
    trainer = Trainer(
        network,
        x,
        label_smoothing(t, epsilon=config.label_smoothing),
        x[:1],
        t[:1],
        epochs=config.epochs,
        mini_batch_size=config.batch_size,
        optimizer=Adam(config.learning_rate),
        evaluate_sample_num_per_epoch=1,
        verbose=False,
        sampling="epoch",
        augment=augment,
        schedule=Warmup(0.5, CosineDecay()),
        rng=rng,
    )
    average = WeightAverage(network, config.average_decay)
    with experiment.one_blas_thread():
        for _ in range(trainer.max_iter):
            trainer.train_step()
            average.update()
        scores = average.network().predict(data.x_test.reshape(-1, 1, 28, 28))
    losses = np.array_split(trainer.train_loss_list, config.epochs)
    return [float(loss.mean()) for loss in losses], softmax(scores)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    loss = plotting.curves(
        {f"network {i + 1}": losses for i, losses in enumerate(result.train_loss)},
        x=range(1, len(result.train_loss[0]) + 1),
        xlabel="epoch",
        ylabel="loss on augmented images, smoothed labels",
        title=f"test accuracy {single_acc(result):.2%}, together {result.ensemble_acc:.2%}",
        markers=True,
    )
    (errors,) = misclassified_mnist.plot(result.errors).values()
    return {"loss": loss, "errors": errors}


def single_acc(result: Result) -> float:
    return float(np.mean(result.test_acc))


# What is wanted is 99.6% and 99.7%, as the mean of several seeds; one run may be 5 images below.
CLAIMS = [
    Claim("test accuracy of a network, mean", "above 0.9938", single_acc, lambda v: v >= 0.9955),
    Claim(
        "test accuracy of all together",
        "better than one",
        lambda result: result.ensemble_acc,
        lambda v: v >= 0.9965,
    ),
    Claim(
        "errors of a network, mean, and of all together",
        "fewer",
        lambda result: [10_000 * (1 - single_acc(result)), len(result.errors.index)],
        lambda v: v[1] < v[0],
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
        quick={"networks": 2, "epochs": 1, "train_size": 1_000, "processes": 1},
    )
