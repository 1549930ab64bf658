import numpy as np
import pytest

from ch03_forward import draw_digit


def test_steps_lead_to_the_digits_that_are_drawn_at_once():
    result = draw_digit.experiment.run(digits=(3, 8), seed=5)
    assert result.t.tolist() == [3, 8]
    assert result.difference == 0
    axes = draw_digit.plot(result)["steps"].axes
    assert len(axes) == 2 * (len(result.strokes) + 2)
    np.testing.assert_array_equal(axes[-1].images[0].get_array(), result.centred[1])


def test_another_digit_makes_a_difference(monkeypatch):
    monkeypatch.setattr(draw_digit.digits, "draw", lambda t, rng: np.zeros((len(t), 28, 28)))
    assert draw_digit.experiment.run().difference > 200


@pytest.mark.parametrize("digits", [(), (10,), (-1, 2)])
def test_only_digits_are_drawn(digits):
    with pytest.raises(ValueError, match=r"digits must (not be empty|be from 0 to 9)"):
        draw_digit.experiment.run(digits=digits)
