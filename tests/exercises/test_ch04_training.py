"""What the checks of chapter 4 say to right, wrong and missing answers."""

import numpy as np
import pytest

from dlbasics.exercises import ch04_training as check
from dlbasics.gradient import gradient_descent, numerical_diff, numerical_gradient


def rows(y, t):
    return y[np.arange(len(y)), t]


def difference(forward=False, h=1e-4, scale=2.0, sign=1):
    def slope(f, x):
        return sign * (f(x + h) - f(x if forward else x - h)) / (scale * h)

    return slope


def gradient(restore=True, back=2.0, scale=2.0, sign=1, dtype=float, stop=None):
    """Return a numerical gradient with mistakes."""

    def gradient_at(f, x):
        h, grad = 1e-4, np.zeros(x.shape, dtype)
        for i in range(len(x)):
            value = x[i]
            x[i] = value + h
            above = f(x)
            x[i] -= back * h
            below = f(x)
            if restore:
                x[i] = value
            grad[i] = sign * (above - below) / (scale * h)
            if stop == i:
                break
        return grad

    return gradient_at


def all_at_once(f, x):
    return (f(x + 1e-4) - f(x - 1e-4)) / 2e-4


def to_one_side(f, x):
    return np.array([(f(x + 1e-4 * row) - f(x)) / 1e-4 for row in np.eye(len(x))])


def descent(lr=None, more=0, sign=1, copy=True, fresh=True):
    """Return gradient descent with mistakes."""

    def descend(f, init_x, rate, step_num):
        x = init_x.copy() if copy else init_x
        grad = numerical_gradient(f, x.copy())
        for _ in range(step_num + more):
            x -= sign * (lr or rate) * (numerical_gradient(f, x) if fresh else grad)
        return x

    return descend


def training(draw=None, sign=1, lr=None, inner=True, pair=True, size=None, iters=0, log=None):
    """Return a training loop with mistakes."""

    def train(network, x, t, iters_num, batch_size, rate, rng):
        def chosen():
            if draw:
                return draw(len(x), batch_size)
            return rng.choice(len(x), size or batch_size)

        fixed, losses = chosen(), []
        for _ in range(iters_num + iters):
            mask = chosen() if inner else fixed
            batch = x[mask], t[mask] if pair else t[chosen()]
            grads = network.gradient(*batch)
            for key in network.params:
                network.params[key] -= sign * (lr or rate) * grads[key]
            losses.append(network.loss(*(batch if log is None else (x, t))))
        return losses if log != "last" else losses[-1]

    return train


def without_update(network, x, t, iters_num, batch_size, lr, rng):
    losses = []
    for _ in range(iters_num):
        mask = rng.choice(len(x), batch_size)
        grads = network.gradient(x[mask], t[mask])
        for key in network.params:
            param = network.params[key]
            param = param - lr * grads[key]
        losses.append(network.last_loss)
    return losses


def last_only(network, x, t, iters_num, batch_size, lr, rng):
    return training()(network, x, t, iters_num, batch_size, lr, rng)[-1]


def entropy_in_place(y, t):
    y += 1e-7
    return -np.mean(np.log(rows(y, t)))


