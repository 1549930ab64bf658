"""The steps from a drawing to an image as MNIST's are."""

from itertools import combinations

import numpy as np
import pytest

from ch08_deep.digits_on_paper import Config, on_paper
from dlbasics.datasets import load_digits, normalize_digit
from dlbasics.pad.steps import STEPS, as_mnist


def pages(count=20):
    """Return sheets with a digit each, anywhere and of any size."""
    (x, _), _ = load_digits(train=count, test=0)
    rng = np.random.default_rng(0)
    return [on_paper(image.reshape(28, 28), Config(), rng) for image in x]


def test_the_last_picture_is_that_of_normalize_digit():
    for page in pages():
        last = as_mnist(page)[-1].picture
        np.testing.assert_array_equal(last, normalize_digit(page, flatten=False)[0])
        assert last.dtype == np.float32


@pytest.mark.parametrize("count", range(1, 7))
def test_any_steps_may_be_left_out(count):
    page = pages(1)[0]
    for without in combinations(STEPS, count):
        steps = as_mnist(page, without)
        assert [step.name for step in steps] == ["drawn", *STEPS]
        for step in steps:
            assert step.picture.dtype == np.float32
            assert 0 <= step.picture.min() <= step.picture.max() <= 1 + 1e-6
        assert steps[-1].picture.shape == (28, 28)
