"""What a checking cell says: right, wrong and why, or not solved yet."""

import numpy as np
import pytest

from dlbasics.exercises import Unsolved, Verdict, Wrong, exercise, expect


@exercise
def double(answer):
    expect(answer(3), 6, "double(3)")
    return "double(3) is 6"


@pytest.mark.parametrize(
    ("answer", "right", "reason"),
    [
        (lambda x: 2 * x, True, "double(3) is 6"),
        (lambda x: 7, False, "double(3) must be 6, got 7"),
        (lambda x: "six", False, "double(3) must be 6, got 'six' (str)"),
        (lambda x: [6], False, "double(3) must have shape (), got (1,)"),
        (lambda x: float("nan"), False, "double(3) must be 6, got nan"),
        (lambda x: None, None, "ends without `return`"),
        (lambda x: ..., None, "three dots"),
        (..., None, "three dots"),
        (None, None, "it is None so far"),
    ],
)
def test_a_check_says_right_wrong_or_not_solved_and_why(answer, right, reason):
    verdict = double(answer)
    assert verdict.right is right
    assert bool(verdict) is (right is True)
    assert reason in verdict.reason


def test_an_exception_of_the_readers_code_is_a_verdict_with_its_line():
    def answer(x):
        return np.ones(2) @ np.ones(x)

    verdict = double(answer)
    assert verdict.right is False
    assert "your code raises ValueError in line" in verdict.reason
    assert "'return np.ones(2) @ np.ones(x)'" in verdict.reason


def test_ctrl_c_ends_a_check():
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double(answer)


@pytest.mark.parametrize(
    ("got", "wanted", "message"),
    [
        ([[1.0, 2.0], [3.0, 4.1]], [[1, 2], [3, 4]], "y[1, 1] must be 4, got 4.1"),
        (np.ones((2, 3)), np.ones((3, 2)), "y must have shape (3, 2), got (2, 3)"),
        ([np.inf, 1.0], [1.0, 1.0], "y[0] must be 1, got inf"),
        ({}, [1.0], "y must be an array of shape (1,), got {} (dict)"),
        (1.0 + 2e-6, 1.0, "y must be 1"),
    ],
)
def test_expect_names_the_first_number_that_differs(got, wanted, message):
    with pytest.raises(Wrong) as caught:
        expect(got, wanted, "y")
    assert str(caught.value).startswith(message)


def test_expect_takes_what_rounding_changes_and_other_dtypes():
    expect(1e8 + 1, 1e8, "y")
    expect(np.float32(0.1), 0.1, "y")
    expect([True, False], [1, 0], "y")
    expect(np.zeros((0, 3)), np.zeros((0, 3)), "y")
    expect(1.01, 1, "y", tolerance=0.02)


def test_expect_says_that_nothing_is_there_yet():
    with pytest.raises(Unsolved):
        expect(None, 1, "y")


def test_a_verdict_shows_itself_in_a_prompt_and_in_a_notebook():
    verdict = Verdict(False, "a < b & c")
    assert repr(verdict) == "Not right: a < b & c"
    html = verdict._repr_html_()
    assert "<b>Not right</b>: a &lt; b &amp; c" in html
    assert repr(Verdict(True, "yes")) == "Right: yes"
    assert repr(Verdict(None, "no")) == "Not solved yet: no"
