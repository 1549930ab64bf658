"""The checks of chapter 2's notebook."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from dlbasics._internal.reprs import brief
from dlbasics.exercises.hints import as_pair, expect_or_hint, mistake_in
from dlbasics.exercises.mistakes import compare, is_near
from dlbasics.exercises.verdict import Wrong, as_numbers, check_solved, exercise

INPUTS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""(x1, x2), in the order of the truth tables."""

TABLES = {
    "AND": (0, 0, 0, 1),
    "NAND": (1, 1, 1, 0),
    "OR": (0, 1, 1, 1),
    "NOR, which is OR with 0 and 1 exchanged": (1, 0, 0, 0),
    "XOR": (0, 1, 1, 0),
    "XNOR, which is XOR with 0 and 1 exchanged": (1, 0, 0, 1),
}

BITS = (*product((0, 1), repeat=3),)
"""All inputs of three bits."""


@exercise
def majority(answer: Callable[[int, int, int], int]) -> str:
    """Check majority(x1, x2, x3): 1 if at least two of the three are 1."""
    hints = (
        "Without any 1 it must not fire: your threshold is below 0",
        "A single 1 must not be enough: your threshold is too low, or the weights differ",
        "Two 1s must be enough: your threshold is too high, or the weights differ",
        "Three 1s must be enough: your threshold is too high",
    )
    for x in sorted(BITS, key=sum, reverse=True):
        _expect_output(answer(*x), sum(x) >= 2, f"majority{x}", hints[sum(x)])
    return "it fires at two 1s and at three, and at no other input"


@exercise
def nand(answer: Sequence[float]) -> str:
    """Check the numbers (w1, w2, theta) of a perceptron that is NAND."""
    w1, w2, theta = _numbers(answer, "nand", ("w1", "w2", "theta"))
    sums = [w1 * x1 + w2 * x2 for x1, x2 in INPUTS]
    table = [total > theta for total in sums]
    name = mistake_in(table, TABLES)
    hint = f". Your numbers make {name}" if name else ""
    if is_near([total > -theta for total in sums], TABLES["NAND"]):
        hint = ". The sign of theta is wrong: you may have taken the bias, which is -theta"
    for x, total, y, wanted in zip(INPUTS, sums, table, TABLES["NAND"], strict=True):
        if y != wanted:
            where = "above" if y else "not above"
            if total == theta:
                where = "equal to"
                hint = ". A perceptron fires only above its threshold"
            # All digits: -0.7 - 0.1 is above -0.8.
            digits = repr(total).removesuffix(".0")
            raise Wrong(
                f"NAND{x} must be {wanted}, but the sum there, {digits}, is {where} "
                f"theta = {theta:g}{hint}"
            )
    return f"the sums {', '.join(f'{total:g}' for total in sums)} are on the right sides of theta"


@exercise
def fires(answer: Callable[[Any, Any, float], int]) -> str:
    """Check fires(x, w, b): 1 if b + sum of w x is above 0, for inputs of any number."""
    cases = (
        ([1, 1], [0.5, 0.5], -0.7),
        ([1, 0], [0.5, 0.5], -0.7),
        ([0, 0], [0.5, 0.5], 0.2),
        ([1, 0], [0.5, 0.25], -0.5),  # the sum is exactly 0
        ([1, 0], [-1.0, 1.0], -1.5),
        ([1, 0, 1], [-2.0, 1.0, 3.0], -0.5),
        ([1, 1, 1, 1], [1.0, 1.0, 1.0, -1.0], -2.5),
    )
    sums = [float(np.dot(w, x)) for x, w, _ in cases]
    biases = [b for _, _, b in cases]
    mistakes = {
        "It fires only above 0; a sum of exactly 0 gives 0": np.add(sums, biases) >= 0,
        "Your code takes b as a threshold; add it to the sum": np.greater(sums, biases),
        "Your code leaves out b": np.greater(sums, 0),
        "Your code leaves out the weights": [sum(x) + b > 0 for x, _, b in cases],
    }
    got = [answer(np.array(x), np.array(w), b) for x, w, b in cases]
    mistake = mistake_in(got, mistakes)
    for (x, w, b), total, y in zip(cases, sums, got, strict=True):
        hint = mistake or f"The sum with its bias is {total + b:g}"
        _expect_output(y, total + b > 0, f"fires({x}, {w}, {b})", hint)
    return "it works for two, three and four inputs, and a sum of 0 does not fire"


