"""The skeletons: strokes in their box, and the ways in which people write each digit."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from dlbasics.datasets.skeletons import STYLES
from tests.datasets.helpers import SKELETONS, knots_of


def test_ten_digits_have_styles_with_shares():
    assert list(STYLES) == list(range(10))
    for styles in STYLES.values():
        assert styles
        assert all(style.share > 0 and style.skeletons for style in styles)
        assert len({style.name for style in styles}) == len(styles)


@pytest.mark.parametrize(("digit", "style", "text"), SKELETONS)
def test_a_skeleton_is_one_or_two_strokes_in_its_box(digit, style, text):
    strokes = knots_of(text)
    assert len(strokes) in (1, 2)
    for knots in strokes:
        assert len(knots) >= 2
        assert all(len(knot) == 2 for knot in knots)
        assert 0 <= np.min(knots) <= np.max(knots) <= 100
    heights = [knot[1] for knots in strokes for knot in knots]
    assert max(heights) - min(heights) >= 80
    assert len(strokes) == len(knots_of(style.skeletons[0]))


@pytest.mark.parametrize(
    ("digit", "variant", "holds"),
    [
        (1, "a mere line", lambda s: len(s) == 1 and len(s[0]) == 4),
        (1, "flag, no foot", lambda s: len(s) == 1 and s[0][0][1] > s[0][2][1] + 15),
        (1, "flag and foot", lambda s: len(s) == 2 and min(y for _, y in s[1]) > 90),
        (2, "corner", lambda s: any(a == b for a, b in pairwise(s[0]))),
        (2, "loop", lambda s: max(a[1] - b[1] for a, b in combinations(s[0][5:], 2)) > 15),
        (4, "open", lambda s: len(s) == 2 and abs(s[0][0][0] - s[1][0][0]) > 30),
        (4, "closed", lambda s: len(s) == 2 and abs(s[0][0][0] - s[1][0][0]) < 5),
        (4, "in one stroke", lambda s: len(s) == 1),
        (5, "bar apart", lambda s: len(s) == 2),
        (5, "in one stroke", lambda s: len(s) == 1),
        (7, "plain", lambda s: len(s) == 1 and s[0][0][1] < 20),
        (7, "crossed", lambda s: len(s) == 2 and all(40 < y < 60 for _, y in s[1])),
        (8, "from the top right", lambda s: s[0][0][0] > 60 and s[0][0][1] < 25),
        (8, "from the middle", lambda s: len(s) == 1 and 40 < s[0][0][1] < 60),
        (8, "two loops", lambda s: len(s) == 2),
        (9, "straight", lambda s: s[0][-1][1] == 100 and s[0][-1][0] > 40),
        (9, "curled", lambda s: s[0][-1][0] < 30 and s[0][-2][1] > s[0][-1][1]),
    ],
)
def test_one_style_of_the_digit_is_so(digit, variant, holds):
    styles = [s for s in STYLES[digit] if all(holds(knots_of(text)) for text in s.skeletons)]
    assert len(styles) == 1, variant
