"""*GoogLeNet* (chapter 8): filters of several sizes side by side, and what 1 x 1 filters save.

An inception block looks at an image with filters of 1 x 1, 3 x 3 and 5 x 5 and with pooling, and
joins what they find.  Before the larger filters, a few filters of 1 x 1 reduce the channels.  The
script counts what this saves, and trains a small GoogLeNet with and without these filters.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ch07_cnn.cost import Cost, Training, draw, multiplications, train
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.imagenets import inception_block
from dlbasics.networks import GoogLeNet

REDUCED, DIRECT = "with 1 x 1 filters", "without"
FIRST_BLOCK = 192, (64, 96, 128, 16, 32, 32), (192, 28, 28)
"""Channels, filters and image of the original's first block (3a), Szegedy et al. 2015, table 1."""


@dataclass(frozen=True)
class Config(Training):
    """A training of each network.  Its learning rate is higher than that of the other networks."""

    epochs: int = 6
    learning_rate: float = 0.005


@dataclass(frozen=True)
class Block:
    """What an inception block costs.

    Args:
        parameters: The number of parameters.
        multiplications: The number of multiplications for one image.
        channels: The number of channels of its output.
    """

    parameters: int
    multiplications: int
    channels: int


@dataclass(frozen=True)
class Result(Record):
    """The first block of the original, and two small networks, with 1 x 1 filters and without.

    Args:
        blocks: What the block costs, by kind.
        costs: What each network costs and learns, by kind.
    """

    blocks: dict[str, Block]
    costs: dict[str, Cost]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seed = int(rng.integers(2**32))
    costs = {}
    for kind in progress((REDUCED, DIRECT)):
        network = GoogLeNet(reduce=kind == REDUCED, rng=seed)
        costs[kind] = train(network, config, data, seed)
    return Result({kind: first_block(kind == REDUCED) for kind in costs}, costs)


def first_block(reduce: bool) -> Block:
    """Count what the first block of the original costs."""
    channels, filter_nums, shape = FIRST_BLOCK
    block = inception_block(channels, filter_nums, reduce, rng=0)
    arrays = [
        array for layer in block.layers if layer.kind == "Conv" for array in (layer.W, layer.b)
    ]
    return Block(
        parameters=sum(array.size for array in arrays),
        multiplications=multiplications([block], shape),
        channels=block.output_shape(shape)[0],
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, axes = plotting.subplots(width=7.0, height=3.6)
    names = ["parameters", "multiplications"]
    y = np.arange(len(names))
    for i, (kind, block) in enumerate(result.blocks.items()):
        shares = [getattr(block, name) / getattr(result.blocks[DIRECT], name) for name in names]
        bars = axes.barh(y + 0.35 * i, shares, height=0.3, label=kind)
        axes.bar_label(bars, [f"{getattr(block, name):,}" for name in names], padding=3)
    axes.set_yticks(y + 0.175, names)
    axes.set(xlim=(0, 1.35), xlabel="share of the block without 1 x 1 filters")
    axes.set_title("the first block of GoogLeNet", fontsize=10)
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="upper right")
    return {"figure_8_11": figure, "networks": draw(result.costs)}


def both(kinds: dict[str, Any], name: str) -> list[Any]:
    """Return this number with 1 x 1 filters and without."""
    return [getattr(kinds[kind], name) for kind in (REDUCED, DIRECT)]


HALF = "the first is above 0 and below half of the second"
SAVED = "the counts are exact; half is what is worth a layer more"

experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "channels of the first block's output: with 1 x 1 filters, without",
            [256, 256],
            lambda result: both(result.blocks, "channels"),
            printed=False,
            any_data=True,
        ),
        Claim(
            "parameters of the first block, with and without",
            "1 x 1 filters reduce them",
            lambda result: both(result.blocks, "parameters"),
            lambda v: 0 < v[0] < 0.5 * v[1],
            condition=HALF,
            why=SAVED,
            digits=6,
            any_data=True,
        ),
        Claim(
            "millions of multiplications of the first block, with and without",
            "1 x 1 filters accelerate it",
            lambda result: [count / 1e6 for count in both(result.blocks, "multiplications")],
            lambda v: 0 < v[0] < 0.5 * v[1],
            condition=HALF,
            why=SAVED,
            digits=3,
            any_data=True,
        ),
        Claim(
            "parameters of the small network, with and without",
            "1 x 1 filters reduce them",
            lambda result: both(result.costs, "parameters"),
            lambda v: 0 < v[0] < 0.5 * v[1],
            condition=HALF,
            why=SAVED,
            digits=6,
            any_data=True,
        ),
        Claim(
            "millions of multiplications of the small network, with and without",
            "1 x 1 filters accelerate it",
            lambda result: [count / 1e6 for count in both(result.costs, "multiplications")],
            lambda v: 0 < v[0] < 0.5 * v[1],
            condition=HALF,
            why=SAVED,
            digits=3,
            any_data=True,
        ),
        Claim.between(
            "test accuracy of the small network, with and without",
            None,
            lambda result: [cost.test_acc[-1] for cost in result.costs.values()],
            0.8,
            1,
            why="both have learned; a short training ends higher or lower with the seed",
        ),
        Claim.shown(
            "seconds of training, with and without",
            "1 x 1 filters accelerate it",
            lambda result: both(result.costs, "seconds"),
            digits=2,
        ),
    ],
    quick={"train_size": 200, "epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