@exercise
def border(answer: Callable[[float, float, float, float], float]) -> str:
    """Check border(x1, w1, w2, b): the x2 where b + w1 x1 + w2 x2 = 0."""
    for x1, w1, w2, b in ((0.5, 3.0, 4.0, -3.5), (0.0, 1.0, 1.0, -0.5), (1.0, 1.0, -2.0, 0.5)):
        mistakes = {
            "The sign of b is wrong": (b - w1 * x1) / w2,
            "The sign of w1 x1 is wrong": (-b + w1 * x1) / w2,
            "Both signs are wrong": (b + w1 * x1) / w2,
            "You forgot to divide by w2": -(b + w1 * x1),
            "Divide by w2, the weight of the x2 that you look for": -(b + w1 * x1) / w1,
        }
        got, wanted = answer(x1, w1, w2, b), -(b + w1 * x1) / w2
        what = f"border(x1={x1:g}, w1={w1:g}, w2={w2:g}, b={b:g})"
        compare(got, wanted, what, mistakes)
    return "all of its points lie on the line"


@exercise
def fewest_wrong(answer: Callable[[Sequence[int]], int]) -> str:
    """Check fewest_wrong(table): the wrong rows of the best perceptron for a truth table."""
    hard = (TABLES["XOR"], (1, 0, 0, 1))
    easy = [table for table in product((0, 1), repeat=4) if table not in hard]
    for table in (TABLES["AND"], TABLES["XOR"], *easy, *hard):
        got, wanted = answer(table), int(table in hard)
        mistakes = {
            "Count the rows that differ, not those that agree, and keep the smallest count": 4
            - wanted,
            "No perceptron gets all four rows right. Count the wrong rows of one perceptron, "
            "then of the next": 0,
        }
        hint = mistake_in(got, mistakes) or "Keep the smallest count of all w1, w2 and b"
        expect_or_hint(got, wanted, f"fewest_wrong({table})", hint)
    return "it is 0 for 14 truth tables, and 1 for XOR and its opposite"


@exercise
def xor(answer: Callable[[float, float], int]) -> str:
    """Check XOR(x1, x2), made of gates."""
    got = [answer(x1, x2) for x1, x2 in INPUTS]
    name = mistake_in(got, TABLES)
    hint = f"Your gates make {name}" if name else "Write down what each gate gives at each input"
    for x, y, wanted in zip(INPUTS, got, TABLES["XOR"], strict=True):
        _expect_output(y, wanted, f"XOR{x}", hint)
    hint = "OR does not fire there, so XOR must not. Make it of gates alone"
    _expect_output(answer(0.1, 0.2), 0, "XOR(0.1, 0.2)", hint)
    return "two layers of gates do what no single perceptron can"


