"""Learning-rate schedules: their values by hand, and their errors."""

import numpy as np
import pytest

from dlbasics.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup


@pytest.mark.parametrize(
    ("schedule", "every", "expected"),
    [
        (StepDecay(2, 0.5), 0.5, [1] * 4 + [0.5] * 4),
        (ExponentialDecay(0.25), 1, [1, 0.25, 0.0625, 0.015625]),
        (ExponentialDecay(0.25), 0.5, [0.5**i for i in range(8)]),
        (CosineDecay(), 1, [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]),
        (Warmup(2, start=0.2), 0.5, [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1]),
        (Warmup(1, CosineDecay(), 0.2), 1, [0.2, 1, 0.75, 0.25]),
    ],
)
def test_rates_of_four_epochs(schedule, every, expected):
    rates = [schedule(epoch, 4) for epoch in np.arange(0, 4, every)]
    np.testing.assert_allclose(rates, expected, atol=1e-15)


def test_cosine_decay_ends_at_its_floor():
    assert CosineDecay()(4, 4) == 0
    assert CosineDecay(0.2)(4, 4) == 0.2
    assert CosineDecay(0.2)(2, 4) == pytest.approx(0.6)


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
