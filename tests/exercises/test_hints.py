"""Hints of the checks, and pairs."""

import numpy as np
import pytest

from dlbasics.exercises import Unsolved, Wrong
from dlbasics.exercises.hints import as_pair, expect_or_hint, mistake_in

MISTAKES = {"The sign is wrong": [-1.0, -2.0], "Half is missing": [1.0, 0.0]}


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        ((-1, -2), "The sign is wrong"),
        (np.array([1, 0]), "Half is missing"),
        ([1.0, 2.0], ""),
        ([-1.0], ""),
        ([[-1.0], [-1.0, -2.0]], ""),
        ("text", ""),
        ([-1.0, ...], ""),
        (None, ""),
    ],
)
def test_a_mistake_is_known_by_its_numbers(got, sentence):
    assert mistake_in(got, MISTAKES) == sentence


@pytest.mark.parametrize(
    ("hint", "message"), [("", "y must be 1, got 2"), ("Halve it", "y must be 1, got 2. Halve it")]
)
def test_a_hint_follows_what_is_wrong(hint, message):
    with pytest.raises(Wrong) as caught:
        expect_or_hint(2, 1, "y", hint)
    assert str(caught.value) == message
    expect_or_hint(1, 1, "y", hint)


def test_a_pair_is_a_tuple_or_a_list_of_two():
    assert as_pair((1, [2]), "y", "(a, b)") == (1, [2])
    assert as_pair([1, 2], "y", "(a, b)") == (1, 2)
    for other in (1, "ab", (1, 2, 3), np.ones(2)):
        with pytest.raises(Wrong, match=r"^y must be the pair \(a, b\), got "):
            as_pair(other, "y", "(a, b)")
    for unsolved in (None, ..., (1, ...), (None, 1)):
        with pytest.raises(Unsolved):
            as_pair(unsolved, "y", "(a, b)")
