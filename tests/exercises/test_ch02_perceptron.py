"""The checks of chapter 2's notebook: what a right, a wrong and an unsolved answer is told."""

from itertools import product

import numpy as np
import pytest

from ch02_perceptron.gates import AND, NAND, OR, XOR
from dlbasics.exercises import ch02_perceptron as check


def best(table, count, start, choose=min):
    """Return the smallest count of all perceptrons with numbers from -2 to 2."""
    result = start
    for w1, w2, b in product(np.arange(-2, 2.5, 0.5), repeat=3):
        outputs = [int(b + w1 * x1 + w2 * x2 > 0) for x1, x2 in check.INPUTS]
        result = choose(result, count(y == t for y, t in zip(outputs, table, strict=True)))
    return result


def wrong_rows(right):
    return sum(not each for each in right)


def half_adder(a, b):
    return a ^ b, a & b


def adder(carry):
    """Return a full adder of two half adders, whose carry is carry(first, second)."""

    def full_adder(a, b, carry_in):
        first_sum, first = half_adder(a, b)
        second_sum, second = half_adder(first_sum, carry_in)
        return second_sum, carry(first, second)

    return full_adder


def step(change, *, least=0):
    """Return a learning step that adds change(x, t, y), for w and for b, to w and b."""

    def learn_step(x, t, w, b):
        y = int(np.sum(w * x) + b > least)
        for_w, for_b = change(x, t, y)
        return w + for_w, b + for_b

    return learn_step


# A verdict shows the line that raises an exception: it must not hold the words that are expected.


def takes_one(x):
    return x


def takes_three(x, w, b):
    return x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + b > 0


def xor_of_bits(x1, x2):
    return x1 ^ x2


