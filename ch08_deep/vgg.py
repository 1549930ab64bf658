"""*VGG* (chapter 8): the same stages with one, two and four convolutions of 3 x 3 each.

VGG is made of 3 x 3 filters alone.  Two or four convolutions and a pooling, which halves the image,
make a stage; Affine layers follow the last stage.  The script trains three small networks that
differ in the number of convolutions in their two stages, and shows what this depth costs and
brings.
"""

from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from ch07_cnn.cost import Cost, Training, draw, train
from dlbasics.experiment import Claim, Data, Experiment, Progress, Record
from dlbasics.networks import VGG


@dataclass(frozen=True)
class Config(Training):
    """A short training of each network.

    Args:
        depths: How many convolutions each of the two stages has, one number for each network.
    """

    train_size: int = 3_000
    depths: tuple[int, ...] = (1, 2, 4)


@dataclass(frozen=True)
class Result(Record):
    """The networks.

    Args:
        costs: What each network costs and learns, by its number of layers with weights.
        sizes: The height and width of the images after each stage.
    """

    costs: dict[str, Cost]
    sizes: list[int]


def run(config: Config, data: Data, rng: Generator, progress: Progress) -> Result:
    seed = int(rng.integers(2**32))
    costs = {}
    for depth in progress(config.depths):
        network = VGG(convolutions=(depth, depth), rng=seed)
        costs[f"{2 * depth + 3} layers"] = train(network, config, data, seed)
    rows = dict((name, shape) for name, shape, _ in network.summary().rows)
    return Result(costs, [shape[-1] for name, shape in rows.items() if name.startswith("Pool")])


def plot(result: Result) -> dict[str, Any]:
    return {"networks": draw(result.costs)}


def all_costs(result: Result, name: str) -> list[Any]:
    """Return this number of each network, from the shallowest to the deepest."""
    return [getattr(cost, name) for cost in result.costs.values()]


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "height of the images after each stage",
            [14, 7],
            lambda result: result.sizes,
            printed=False,
            any_data=True,
        ),
        Claim.same(
            "parameters with one, two and four convolutions in a stage",
            [110_026, 121_594, 144_730],
            lambda result: all_costs(result, "parameters"),
            printed=False,
            any_data=True,
        ),
        Claim.same(
            "multiplications for an image",
            [1_121_152, 4_733_824, 11_959_168],
            lambda result: all_costs(result, "multiplications"),
            printed=False,
            any_data=True,
        ),
        Claim.between(
            "test accuracy",
            None,
            lambda result: [accuracies[-1] for accuracies in all_costs(result, "test_acc")],
            0.8,
            1,
            why="the text says deeper is better; on digits, after 150 updates, the order "
            "depends on the seed",
        ),
        Claim.shown(
            "seconds of training",
            None,
            lambda result: all_costs(result, "seconds"),
            digits=2,
        ),
    ],
    quick={"train_size": 200, "epochs": 1},
)

if __name__ == "__main__":
    experiment.main()
