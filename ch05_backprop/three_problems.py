"""Three kinds of problem, not the book's: two layers learn numbers, two classes, and ten classes.

The three pairs of output and loss of Takenawa's lecture *Deep Learning: Part 2*: a regression
(identity and half the mean squared error), two classes (sigmoid and binary cross-entropy) and K
classes (softmax and cross-entropy), on a noisy curve, two moons and the embedded digits.  Where
scikit-learn is installed, a regression on a real table besides: its data of 442 patients, from ten
measurements the progress of diabetes a year later, beside linear least squares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from dlbasics import experiment
from dlbasics.data import minibatches
from dlbasics.datasets.digits import load_digits
from dlbasics.experiment import LEFT_OUT, Claim
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
from dlbasics.typing import Array, RngLike

NOISE = 0.2
"""Standard deviation around the curve, and around the moons of radius 1."""


@dataclass(frozen=True)
class Config:
    hidden_size: int = 50
    iters_num: int = 1_000
    table_iters_num: int = 120
    batch_size: int = 30
    learning_rate: float = 0.005
    digits: int = 2_000


@dataclass(frozen=True)
class Problem:
    """x: (N, D);  t: as the loss layer takes it;  n_out: the number of outputs."""

    x_train: Array
    t_train: Array
    x_test: Array
    t_test: Array
    n_out: int
    last_layer: type[LossLayer]


@dataclass(frozen=True)
class Errors:
    """By epoch: half the mean squared error of a regression, else the share of wrong answers."""

    train: list[float]
    test: list[float]


@dataclass(frozen=True)
class Learned:
    """x, t: the training data;  at: other places;  y: the outputs there, before the sigmoid."""

    x: Array
    t: Array
    at: Array
    y: Array


@dataclass(frozen=True)
class Table:
    """Of the patients that were not learned from, in units of the progress (442,): progress, and
    what least squares and the network say.
    """

    t: Array
    least_squares: Array
    network: Array


@dataclass(frozen=True)
class Result:
    """errors: by problem;  table: None without scikit-learn."""

    errors: dict[str, Errors]
    curve: Learned
    moons: Learned
    table: Table | None


def run(config: Config, rng: RngLike) -> Result:
    rng = np.random.default_rng(rng)
    problems = {"curve": curve(rng), "moons": moons(rng), "digits": digits(config.digits)}
    places = {
        "curve": np.linspace(-3, 3, 301)[:, np.newaxis],
        "moons": np.stack(np.meshgrid(*BORDERS), axis=-1).reshape(-1, 2),
    }
    by_problem, learned = {}, {}
    for name, problem in problems.items():
        network = two_layers(problem, config, rng)
        by_problem[name] = train(network, problem, config, config.iters_num, rng)
        if name in places:
            at = places[name]
            learned[name] = Learned(problem.x_train, problem.t_train, at, network.predict(at))
    return Result(by_problem, learned["curve"], learned["moons"], table(config, rng))


def two_layers(problem: Problem, config: Config, rng: RngLike) -> Network:
    rng, n_in = np.random.default_rng(rng), problem.x_train.shape[1]
    layers = [
        Affine.create(n_in, config.hidden_size, rng=rng, dtype=np.float64),
        Relu(),
        Affine.create(config.hidden_size, problem.n_out, rng=rng, dtype=np.float64),
    ]
    return Network(layers, problem.last_layer())


def train(
    network: Network, problem: Problem, config: Config, iters_num: int, rng: RngLike
) -> Errors:
    """Whole epochs, of iters_num iterations or a few more."""
    rng, optimizer, errors = np.random.default_rng(rng), Adam(config.learning_rate), Errors([], [])
    while optimizer.iter < iters_num:
        for x, t in minibatches(problem.x_train, problem.t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
        errors.train.append(error(network, problem.x_train, problem.t_train))
        errors.test.append(error(network, problem.x_test, problem.t_test))
    return errors


def error(network: Network, x: Array, t: Array) -> float:
    if isinstance(network.last_layer, IdentityWithLoss):
        return network.loss(x, t)
    return 1 - network.accuracy(x, t)


def curve(rng: RngLike) -> Problem:
    """t = sin x + noise: 300 points to learn from, 1,000 to test with."""
    rng = np.random.default_rng(rng)
    x = rng.uniform(-3, 3, (1_300, 1))
    t = np.sin(x) + NOISE * rng.standard_normal(x.shape)
    return Problem(x[:300], t[:300], x[300:], t[300:], 1, IdentityWithLoss)


BORDERS = np.linspace(-2, 3, 201), np.linspace(-1.75, 2.25, 161)
"""Of the picture of the moons, which lie well within."""


def moons(rng: RngLike) -> Problem:
    """Two half circles, each with its end in the other's hollow: 300 points, and 1,000."""
    rng = np.random.default_rng(rng)
    t = rng.integers(2, size=(1_300, 1)).astype(np.float64)
    angle = rng.uniform(0, np.pi, t.shape)
    upper = np.hstack([np.cos(angle), np.sin(angle)])
    lower = np.array([1.0, 0.5]) - upper
    x = np.where(t == 0, upper, lower) + NOISE * rng.standard_normal(upper.shape)
    return Problem(x[:300], t[:300], x[300:], t[300:], 1, SigmoidWithLoss)


