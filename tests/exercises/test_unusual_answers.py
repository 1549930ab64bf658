"""Answers that are wrong or right in ways that no list of typical mistakes has."""

from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest

from dlbasics import AdaGrad, Affine, BatchNorm, Dropout, Momentum, Residual
from dlbasics.exercises import (
    ch02_perceptron,
    ch03_forward,
    ch04_training,
    ch05_backprop,
    ch06_techniques,
    ch07_cnn,
    ch08_deep,
)
from tests.exercises.slips import answer as solution
from tests.exercises.slips import assert_wrong

CHAPTERS = (
    "ch02_perceptron ch03_forward ch04_training ch05_backprop ch06_techniques ch07_cnn ch08_deep"
).split()
CHECKS = {
    f"{chapter}.{name}": check
    for chapter in CHAPTERS
    for name, check in vars(import_module(f"dlbasics.exercises.{chapter}")).items()
    if hasattr(check, "__wrapped__") and check.__module__.endswith(chapter)
}
GIVEN = {"ch08_deep.read": (np.zeros((5, 8, 8)), np.arange(5))}
"""What a check gets besides the answer."""

ODD = {
    "a text": "0.5",
    "a ragged list": [1, [2, 3]],
    "a pair of arrays": (np.ones((2, 2)), np.ones(2)),
    "an integer too large for a float": 10**400,
    "a complex number": 1 + 2j,
    "an array of objects": np.array([None, "a"], object),
    "a text in an array": np.array(["a", "b"]),
    "an array without dimensions": np.array(1.5),
    "a dict": {"a": 1},
    "an iterator": iter(range(3)),
    "nan": float("nan"),
    "an object": object(),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", CHECKS)
def test_what_is_no_answer_is_wrong_and_no_error_of_the_readers_code(name, odd):
    value = ODD[odd]

    class Odd:
        def __init__(self, *args):
            self.dW = self.db = self.dgamma = self.dbeta = value

        forward = backward = update = lambda self, *args: value

    for answer in (lambda *args: value, Odd, value):
        verdict = CHECKS[name](answer, *GIVEN.get(name, ()))
        assert verdict.right is not True
        assert "your code raises" not in verdict.reason


def test_an_error_in_the_readers_lines_is_named_with_its_line():
    verdict = ch03_forward.sigmoid(lambda x: x.nothing)
    assert_wrong(verdict, "your code raises AttributeError in line")
    verdict = ch03_forward.sigmoid(lambda x: np.ones(3) @ np.ones(4))
    assert_wrong(verdict, "your code raises ValueError in line")
    assert_wrong(ch03_forward.sigmoid(lambda: 1), "the check cannot use your answer, TypeError")


def changing(result, *places):
    """Return a function that computes, and changes arguments at these places."""

    def function(*args):
        value = result(*args)
        for place in places:
            args[place][...] = 0
        return value

    return function


def softmax_minus(least):
    def softmax(a):
        e = np.exp(a - least(a))
        return e / e.sum()

    return softmax


def trained(draw, network, x, t, iters_num, batch_size, lr, rng):
    losses = []
    for _ in range(iters_num):
        mask = draw(rng, len(x), batch_size)
        for key, gradient in network.gradient(x[mask], t[mask]).items():
            network.params[key] -= lr * gradient
        losses.append(network.last_loss)
    return losses


def train_by(draw):
    return lambda *args: trained(draw, *args)


class Division:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x / y

    def backward(self, dout):
        return dout / self.y, -dout * self.x / self.y**2


class DivisionByTwo(Division):
    def backward(self, dout):
        return dout / self.y, -2 * self.x / self.y**2  # dout is 2 in the first example


class SpentSigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y.copy()

    def backward(self, dout):
        self.y *= 1 - self.y
        return dout * self.y


class RoundedRelu:
    def forward(self, x):
        self.mask = x > 0
        return (x * self.mask).astype(np.float32)

    def backward(self, dout):
        return dout * self.mask


def backward_from_two(layers, last_layer, x, t):
    for layer in layers:
        x = layer.forward(x)
    loss, dout = last_layer.forward(x, t), last_layer.backward(2)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return loss


class SixRows(BatchNorm):
    def _backward(self, dout):
        return super()._backward(dout) * (1 if len(dout) == 6 else 1.1)


class Spent(Residual):
    def backward(self, dout):
        dx = super().backward(dout)
        del self.layers[:]
        return dx


def he(n_in, n_out, rng):
    return np.sqrt(2 / n_in) * rng.standard_normal((n_in, n_out))


def moved(x, rng):
    return solution("ch08_deep", "moved")(x, rng)


def decayed(loss, grads, params, decay):
    return solution("ch06_techniques", "with_decay")(loss, grads, params, decay)


TENTHS = np.log10([0.0001, 1])

WRONG = [
    (ch02_perceptron.fires, lambda x, w, b: w[0] * x[0] + w[1] * x[1] + b > 0, "The sum"),
    (ch03_forward.softmax, softmax_minus(np.min), "Subtract the largest"),
    (ch03_forward.softmax, softmax_minus(np.mean), "Subtract the largest"),
    (ch03_forward.accuracy, lambda y, t: np.mean(y[np.arange(len(t)), t] > 0.25), "must be 0.8"),
    (
        ch04_training.squared_error,
        changing(lambda y, t: 0.5 * np.sum((y - t) ** 2), 0),
        "changes y itself",
    ),
    (
        ch04_training.squared_error,
        changing(lambda y, t: 0.5 * np.sum((y - t) ** 2), 1),
        "changes t itself",
    ),
    (
        ch04_training.cross_entropy,
        lambda y, t: -np.log(y.max(axis=1)).mean(),
        "take that of the right class",
    ),
    (
        ch04_training.cross_entropy,
        changing(lambda y, t: -np.log(y[np.arange(len(t)), t]).mean(), 1),
        "changes t itself",
    ),
    (ch04_training.accuracies, "51", "must be 51, got '51' (str)"),
    (
        ch04_training.training,
        train_by(lambda rng, n, size: np.full(size, rng.integers(n))),
        "one sample several times",
    ),
    (ch04_training.training, train_by(lambda rng, n, size: rng.choice(size, size)), "len(x)"),
    (
        ch04_training.training,
        changing(train_by(lambda rng, n, size: rng.choice(n, size)), 1),
        "changes x itself",
    ),
    (ch05_backprop.shopping, [2.7, 1.8, 3.6, 4.5, 26], "must be a dict"),
    (ch05_backprop.division, DivisionByTwo, "after forward(3, -5)"),
    (ch05_backprop.relu, 5, "give the check the class itself"),
    (ch05_backprop.relu, RoundedRelu, "forward must return float64"),
    (ch05_backprop.sigmoid, SpentSigmoid, "a second backward returns another dx"),
    (ch05_backprop.backpropagation, backward_from_two, "give it nothing, or 1"),
    (ch06_techniques.momentum, lambda lr, momentum: Momentum(0.1, 0.9), "that the class is given"),
    (ch06_techniques.adagrad, lambda lr: AdaGrad(1.5), "that the class is given"),
    (
        ch06_techniques.he_weights,
        lambda n_in, n_out, rng: he(n_in, n_out, np.random.default_rng()),
        "two calls with the same seed differ",
    ),
    (
        ch06_techniques.he_weights,
        lambda n_in, n_out, rng: he(600, n_out, rng)[:n_in],
        "It depends on n_in",
    ),
    (ch06_techniques.batch_norm_backward, SixRows, "check_gradients says"),
    (
        ch06_techniques.weight_decay,
        lambda loss, grads, params, decay: decayed(loss, grads, params, 0.1),
        "the loss must be",
    ),
    (
        ch06_techniques.weight_decay,
        lambda *args: (decayed(*args), args[2]["W1"].fill(0))[0],
        "changes params['W1'] itself",
    ),
    (ch06_techniques.dropout, lambda dropout_ratio: Dropout(0.25), "with dropout_ratio 0.5"),
    (
        ch06_techniques.log_uniform,
        lambda low, high, rng: 10 ** rng.uniform(*TENTHS),
        "must lie between the two",
    ),
    (
        ch06_techniques.log_uniform,
        lambda low, high, rng: 10 ** np.random.default_rng().uniform(np.log10(low), np.log10(high)),
        "two calls with the same seed differ",
    ),
    (
        ch07_cnn.convolve,
        lambda image, W: np.maximum(solution("ch07_cnn", "convolve")(image, W), 0),
        "got 0",
    ),
    (ch07_cnn.vertical, [[float("nan"), 0, 1]] * 3, "3 x 3 numbers"),
    (
        ch07_cnn.output_shape,
        lambda *args: tuple(map(np.float32, solution("ch07_cnn", "output_shape")(*args))),
        "with floats",
    ),
    (
        ch08_deep.confusion,
        lambda t, y, K: solution("ch08_deep", "confusion")(t, y, 4),
        "must have shape (5, 5)",
    ),
    (ch08_deep.moved, lambda x, rng: moved(x, np.random.default_rng(3)), "different seeds"),
    (ch08_deep.skip, Spent, "a second time"),
]


@pytest.mark.parametrize(("check", "answer", "words"), WRONG)
def test_a_wrong_answer_is_not_called_right(check, answer, words):
    assert_wrong(check(answer), words)


class Base:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Derived(Base):
    def backward(self, dout):
        dx = super().backward(dout)
        self.db = self.db.copy()
        return dx


def steps_to_and_fro(f, x):
    gradient = np.zeros(x.shape)
    for i in range(len(x)):
        x[i] += 1e-4
        above = f(x)
        x[i] -= 2e-4
        below = f(x)
        x[i] += 1e-4
        gradient[i] = (above - below) / 2e-4
    return gradient


RIGHT = [
    (ch02_perceptron.nand, (np.float32(-0.5), Fraction(-1, 2), np.array(-0.75))),
    (ch02_perceptron.fires, lambda x, w, b: np.heaviside(w @ x + b, 0)),
    (ch03_forward.accuracy, lambda y, t: Fraction(int(sum(y.argmax(axis=1) == t)), len(t))),
    (ch04_training.gradient, steps_to_and_fro),
    (ch04_training.slope, lambda f, x: f(complex(x, 1e-20)).imag / 1e-20),
    (ch04_training.slope, lambda f, x: np.diff(f(x + np.array([-1e-4, 1e-4])))[0] / 2e-4),
    (ch05_backprop.affine, Derived),
    (ch05_backprop.affine, Affine),
    (ch07_cnn.vertical, [[-1, 0, 1]] * 3),
    (ch08_deep.skip, Residual),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_in_unusual_form_is_right(check, answer):
    assert check(answer).right is True, check(answer)
