"""*ResNet* (chapter 8): networks that are too deep learn badly, unless connections skip layers.

The script trains plain and residual networks at five depths.  Both kinds have the same layers, and
so the same parameters: a convolution, blocks of two convolutions with batch normalization, and an
Affine layer.  Both start from the same weights and see the same batches.

Source: He et al. 2016, figures 2 and 6.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.convnets import residual_block
from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.layers import Affine, Convolution, Layer, Pooling, Relu
from dlbasics.network import Network
from dlbasics.optimizers import Adam

KINDS = ("plain", "residual")


@dataclass(frozen=True)
class Config:
    """The networks and their training.

    Args:
        blocks: The number of blocks of each network.  A network of n blocks has 2n + 2 layers with
            weights: 4, 10, 20, 34 and 50.
        filter_num: The number of filters of each convolution.
        train_size: The number of training images.
        epochs: How often each network sees all training images.
        batch_size: The number of images from which one update is computed.
        learning_rate: How far an update by Adam moves the weights.
    """

    blocks: tuple[int, ...] = (1, 4, 9, 16, 24)
    filter_num: int = 8
    train_size: int = 3_000
    epochs: int = 3
    batch_size: int = 100
    learning_rate: float = 0.003


@dataclass(frozen=True)
class Result(Record):
    """What the networks have learned, by kind ("plain" or "residual") and depth.

    Args:
        depths: The number of layers with weights.
        parameters: The number of parameters.
        loss: The mean loss of the last epoch's batches.
        test_acc: The accuracy on the first 1,000 test images.
    """

    depths: list[int]
    parameters: dict[str, list[int]]
    loss: dict[str, list[float]]
    test_acc: dict[str, list[float]]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seed = rng.integers(2**32)
    depths = [2 * blocks + 2 for blocks in config.blocks]
    x_test, t_test = data.x_test[:1_000].reshape(-1, 1, 28, 28), data.t_test[:1_000]
    parameters, loss, test_acc = ({kind: [] for kind in KINDS} for _ in range(3))
    for blocks in progress(config.blocks):
        for kind in KINDS:
            network = make_network(blocks, config.filter_num, kind == "residual", seed)
            parameters[kind].append(sum(W.size for W in network.params.values()))
            loss[kind].append(train(network, config, seed, data))
            test_acc[kind].append(network.accuracy(x_test, t_test))
    return Result(depths, parameters, loss, test_acc)


def make_network(blocks: int, C: int, skips: bool, seed: int) -> Network:
    """Make a network of a convolution, pooling, blocks on C x 7 x 7 pixels, and an Affine layer."""
    rng = np.random.default_rng(seed)
    layers: list[Layer] = [Convolution.create(1, C, 3, pad=1, rng=rng), Relu(), Pooling(4, 4, 4)]
    for _ in range(blocks):
        layers += residual_block(C, skips, rng=rng)
    return Network([*layers, Affine.create(C * 7 * 7, 10, rng=rng)])


def train(network: Network, config: Config, seed: int, data: Data) -> float:
    """Train the network, and return the mean loss of the last epoch."""
    rng, optimizer = np.random.default_rng(seed), Adam(config.learning_rate)
    x_train = data.x_train[: config.train_size].reshape(-1, 1, 28, 28)
    t_train = data.t_train[: config.train_size]
    for _ in range(config.epochs):
        losses = []
        for x, t in minibatches(x_train, t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
            losses.append(network.last_loss)
    return float(np.mean(losses))


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=4.5, height=3.6)
    plotting.draw_curves(panels[0], result.loss, x=result.depths, markers=True)
    plotting.draw_curves(panels[1], result.test_acc, x=result.depths, markers=True)
    panels[0].set(ylabel="training loss, mean of the last epoch")
    panels[1].set(ylabel="test accuracy")
    for axes in panels:
        axes.set(xlabel="depth: layers with weights", xticks=result.depths)
        axes.set_ylim(bottom=0)
    return {"loss_and_accuracy": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "parameters of the deepest networks, plain and residual",
            [32_810, 32_810],
            lambda result: [result.parameters[kind][-1] for kind in KINDS],
            printed=False,
            any_data=True,
        ),
        Claim(
            "training loss of plain networks, the shallowest and the deepest",
            "too deep: learning fails",
            lambda result: [result.loss["plain"][0], result.loss["plain"][-1]],
            lambda v: v[1] > 1.5 * v[0],
            condition="the second is more than 1.5 times the first",
            why="half as much again is plainly worse; the deepest hardly learns",
            digits=3,
        ),
        Claim(
            "training loss, the deepest minus the shallowest: plain and residual",
            None,
            lambda result: [result.loss[kind][-1] - result.loss[kind][0] for kind in KINDS],
            lambda v: v[1] < v[0] / 4,
            condition="the second is below a quarter of the first",
            why="a quarter is what 'skips solve it' should mean at least",
            digits=3,
        ),
        Claim(
            "test accuracy of the deepest networks, plain and residual",
            "skips: learns even when deep",
            lambda result: [result.test_acc[kind][-1] for kind in KINDS],
            lambda v: v[1] > v[0] + 0.1,
            condition="the second is more than 0.1 higher",
            why="one image in ten is more than a seed changes",
            digits=3,
        ),
    ],
    quick={"blocks": (1, 4), "train_size": 300, "epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
