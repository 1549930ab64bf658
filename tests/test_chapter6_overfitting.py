"""Chapter 6's scripts on batch normalization and overfitting: claims, settings, figures."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ch06_techniques import batch_norm_test, overfit_dropout, overfit_weight_decay
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result
from dlbasics.layers import BatchNorm, Dropout
from dlbasics.networks import MultiLayerNet

DIGITS = load_data("digits", quick=True)
OVERFIT = (overfit_weight_decay, overfit_dropout)
SCRIPTS = (batch_norm_test, *OVERFIT)
QUICK = {
    batch_norm_test: batch_norm_test.Config(scales=6, train_size=300, epochs=2),
    overfit_weight_decay: overfit_weight_decay.Config(epochs=3),
    overfit_dropout: overfit_dropout.Config(epochs=3),
}
A, B = [0.25, 0.5], [0.75, 1.0]


@cache
def result_of(script):
    return script.run(QUICK[script], 0, DIGITS)


def short(script):
    return script.__name__.rpartition(".")[2]


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict.text for verdict in verdicts if not verdict.holds]


def first_images(data, count):
    return replace(data, x_test=data.x_test[:count], t_test=data.t_test[:count])


every_script = pytest.mark.parametrize("script", SCRIPTS, ids=short)
both_on_overfitting = pytest.mark.parametrize("script", OVERFIT, ids=short)


# What the book says, on real MNIST


def test_batch_normalization_is_ahead_at_five_of_six_scales_on_mnist(mnist):
    result = batch_norm_test.run(batch_norm_test.Config(scales=6, epochs=10), 0, mnist)
    np.testing.assert_allclose(
        result.scales, [1, 0.158, 0.0251, 0.00398, 0.000631, 1e-4], rtol=5e-3
    )
    ahead = result.with_norm[:, -1] > result.without_norm[:, -1]
    assert ahead.tolist() == [True, False, True, True, True, True]
    assert (result.without_norm[ahead, -1] < batch_norm_test.LEARNED).all()
    assert (result.with_norm[:, -1] > 0.2).all()


@both_on_overfitting
def test_claims_on_overfitting_hold_for_the_first_thousand_test_images_of_mnist(script, mnist):
    result = script.run(script.Config(), np.random.default_rng(0), first_images(mnist, 1_000))
    assert failed(script, result) == []


@pytest.mark.slow
@every_script
def test_every_claim_holds_on_mnist_as_in_the_book(script, mnist):
    result = script.run(script.Config(), np.random.default_rng(0), mnist)
    assert failed(script, result) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_the_claims_on_batch_normalization_hold_with_other_seeds_on_mnist(seed, mnist):
    result = batch_norm_test.run(batch_norm_test.Config(), seed, mnist)
    assert failed(batch_norm_test, result) == []


@pytest.mark.slow
@both_on_overfitting
def test_with_five_other_seeds_the_gap_is_smaller_on_average_on_mnist(script, mnist):
    data = first_images(mnist, 2_000)
    results = [script.run(script.Config(), seed, data) for seed in range(1, 6)]
    gaps = np.array(
        [[overfit_weight_decay.gap(r, key) for key in ("without", "with")] for r in results]
    )
    print(gaps.round(3).tolist(), gaps.mean(axis=0))
    assert gaps[:, 1].mean() < gaps[:, 0].mean() - 0.015
    assert {text for r in results for text in failed(script, r)} <= {script.CLAIMS[2].text}


# What a claim takes to hold


@pytest.mark.parametrize(
    ("script", "claim"),
    [
        pytest.param(script, claim, id=f"{short(script)}: {claim.text}")
        for script in SCRIPTS
        for claim in script.CLAIMS
    ],
)
def test_no_claim_on_overfitting_holds_whatever_comes(script, claim):
    value = np.array(claim.value(result_of(script)), dtype=float)
    assert not claim.holds((value * np.nan).tolist())
    away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
    assert not all(claim.holds((value + sign * away).tolist()) for sign in (1, -1))


def test_claims_on_batch_normalization_count_scales_after_the_last_epoch():
    scales = np.logspace(0, -4, 16)
    good, bad = np.tile([0.3, 0.9], (16, 1)), np.tile([0.99, 0.1], (16, 1))
    few = np.where(np.arange(16)[:, np.newaxis] < 3, good + 0.05, bad)
    values = [
        [claim.value(batch_norm_test.Result(scales, good, other)) for other in (bad, few, good)]
        for claim in batch_norm_test.CLAIMS[:2]
    ]
    assert values == [[16, 13, 0], [[16, 0], [13, 0], [0, 0]]]
    ahead, learned, faster = (claim.text for claim in batch_norm_test.CLAIMS)
    for with_norm, without_norm, wanted in (
        (good, bad - 0.05, []),
        (good, few, [ahead]),
        (good, good, [ahead, learned, faster]),
        (bad, bad, [ahead, learned, faster]),
    ):
        result = batch_norm_test.Result(scales, with_norm, without_norm)
        assert failed(batch_norm_test, result) == wanted


@both_on_overfitting
def test_claims_on_overfitting_see_each_of_four_differences(script):
    def result(learned=1.0, test=0.7, train_with=0.9, test_with=0.7):
        without = [0.5] * 99 + [learned] + [0.0] * 81 + [1.0] * 20
        test_acc = {"without": [0.0] * 181 + [test] * 20, "with": [0.0] * 181 + [test_with] * 20}
        with_it = [0.1] * 150 + [train_with] + [0.0] * 30 + [0.9] * 20
        return overfit_weight_decay.Result({"without": without, "with": with_it}, test_acc)

    assert failed(script, result()) == []
    text = [claim.text for claim in script.CLAIMS]
    assert failed(script, result(learned=0.94)) == text[:1]
    assert failed(script, result(test=0.85, test_with=0.8)) == text[1:2]
    assert failed(script, result(test_with=0.59)) == text[2:3]
    assert failed(script, result(train_with=1.0)) == text[3:]
    values = [claim.value(result()) for claim in script.CLAIMS]
    assert values == [1, pytest.approx([1, 0.7]), pytest.approx([0.3, 0.2]), 0.9]


# What the networks are, and what they see


class Recorded(MultiLayerNet):
    """Keeps its first weights, batches and losses, and the sums of its gradients."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.first = {key: W.copy() for key, W in self.params.items() if key[0] == "W"}
        self.batches, self.losses = [], []
        self.moved = {key: np.zeros(W.shape) for key, W in self.first.items()}

    def gradient(self, x, t):
        self.batches.append((x.copy(), t.copy()))
        grads = super().gradient(x, t)
        self.losses.append(self.last_loss)
        for key in self.moved:
            self.moved[key] += grads[key]
        return grads

    def layers_of(self, kind):
        return [layer for layer in self.layers.values() if isinstance(layer, kind)]


