import numpy as np
import pytest

from dlbasics.layers import LocalResponseNorm
from tests.helpers import normal


def test_each_pixel_is_divided_by_the_sum_over_its_neighboring_channels():
    x, layer = normal(2, 6, 3, 4), LocalResponseNorm(3, 0.5, 0.75, 2.0)
    y = layer.forward(x)
    for c in range(6):
        near = x[:, max(c - 1, 0) : c + 2]
        np.testing.assert_allclose(y[:, c], x[:, c] / (2 + 0.5 * (near**2).sum(axis=1)) ** 0.75)


def test_the_settings_of_alexnet_are_the_default():
    layer = LocalResponseNorm()
    assert (layer.size, layer.alpha, layer.beta, layer.k) == (5, 1e-4, 0.75, 2)


def test_a_strong_pixel_weakens_its_neighbors_and_no_others():
    x = np.ones((1, 9, 1, 1))
    strong = x.copy()
    strong[0, 4] = 100
    change = LocalResponseNorm(alpha=0.1).forward(strong) - LocalResponseNorm(alpha=0.1).forward(x)
    weaker = [False, False, True, True, False, True, True, False, False]
    assert (change.ravel() < 0).tolist() == weaker
    assert not change[0, [0, 1, 7, 8]].any()


def test_without_alpha_all_pixels_are_scaled_alike():
    x = normal(2, 3, 4, 4)
    np.testing.assert_allclose(LocalResponseNorm(alpha=0, k=4, beta=0.5).forward(x), x / 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 4}, "size must be odd, got 4"),
        ({"size": 0}, "size must be at least 1"),
        ({"alpha": -1}, "alpha must be"),
        ({"beta": -1}, "beta must be"),
        ({"k": 0}, "k must be above 0, got 0"),
    ],
)
def test_what_makes_no_sense_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        LocalResponseNorm(**arguments)


def test_rows_are_refused():
    with pytest.raises(ValueError, match=r"LocalResponseNorm: x must have shape \(N, C, H, W\)"):
        LocalResponseNorm().forward(normal(4, 5))