RIGHT = [
    (check.majority, lambda x1, x2, x3: int(x1 + x2 + x3 > 1.5)),
    (check.majority, lambda x1, x2, x3: x1 + x2 + x3 >= 2),
    (check.nand, (-0.5, -0.5, -0.7)),
    (check.nand, [-2, -1, -3]),
    (check.nand, np.array([-1, -0.5, -1.25])),
    (check.fires, lambda x, w, b: int(np.sum(w * x) + b > 0)),
    (check.fires, lambda x, w, b: w @ x + b > 0),
    (check.border, lambda x1, w1, w2, b: -(b + w1 * x1) / w2),
    (check.fewest_wrong, lambda table: best(table, wrong_rows, 4)),
    (check.xor, lambda x1, x2: AND(OR(x1, x2), NAND(x1, x2))),
    (check.xor, lambda x1, x2: NAND(NAND(x1, NAND(x1, x2)), NAND(NAND(x1, x2), x2))),
    (check.full_adder, adder(OR)),
    (check.full_adder, lambda a, b, c: [(a + b + c) % 2, np.int64((a + b + c) // 2)]),
    (check.learn_step, step(lambda x, t, y: ((t - y) * x, t - y))),
]

WRONG = [
    (
        check.majority,
        {
            "majority(1, 1, 1) must be 1, got 3. A perceptron answers 0 or 1": lambda *x: sum(x),
            "threshold is too low": lambda *x: sum(x) > 0.5,
            "majority(0, 1, 1) must be 1, got 0. Two 1s": lambda *x: sum(x) > 2.5,
            "weights differ": lambda x1, x2, x3: 2 * x1 + x2 + x3 > 1.5,
            "threshold is too high": lambda *x: sum(x) > 3,
            "Without any 1": lambda *x: sum(x) != 1,
            "takes 1 positional argument but 3 were given": takes_one,
        },
    ),
    (
        check.nand,
        {
            "NAND(0, 0) must be 1, but the sum there, 0, is not above theta = 0.7. Your numbers "
            "make AND": (0.5, 0.5, 0.7),
            "sign of theta is wrong": (-0.5, -0.5, 0.7),
            "sum there, -1, is equal to theta = -1. A perceptron fires only above": (-1, -1, -1),
            "NAND(1, 1) must be 0, but the sum there, -1, is above theta = -2": (-0.5, -0.5, -2),
            "the sum there, -0.7999999999999999, is above theta = -0.8": (-0.7, -0.1, -0.8),
            "3 numbers, (w1, w2, theta), got (-0.5, -0.5)": (-0.5, -0.5),
            "3 numbers, (w1, w2, theta), got (1, 2, 3, 4)": (1, 2, 3, 4),
            "3 numbers, (w1, w2, theta), got -0.5": -0.5,
            "w2 in nand must be a number, got 'b'": (-0.5, "b", -0.7),
        },
    ),
    (
        check.fires,
        {
            "as a threshold; add it": lambda x, w, b: np.sum(w * x) > b,
            "leaves out b": lambda x, w, b: np.sum(w * x) > 0,
            "leaves out the weights": lambda x, w, b: np.sum(x) + b > 0,
            "a sum of exactly 0 gives 0": lambda x, w, b: np.sum(w * x) + b >= 0,
            "compare the sum with a number": lambda x, w, b: np.sum(w * x) + b,
            "must have shape (), got (2,)": lambda x, w, b: w * x + b > 0,
            "The sum with its bias is 0.3": lambda x, w, b: 0,
            "raises IndexError": takes_three,
        },
    ),
    (
        check.border,
        {
            "The sign of b": lambda x1, w1, w2, b: (b - w1 * x1) / w2,
            "The sign of w1 x1": lambda x1, w1, w2, b: (w1 * x1 - b) / w2,
            "Both signs": lambda x1, w1, w2, b: (b + w1 * x1) / w2,
            "divide by w2": lambda x1, w1, w2, b: -b - w1 * x1,
            "Divide by w2, the weight": lambda x1, w1, w2, b: -(b + w1 * x1) / w1,
            "border(x1=0.5, w1=3, w2=4, b=-3.5) must be 0.5, got 7": lambda x1, w1, w2, b: 7,
        },
    ),
    (
        check.fewest_wrong,
        {
            "Count the rows that differ": lambda table: best(table, sum, 0, max),
            "smallest count of all": lambda table: wrong_rows(each == 0 for each in table),
            "No perceptron gets all four": lambda table: 0,
            "fewest_wrong((0, 0, 1, 1)) must be 0, got 1": lambda table: int(sum(table) == 2),
            "fewest_wrong((0, 0, 0, 1)) must be 0, got 'none' (str)": lambda table: "none",
        },
    ),
    (
        check.xor,
        {
            "XOR(1, 1) must be 0, got 1. Your gates make OR": OR,
            "Your gates make NAND": NAND,
            "XNOR": lambda x1, x2: 1 - XOR(x1, x2),
            "Write down what each gate gives": lambda x1, x2: AND(x1, NAND(x1, x2)),
            "Make it of gates alone": lambda x1, x2: x1 != x2,
            "unsupported operand": xor_of_bits,
        },
    ),
    (
        check.full_adder,
        {
            "Return the sum first": lambda a, b, c: ((a + b + c) // 2, (a + b + c) % 2),
            "leaves out carry_in": lambda a, b, c: half_adder(a, b),
            "carry of the first half adder is lost": adder(lambda first, second: second),
            "carry of the second half adder is lost": adder(lambda first, second: first),
            "the carry of full_adder(0, 1, 1) must be 1, got 0. The two stand for 0 + 1 + 1 = 2": (
                adder(AND)
            ),
            "must be 2 numbers, (sum, carry), got 0": lambda a, b, c: a + b + c,
        },
    ),
    (
        check.learn_step,
        {
            "The sign is wrong": step(lambda x, t, y: ((y - t) * x, y - t)),
            "The bias must change": step(lambda x, t, y: ((t - y) * x, 0)),
            "The weights must change": step(lambda x, t, y: (0, t - y)),
            "an input that is 0 stays": step(lambda x, t, y: (t - y, t - y)),
            "Subtract y": step(lambda x, t, y: (t * x, t)),
            "does not fire: y is 0": step(lambda x, t, y: ((t - y) * x, t - y), least=-1e-9),
            "and not the sum": lambda x, t, w, b: (
                w + (t - (w @ x + b)) * x,
                b + t - (w @ x + b),
            ),
            "not the change": lambda x, t, w, b: (
                (t - (w @ x + b > 0)) * x,
                t - (w @ x + b > 0),
            ),
            "There t is 1 and y is 0": lambda x, t, w, b: (w, b),
            "must be the pair (w, b), got [1, 1]": lambda x, t, w, b: w + x,
            "got shapes () and ()": lambda x, t, w, b: (0.5, b),
        },
    ),
]

UNSOLVED = [
    (check.majority, lambda x1, x2, x3: ...),
    (check.nand, ...),
    (check.nand, (-0.5, ..., ...)),
    (check.fires, lambda x, w, b: ...),
    (check.border, lambda x1, w1, w2, b: ...),
    (check.fewest_wrong, lambda table: ...),
    (check.xor, lambda x1, x2: ...),
    (check.full_adder, lambda a, b, carry_in: ...),
    (check.full_adder, lambda a, b, carry_in: (a, ...)),
    (check.learn_step, lambda x, t, w, b: ...),
    (check.learn_step, lambda x, t, w, b: (..., ...)),
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
