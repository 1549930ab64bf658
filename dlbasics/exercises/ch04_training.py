"""The checks of chapter 4's notebook."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array
from dlbasics.exercises.mistakes import compare, expect_unchanged, is_near
from dlbasics.exercises.verdict import Wrong, exercise, expect

Function = Callable[[Any], Any]

USE_F = "your function must use the f that it is given"


@exercise
def squared_error(answer: Callable[[Array, Array], float]) -> str:
    """Check squared_error(y, t): half the sum of the squared differences."""
    t = np.array([0.0, 0.0, 1.0])
    for y in (np.array([0.1, 0.2, 0.7]), np.array([0.6, 0.3, 0.1])):
        d, given = y - t, (y.copy(), t.copy())
        compare(
            answer(*given),
            0.5 * np.sum(d**2),
            f"squared_error({y.tolist()}, [0, 0, 1])",
            {
                "The factor 1/2 is missing.": np.sum(d**2),
                "This is half of each square: add them up.": 0.5 * d**2,
                "This is the mean of the squares, but the loss is half of their sum.": np.mean(
                    d**2
                ),
                "You add the differences without squaring them.": 0.5 * np.sum(d),
                "You add the differences, and square the sum; square each one first.": (
                    0.5 * np.sum(d) ** 2
                ),
            },
        )
        expect_unchanged(given[0], y, "y")
        expect_unchanged(given[1], t, "t")
    return "a good answer costs 0.07, and a bad one 0.63"


@exercise
def cross_entropy(answer: Callable[[Array, Array], float]) -> str:
    """Check cross_entropy(y, t) of a batch y (N, K) and its classes t (N,)."""
    y, t = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]), np.array([2, 1])
    given, N = (y.copy(), t.copy()), len(y)
    logs = np.log(y[np.arange(N), t])
    compare(
        answer(*given),
        -np.mean(logs),
        f"cross_entropy({y.tolist()}, {t.tolist()})",
        {
            "The minus is missing: a logarithm of a probability is negative.": np.mean(logs),
            "This is the sum over the batch; divide it by the number of samples.": -np.sum(logs),
            "This is one number for each sample; the loss of a batch is their mean.": -logs,
            "y[:, t] takes all these columns of every row.  y[np.arange(N), t] takes one number of "
            "each row.": [-np.log(y[:, t]).sum() / N, -np.log(y[:, t]).mean()],
            "You divide by the number of all probabilities; divide by the number of samples.": (
                -np.sum(logs) / y.size
            ),
            "This is the logarithm of the mean. Take the mean of the logarithms.": -np.log(
                np.mean(np.exp(logs))
            ),
            "You add up the logarithms of all probabilities; only the right class counts.": (
                -np.log(y).sum() / N
            ),
            "You take the largest probability; take that of the right class.": (
                -np.mean(np.log(y.max(axis=1)))
            ),
            "This is a logarithm to another base; np.log is the natural one.": (
                [-np.mean(logs) / np.log(base) for base in (2, 10)]
            ),
        },
        tolerance=1e-5,  # the book adds 1e-7 to each probability
    )
    expect_unchanged(given[0], y, "y")
    expect_unchanged(given[1], t, "t")
    with np.errstate(all="ignore"):  # log 0
        sure = answer(np.array([[1.0, 0.0, 0.0]]), np.array([0]))
    compare(
        sure,
        0,
        "cross_entropy([[1, 0, 0]], [0])",
        {
            "You take the logarithm of the zeros, too, and 0 times infinity is no number. Pick "
            "the probability of the right class first.": np.nan
        },
        tolerance=1e-5,
    )
    return "the loss of a batch is the mean of what its samples cost, and a sure answer costs 0"


@exercise
def accuracies(answer: int) -> str:
    """Check how many different accuracies 50 images can have."""
    compare(
        answer,
        51,
        "the number of accuracies",
        {
            "No right answer at all is possible, too.": 50,
            "Each image is right or wrong, so the accuracy is n/50 for a whole number n.": [
                100,
                101,
            ],
        },
    )
    return "0/50, 1/50, ... 50/50. Between two of them the accuracy cannot move"


@exercise
def slope(answer: Callable[[Function, float], float]) -> str:
    """Check slope(f, x), a central difference."""
    asked: list[float] = []

    def cube(x: Any) -> Any:
        asked.extend(np.ravel(np.real(x)).tolist())
        return x**3

    x, right = 2.0, 12.0
    got = answer(cube, x)
    try:
        expect(got, right, "the slope of x^3 at 2")
    except Wrong:
        if asked:
            _explain_slope(got, right, x, sorted({*asked}))
        raise
    if not asked:
        raise Wrong(USE_F)
    expect(answer(np.exp, 0.5), np.exp(0.5), "the slope of exp at 0.5")
    return "your slopes of x^3 and exp agree with the formulas to six digits"


def _explain_slope(got: Any, right: float, x: float, asked: list[float]) -> None:
    """Say what the places at which f was computed tell about a wrong slope."""
    above = max(asked) - x
    places = " and ".join(f"{place:.10g}" for place in asked)
    if max(asked) == min(asked):
        raise Wrong(
            f"you compute f only at {places}. If x is there, h is so small that x + h rounds to x"
        )
    if x in (asked[0], asked[-1]):
        raise Wrong(
            f"you compute f at {places}, on one side of x, as a forward difference does: it gives "
            f"{got:.6g}. A central difference takes x + h and x - h"
        )
    if is_near(got, 2 * right):
        raise Wrong(f"from x - h to x + h it is 2h, but you divide by h: got {got:.6g}, not 12")
    if is_near(got, -right):
        raise Wrong("your slope is -12, not 12: take f(x + h) minus f(x - h)")
    if abs(got / (right * above**2) - 1) < 1e-3:
        raise Wrong(
            f"a / 2 * h divides by 2, and then multiplies by h: write a / (2 * h); got {got:.6g}"
        )
    if above < 1e-9:
        raise Wrong(f"h = {above:.1g} is too small: rounding makes {got:.9g} of the slope 12")
    if above > 1e-3:
        raise Wrong(f"h = {above:.2g} is too large: your slope is {got:.6g}, not 12")


@exercise
def gradient(answer: Callable[[Callable[[Array], float], Array], Array]) -> str:
    """Check gradient(f, x) for a vector x."""
    start = np.array([1.5, 4.2, -0.5])
    x = start.copy()
    asked: list[Array] = []

    def f(x: Array) -> float:
        asked.append(np.array(x, float))
        return float(x[0] ** 2 + x[1] ** 2 + 3 * x[0] * x[2])

    right = np.array([1.5, 8.4, 4.5])
    got = answer(f, x)
    expect_unchanged(x, start, "x", "Put x[i] back, before you go on to the next i.")
    compare(
        got,
        right,
        "for f = x0^2 + x1^2 + 3 x0 x2 at x = (1.5, 4.2, -0.5), gradient",
        {
            "This is half of it. After x[i] += h, the line x[i] -= h only brings you back to x: "
            "keep the old x[i], and set x[i] to it plus h, and to it minus h.": right / 2,
            "You divide by h, but the two places are 2h apart.": 2 * right,
            "It points the other way: take f(x + h) minus f(x - h).": -right,
            "You move all numbers of x at the same time. Move one, and leave the others.": [
                np.full(3, right.sum()),
                right.sum(),
            ],
            "Your gradient has whole numbers: make it by np.zeros(x.shape).": np.trunc(right),
            "Only the first number has been computed. Is `return` within the loop?": [
                [right[0], 0, 0],
                right[0],
            ],
            "Only the last number is there. Fill one place of an array for each i.": right[-1],
            **(
                {}
                if any((place < start).any() for place in asked)
                else {"You never go below x: this is a forward difference.": got}
            ),
        },
    )
    if not asked:
        raise Wrong(USE_F)
    of_five = answer(lambda x: float(np.sum(np.exp(x))), np.zeros(5))
    expect(of_five, np.ones(5), "for f = exp x0 + ... + exp x4 at x = 0, gradient")
    return "one slope for each number of x, and x is as it was"


@exercise
def descent(answer: Callable[[Function, Array, float, int], Array]) -> str:
    """Check descend(f, init_x, lr, step_num), gradient descent."""
    start, curvature = np.array([-3.0, 4.0]), np.array([2.0, 4.0])
    init_x, lr, steps = start.copy(), 0.1, 10

    def f(x: Array) -> float:
        return float(x[0] ** 2 + 2 * x[1] ** 2)

    def after(count: int, lr: float = lr) -> Array:
        return start * (1 - lr * curvature) ** count

    got = answer(f, init_x, lr, steps)
    expect_unchanged(
        init_x, start, "init_x", "x = init_x is the same array: begin with x = init_x.copy()."
    )
    compare(
        got,
        after(steps),
        "after 10 steps with lr = 0.1 on f = x0^2 + 2 x1^2 from (-3, 4), x",
        {
            "You go uphill: subtract the gradient.": after(steps, -lr),
            "This is where you began: x = x - lr * gradient must stand in the loop.": start,
            "This is the place after one step. Is `return` within the loop?": after(1),
            "You make one step too few.": after(steps - 1),
            "You make one step too many.": after(steps + 1),
            "You use the gradient of the start in each step: compute it anew within the loop.": (
                start - steps * lr * curvature * start
            ),
            "Your steps do not have the size lr.": [after(steps, each) for each in (1.0, 0.01)],
            "This is the gradient at the end; return x.": curvature * after(steps),
            "This is the value of f at the end; return x.": f(after(steps)),
        },
    )
    compare(
        answer(f, init_x, 0.25, 1),
        after(1, 0.25),
        "after one step with lr = 0.25 from there, x",
        {
            "You always make the same number of steps; step_num says how many.": after(steps, 0.25),
            "You always take lr = 0.1.": after(1),
        },
    )
    return "ten steps of 0.1 lead from (-3, 4) to (-0.32, 0.02), as they must"


@exercise
def losses_per_gradient(answer: Callable[[int, int, int], int]) -> str:
    """Check losses_per_gradient(n_in, n_hidden, n_out) for a network of two layers."""
    for n_in, n_hidden, n_out in ((3, 4, 2), (784, 50, 10)):
        weights, biases = n_in * n_hidden + n_hidden * n_out, n_hidden + n_out
        compare(
            answer(n_in, n_hidden, n_out),
            2 * (weights + biases),
            f"losses_per_gradient({n_in}, {n_hidden}, {n_out})",
            {
                "This is the number of parameters. Each takes two losses.": weights + biases,
                "The biases are parameters, too.": [2 * weights, weights],
                "The inputs are no parameters: only the layers after them have biases.": (
                    2 * (weights + biases + n_in)
                ),
                "This is one loss for each parameter and one more, as forward differences take.": (
                    weights + biases + 1
                ),
            },
        )
    return "the book's network needs 79,520 losses for a single gradient"


class Recorder:
    """Stands for a network: it remembers the batches that it is given.

    Row i of the data is (i, i), and its label is i. Each gradient is 1. The loss is the mean of
    the batch, so that it tells of which samples it is.
    """

    def __init__(self) -> None:
        self.params = {"W1": np.zeros((2, 3)), "b1": np.zeros(3)}
        self.batches: list[Array] = []
        self.pairs = True
        self.last_loss = float("nan")

    def loss(self, x: Array, t: Array) -> float:
        return float(np.mean(x))

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        x = np.asarray(x)
        self.batches.append(np.atleast_2d(x)[:, 0])
        self.pairs &= np.array_equal(self.batches[-1], np.atleast_1d(t))
        self.last_loss = self.loss(x, t)
        return {name: np.ones_like(param) for name, param in self.params.items()}

    numerical_gradient = gradient


@exercise
def training(answer: Callable[..., Any]) -> str:
    """Check train(network, x, t, iters_num, batch_size, lr, rng): it returns the losses."""
    network, size, iters_num, batch_size, lr = Recorder(), 100, 5, 8, 0.5
    t = np.arange(size)
    x = np.repeat(t[:, np.newaxis], 2, axis=1).astype(float)
    given = x.copy(), t.copy()
    losses = answer(network, *given, iters_num, batch_size, lr, np.random.default_rng(0))
    expect_unchanged(given[0], x, "x")
    expect_unchanged(given[1], t, "t")
    if losses is not None and losses is not ...:  # else `compare` says that it is not solved
        _check_batches(network, size, iters_num, batch_size)
        steps = lr * iters_num
        for name, param in network.params.items():
            compare(
                param,
                np.full(param.shape, -steps),
                f"after 5 steps with lr = 0.5, where each gradient is 1, {name}",
                {
                    "It has not changed: a name of your own got the new array. Change "
                    "network.params[key] itself.": np.zeros(param.shape),
                    "You go uphill: subtract the gradient.": np.full(param.shape, steps),
                    "Your steps do not have the size lr.": [
                        np.full(param.shape, -iters_num * each) for each in (1.0, 0.1, 0.01)
                    ],
                },
            )
        losses = list(losses) if np.ndim(losses) else losses
    means = [float(np.mean(batch)) for batch in network.batches] or [0.0] * iters_num
    compare(
        losses,
        means,
        "the list of losses",
        {
            "This is the loss of the last batch; return the losses of all batches.": means[-1],
            "These are the losses of all data; take those of the batches.": np.full(
                iters_num, x.mean()
            ),
        },
    )
    return "five batches of eight, all different, and a step after each"


def _check_batches(network: Recorder, size: int, iters_num: int, batch_size: int) -> None:
    """Raise Wrong if the batches are not random ones of the right number and size."""
    batches = network.batches
    if len(batches) != iters_num:
        raise Wrong(f"you compute {len(batches)} gradients for iters_num = {iters_num}")
    lengths = {len(batch) for batch in batches}
    if lengths == {size}:
        raise Wrong(f"your batches hold all {size} samples; draw {batch_size} of them")
    if lengths != {batch_size}:
        raise Wrong(
            f"a batch of yours holds {max(lengths)} samples, but batch_size is {batch_size}"
        )
    if not network.pairs:
        raise Wrong(
            "images and labels do not belong together: take x and t with the same drawn indices"
        )
    if any((batch == batch[0]).all() for batch in batches):
        raise Wrong("a batch holds one sample several times: draw batch_size indices")
    if all(np.array_equal(batch, batches[0]) for batch in batches):
        raise Wrong("all batches are the same: draw the indices within the loop")
    if all((np.diff(batch) == 1).all() for batch in batches):
        raise Wrong("you take neighbouring samples; draw them: rng.choice(len(x), batch_size)")
    if (last := max(batch.max() for batch in batches)) < size / 2:
        raise Wrong(f"no batch holds a sample after number {last:g} of {size}: draw from len(x)")
