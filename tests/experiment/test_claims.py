"""Claims: when they hold, and how they are shown."""

from collections import Counter

import numpy as np
import pytest

from dlbasics.experiment import LEFT_OUT, Claim, Verdict, judge
from dlbasics.experiment.claims import NOTE, report, shown

CLAIMS = [
    Claim("on MNIST", 0.9, lambda r: r, lambda v: v > 0),
    Claim("anywhere", 1, lambda r: r, lambda v: v > 0, any_data=True),
    Claim("wrong anywhere", 1, lambda r: r, lambda v: v < 0, any_data=True),
    Claim.shown("time", 1, lambda r: r),
]


@pytest.mark.parametrize(
    ("judged", "on_mnist", "expected"),
    [
        (True, True, [True, True, False, None]),
        (True, False, [None, True, False, None]),
        (False, True, [None] * 4),
        (False, False, [None] * 4),
    ],
)
def test_claims_are_judged_where_they_must_hold(judged, on_mnist, expected):
    found = judge(CLAIMS, 7, judged=judged, on_mnist=on_mnist)
    assert [verdict.holds for verdict in found] == expected
    assert [verdict.ours for verdict in found] == [7] * 4


def test_a_number_that_was_left_out_is_not_judged():
    (verdict,) = judge([Claim("rest", 1, lambda r: LEFT_OUT, lambda v: v / 0)], None)
    assert (verdict.ours, verdict.holds) == (LEFT_OUT, None)


@pytest.mark.parametrize(
    ("book", "ours", "expected"),
    [
        ("falls", [0.9, np.nan, 0.5], False),
        (None, {"a": [1.0, np.float32("nan")]}, False),
        (1, np.array([1, np.nan]), False),
        ((np.nan, np.nan), [np.nan, np.nan], True),
        (1, [1.0, np.inf, "text", None], True),
        (1, np.array(["text"]), True),
    ],
)
def test_a_claim_does_not_hold_for_nan_unless_the_book_says_so(book, ours, expected):
    """Whatever its test is: comparisons with NaN are false, and so `sorted` leaves it anywhere."""
    (verdict,) = judge([Claim("any", book, lambda r: r, lambda v: True)], ours)
    assert verdict.holds is expected


def test_a_claim_of_equal_numbers_holds_within_its_tolerance():
    claim = Claim.same("sum", [6.0, 8.0], lambda r: r, atol=1e-3, digits=3)
    results = [np.array([6.0005, 8.0]), [6.002, 8.0], [6.0, 8.0, 8.0], 6.0, [6.0, np.nan]]
    verdicts = [judge([claim], result)[0] for result in results]
    assert [verdict.holds for verdict in verdicts] == [True, False, False, False, False]
    assert verdicts[1].digits == 3


def test_a_report_is_a_table():
    verdicts = judge([Claim("steps", 10, lambda r: r, lambda v: v == 10), CLAIMS[2]], 10)
    assert [line.split() for line in report(verdicts).splitlines()] == [
        ["book", "or", "expected", "ours"],
        ["steps", "10", "10", "holds"],
        ["wrong", "anywhere", "1", "10", "does", "not", "hold"],
    ]


@pytest.mark.parametrize("text", ["word " * 50, "unbroken" * 50, "short"])
@pytest.mark.parametrize("ours", [1.0, np.arange(100), "word " * 50])
def test_a_report_is_at_most_100_columns_wide_and_loses_nothing(text, ours):
    table = report([Verdict(text, np.arange(100), ours, False), Verdict("next", 1, 2, None)])
    assert max(map(len, table.splitlines())) <= 100
    cells = ["book or expected", "ours", text, shown(np.arange(100)), shown(ours), "does not hold"]
    cells += ["next", "1", "2", "not judged"]
    assert letters(table) == letters("".join(cells))
    assert table.splitlines()[-1].split() == ["next", "1", "2", "not", "judged"]


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (Claim.same("a", 1, len), "1"),
        (Claim.same("a", 1, len, printed=False), "1 *"),
        (Claim.shown("a", 0.12345, len, digits=2), "0.12"),
        (Claim.shown("a", "slow", len), "slow *"),
        (Claim.shown("a", "about 150", len, printed=True), "about 150"),
        (Claim.shown("a", None, len), ""),
        (Claim.between("a", None, len, 0.95), "at least 0.95 *"),
        (Claim("a", None, len, bool, "the second is smaller"), "the second is smaller *"),
        (Claim("a", "falls", len, bool, "the second is smaller"), "falls *"),
    ],
)
def test_a_number_that_no_text_prints_is_marked_in_claims_and_reports(claim, text):
    (verdict,) = judge([claim], [])
    assert (claim.expected, verdict.expected) == (text, text)
    assert (NOTE in report([verdict])) == text.endswith("*")