def digits(count: int) -> Problem:
    """The first of the embedded digits, and 1,000 to test with."""
    (x_train, t_train), (x_test, t_test) = load_digits(train=count, test=1_000)
    x_train, x_test = x_train.astype(np.float64), x_test.astype(np.float64)
    return Problem(x_train, t_train, x_test, t_test, 10, SoftmaxWithLoss)


def table(config: Config, rng: RngLike, parts: int = 5) -> Table | None:
    """Each fifth of the patients predicted from the other four."""
    if find_spec("sklearn") is None:
        return None
    from sklearn.datasets import load_diabetes

    rng = np.random.default_rng(rng)
    x, t = load_diabetes(return_X_y=True, scaled=False)
    t = t[:, np.newaxis]
    result = Table(t, np.empty_like(t), np.empty_like(t))
    for test in np.array_split(rng.permutation(len(x)), parts):
        learned = np.setdiff1d(np.arange(len(x)), test)
        x_train, x_test = standardized(x[learned], x[test])
        t_train, t_test = standardized(t[learned], t[test])
        problem = Problem(x_train, t_train, x_test, t_test, 1, IdentityWithLoss)
        network = two_layers(problem, config, rng)
        train(network, problem, config, config.table_iters_num, rng)
        mean, std = t[learned].mean(), t[learned].std()
        result.network[test] = mean + std * network.predict(x_test)
        result.least_squares[test] = mean + std * least_squares(x_train, t_train, x_test)
    return result


def standardized(train: Array, test: Array) -> tuple[Array, Array]:
    """Both less the mean of `train`, in its standard deviations, column by column."""
    mean, std = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / std, (test - mean) / std


def least_squares(x_train: Array, t_train: Array, x: Array) -> Array:
    """x W + b, where W and b make the squared error on the training data least."""
    W, *_ = np.linalg.lstsq(with_ones(x_train), t_train, rcond=None)
    return with_ones(x) @ W


def with_ones(x: Array) -> Array:
    return np.hstack([x, np.ones((len(x), 1))])


def plot(result: Result) -> dict[str, Any]:
    figures = {
        "errors": errors(result),
        "regression": regression(result.curve),
        "two_classes": two_classes(result.moons),
    }
    return figures if result.table is None else figures | {"table": predictions(result.table)}


def errors(result: Result) -> Any:
    from dlbasics import plotting

    figure, panels = plotting.subplots(1, 3, width=4.0, height=3.4)
    for axes, (name, both) in zip(panels, result.errors.items(), strict=True):
        epochs = range(1, len(both.train) + 1)
        plotting.draw_curves(axes, {"training": both.train, "test": both.test}, x=epochs)
        axes.set(title=name, xlabel="epoch", ylabel="share of wrong answers")
        axes.set(xlim=(0, len(epochs)), xticks=np.linspace(0, len(epochs), 6).astype(int))
        axes.set_ylim(bottom=0)
    panels[0].set(ylabel="half the mean squared error")
    return figure


def regression(curve: Learned) -> Any:
    from dlbasics import plotting

    figure, axes = plotting.subplots()
    axes.plot(curve.x, curve.t, ".", color="gray", label="training data")
    axes.plot(curve.at, np.sin(curve.at), "--", color="C0", label="sin x")
    axes.plot(curve.at, curve.y, color="C1", label="network")
    axes.set(xlabel="x", ylabel="t")
    axes.legend(frameon=False)
    return figure


def two_classes(moons: Learned) -> Any:
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
        axes.set(title=f"{title}\nmean squared error {share:.3f} variances")
        axes.set(xlabel="progress of diabetes", aspect="equal")
    panels[0].set_ylabel("predicted from the other patients")
    return figure


def share_of_variance(y: Array, t: Array) -> float:
    """The mean squared error; always to answer the mean would have 1."""
    return float(np.mean((y - t) ** 2) / t.var())


def errors_claim(text: str, name: str, holds: Callable[[Any], bool], digits: int = 3) -> Claim:
    def value(result: Result) -> list[float]:
        return [result.errors[name].train[-1], result.errors[name].test[-1]]

    return Claim(text, "not given", value, holds, digits)


def table_claim(text: str, kind: str, low: float, high: float) -> Claim:
    def value(result: Result) -> float | str:
        if result.table is None:
            return LEFT_OUT
        return share_of_variance(getattr(result.table, kind), result.table.t)

    return Claim(text, "not given", value, lambda v: low < v < high, 3)


CLAIMS = [
    errors_claim(
        "regression: half the mean squared error, training and test (the noise alone: 0.02)",
        "curve",
        lambda v: 0.015 < v[0] < 0.035 and 0.018 < v[1] < 0.035,
    ),
    errors_claim(
        "two classes: share of wrong answers, training and test",
        "moons",
        lambda v: 0 <= v[0] < 0.05 and 0.01 < v[1] < 0.05,
    ),
    errors_claim(
        "ten classes: share of wrong answers, training and test",
        "digits",
        lambda v: 0 <= v[0] < 0.02 and 0.05 < v[1] < 0.2,
        2,
    ),
    table_claim(
        "diabetes (scikit-learn's): mean squared error in variances, least squares",
        "least_squares",
        0.48,
        0.54,
    ),
    table_claim("diabetes (scikit-learn's): the same, network", "network", 0.48, 0.65),
]

if __name__ == "__main__":
    quick = {"iters_num": 100, "table_iters_num": 40, "digits": 300}
    experiment.main(__doc__, run, plot, config=Config, claims=CLAIMS, quick=quick)