@pytest.fixture
def recorded(monkeypatch):
    """recorded(script, config, rng): the result on digits, and the networks in order."""

    def run(script, config, rng=0):
        made = []

        def make(*args, **kwargs):
            made.append(Recorded(*args, **kwargs))
            return made[-1]

        for module in (batch_norm_test, overfit_weight_decay):
            monkeypatch.setattr(module, "MultiLayerNet", make)
        return script.run(config, rng, DIGITS), made

    return run


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def different_images(batches):
    """Of N draws with replacement from N, about N (1 - 1 / e)."""
    return len({x.tobytes() for batch, _ in batches for x in batch})


def assert_same_start_and_batches(one, other):
    assert one.first.keys() == other.first.keys()
    assert same(one.first.values(), other.first.values())
    assert all(map(same, one.batches, other.batches))
    assert len(one.batches) == len(other.batches) > 0
    assert one.losses != other.losses


def test_the_two_networks_of_a_scale_differ_in_batch_normalization_alone(recorded):
    config = batch_norm_test.Config(scales=3, epochs=2)
    result, networks = recorded(batch_norm_test, config)
    np.testing.assert_allclose(result.scales, [1, 1e-2, 1e-4])
    assert result.with_norm.shape == result.without_norm.shape == (3, 2)
    x, t = DIGITS.x_train[:1_000], DIGITS.t_train[:1_000]
    for i, (normalized, plain) in enumerate(zip(networks[::2], networks[1::2], strict=True)):
        assert_same_start_and_batches(normalized, plain)
        assert [len(n.layers_of(BatchNorm)) for n in (normalized, plain)] == [5, 0]
        assert [W.shape for W in plain.first.values()] == [(784, 100), *[(100, 100)] * 4, (100, 10)]
        for W in plain.first.values():
            assert W.std() == pytest.approx(result.scales[i], rel=0.1)
        assert len(plain.batches) == 20
        assert result.with_norm[i, -1] == normalized.accuracy(x, t)
        assert result.without_norm[i, -1] == plain.accuracy(x, t)
    assert not same(networks[0].batches[0], networks[2].batches[0])
    assert 550 < different_images(networks[0].batches[:10]) < 700
    assert not np.allclose(networks[0].first["W1"], 1e2 * networks[2].first["W1"])


def test_the_experiment_goes_on_when_a_loss_is_not_finite(recorded):
    result, (normalized, plain) = recorded(batch_norm_test, batch_norm_test.Config(1, epochs=3))
    assert not np.isfinite(plain.losses[-1])
    assert np.isfinite(normalized.losses).all()
    assert np.isfinite(result.with_norm).all()
    assert np.isfinite(result.without_norm).all()


