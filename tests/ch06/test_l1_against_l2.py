"""Chapter 6, l1_against_l2.py: the minima, and the two ways to reach that of L1."""

import numpy as np

from ch06_techniques.l1_against_l2 import experiment, loss, shrinking_descent

RESULT = experiment.run()


def test_minima_are_those_of_a_fine_grid():
    w = np.array(np.meshgrid(np.linspace(-1, 7, 161), np.linspace(-1, 7, 161)))
    losses = (w[0] - 3) ** 2 + 4 * (w[1] - 6) ** 2
    np.testing.assert_allclose(loss(w), losses)
    for penalty, end in (
        (w[0] ** 2 + w[1] ** 2, RESULT.l2[-1]),
        (10 * (abs(w[0]) + abs(w[1])), RESULT.l1[-1]),
        (30 * np.maximum(abs(w[0]), abs(w[1])), RESULT.linf[-1]),
    ):
        lowest = np.unravel_index(np.argmin(losses + penalty), losses.shape)
        np.testing.assert_allclose(end, w[:, lowest[0], lowest[1]], atol=0.026)


def test_without_a_penalty_shrinking_is_gradient_descent():
    np.testing.assert_allclose(shrinking_descent(0.0)[-1], [3, 6], atol=1e-6)


def test_steps_along_the_slope_of_l1_leap_over_0_and_shrinking_stops_there():
    w1 = RESULT.l1_slope[-100:, 0]
    assert w1.min() < 0 < w1.max()
    assert (RESULT.l1[1:, 0] == 0).any()