RIGHT = [
    (check.squared_error, lambda y, t: 0.5 * np.sum((y - t) ** 2)),
    (check.cross_entropy, lambda y, t: -np.mean(np.log(rows(y, t)))),
    (check.cross_entropy, lambda y, t: -np.sum(np.log(rows(y, t) + 1e-7)) / len(y)),
    (check.accuracies, 51),
    (check.slope, numerical_diff),
    (check.slope, difference(h=1e-5)),
    (check.gradient, numerical_gradient),
    (check.gradient, gradient()),
    (check.descent, gradient_descent),
    (check.losses_per_gradient, lambda n, h, m: 2 * ((n + 1) * h + (h + 1) * m)),
    (check.training, training()),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_a_right_answer_is_right(exercise, answer):
    verdict = exercise(answer)
    assert verdict.right is True, verdict


WRONG = [
    (check.squared_error, lambda y, t: np.sum((y - t) ** 2), "factor 1/2 is missing"),
    (check.squared_error, lambda y, t: 0.5 * (y - t) ** 2, "add them up"),
    (check.squared_error, lambda y, t: np.mean((y - t) ** 2), "mean of the squares"),
    (check.squared_error, lambda y, t: 0.5 * np.sum(y - t), "without squaring"),
    (check.squared_error, lambda y, t: 0.5 * np.sum(y[1:] - t[1:]) ** 2, "must be 0.07"),
    (check.squared_error, lambda y, t: 0.07, "must be 0.63"),
    (check.cross_entropy, lambda y, t: np.mean(np.log(rows(y, t))), "minus is missing"),
    (check.cross_entropy, lambda y, t: -np.sum(np.log(rows(y, t))), "divide it by the number of s"),
    (check.cross_entropy, lambda y, t: -np.log(rows(y, t)), "is their mean"),
    (check.cross_entropy, lambda y, t: -np.sum(np.log(y[:, t])) / len(y), "y[np.arange(N), t]"),
    (check.cross_entropy, lambda y, t: -np.mean(np.log(y[:, t])), "y[np.arange(N), t]"),
    (check.cross_entropy, lambda y, t: -np.sum(np.log(rows(y, t))) / y.size, "all probabilities"),
    (check.cross_entropy, lambda y, t: -np.log(np.mean(rows(y, t))), "mean of the logarithms"),
    (check.cross_entropy, lambda y, t: -np.sum(np.log(y)) / len(y), "only the right class"),
    (check.cross_entropy, lambda y, t: -np.mean(np.log2(rows(y, t))), "natural"),
    (check.cross_entropy, lambda y, t: -np.mean(np.log10(rows(y, t))), "natural"),
    (
        check.cross_entropy,
        lambda y, t: -np.sum(np.eye(y.shape[1])[t] * np.log(y)) / len(y),
        "0 times infinity",
    ),
    (check.cross_entropy, entropy_in_place, "your code changes y itself"),
    (check.accuracies, 50, "No right answer at all"),
    (check.accuracies, 101, "n/50"),
    (check.slope, difference(forward=True, scale=1), "forward difference"),
    (check.slope, difference(forward=True), "forward difference"),
    (check.slope, difference(scale=1), "but you divide by h"),
    (check.slope, difference(sign=-1), "f(x + h) minus f(x - h)"),
    (check.slope, lambda f, x: (f(x + 1e-4) - f(x - 1e-4)) / 2 * 1e-4, "write a / (2 * h)"),
    (check.slope, difference(h=1e-13), "too small"),
    (check.slope, difference(h=1e-2), "too large"),
    (check.slope, difference(h=1e-50), "x + h rounds to x"),
    (check.slope, lambda f, x: 3 * x**2, "must use the f"),
    (check.slope, lambda f, x: numerical_diff(f, 2.0), "the slope of exp at 0.5"),
    (check.gradient, gradient(restore=False), "your code changes x itself"),
    (check.gradient, gradient(back=1), "keep the old x[i]"),
    (check.gradient, gradient(scale=1), "2h apart"),
    (check.gradient, gradient(sign=-1), "the other way"),
    (check.gradient, gradient(dtype=int), "np.zeros(x.shape)"),
    (check.gradient, gradient(stop=0), "within the loop"),
    (check.gradient, lambda f, x: numerical_gradient(f, x)[-1], "one place of an array"),
    (check.gradient, all_at_once, "Move one"),
    (check.gradient, lambda f, x: np.full(x.shape, all_at_once(f, x)), "Move one"),
    (check.gradient, to_one_side, "forward difference"),
    (check.gradient, lambda f, x: np.array([1.5, 8.4, 4.5]), "must use the f"),
    (check.gradient, lambda f, x: gradient()(f, x)[:3], "must have shape (5,)"),
    (check.descent, descent(sign=-1), "subtract the gradient"),
    (check.descent, descent(copy=False), "init_x.copy()"),
    (check.descent, descent(fresh=False), "anew within the loop"),
    (check.descent, descent(more=-1), "one step too few"),
    (check.descent, descent(more=1), "one step too many"),
    (check.descent, descent(more=-9), "within the loop?"),
    (check.descent, descent(more=-10), "must stand in the loop"),
    (check.descent, descent(lr=1.0), "do not have the size lr"),
    (check.descent, descent(lr=0.1), "always take lr = 0.1"),
    (check.descent, lambda f, x, lr, n: descent()(f, x, lr, 10), "same number of steps"),
    (check.descent, lambda f, x, lr, n: f(descent()(f, x, lr, n)), "return x"),
    (
        check.descent,
        lambda f, x, lr, n: numerical_gradient(f, descent()(f, x, lr, n)),
        "return x",
    ),
    (check.losses_per_gradient, lambda n, h, m: (n + 1) * h + (h + 1) * m, "takes two losses"),
    (check.losses_per_gradient, lambda n, h, m: 2 * (n * h + h * m), "biases are parameters"),
    (check.losses_per_gradient, lambda n, h, m: (n + 1) * h + (h + 1) * m + 1, "forward"),
    (
        check.losses_per_gradient,
        lambda n, h, m: 2 * ((n + 1) * h + (h + 1) * m + n),
        "inputs are no parameters",
    ),
    (check.losses_per_gradient, lambda n, h, m: 52, "(784, 50, 10) must be 79520"),
    (check.training, training(sign=-1), "uphill"),
    (check.training, training(lr=0.1), "do not have the size lr"),
    (check.training, training(inner=False), "within the loop"),
    (check.training, training(pair=False), "do not belong together"),
    (check.training, training(size=9), "holds 9 samples, but batch_size is 8"),
    (check.training, training(size=100), "all 100 samples"),
    (check.training, training(iters=1), "6 gradients for iters_num = 5"),
    (check.training, training(log="all"), "losses of all data"),
    (check.training, last_only, "loss of the last batch"),
    (check.training, without_update, "Change network.params[key] itself"),
    (
        check.training,
        training(draw=lambda size, count: np.arange(count) + np.random.default_rng().integers(90)),
        "neighbouring samples",
    ),
]


@pytest.mark.parametrize(("exercise", "answer", "words"), WRONG)
def test_a_verdict_names_the_typical_mistake(exercise, answer, words):
    verdict = exercise(answer)
    assert verdict.right is False, verdict
    assert words in verdict.reason


FUNCTIONS = {exercise for exercise, _ in RIGHT} - {check.accuracies}


@pytest.mark.parametrize("exercise", sorted(FUNCTIONS, key=lambda check: check.__name__))
@pytest.mark.parametrize("dots", [None, ...])
def test_three_dots_are_not_solved_yet(exercise, dots):
    assert exercise(lambda *args: dots).right is None


def test_a_number_that_is_missing_is_not_solved_yet():
    assert check.accuracies(...).right is None
