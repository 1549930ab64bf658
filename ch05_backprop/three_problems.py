"""Takenawa, *Design of loss function and output layer*: a curve, two classes, and ten classes.

The lecture has three pairs of output and loss.  A regression has the identity and half the mean
squared error; it learns a noisy curve.  A problem of two classes has sigmoid and binary
cross-entropy; it learns two moons.  A problem of K classes has softmax and cross-entropy; it learns
the embedded digits.

If scikit-learn is installed, the script also learns its table of 442 patients: ten measurements
predict the progress of diabetes a year later.  Linear least squares stand beside the network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.datasets.digits import load_digits
from dlbasics.experiment import LEFT_OUT, Claim, Experiment, Record
from dlbasics.functions import sigmoid
from dlbasics.layers import (
    Affine,
    IdentityWithLoss,
    LossLayer,
    Relu,
    SigmoidWithLoss,
    SoftmaxWithLoss,
)
from dlbasics.network import Network
from dlbasics.optimizers import Adam

NOISE = 0.2
"""The standard deviation of the noise around the curve, and around the moons of radius 1."""


@dataclass(frozen=True)
class Config:
    """Settings with which all three problems are learned in seconds.

    Args:
        hidden_size: The number of hidden neurons.
        iters_num: The number of training iterations for each of the three problems.
        table_iters_num: The number of training iterations for each fifth of the table.
        batch_size: The number of samples in a mini-batch.
        learning_rate: The learning rate of Adam, about how far a weight moves in an update.
        digits: The number of digits to learn from.
    """

    hidden_size: int = 50
    iters_num: int = 1_000
    table_iters_num: int = 120
    batch_size: int = 30
    learning_rate: float = 0.005
    digits: int = 2_000


@dataclass(frozen=True)
class Problem:
    """Data, and the output that suits them.

    Args:
        x_train: The inputs to learn from, (N, D).
        t_train: Their labels, in the form that the loss layer takes.
        x_test: The inputs to test with, (M, D).
        t_test: Their labels.
        n_out: The number of outputs.
        last_layer: The class of the loss layer.
    """

    x_train: np.ndarray
    t_train: np.ndarray
    x_test: np.ndarray
    t_test: np.ndarray
    n_out: int
    last_layer: type[LossLayer]


@dataclass(frozen=True)
class Errors:
    """Half the mean squared error of a regression; otherwise the share of wrong answers.

    Args:
        train: The error on the training data, by epoch.
        test: The error on the test data, by epoch.
    """

    train: list[float]
    test: list[float]


@dataclass(frozen=True)
class Learned:
    """What a network has learned, to be drawn.

    Args:
        x: The inputs that it learned from.
        t: Their labels.
        at: The inputs of a fine grid.
        y: The outputs for that grid, before the sigmoid.
    """

    x: np.ndarray
    t: np.ndarray
    at: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Table:
    """The progress of the patients, and what is predicted from other patients.

    Args:
        t: The progress, (442, 1).
        least_squares: What linear least squares predict, (442, 1).
        network: What the network predicts, (442, 1).
    """

    t: np.ndarray
    least_squares: np.ndarray
    network: np.ndarray


@dataclass(frozen=True)
class Result(Record):
    """How well each problem was learned.

    Args:
        errors: The errors by epoch, of the problems "curve", "moons" and "digits".
        curve: What the network learned about the curve.
        moons: What the network learned about the two moons.
        table: The predictions for the patients; None without scikit-learn.
    """

    errors: dict[str, Errors]
    curve: Learned
    moons: Learned
    table: Table | None


def run(config: Config, rng: Generator) -> Result:
    problems = {"curve": curve(rng), "moons": moons(rng), "digits": digits(config.digits)}
    places = {
        "curve": np.linspace(-3, 3, 301)[:, np.newaxis],
        "moons": np.stack(np.meshgrid(*BORDERS), axis=-1).reshape(-1, 2),
    }
    errors, learned = {}, {}
    for name, problem in problems.items():
        network = two_layers(problem, config, rng)
        errors[name] = train(network, problem, config, config.iters_num, rng)
        if name in places:
            at = places[name]
            learned[name] = Learned(problem.x_train, problem.t_train, at, network.predict(at))
    return Result(errors, learned["curve"], learned["moons"], table(config, rng))


def two_layers(problem: Problem, config: Config, rng: Generator) -> Network:
    """Return an untrained network for the problem."""
    layers = [
        Affine.create(problem.x_train.shape[1], config.hidden_size, rng=rng, dtype=np.float64),
        Relu(),
        Affine.create(config.hidden_size, problem.n_out, rng=rng, dtype=np.float64),
    ]
    return Network(layers, problem.last_layer())


def train(
    network: Network, problem: Problem, config: Config, iters_num: int, rng: Generator
) -> Errors:
    """Train for whole epochs, until there were iters_num iterations or a few more."""
    optimizer = Adam(config.learning_rate)
    train_error, test_error = [], []
    while optimizer.iter < iters_num:
        for x, t in minibatches(problem.x_train, problem.t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
        train_error.append(error(network, problem.x_train, problem.t_train))
        test_error.append(error(network, problem.x_test, problem.t_test))
    return Errors(train_error, test_error)


def error(network: Network, x: np.ndarray, t: np.ndarray) -> float:
    """Return half the mean squared error of a regression, otherwise the share of wrong answers."""
    if isinstance(network.last_layer, IdentityWithLoss):
        return network.loss(x, t)
    return 1 - network.accuracy(x, t)


def curve(rng: Generator) -> Problem:
    """Draw points of t = sin x + noise: 300 to learn from, 1,000 to test with."""
    x = rng.uniform(-3, 3, (1_300, 1))
    t = np.sin(x) + NOISE * rng.standard_normal(x.shape)
    return Problem(x[:300], t[:300], x[300:], t[300:], 1, IdentityWithLoss)


BORDERS = np.linspace(-2, 3, 201), np.linspace(-1.75, 2.25, 161)
"""The grid for the picture of the moons, (x1, x2).  The moons lie well within it."""


def moons(rng: Generator) -> Problem:
    """Draw points of two half circles that reach into each other: 300 to learn, 1,000 to test."""
    t = rng.integers(2, size=(1_300, 1)).astype(np.float64)
    angle = rng.uniform(0, np.pi, t.shape)
    upper = np.hstack([np.cos(angle), np.sin(angle)])
    lower = np.array([1.0, 0.5]) - upper
    x = np.where(t == 0, upper, lower) + NOISE * rng.standard_normal(upper.shape)
    return Problem(x[:300], t[:300], x[300:], t[300:], 1, SigmoidWithLoss)


def digits(count: int) -> Problem:
    """Return the first of the embedded digits, and 1,000 to test with."""
    (x_train, t_train), (x_test, t_test) = load_digits(train=count, test=1_000)
    x_train, x_test = x_train.astype(np.float64), x_test.astype(np.float64)
    return Problem(x_train, t_train, x_test, t_test, 10, SoftmaxWithLoss)


def table(config: Config, rng: Generator, parts: int = 5) -> Table | None:
    """Predict the progress of each fifth of the patients from the other four fifths."""
    if find_spec("sklearn") is None:
        return None
    from sklearn.datasets import load_diabetes

    x, t = load_diabetes(return_X_y=True, scaled=False)
    t = t[:, np.newaxis]
    by_least_squares, by_network = np.empty_like(t), np.empty_like(t)
    for test in np.array_split(rng.permutation(len(x)), parts):
        learned = np.setdiff1d(np.arange(len(x)), test)
        x_train, x_test = standardized(x[learned], x[test])
        t_train, t_test = standardized(t[learned], t[test])
        problem = Problem(x_train, t_train, x_test, t_test, 1, IdentityWithLoss)
        network = two_layers(problem, config, rng)
        train(network, problem, config, config.table_iters_num, rng)
        mean, std = t[learned].mean(), t[learned].std()
        by_network[test] = mean + std * network.predict(x_test)
        by_least_squares[test] = mean + std * least_squares(x_train, t_train, x_test)
    return Table(t, by_least_squares, by_network)


def standardized(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both minus the mean of `train`, divided by its standard deviation, by column."""
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


