"""Learning-rate schedules: their values by hand, and their errors."""

import numpy as np
import pytest

from dlbasics.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup


def values(schedule, epochs, every=1.0):
    return [schedule(epoch, epochs) for epoch in np.arange(0, epochs, every)]


def test_step_decay_falls_after_every_so_many_epochs():
    np.testing.assert_allclose(
        values(StepDecay(2, 0.5), 6, every=0.5), [1] * 4 + [0.5] * 4 + [0.25] * 4
    )


def test_exponential_decay_is_smooth():
    np.testing.assert_allclose(values(ExponentialDecay(0.25), 2, every=0.5), [1, 0.5, 0.25, 0.125])


def test_cosine_decay_ends_at_its_floor():
    np.testing.assert_allclose(
        values(CosineDecay(), 4), [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]
    )
    assert CosineDecay()(4, 4) == 0
    assert CosineDecay(0.2)(4, 4) == 0.2
    assert CosineDecay(0.2)(2, 4) == pytest.approx(0.6)


def test_warm_up_is_a_straight_line_and_then_what_follows():
    np.testing.assert_allclose(
        values(Warmup(2, start=0.2), 4, every=0.5), [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1]
    )
    np.testing.assert_allclose(
        values(Warmup(1, CosineDecay()), 5)[1:], values(CosineDecay(), 4), atol=1e-15
    )


def test_a_warm_up_as_long_as_the_training_leaves_nothing_for_what_follows():
    assert Warmup(3, CosineDecay())(3, 3) == 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StepDecay(0), ValueError, "every"),
        (lambda: StepDecay(1, -1), ValueError, "factor"),
        (lambda: ExponentialDecay("fast"), TypeError, "factor must be a number"),
        (lambda: CosineDecay(2), ValueError, "floor"),
        (lambda: Warmup(0), ValueError, "epochs"),
        (lambda: Warmup(1, then=0.5), TypeError, "then must be a schedule"),
    ],
)
def test_arguments_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()
