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
        *(
            call
            for schedule in (StepDecay(1), ExponentialDecay(0.5), CosineDecay(), Warmup(1))
            for call in (
                (lambda schedule=schedule: schedule(0, 0), ValueError, "epochs must be a finite"),
                (lambda schedule=schedule: schedule(-1, 2), ValueError, "epoch must be a finite"),
                (lambda schedule=schedule: schedule(np.nan, 2), ValueError, "epoch must be a fini"),
                (lambda schedule=schedule: schedule("1", 2), TypeError, "epoch must be a number"),
                (lambda schedule=schedule: schedule(1, None), TypeError, "epochs must be a number"),
            )
        ),
    ],
)
def test_arguments_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("every", [0.1, 0.3, 1 / 3, 0.7])
def test_a_step_begins_at_its_epoch_whatever_the_rounding(every):
    schedule = StepDecay(every, 0.5)
    for n in range(1, 200):
        before, after = (schedule(epoch, 300) for epoch in (every * (n - 1e-6), every * n))
        assert (before, after) == (0.5 ** (n - 1), 0.5**n)
    assert StepDecay(0.1, 0.5)(0.3, 1) == 0.125


def test_after_the_last_epoch_cosine_decay_stays_at_its_floor():
    assert CosineDecay(0.2)(9, 4) == 0.2


@pytest.mark.parametrize(
    ("schedule", "arguments", "expected"),
    [
        (ExponentialDecay(2), (1e5, 1e6), np.inf),
        (ExponentialDecay(0.5), (1e308, 1e308), 0),
        (ExponentialDecay(0), (0, 1), 1),
        (StepDecay(1e-300, 0.5), (1e300, 1e300), 0),
        (StepDecay(1e-300, 2), (1e300, 1e300), np.inf),
        (StepDecay(1e308, 0.5), (1e-300, 1), 1),
        (CosineDecay(), (1e308, 1e-300), 0),
        (CosineDecay(), (10**400, 1), None),
        (Warmup(1e308), (1e-300, 1), 0.1),
    ],
)
def test_huge_arguments_give_a_number_or_an_error_that_names_them(schedule, arguments, expected):
    if expected is None:
        with pytest.raises(ValueError, match="epoch must be a finite number"):
            schedule(*arguments)
    else:
        assert schedule(*arguments) == pytest.approx(expected)