@exercise
def full_adder(answer: Callable[[int, int, int], tuple[int, int]]) -> str:
    """Check full_adder(a, b, carry_in): the pair (sum, carry) of three bits."""
    mistakes = {
        "Return the sum first, then the carry": [(sum(x) // 2, sum(x) % 2) for x in BITS],
        "Your code leaves out carry_in": [((a + b) % 2, a & b) for a, b, _ in BITS],
        "The carry of the first half adder is lost": [
            (sum(x) % 2, (x[0] ^ x[1]) & x[2]) for x in BITS
        ],
        "The carry of the second half adder is lost": [(sum(x) % 2, x[0] & x[1]) for x in BITS],
    }
    got = [_numbers(answer(*x), f"the result of full_adder{x}", ("sum", "carry")) for x in BITS]
    for (a, b, carry_in), pair in zip(BITS, got, strict=True):
        total, names = a + b + carry_in, ("sum", "carry")
        hint = mistake_in(got, mistakes) or f"The two stand for {a} + {b} + {carry_in} = {total}"
        for name, number, wanted in zip(names, pair, (total % 2, total // 2), strict=True):
            expect_or_hint(number, wanted, f"the {name} of full_adder{(a, b, carry_in)}", hint)
    return "all eight sums of three bits are right"


@exercise
def learn_step(answer: Callable[[Any, int, Any, float], tuple[Any, float]]) -> str:
    """Check learn_step(x, t, w, b): the pair (w, b) after a step of the learning rule."""
    cases = (
        ([1, 1], 1, [0, 0], 0),  # the sum is exactly 0, so it fires too little
        ([1, 0], 0, [1, 2], 1),  # it fires too much
        ([0, 1], 1, [0, 1], 0),  # it fires, and that is right
        ([0, 0], 0, [2, 1], -1),  # it does not fire, and that is right
    )
    got = [
        _weights_and_bias(
            answer(np.array(x), t, np.array(w, float), float(b)),
            f"the result of learn_step({x}, {t}, {w}, {b})",
        )
        for x, t, w, b in cases
    ]
    # The bias is like the weight of a third input, which always is 1.
    x = np.array([[*x, 1] for x, *_ in cases])
    t = np.array([[t] for _, t, *_ in cases])
    before = np.array([[*w, b] for *_, w, b in cases])
    total = np.sum(before * x, axis=1, keepdims=True)
    y = total > 0
    mistakes = {
        "The sign is wrong: add (t - y), do not subtract it": (y - t) * x,
        "The bias must change, too": (t - y) * x * [1, 1, 0],
        "The weights must change, too": (t - y) * x * [0, 0, 1],
        "Multiply (t - y) by x: the weight of an input that is 0 stays": (t - y) * np.ones(3),
        "Subtract y, the perceptron's answer, from t": t * x,
        "y must be the perceptron's answer, 0 or 1, and not the sum": (t - total) * x,
        "A sum of exactly 0 does not fire: y is 0 there": (t - (total >= 0)) * x,
        "Return the new w and b, not the change": (t - y) * x - before,
    }
    mistake = mistake_in(got, {sentence: before + each for sentence, each in mistakes.items()})
    for i, case in enumerate(cases):
        what = "(w1, w2, b) after learn_step({}, {}, {}, {})".format(*case)
        hint = mistake or f"There t is {t[i, 0]} and y is {int(y[i, 0])}"
        expect_or_hint(got[i], before[i] + (t[i] - y[i]) * x[i], what, hint)
    return "it changes the numbers where the answer was wrong, and only there"


def _expect_output(got: Any, wanted: Any, what: str, hint: str) -> None:
    """Compare an output with the right one, 0 or 1; the hint explains the other one of the two."""
    numbers = as_numbers(got)
    is_output = numbers is not None and numbers.shape == () and numbers in (0, 1)
    other = "A perceptron answers 0 or 1: compare the sum with a number"
    if is_output:
        expect_or_hint(int(got), int(wanted), what, hint)  # int: 0 says more than False
    else:
        expect_or_hint(got, int(wanted), what, other)


def _numbers(answer: Any, what: str, names: Sequence[str]) -> list[float]:
    """Return the reader's numbers, which must be as many as there are names."""
    check_solved(answer)
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != len(names):
        together = f"({', '.join(names)})"
        raise Wrong(f"{what} must be {len(names)} numbers, {together}, got {brief(answer)}")
    for number, name in zip(answer, names, strict=True):
        check_solved(number)
        value = as_numbers(number)
        if value is None or value.ndim:
            raise Wrong(f"{name} in {what} must be a number, got {brief(number)}")
    return [float(number) for number in answer]


def _weights_and_bias(pair: Any, what: str) -> list[float]:
    """Return [w1, w2, b] of the reader's pair (w, b)."""
    w, b = as_pair(pair, what, "(w, b)")
    if np.shape(w) != (2,) or np.shape(b) != ():
        shapes = f"{np.shape(w)} and {np.shape(b)}"
        raise Wrong(f"{what} must be w with two numbers and b with one, got shapes {shapes}")
    return _numbers([*w, b], what, ("w1", "w2", "b"))
