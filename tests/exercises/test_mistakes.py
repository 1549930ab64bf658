"""How a check finds out which mistake a wrong answer holds."""

import numpy as np
import pytest

from dlbasics.exercises import Unsolved, Wrong
from dlbasics.exercises.mistakes import compare, expect_own_names, expect_unchanged

MISTAKES = {
    "Half.": 3.0,
    "One of two.": [7.0, 8.0],
    "Two numbers.": np.array([6.0, 6.0]),
    "No number.": np.nan,
}


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (3.0, "y must be 6, got 3. Half."),
        (3.0005, "y must be 6, got 3.0005. Half."),
        (8, "y must be 6, got 8. One of two."),
        ([6.0, 6.0], "y must have shape (), got (2,). Two numbers."),
        (np.nan, "y must be 6, got nan. No number."),
        (5.0, "y must be 6, got 5"),
        ("six", "y must be 6, got 'six' (str)"),
    ],
)
def test_the_message_ends_with_the_mistake_that_gives_the_answer(got, message):
    with pytest.raises(Wrong) as caught:
        compare(got, 6, "y", MISTAKES)
    assert str(caught.value) == message


def test_a_right_answer_is_no_mistake_even_if_one_gives_it_too():
    compare(6, 6, "y", {"A mistake.": 6})
    compare(6.001, 6, "y", {"A mistake.": 6.001}, tolerance=1e-2)


def test_a_missing_answer_is_no_mistake():
    with pytest.raises(Unsolved):
        compare(None, 6, "y", {"No number.": np.nan})


def test_an_array_that_changes_is_named():
    expect_unchanged(np.ones(2), np.ones(2), "x")
    with pytest.raises(Wrong, match=r"your code changes x itself\. Make a new array instead\."):
        expect_unchanged(np.zeros(2), np.ones(2), "x")
    with pytest.raises(Wrong, match=r"x itself\. Copy it\."):
        expect_unchanged(np.zeros(2), np.ones(2), "x", "Copy it.")


x = np.ones(2)  # as another cell may have it
SCALE = 2.0


class Own:
    def forward(self, x):
        self.x = x
        return np.sum(x) * SCALE

    def backward(self, dout):
        return dout * self.x


class Foreign(Own):
    def backward(self, dout):
        return dout * x


def test_an_array_of_another_cell_is_named():
    expect_own_names(Own)
    with pytest.raises(Wrong, match=r"backward reads the x of another cell; write self\.x"):
        expect_own_names(Foreign)
