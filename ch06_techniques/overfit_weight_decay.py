"""Weight Decay (chapter 6): a large network learns 300 images by heart; with decay, less so.

Both networks start from the same weights and see the same batches.  The accuracy on training and
test images after every epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim, Data, Progress
from dlbasics.networks import MultiLayerNet
from dlbasics.trainer import Trainer
from dlbasics.typing import RngLike


@dataclass(frozen=True)
class Config:
    weight_decay_lambda: float = 0.1
    train_size: int = 300
    epochs: int = 201
    batch_size: int = 100
    learning_rate: float = 0.01


@dataclass(frozen=True)
class Result:
    """By network, "without" and "with": the accuracies after each epoch."""

    train_acc: dict[str, list[float]]
    test_acc: dict[str, list[float]]


def run(
    config: Config,
    rng: RngLike,
    data: Data | None = None,
    progress: Progress = iter,
) -> Result:
    decay = {"weight_decay_lambda": config.weight_decay_lambda}
    return compare(config, decay, rng, data, progress)


def compare(
    config: Any,
    arguments: Mapping[str, Any],
    rng: RngLike,
    data: Data | None,
    progress: Progress,
) -> Result:
    """Train two networks, one of them with these arguments of MultiLayerNet."""
    rng, data = np.random.default_rng(rng), data or experiment.load_data()
    weights_seed, batches_seed = rng.integers(2**32, size=2)
    result = Result({}, {})
    for key, given in (("without", {}), ("with", arguments)):
        network = MultiLayerNet(784, [100] * 6, 10, rng=weights_seed, **given)
        trainer = Trainer(
            network,
            data.x_train[: config.train_size],
            data.t_train[: config.train_size],
            data.x_test,
            data.t_test,
            epochs=config.epochs,
            mini_batch_size=config.batch_size,
            optimizer_param={"lr": config.learning_rate},
            verbose=False,
            rng=batches_seed,
        )
        for _ in progress(range(trainer.max_iter)):
            trainer.train_step()
        result.train_acc[key] = trainer.train_acc_list
        result.test_acc[key] = trainer.test_acc_list
    return result


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figures = {}
    for name, key in (("figure_6_20", "without"), ("figure_6_21", "with")):
        figures[name], axes = plotting.subplots()
        draw_accuracies(axes, result, key)
        axes.set(ylabel="accuracy", title=f"{key} decay")
    return figures


def draw_accuracies(axes: Any, result: Result, key: str) -> None:
    from dlbasics import plotting

    series = {"training": result.train_acc[key], "test": result.test_acc[key]}
    plotting.draw_curves(axes, series, x=range(1, len(series["test"]) + 1))
    axes.legend(frameon=False, loc="lower right")
    axes.set(xlabel="epoch", ylim=(0, 1.03))
    axes.xaxis.get_major_locator().set_params(integer=True)


def at_the_end(accuracies: list[float]) -> float:
    """The mean of the last 20 epochs."""
    return float(np.mean(accuracies[-20:]))


def gap(result: Result, key: str) -> float:
    """How far test accuracy is below training accuracy at the end."""
    return at_the_end(result.train_acc[key]) - at_the_end(result.test_acc[key])


def claims(name: str) -> list[Claim]:
    """What the book says of overfitting and of `name`, which is to prevent it."""
    return [
        Claim(
            f"training accuracy after 100 epochs, without {name}",
            "almost 100%",
            lambda result: result.train_acc["without"][:100][-1],
            lambda v: 0.95 <= v <= 1,
            digits=3,
        ),
        Claim(
            f"training and test accuracy of the last 20 epochs, without {name}",
            "far apart",
            lambda result: [
                at_the_end(result.train_acc["without"]),
                at_the_end(result.test_acc["without"]),
            ],
            lambda v: v[0] > v[1] + 0.2,
            digits=3,
        ),
        Claim(
            f"their difference, without and with {name}",
            "smaller with",
            lambda result: [gap(result, "without"), gap(result, "with")],
            lambda v: v[1] < v[0],
            digits=3,
        ),
        Claim(
            f"highest training accuracy, with {name}",
            "not 100%",
            lambda result: max(result.train_acc["with"]),
            lambda v: v < 1,
            digits=3,
        ),
    ]


CLAIMS = claims("decay")

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick={"epochs": 5})
