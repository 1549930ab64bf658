"""Adam as Takenawa writes it in *Adam's parameter update algorithm (original)*."""

import numpy as np
import pytest

from dlbasics.optimizers import Adam


def steps_of_adam(gradient, steps, lr=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Return w after the lecture's steps from 0; epsilon stands under the root, beside v."""
    w = m = v = 0.0
    for t in range(1, steps + 1):
        g = gradient(t)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w -= lr * m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + epsilon)
    return w


def our_steps(gradient, steps):
    optimizer, params = Adam(), {"w": np.zeros(1)}
    for t in range(1, steps + 1):
        optimizer.update(params, {"w": np.array([gradient(t)])})
    return params["w"][0]


@pytest.mark.parametrize("size, apart", [(10.0, 1e-6), (1.0, 1e-5), (0.1, 1e-4), (1e-2, 1e-3)])
def test_adam_with_epsilon_under_the_root_is_ours_while_gradients_are_far_larger(size, apart):
    """The steps differ by the factor 1 + epsilon / (2 g^2), with sqrt(epsilon) = 1e-4."""

    def gradient(t):
        return size * (1.5 + np.sin(t))

    assert our_steps(gradient, 100) == pytest.approx(steps_of_adam(gradient, 100), rel=apart)


def test_adam_with_epsilon_under_the_root_is_slower_where_gradients_are_small():
    """sqrt(g^2 + epsilon) is sqrt(2) g at g = 1e-4, and ten times g at g = 1e-5."""
    for size, ratio in ((1e-4, 2**0.5), (1e-5, 101**0.5)):
        ours, lectures = (steps(lambda t, g=size: g, 20) for steps in (our_steps, steps_of_adam))
        # The 1e-7 of our formula begins to count, too.
        assert ours / lectures == pytest.approx(ratio, rel=0.15)
