"""Chapter 6, batch_norm_test.py: its claims, the pairs of networks, and the figures."""

import numpy as np
import pytest

from ch06_techniques.batch_norm_test import LEARNED, Result, experiment
from dlbasics.layers import BatchNorm
from tests.ch06.helpers import are_equal, assert_same_start_and_batches, assert_values, curves_of
from tests.helpers import failed, few_digits

SCALES = np.logspace(0, -4, 16)


def test_batch_normalization_is_ahead_at_five_of_six_scales_on_mnist(mnist):
    result = experiment.run(data=mnist, scales=6, epochs=10)
    np.testing.assert_allclose(
        result.scales, [1, 0.158, 0.0251, 0.00398, 0.000631, 1e-4], rtol=5e-3
    )
    ahead = result.with_norm[:, -1] > result.without_norm[:, -1]
    assert ahead.tolist() == [True, False, True, True, True, True]
    assert (result.without_norm[ahead, -1] < LEARNED).all()
    assert (result.with_norm[:, -1] > 0.2).all()


def test_claims_count_scales_after_the_last_epoch():
    good, bad = np.tile([0.3, 0.9], (16, 1)), np.tile([0.99, 0.1], (16, 1))
    few = np.where(np.arange(16)[:, np.newaxis] < 3, good + 0.05, bad)
    for without, ahead in ((bad, 16), (few, 13), (good, 0)):
        result = Result(SCALES, good, without)
        means = [without[4].mean(), 0.6]
        assert_values(experiment.claims, result, ahead, [ahead, 0], means)
    for with_norm, without_norm, wanted in (
        (good, bad - 0.05, []),
        (good, few, [0]),
        (good, good, [0, 1, 2]),
        (bad, bad, [0, 1, 2]),
    ):
        verdicts = failed(experiment.claims, Result(SCALES, with_norm, without_norm))
        texts = [experiment.claims[i].text for i in wanted]
        assert [verdict.text for verdict in verdicts] == texts


def test_the_two_networks_of_a_scale_differ_in_batch_normalization_alone(recorded):
    result, networks = recorded(experiment, scales=3, epochs=2, batch_size=50, learning_rate=0.002)
    np.testing.assert_allclose(result.scales, [1, 1e-2, 1e-4])
    assert result.with_norm.shape == result.without_norm.shape == (3, 2)
    x, t = few_digits().x_train[:1_000], few_digits().t_train[:1_000]
    for i, (normalized, plain) in enumerate(zip(networks[::2], networks[1::2], strict=True)):
        assert_same_start_and_batches(normalized, plain)
        assert [len(n.layers_of(BatchNorm)) for n in (normalized, plain)] == [5, 0]
        assert [W.shape for W in plain.first.values()] == [(784, 100), *[(100, 100)] * 4, (100, 10)]
        for W in plain.first.values():
            assert W.std() == pytest.approx(result.scales[i], rel=0.1)
        assert [len(x) for x, _ in plain.batches] == [50] * 40
        assert result.with_norm[i, -1] == normalized.accuracy(x, t)
        assert result.without_norm[i, -1] == plain.accuracy(x, t)
    assert not are_equal(networks[0].batches[0], networks[2].batches[0])
    assert not np.allclose(networks[0].first["W1"], 1e2 * networks[2].first["W1"])
    for network in networks[-2:]:  # weights of std 1 are too large for this comparison
        network.assert_updated_by_sgd(0.002)
    # 1,000 draws with replacement from 1,000 images hold about 1,000 (1 - 1 / e) of them.
    assert 550 < networks[0].different_images(20) < 700


def test_the_experiment_goes_on_when_a_loss_is_not_finite(recorded):
    result, (normalized, plain) = recorded(experiment, scales=1, epochs=3)
    assert not np.isfinite(plain.losses[-1])
    assert np.isfinite(normalized.losses).all()
    assert np.isfinite(result.with_norm).all()
    assert np.isfinite(result.without_norm).all()


def test_figures_show_both_curves_of_a_scale():
    with_norm = np.arange(32).reshape(16, 2) / 100
    figures = experiment.plot(Result(SCALES, with_norm, 1 - with_norm))
    (one,) = figures["figure_6_18"].axes
    panels = figures["figure_6_19"].axes
    assert SCALES[4] == pytest.approx(0.0858, rel=1e-3)
    for axes, i in [(one, 4), *zip(panels, range(16), strict=True)]:
        assert curves_of(axes) == {
            "batch normalization": [[1, 2], with_norm[i].tolist()],
            "without it": [[1, 2], (1 - with_norm[i]).tolist()],
        }
        assert axes.get_title() == f"initial std {SCALES[i]:.2g}"
