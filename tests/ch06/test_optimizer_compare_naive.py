"""Chapter 6, optimizer_compare_naive.py: the bowls, the paths, the claims and the figures."""

import numpy as np
import pytest

from ch06_techniques.optimizer_compare_naive import (
    crossings,
    d_narrow,
    df,
    experiment,
    f,
    narrow,
    sideways,
)
from tests.ch06.helpers import wrong_values_that_hold

RESULT = experiment.run()


def test_sgd_takes_the_path_of_the_closed_form():
    """Each step multiplies x by 1 - 0.95 / 10, and y by 1 - 2 * 0.95."""
    k = np.arange(31)
    wanted = np.stack([-7 * 0.905**k, 2 * (-0.9) ** k], axis=1)
    np.testing.assert_allclose(RESULT.paths["SGD"], wanted, atol=1e-12)
    wanted = np.stack([10 * (1 - 0.019) ** k, (1 - 1.9) ** k], axis=1)
    np.testing.assert_allclose(RESULT.narrow_paths["SGD"], wanted, atol=1e-12)


def test_first_steps_of_the_others():
    start = np.array([-7.0, 2.0])
    slope = np.array([-0.7, 4.0])
    for key, step in (
        ("Momentum", -0.1 * slope),
        ("AdaGrad", -1.5 * np.sign(slope)),
        ("Adam", -0.3 * np.sign(slope)),
    ):
        path = RESULT.paths[key]
        assert path.shape == (31, 2)
        np.testing.assert_allclose(path[0], start)
        np.testing.assert_allclose(path[1] - start, step, rtol=1e-5)


def test_crossings_and_the_length_across_the_valley():
    path = np.array([[0, 2.0], [1, -1], [2, -2], [3, 1]])
    assert crossings(path) == 2
    assert sideways(path) == 3 + 1 + 3
    assert crossings(path[:1]) == 0
    path[2] = np.nan
    assert np.isnan(crossings(path)), "a path that diverges crosses nothing"


@pytest.mark.parametrize(("bowl", "gradient"), [(f, df), (narrow, d_narrow)])
def test_gradients_are_the_slopes(bowl, gradient):
    x, y, h = 3.0, -0.7, 1e-5
    slopes = [
        (bowl(x + h, y) - bowl(x - h, y)) / (2 * h),
        (bowl(x, y + h) - bowl(x, y - h)) / (2 * h),
    ]
    np.testing.assert_allclose(gradient(x, y), slopes, rtol=1e-7)


def test_heights_of_the_bowls():
    assert f(-7, 2) == pytest.approx(6.45)
    assert narrow(10, 1) == 200


def test_figures_show_the_paths_and_the_arrows_point_down():
    figures = experiment.plot(RESULT)
    for i, path in enumerate(RESULT.paths.values()):
        name = ("figure_6_3", "figure_6_5", "figure_6_6", "figure_6_7")[i]
        for axes in (figures[name].axes[0], figures["figure_6_8"].axes[i]):
            np.testing.assert_array_equal(axes.lines[-1].get_xydata(), path)
            assert_filled(axes, RESULT.paths)
    for axes in figures["narrow_bowl"].axes:
        assert_filled(axes, RESULT.narrow_paths)

    (axes,) = figures["figure_6_2"].axes
    (arrows,) = axes.collections
    places = np.array(arrows.get_offsets())
    np.testing.assert_allclose(arrows.U, -places[:, 0] / 10)
    np.testing.assert_allclose(arrows.V, -2 * places[:, 1])


def assert_filled(axes, paths):
    """Assert that the axes show all paths, and are not much larger than needed."""
    points = np.concatenate([*paths.values()])
    for (low, high), places in zip((axes.get_xlim(), axes.get_ylim()), points.T, strict=True):
        assert low < places.min() < places.max() < high < low + 1.5 * np.ptp(places)


def test_claims_know_wrong_values():
    assert (
        wrong_values_that_hold(
            experiment.claims,
            {
                "steps of SGD": [29],
                "steps of Momentum": [[4, 0, 11], [-1, 0, 2]],
                "length of the path along y: SGD, Momentum": [[36, 3, 9], [9, 36, 3], [36, 9, 9]],
                "length of the path along y: SGD, AdaGrad": [[2, 36], [2, 2]],
                "height f": [[0.001, 0.01], [0.01, 0.01]],
                "x²": [[30, 10, 1, 31], [30, 31, 1, 3], [30, 10, 30, 3]],
            },
        )
        == []
    )
