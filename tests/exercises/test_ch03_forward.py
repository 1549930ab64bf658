"""The checks of chapter 3's notebook: what a right, a wrong and an unsolved answer is told."""

import math

import numpy as np
import pytest

from dlbasics import functions
from dlbasics.exercises import ch03_forward as check

h = functions.sigmoid


def relu_in_place(x):
    x[x < 0] = 0
    return x


def loops(add):
    """Return a matmul that visits all products, and what add(C, i, j, product) makes of them."""

    def matmul(A, B):
        C = np.zeros((A.shape[0], B.shape[1]))
        for i in range(A.shape[0]):
            for j in range(B.shape[1]):
                for k in range(A.shape[1]):
                    add(C, i, j, A[i, k] * B[k, j])
        return C

    return matmul


def add_up(C, i, j, product):
    C[i, j] += product


def keep_last(C, i, j, product):
    C[i, j] = product


def layers(*activations, bias=True):
    """Return a forward pass with these activation functions; None leaves one out."""

    def forward(network, x):
        for i, activation in enumerate(activations, start=1):
            x = x @ network[f"W{i}"] + bias * network[f"b{i}"]
            x = x if activation is None else activation(x)
        return x

    return forward


def softmax_in_place(a):
    a -= np.max(a)
    return np.exp(a) / np.sum(np.exp(a))


def naive_softmax(a):
    return np.exp(a) / np.sum(np.exp(a))


def in_batches(starts=range, join=np.concatenate, choose=lambda y: np.argmax(y, axis=1)):
    """Return a classify that takes batches at starts(0, N, batch_size)."""

    def classify(predict, x, batch_size):
        batches = [x[i : i + batch_size] for i in starts(0, len(x), batch_size)]
        return join([choose(predict(batch)) for batch in batches])

    return classify


def one_by_one(predict, x, batch_size):
    return [np.argmax(predict(each)) for each in x]


# A verdict shows the line that raises an exception: it must not hold the words that are expected.


def math_sigmoid(x):
    return 1 / (1 + math.exp(-x))


def max_of_python(x):
    return max(0, x)


def wrong_key(network, x):
    return x @ network["w1"]


RIGHT = [
    (check.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    (check.sigmoid, lambda x: np.exp(x) / (np.exp(x) + 1)),
    (check.relu, lambda x: np.maximum(0, x)),
    (check.relu, lambda x: x * (x > 0)),
    (check.matmul, loops(add_up)),
    (check.matmul, lambda A, B: [[sum(row * column) for column in B.T] for row in A]),
    (check.forward, layers(h, h, None)),
    (check.collapse, lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2 + b2)),
    (check.softmax, lambda a: np.exp(a - np.max(a)) / np.sum(np.exp(a - np.max(a)))),
    (check.accuracy, lambda y, t: np.mean(np.argmax(y, axis=1) == t)),
    (check.accuracy, lambda y, t: sum(np.argmax(y, axis=1) == t) / len(t)),
    (check.classify, in_batches()),
    (check.classify, in_batches(join=lambda classes: [k for some in classes for k in some])),
]