@pytest.mark.parametrize(
    ("limits", "condition", "good", "bad"),
    [
        ({"low": 0.95}, "at least 0.95", [0.95, [0.95, 3]], [0.949, [0.95, 0.9], [], np.nan]),
        ({"high": 2}, "at most 2", [2, -5, np.zeros(3)], [2.1, [0, 3], np.nan]),
        ({"low": 0, "high": 1}, "from 0 to 1", [0, 1, (0, 1)], [-0.1, 1.1, (0, 2)]),
        ({"low": 0, "high": 0}, "from 0 to 0", [0], [1e-9]),
    ],
)
def test_a_claim_of_a_range_holds_for_numbers_within_it(limits, condition, good, bad):
    claim = Claim.between("a", None, lambda r: r, **limits)
    assert claim.condition == condition
    assert [judge([claim], value)[0].holds for value in good + bad] == [True] * len(good) + [
        False
    ] * len(bad)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "low or high must be a number, got None and None"),
        ({"low": 2, "high": 1}, "high must be a finite number from 2.0"),
        ({"low": float("nan")}, "low must be a finite number"),
    ],
)
def test_a_claim_of_a_range_needs_limits(limits, message):
    with pytest.raises(ValueError, match=message):
        Claim.between("a", None, len, **limits)


@pytest.mark.parametrize(
    ("options", "condition"),
    [
        ({}, "equal"),
        ({"atol": 0.01}, "within 0.01"),
        ({"rtol": 0.05}, "within 5%"),
        ({"atol": 1e-3, "rtol": 1e-6}, "within 0.001 + 0.0001%"),
    ],
)
def test_a_claim_of_equal_numbers_says_its_tolerance(options, condition):
    assert Claim.same("a", 1, len, **options).condition == condition


def letters(text):
    return Counter("".join(text.split()))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1 / 3, 4, "0.3333"),
        (0.1999999999990898, 16, "0.1999999999990898"),
        ([[1, 2.0], (3, np.float32(0.25))], 4, "((1, 2), (3, 0.25))"),
        (np.array([1e-10]), 2, "(1e-10,)"),
        ("never", 4, "never"),
    ],
)
def test_numbers_have_as_many_digits_as_the_claim_says(value, digits, text):
    assert shown(value, digits) == text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": None}, "text must be a text, got None"),
        ({"value": 1}, "value must be a function, got int"),
        ({"holds": True}, "holds must be a function, got bool"),
        ({"digits": "4"}, "digits must be an integer"),
        ({"condition": None}, "condition must be a text, got None"),
        ({"why": 1}, "why must be a text, got 1"),
        ({"printed": "yes"}, "printed must be True or False, got 'yes'"),
        ({"any_data": "no"}, "any_data must be True or False, got 'no'"),
    ],
)
def test_a_claim_of_other_things_is_refused(changed, message):
    with pytest.raises(TypeError, match=message):
        Claim(**{"text": "a", "book": 1, "value": len, "holds": bool} | changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"book": "one"}, "book must hold real numbers"),
        ({"atol": None}, "atol must be a number"),
        ({"rtol": "0"}, "rtol must be a number"),
    ],
)
def test_a_claim_of_equal_numbers_has_numbers(changed, message):
    with pytest.raises(TypeError, match=message):
        Claim.same(**{"text": "a", "book": 1, "value": len} | changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"claims": None}, "claims must be a list of Claim, got None"),
        ({"claims": ["a"]}, "claims must be a list of Claim, got"),
        ({"judged": 1}, "judged must be True or False"),
        ({"on_mnist": "yes"}, "on_mnist must be True or False"),
    ],
)
def test_only_claims_are_judged(changed, message):
    with pytest.raises(TypeError, match=message):
        judge(**{"claims": CLAIMS, "result": 1} | changed)
