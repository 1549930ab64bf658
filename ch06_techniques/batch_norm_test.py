"""Evaluating Batch Normalization (chapter 6): with and without it, from 16 scales of the weights.

For each standard deviation of the initial weights, two networks start from the same weights and see
the same batches; one has batch normalization.  The accuracy on the images they learn, after every
epoch.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import SGD
from dlbasics.typing import Array, RngLike

HE_LIKE = math.sqrt(math.sqrt(2 / 784) * math.sqrt(2 / 100))
"""Midway between He's standard deviations for 784 inputs and for 100."""
LEARNED = 0.15
"""An accuracy that one answer to all images does not reach."""


@dataclass(frozen=True)
class Config:
    """scales: how many standard deviations there are from 1 down to 1e-4."""

    scales: int = 16
    train_size: int = 1_000
    epochs: int = 20
    batch_size: int = 100
    learning_rate: float = 0.01


@dataclass(frozen=True)
class Result:
    """scales (S,);  the accuracies after each epoch, (S, epochs), with and without."""

    scales: Array
    with_norm: Array
    without_norm: Array


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    x, t = data.x_train[: config.train_size], data.t_train[: config.train_size]
    scales = np.logspace(0, -4, config.scales)
    curves = np.array([accuracies(config, scale, x, t, rng) for scale in progress(scales)])
    return Result(scales, curves[:, :, 0], curves[:, :, 1])


def accuracies(
    config: Config, scale: float, x: Array, t: Array, rng: np.random.Generator
) -> list[list[float]]:
    """With and without batch normalization, after each epoch: (epochs, 2)."""
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

    he_like = nearest(result.scales, HE_LIKE)
    one, axes = plotting.subplots()
    draw(axes, result, he_like)
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
    """The two curves of scale i."""
    epochs = range(1, result.with_norm.shape[1] + 1)
    axes.plot(epochs, result.with_norm[i], "-", label="batch normalization")
    axes.plot(epochs, result.without_norm[i], "--", label="without")
    axes.set_title(f"initial std {result.scales[i]:.2g}", fontsize=10)
    axes.set_ylim(0, 1.03)
    axes.xaxis.get_major_locator().set_params(integer=True)


def nearest(scales: Array, wanted: float) -> int:
    """The index of the scale that is nearest as a factor."""
    return int(np.argmin(np.abs(np.log(scales / wanted))))


def he_like_means(result: Result) -> list[float]:
    i = nearest(result.scales, HE_LIKE)
    return [float(result.without_norm[i].mean()), float(result.with_norm[i].mean())]


CLAIMS = [
    Claim(
        "scales, of 16, at which batch normalization is ahead after 20 epochs",
        "almost all",
        lambda result: int((result.with_norm > result.without_norm)[:, -1].sum()),
        lambda v: 14 <= v <= 16,
    ),
    Claim(
        f"scales at which accuracy is then below {LEARNED}, without and with",
        "without, only a good scale learns",
        lambda result: [
            int((accuracy[:, -1] < LEARNED).sum())
            for accuracy in (result.without_norm, result.with_norm)
        ],
        lambda v: v[0] >= 10 and v[1] == 0,
    ),
    Claim(
        "figure 6.18: mean accuracy of the 20 epochs, without and with",
        "learns faster with",
        he_like_means,
        lambda v: v[1] > v[0],
        digits=3,
    ),
]

if __name__ == "__main__":
    quick = {"scales": 4, "epochs": 2}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