@both_on_overfitting
def test_the_two_networks_differ_in_what_prevents_overfitting_alone(script, recorded):
    result, (without, with_it) = recorded(script, replace(script.Config(), epochs=4))
    assert_same_start_and_batches(without, with_it)
    assert [W.shape for W in without.first.values()] == [(784, 100), *[(100, 100)] * 5, (100, 10)]
    for W in without.first.values():
        assert W.std() == pytest.approx(np.sqrt(2 / len(W)), rel=0.1)
    if script is overfit_weight_decay:
        assert with_it.regularizer.weight_decay_lambda == 0.1
    else:
        assert [layer.dropout_ratio for layer in with_it.layers_of(Dropout)] == [0.15] * 6
        assert with_it.regularizer is None
    assert without.regularizer is None
    assert without.layers_of(Dropout) == []

    assert {x.tobytes() for batch, _ in without.batches for x in batch} <= {
        x.tobytes() for x in DIGITS.x_train[:300]
    }
    assert 150 < different_images(without.batches[:3]) < 230
    assert different_images(without.batches) > 270
    assert [x.shape for x, _ in without.batches] == [(100, 784)] * 12
    for key, network in (("without", without), ("with", with_it)):
        assert len(result.train_acc[key]) == len(result.test_acc[key]) == 4
        assert result.train_acc[key][-1] == network.accuracy(
            DIGITS.x_train[:300], DIGITS.t_train[:300]
        )
        assert result.test_acc[key][-1] == network.accuracy(DIGITS.x_test, DIGITS.t_test)


@every_script
def test_the_update_is_sgds_with_the_learning_rate(script, recorded):
    for lr in (1e-3, script.Config().learning_rate):
        config = replace(QUICK[script], train_size=200, batch_size=50, learning_rate=lr)
        _, networks = recorded(script, config)
        for network in networks[-2:]:
            assert [len(x) for x, _ in network.batches] == [50] * 4 * config.epochs
            for key, first in network.first.items():
                np.testing.assert_allclose(
                    network.params[key], first - lr * network.moved[key], atol=1e-6
                )
                assert np.any(network.moved[key])


@every_script
def test_same_seed_same_curves(script):
    again, other = (script.run(QUICK[script], seed, DIGITS) for seed in (0, 1))
    first = repr(result_of(script))
    assert repr(again) == first
    assert repr(other) != first


# Figures


def test_all_figures_on_overfitting_are_drawn_and_results_stored(tmp_path):
    names = []
    for script in SCRIPTS:
        save_result(result_of(script), {}, tmp_path / "result.json")
        names += script.plot(result_of(script))
    assert names == [f"figure_6_{i}" for i in (18, 19, 20, 21, 23)]


def curves_of(axes):
    """By label: the line's points as x and y."""
    return {line.get_label(): line.get_xydata().T.tolist() for line in axes.lines}


def test_figures_6_18_and_6_19_show_both_curves_of_a_scale():
    scales = np.logspace(0, -4, 16)
    with_norm = np.arange(32).reshape(16, 2) / 100
    result = batch_norm_test.Result(scales, with_norm, 1 - with_norm)
    figures = batch_norm_test.plot(result)
    (one,) = figures["figure_6_18"].axes
    panels = figures["figure_6_19"].axes
    assert len(panels) == 16
    assert scales[4] == pytest.approx(0.0858, rel=1e-3)
    for axes, i in [(one, 4), *zip(panels, range(16), strict=True)]:
        assert curves_of(axes) == {
            "batch normalization": [[1, 2], with_norm[i].tolist()],
            "without": [[1, 2], (1 - with_norm[i]).tolist()],
        }
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
        assert axes.get_title() == f"initial std {scales[i]:.2g}"
        assert axes.get_ylim() == (0, 1.03)


@both_on_overfitting
def test_figures_on_overfitting_show_the_accuracies(script):
    result = overfit_weight_decay.Result(
        {"without": A, "with": B}, {"without": B[::-1], "with": A[::-1]}
    )
    figures = script.plot(result)
    without, with_it = (axes for figure in figures.values() for axes in figure.axes)
    assert curves_of(without) == {"training": [[1, 2], A], "test": [[1, 2], B[::-1]]}
    assert curves_of(with_it) == {"training": [[1, 2], B], "test": [[1, 2], A[::-1]]}
    assert without.get_title().startswith("without ")
    assert with_it.get_title().startswith("with ")
    assert with_it.get_ylim() == without.get_ylim() == (0, 1.03)