WRONG = [
    (
        check.sigmoid,
        {
            "Use exp(-x)": lambda x: 1 / (1 + np.exp(x)),
            "in parentheses": lambda x: 1 / 1 + np.exp(-x),
            "do not subtract": lambda x: 1 / (1 - np.exp(-x)),
            "The 1 in the sum": lambda x: 1 / np.exp(-x),
            "tanh": np.tanh,
            "takes a single number, and it got an array. np.exp": math_sigmoid,
            "sigmoid(0.0) must be 0.5": lambda x: h(x) + (np.ndim(x) == 0),
            "sigmoid of an array of shape (3, 1) must": lambda x: (
                h(x).ravel() if np.ndim(x) else h(x)
            ),
            "sigmoid([-1, 1, 2])[0] must be 0.268941, got 0": functions.step_function,
        },
    ),
    (
        check.relu,
        {
            "step function": functions.step_function,
            "Numbers below 0 become 0": lambda x: x,
            "not positive": abs,
            "not those below": lambda x: np.minimum(x, 0),
            "np.maximum compares two": np.max,
            "Keep all places": lambda x: x[x > 0],
            "your code changes x itself": relu_in_place,
            "takes a single number, and it got an array. np.maximum": max_of_python,
            "relu of an array of shape (2, 2)": lambda x: np.maximum(x, 0).ravel(),
        },
    ),
    (
        check.matmul,
        {
            "in the same place. Element [i, j]": lambda A, B: A * B,
            "This is B times A": lambda A, B: B @ A,
            "are exchanged": lambda A, B: (A @ B).T,
            "a row of B": lambda A, B: A @ B.T,
            "a column of A": lambda A, B: A.T @ B,
            "not only the last one": loops(keep_last),
            "[0, 0] must be 19, got 0. Element [i, j]": loops(lambda C, i, j, product: None),
            "must have shape (2, 4), got (2, 2)": lambda A, B: (A @ B)[:2, :2],
        },
    ),
    (
        check.forward,
        {
            "No sigmoid after the last": layers(h, h, h),
            "after the first layer is missing": layers(None, h, None),
            "after the second layer is missing": layers(h, None, None),
            "the first and the second layer are missing": layers(None, None, None),
            "The biases are missing": layers(h, h, None, bias=False),
            "signals after the first layer": layers(h),
            "signals after the second layer": layers(h, h),
            "forward(network, x) of another network[0] must be": lambda network, x: [0.317, 0.696],
            "raises KeyError": wrong_key,
        },
    ),
    (
        check.collapse,
        {
            "x meets W1 first": lambda W1, b1, W2, b2: (W2 @ W1, b1 @ W2 + b2),
            "@ is the product of matrices": lambda W1, b1, W2, b2: (W1 * W2, b1 @ W2 + b2),
            "not a sum": lambda W1, b1, W2, b2: (W1 + W2, b1 + b2),
            "W2 multiplies it": lambda W1, b1, W2, b2: (W1 @ W2, b1 + b2),
            "bias b2 of the second layer is missing": lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2),
            "bias b1 of the first layer is missing": lambda W1, b1, W2, b2: (W1 @ W2, b2),
            "on its right": lambda W1, b1, W2, b2: (W1 @ W2, W2 @ b1 + b2),
            "must be the pair (W, b), got float64 (2, 2)": lambda W1, b1, W2, b2: W1 @ W2,
            "W for the sizes 3, 4, 2 must have shape": lambda W1, b1, W2, b2: (
                (W1 @ W2)[:2],
                b1 @ W2 + b2,
            ),
        },
    ),
    (
        check.softmax,
        {
            "by their sum": np.exp,
            "exponentials of the scores first": lambda a: a / np.sum(a),
            "not by the largest": lambda a: np.exp(a - np.max(a)),
            "not by the exponential of the sum": lambda a: np.exp(a) / np.exp(np.sum(a)),
            "below the line": lambda a: np.exp(a - np.max(a)) / np.sum(np.exp(a)),
            "above the line": lambda a: np.exp(a) / np.sum(np.exp(a - np.max(a))),
            "exp(1010) is inf for a computer. Subtract the largest": naive_softmax,
            "exp(-990) is 0 for a computer": lambda a: naive_softmax(a - 1000 * (a[0] > 500)),
            "your code changes a itself": softmax_in_place,
            "np.exp takes whole arrays": math_sigmoid,
        },
    ),
    (
        check.accuracy,
        {
            "Divide by": lambda y, t: np.sum(np.argmax(y, axis=1) == t),
            "share of wrong": lambda y, t: np.mean(np.argmax(y, axis=1) != t),
            "not a percentage": lambda y, t: 100 * np.mean(np.argmax(y, axis=1) == t),
            "looks at the whole array": lambda y, t: np.mean(np.argmax(y) == t),
            "a place in each column": lambda y, t: np.mean(np.argmax(y, axis=0) == t),
            "not the number": lambda y, t: np.mean(np.max(y, axis=1) == t),
            "an answer for each image": lambda y, t: np.argmax(y, axis=1) == t,
            "three images, all of them right, must be 1, got 0.6": lambda y, t: (
                np.sum(np.argmax(y, axis=1) == t) / 5
            ),
        },
    ),
    (
        check.classify,
        {
            "last batch is smaller": in_batches(
                lambda start, N, step: range(0, N - step + 1, step)
            ),
            "Only the first batch": in_batches(join=lambda classes: classes[0]),
            "Only the last batch": in_batches(join=lambda classes: classes[-1]),
            "np.argmax with axis=1 finds them": in_batches(choose=lambda y: y),
            "np.concatenate joins": in_batches(join=list),
            "got batches of [1, 1, 1, 1, 1, 1, 1] images. They must be [3, 3, 1]": one_by_one,
            "[7, 0, 0] images. They must be [7]": in_batches(
                lambda start, N, step: (0, step, 2 * step)
            ),
            "got batches of [7] images": lambda predict, x, size: np.argmax(predict(x), axis=1),
            "got batches of [3, 3, 1, 0]": in_batches(
                lambda start, N, step: range(0, N + step, step)
            ),
        },
    ),
]

UNSOLVED = [
    (check.sigmoid, lambda x: ...),
    (check.relu, lambda x: ...),
    (check.matmul, lambda A, B: ...),
    (check.forward, lambda network, x: ...),
    (check.collapse, lambda W1, b1, W2, b2: ...),
    (check.collapse, lambda W1, b1, W2, b2: (W1 @ W2, ...)),
    (check.softmax, lambda a: ...),
    (check.accuracy, lambda y, t: ...),
    (check.classify, lambda predict, x, batch_size: ...),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_a_right_answer_is_right(exercise, answer):
    verdict = exercise(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [(check, answer, words) for check, answers in WRONG for words, answer in answers.items()],
)
def test_a_wrong_answer_is_told_why(exercise, answer, words):
    verdict = exercise(answer)
    assert verdict.right is False
    assert words in verdict.reason


@pytest.mark.parametrize(("exercise", "answer"), UNSOLVED)
def test_an_answer_with_dots_is_not_solved_yet(exercise, answer):
    verdict = exercise(answer)
    assert verdict.right is None, verdict
    assert "three dots" in verdict.reason
