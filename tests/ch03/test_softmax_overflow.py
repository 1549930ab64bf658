import math

import numpy as np
import pytest

from ch03_forward import softmax_overflow


def test_naive_softmax_is_right_for_small_scores_and_keeps_the_dtype():
    y = softmax_overflow.naive_softmax(np.log(np.array([7.0, 2.0, 1.0])))
    np.testing.assert_allclose(y, [0.7, 0.2, 0.1], rtol=1e-14)
    assert softmax_overflow.naive_softmax(np.ones(2, np.float16)).dtype == np.float16


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_next_score_after_the_largest_fails(dtype):
    limit = softmax_overflow.largest_score(dtype)
    after = np.nextafter(dtype(limit), dtype(np.inf))
    assert dtype(limit) == limit
    assert np.isfinite(softmax_overflow.naive_softmax(np.array([limit, 0], dtype))).all()
    assert np.isnan(softmax_overflow.naive_softmax(np.array([after, 0], dtype))).any()


def test_curves_break_where_exp_overflows_and_stay_constant_when_shifted():
    result = softmax_overflow.experiment.run()
    expected = 1 / (1 + math.exp(-1) + math.exp(-2))
    (panel, *_) = softmax_overflow.plot(result)["precisions"].axes
    drawn = [line.get_ydata() for line in panel.lines]
    np.testing.assert_array_equal(
        drawn, [result.curves["float16"][k] for k in ("naive", "shifted")]
    )
    for name, limit in (("float16", 11), ("float32", 88), ("float64", 709)):
        curves = result.curves[name]
        assert np.ptp(curves["shifted"]) == 0
        assert curves["shifted"][0] == pytest.approx(expected, abs=1e-3)
        assert curves["naive"].dtype == curves["shifted"].dtype == np.dtype(name)
        right = np.abs(curves["naive"] - expected) < 2e-3
        assert right[curves["c"] < limit - 0.7].all()
        assert np.isnan(curves["naive"][curves["c"] > limit + 1]).all()
        assert curves["c"][-1] > 1.1 * limit