def least_squares(x_train: np.ndarray, t_train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return x W + b, with the W and b that have the least squared error on the training data."""
    W, *_ = np.linalg.lstsq(with_ones(x_train), t_train, rcond=None)
    return with_ones(x) @ W


def with_ones(x: np.ndarray) -> np.ndarray:
    """Return x with a column of ones, which W multiplies by the bias."""
    return np.hstack([x, np.ones((len(x), 1))])


def plot(result: Result) -> dict[str, Any]:
    figures = {
        "errors": error_curves(result),
        "regression": regression(result.curve),
        "two_classes": two_classes(result.moons),
    }
    return figures if result.table is None else figures | {"table": predictions(result.table)}


def error_curves(result: Result) -> Any:
    """Draw the errors of the three problems by epoch."""
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 3, width=3.2, height=3.0)
    for axes, (name, both) in zip(panels, result.errors.items(), strict=True):
        epochs = range(1, len(both.train) + 1)
        plotting.draw_curves(axes, {"training": both.train, "test": both.test}, x=epochs)
        axes.set(title=name, xlabel="epoch", ylabel="share of wrong answers")
        axes.set(xlim=(0, len(epochs)), xticks=np.linspace(0, len(epochs), 6).astype(int))
        axes.set_ylim(bottom=0)
    panels[0].set(ylabel="half the mean squared error")
    return figure


def regression(curve: Learned) -> Any:
    """Draw the noisy points, the curve, and what the network learned."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.plot(curve.x, curve.t, ".", color="gray", label="training data")
    axes.plot(curve.at, np.sin(curve.at), "--", color="C0", label="sin x")
    axes.plot(curve.at, curve.y, color="C1", label="network")
    axes.set(xlabel="x", ylabel="t")
    axes.legend(frameon=False)
    return figure


def two_classes(moons: Learned) -> Any:
    """Draw the moons, the probability of class 1, and the decision boundary."""
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    shape = [len(border) for border in BORDERS[::-1]]
    y = sigmoid(moons.y.reshape(shape))
    shades = axes.contourf(*BORDERS, y, np.linspace(0, 1, 11), cmap="coolwarm", alpha=0.5)
    axes.contour(*BORDERS, y, [0.5], colors="black")
    for label, color, marker in ((0, "C0", "o"), (1, "C3", "^")):
        x = moons.x[moons.t[:, 0] == label]
        axes.plot(*x.T, marker, color=color, markersize=4, label=f"class {label}")
    axes.plot([], [], color="black", label="decision boundary")
    figure.colorbar(shades, label="probability of class 1")
    axes.set(xlabel="x1", ylabel="x2", aspect="equal")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def predictions(table: Table) -> Any:
    """Draw what least squares and the network predict against the progress."""
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 2, width=4.2, height=4.0, sharex=True, sharey=True)
    ends = [table.t.min(), table.t.max()]
    for axes, title, y in (
        (panels[0], "least squares", table.least_squares),
        (panels[1], "network", table.network),
    ):
        axes.plot(table.t, y, ".")
        axes.plot(ends, ends, color="black", linewidth=0.8)
        share = share_of_variance(y, table.t)
        axes.set(title=f"{title}\nmean squared error / variance = {share:.3f}")
        axes.set(xlabel="progress of diabetes", aspect="equal")
    panels[0].set_ylabel("predicted from the other patients")
    return figure


