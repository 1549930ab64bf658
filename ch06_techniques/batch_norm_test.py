"""*Evaluating Batch Normalization* (chapter 6): with and without it, from 16 scales of weights.

For each standard deviation of the initial weights, two networks start from the same weights and
learn the same batches.  One has batch normalization, the other has not.  The script records the
accuracy on the training images after every epoch.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD

HE_LIKE = math.sqrt(math.sqrt(2 / 784) * math.sqrt(2 / 100))
"""The geometric mean of He's standard deviations for 784 inputs and for 100."""
LEARNED = 0.15
"""A network with a lower accuracy has learned nothing: it gives all images the same answer."""


@dataclass(frozen=True)
class Config:
    """The book's settings.

    Args:
        scales: The number of standard deviations of the initial weights, from 1 down to 1e-4.
        train_size: The number of training images.
        epochs: The number of epochs; one draws as many images as there are to learn from.
        batch_size: The number of images in a mini-batch, from which one step learns.
        learning_rate: The learning rate, which says how large a step is.
    """

    scales: int = 16
    train_size: int = 1_000
    epochs: int = 20
    batch_size: int = 100
    learning_rate: float = 0.01


@dataclass(frozen=True)
class Result(Record):
    """The accuracies of the networks.

    Args:
        scales: The S standard deviations of the initial weights, (S,).
        with_norm: The accuracies with batch normalization after each epoch, (S, epochs).
        without_norm: The accuracies without batch normalization after each epoch, (S, epochs).
    """

    scales: np.ndarray
    with_norm: np.ndarray
    without_norm: np.ndarray


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    x, t = data.x_train[: config.train_size], data.t_train[: config.train_size]
    scales = np.logspace(0, -4, config.scales)
    curves = np.array([accuracies(config, scale, x, t, rng) for scale in progress(scales)])
    return Result(scales, curves[:, :, 0], curves[:, :, 1])


def accuracies(
    config: Config, scale: float, x: np.ndarray, t: np.ndarray, rng: Generator
) -> list[list[float]]:
    """Return the accuracies with and without batch normalization after each epoch, (epochs, 2)."""
    seed = rng.integers(2**32)
    networks = [
        MultiLayerNet(
            784, [100] * 5, 10, weight_init_std=scale, use_batchnorm=use_batchnorm, rng=seed
        )
        for use_batchnorm in (True, False)
    ]
    optimizer = SGD(config.learning_rate)
    found = []
    for _ in range(config.epochs):
        for batch in minibatches(x, t, config.batch_size, sampling="replacement", rng=rng):
            for network in networks:
                optimizer.update(network.params, network.gradient(*batch))
        found.append([network.accuracy(x, t) for network in networks])
    return found


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    one, axes = plotting.subplots()
    draw(axes, result, he_like(result))
    axes.set(xlabel="epoch", ylabel="training accuracy")
    axes.legend(frameon=False)

    rows = math.ceil(len(result.scales) / 4)
    grid, panels = plotting.subplots(
        rows, 4, width=2.2, height=1.9, sharex=True, sharey=True, squeeze=False
    )
    for i, axes in enumerate(panels.flat):
        if i < len(result.scales):
            draw(axes, result, i)
        else:
            axes.set_axis_off()
    for axes in panels[-1]:
        axes.set_xlabel("epoch")
    grid.supylabel("training accuracy")
    lines = panels[0, 0].lines
    grid.legend(handles=lines, loc="outside upper center", ncols=2, frameon=False)
    return {"figure_6_18": one, "figure_6_19": grid}


def draw(axes: Any, result: Result, i: int) -> None:
    """Draw the two curves of scale i."""
    epochs = range(1, result.with_norm.shape[1] + 1)
    axes.plot(epochs, result.with_norm[i], "-", label="batch normalization")
    axes.plot(epochs, result.without_norm[i], "--", label="without it")
    axes.set_title(f"initial std {result.scales[i]:.2g}", fontsize=10)
    axes.set_ylim(0, 1.03)
    axes.xaxis.get_major_locator().set_params(integer=True)


def he_like(result: Result) -> int:
    """Return the index of the scale that is closest to HE_LIKE, on a logarithmic axis."""
    return int(np.argmin(np.abs(np.log(result.scales / HE_LIKE))))


def he_like_means(result: Result) -> list[float]:
    """Return the means of the two curves of figure 6.18, without and with batch normalization."""
    i = he_like(result)
    return [float(result.without_norm[i].mean()), float(result.with_norm[i].mean())]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "scales, of 16, at which batch normalization is ahead after 20 epochs",
            "almost all",
            lambda result: int((result.with_norm > result.without_norm)[:, -1].sum()),
            low=14,
            high=16,
            why="'almost all' allows for two; the plain network starts well at a few scales",
        ),
        Claim(
            f"scales, of 16, with a last accuracy below {LEARNED}, without and with it",
            "without it, only good scales learn",
            lambda result: [
                int((accuracy[:, -1] < LEARNED).sum())
                for accuracy in (result.without_norm, result.with_norm)
            ],
            lambda v: 10 <= v[0] <= 16 and v[1] == 0,
            "the first from 10 to 16, the second 0",
            "most scales are not good ones; 10 is a margin below what was measured",
        ),
        Claim(
            "figure 6.18: mean accuracy of the 20 epochs, without and with it",
            "accelerates training",
            he_like_means,
            lambda v: v[0] < v[1] <= 1,
            "the second is larger, and at most 1",
            "the accuracy that rises first has the larger mean",
            digits=3,
        ),
    ],
    quick={"scales": 4, "epochs": 2},
)

if __name__ == "__main__":
    experiment.main()