def share_of_variance(y: np.ndarray, t: np.ndarray) -> float:
    """Return the mean squared error divided by the variance of t; it is 1 if y is the mean of t."""
    return float(np.mean((y - t) ** 2) / t.var())


def last_errors(name: str) -> Callable[[Result], list[float]]:
    """Return a function that finds the last errors on training and test data."""
    return lambda result: [result.errors[name].train[-1], result.errors[name].test[-1]]


def share_of(kind: str) -> Callable[[Result], Any]:
    """Return a function that finds the share of the variance that the table's error has."""

    def value(result: Result) -> float | str:
        if result.table is None:
            return LEFT_OUT
        return share_of_variance(getattr(result.table, kind), result.table.t)

    return value


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.between(
            "regression: half the mean squared error, training and test",
            None,
            last_errors("curve"),
            low=0.012,
            high=0.04,
            why="the noise alone gives 0.02",
            digits=3,
        ),
        Claim.between(
            "two classes: share of wrong answers, training and test",
            None,
            last_errors("moons"),
            low=0.001,
            high=0.1,
            why="the moons overlap; a straight border is wrong more often",
            digits=3,
        ),
        Claim(
            "ten classes: share of wrong answers, training and test",
            None,
            last_errors("digits"),
            lambda v: 0 <= v[0] <= 0.02 and 0.05 <= v[1] <= 0.25,
            "the first from 0 to 0.02, the second from 0.05 to 0.25",
            "it learns few digits by heart; a margin around every seed measured",
            digits=2,
        ),
        Claim.between(
            "diabetes: mean squared error divided by the variance, least squares",
            None,
            share_of("least_squares"),
            low=0.47,
            high=0.55,
            why="the parts are drawn; a margin around every seed measured",
            digits=3,
        ),
        Claim.between(
            "diabetes: mean squared error divided by the variance, network",
            None,
            share_of("network"),
            low=0.48,
            high=0.7,
            why="worse than least squares; a margin around every seed measured",
            digits=3,
        ),
    ],
    quick={"iters_num": 100, "table_iters_num": 40, "digits": 300},
)

if __name__ == "__main__":
    experiment.main()
