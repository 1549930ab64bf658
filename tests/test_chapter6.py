"""The scripts of chapter 6 that need no Trainer: their claims, and what they compute."""

from functools import cache

import numpy as np
import pytest

from ch06_techniques import (
    batch_norm_gradient_check,
    equal_weights,
    l1_against_l2,
    optimizer_compare_mnist,
    optimizer_compare_naive,
    weight_init_activation_histogram,
    weight_init_compare,
)
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result

DIGITS = load_data("digits", quick=True)
RUNS = {
    batch_norm_gradient_check: lambda: batch_norm_gradient_check.run(
        batch_norm_gradient_check.Config(hidden_size=4), 0, DIGITS
    ),
    equal_weights: lambda: equal_weights.run(equal_weights.Config(5, 60), 0, DIGITS),
    l1_against_l2: l1_against_l2.run,
    optimizer_compare_mnist: lambda: optimizer_compare_mnist.run(
        optimizer_compare_mnist.Config(iters_num=20), 0, DIGITS
    ),
    optimizer_compare_naive: optimizer_compare_naive.run,
    weight_init_activation_histogram: lambda: weight_init_activation_histogram.run(0),
    weight_init_compare: lambda: weight_init_compare.run(
        weight_init_compare.Config(iters_num=20), 0, DIGITS
    ),
}


@cache
def result_of(script):
    return RUNS[script]()


def short(script):
    return script.__name__.rpartition(".")[2]


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if not verdict.holds]


@pytest.mark.parametrize(
    "script", [l1_against_l2, optimizer_compare_naive, weight_init_activation_histogram], ids=short
)
def test_every_claim_holds(script):
    assert failed(script, result_of(script)) == []


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_claims_on_activations_hold_with_other_seeds(seed):
    script = weight_init_activation_histogram
    assert failed(script, script.run(seed)) == []


@pytest.mark.parametrize("script", [equal_weights, batch_norm_gradient_check], ids=short)
def test_every_claim_holds_on_mnist(script, mnist):
    assert failed(script, script.run(script.Config(), np.random.default_rng(0), mnist)) == []


@pytest.mark.slow
@pytest.mark.parametrize("script", [weight_init_compare, optimizer_compare_mnist], ids=short)
def test_every_claim_of_the_comparisons_holds_on_mnist(script, mnist):
    result = script.run(script.Config(), np.random.default_rng(0), mnist)
    assert failed(script, result) == []
    assert {len(losses) for losses in result.train_loss.values()} == {2_000}


def test_the_order_of_initial_weights_and_optimizers_shows_in_300_iterations_on_mnist(mnist):
    config = weight_init_compare.Config(iters_num=300)
    loss = weight_init_compare.run(config, 0, mnist).train_loss
    last = {key: np.mean(losses[-20:]) for key, losses in loss.items()}
    assert abs(last["std 0.01"] - np.log(10)) < 0.02
    assert last["He"] < 0.8 < last["Xavier"] < 2.2

    result = optimizer_compare_mnist.run(optimizer_compare_mnist.Config(iters_num=300), 0, mnist)
    last = {key: np.mean(losses[-20:]) for key, losses in result.train_loss.items()}
    assert last.pop("SGD") > 1.5 * max(last.values())
    assert optimizer_compare_mnist.iterations_to_low(result, "SGD") == 300
    assert 20 < optimizer_compare_mnist.iterations_to_low(result, "Adam") < 200


def test_all_figures_are_drawn_and_results_stored(tmp_path):
    names = set()
    for script in RUNS:
        save_result(result_of(script), {}, tmp_path / "result.json")
        if script is not batch_norm_gradient_check:
            names |= {*script.plot(result_of(script))}
    assert names == {f"figure_6_{i}" for i in (1, 2, 3, *range(5, 16))} | {
        "contours",
        "hidden_units",
        "loss",
        "narrow_bowl",
        "tanh",
    }


@pytest.mark.parametrize(
    ("script", "claim"),
    [
        pytest.param(script, claim, id=f"{short(script)}: {claim.text}")
        for script in RUNS
        for claim in script.CLAIMS
    ],
)
def test_no_claim_of_chapter_6_holds_whatever_comes(script, claim):
    value = np.array(claim.value(result_of(script)), dtype=float)
    assert not claim.holds((value * np.nan).tolist())
    away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
    assert not all(claim.holds((value + sign * away).tolist()) for sign in (1, -1))


class TestBowl:
    RESULT = optimizer_compare_naive.run()

    def test_sgd_goes_as_the_closed_form_says(self):
        """Each step multiplies x by 1 - 0.95 / 10, and y by 1 - 2 * 0.95."""
        k = np.arange(31)
        wanted = np.stack([-7 * 0.905**k, 2 * (-0.9) ** k], axis=1)
        np.testing.assert_allclose(self.RESULT.paths["SGD"], wanted, atol=1e-12)
        wanted = np.stack([10 * (1 - 0.019) ** k, (1 - 1.9) ** k], axis=1)
        np.testing.assert_allclose(self.RESULT.narrow_paths["SGD"], wanted, atol=1e-12)

    def test_first_steps_of_the_others(self):
        start = np.array([-7.0, 2.0])
        slope = np.array([-0.7, 4.0])
        for key, step in (
            ("Momentum", -0.1 * slope),
            ("AdaGrad", -1.5 * np.sign(slope)),
            ("Adam", -0.3 * np.sign(slope)),
        ):
            path = self.RESULT.paths[key]
            assert path.shape == (31, 2)
            np.testing.assert_allclose(path[0], start)
            np.testing.assert_allclose(path[1] - start, step, rtol=1e-5)

    def test_momentum_goes_as_its_two_equations_say(self):
        place, v = np.array([-7.0, 2.0]), np.zeros(2)
        for found in self.RESULT.paths["Momentum"]:
            np.testing.assert_allclose(found, place, atol=1e-12)
            v = 0.9 * v - 0.1 * place * [0.1, 2]
            place = place + v

    def test_crossings_and_the_way_across(self):
        path = np.array([[0, 2.0], [1, -1], [2, -2], [3, 1]])
        assert optimizer_compare_naive.crossings(path) == 2
        assert optimizer_compare_naive.sideways(path) == 3 + 1 + 3
        assert optimizer_compare_naive.crossings(path[:1]) == 0

    @pytest.mark.parametrize(
        ("bowl", "gradient"),
        [
            (optimizer_compare_naive.f, optimizer_compare_naive.df),
            (optimizer_compare_naive.narrow, optimizer_compare_naive.d_narrow),
        ],
    )
    def test_gradients_are_the_slopes(self, bowl, gradient):
        x, y, h = 3.0, -0.7, 1e-5
        slopes = [
            (bowl(x + h, y) - bowl(x - h, y)) / (2 * h),
            (bowl(x, y + h) - bowl(x, y - h)) / (2 * h),
        ]
        np.testing.assert_allclose(gradient(x, y), slopes, rtol=1e-7)
        assert optimizer_compare_naive.f(-7, 2) == pytest.approx(6.45)
        assert optimizer_compare_naive.narrow(10, 1) == 200

    def test_figures_show_the_paths(self):
        figures = optimizer_compare_naive.plot(self.RESULT)
        for i, (key, path) in enumerate(self.RESULT.paths.items()):
            name = ("figure_6_3", "figure_6_5", "figure_6_6", "figure_6_7")[i]
            for axes in (figures[name].axes[0], figures["figure_6_8"].axes[i]):
                assert axes.get_title() == key
                assert (axes.get_xlim(), axes.get_ylim()) == ((-10, 10), (-10, 10))
                np.testing.assert_array_equal(axes.lines[-1].get_xydata(), path)

    def test_arrows_of_figure_6_2_point_down(self):
        (axes,) = optimizer_compare_naive.plot(self.RESULT)["figure_6_2"].axes
        (arrows,) = axes.collections
        places = np.array(arrows.get_offsets())
        np.testing.assert_allclose(arrows.U, -places[:, 0] / 10)
        np.testing.assert_allclose(arrows.V, -2 * places[:, 1])


class TestActivations:
    RESULT = weight_init_activation_histogram.run(0)

    def test_every_activation_of_a_bounded_function_is_counted(self):
        for name, counts in self.RESULT.counts.items():
            assert counts.shape == (5, 30)
            if not name.startswith("ReLU"):
                assert (counts.sum(axis=1) == 100_000).all(), name
        # Behind the first ReLU, half of all are 0, and the others half a Gaussian of std 0.1.
        assert self.RESULT.means["ReLU, std 0.01"][0] == pytest.approx(
            0.1 / np.sqrt(2 * np.pi), rel=0.05
        )

    def test_means_and_spreads_agree_with_the_counts(self):
        for name in ("sigmoid, Xavier", "tanh, Xavier"):
            low, high = weight_init_activation_histogram.RANGES[name.partition(",")[0]]
            edges = np.linspace(low, high, 31)
            centres = (edges[:-1] + edges[1:]) / 2
            share = self.RESULT.counts[name] / 100_000
            mean = share @ centres
            np.testing.assert_allclose(self.RESULT.means[name], mean, atol=0.01)
            np.testing.assert_allclose(
                self.RESULT.stds[name] ** 2, share @ centres**2 - mean**2, atol=0.01
            )
            ends = share[:, :3].sum(axis=1) + share[:, -3:].sum(axis=1)
            np.testing.assert_allclose(self.RESULT.at_the_ends[name], ends, atol=1e-12)

    def test_tanh_of_xaviers_weights_is_bell_shaped(self):
        last = self.RESULT.counts["tanh, Xavier"][-1]
        assert last[13:17].min() > 2 * last[5:8].max() > 4 * last[:2].max()
        np.testing.assert_allclose(last, last[::-1], atol=0.1 * last.max())

    def test_layers_are_fed_by_the_one_before(self):
        x = np.ones((2, 100))
        layers = weight_init_activation_histogram.activations(
            x, lambda a: a, lambda shape, rng: 2 * np.eye(100), None
        )
        np.testing.assert_array_equal(layers[:, 0, 0], [2, 4, 8, 16, 32])

    @pytest.mark.parametrize(
        ("figure", "name"),
        [
            ("figure_6_10", "sigmoid, std 1"),
            ("figure_6_11", "sigmoid, std 0.01"),
            ("figure_6_13", "sigmoid, Xavier"),
        ],
    )
    def test_figures_show_the_counts_of_each_layer(self, figure, name):
        panels = weight_init_activation_histogram.plot(self.RESULT)[figure].axes
        assert panels[0].get_ylabel() == name
        for axes, counts in zip(panels, self.RESULT.counts[name], strict=True):
            np.testing.assert_array_equal(axes.patches[0].get_data().values, counts)
            assert axes.get_xlim() == (0, 1)


class TestEqualWeights:
    def test_difference_is_that_between_units_in_both_layers(self):
        network = equal_weights.initial_network("equal", 3, np.random.default_rng(0))
        assert equal_weights.difference(network) == 0
        network.params["W1"][5] = [0.0, 0.25, -0.5]
        assert equal_weights.difference(network) == 0.75
        network.params["W1"][5] = 0
        network.params["W2"][:, 1] = [1, 2, 4]
        assert equal_weights.difference(network) == 3

    def test_the_three_starts(self):
        for start, low, high in (("zero", 0, 0), ("equal", 0.01, 0.01), ("random", -0.3, 0.3)):
            network = equal_weights.initial_network(start, 20, np.random.default_rng(0))
            W1 = network.params["W1"]
            assert W1.shape == (784, 20)
            assert low <= W1.min() <= W1.max() <= high
        assert W1.std() == pytest.approx(1 / 28, rel=0.05)

    def test_units_stay_equal_on_the_digits_too(self):
        result = result_of(equal_weights)
        assert max(result.difference["zero"], result.difference["equal"]) < 1e-9
        assert result.difference["random"] > 0.1
        assert all(np.ptp(result.W1[start]) > 0 for start in equal_weights.STARTS)
        assert all(
            len(losses) == 60 and losses[0] == pytest.approx(np.log(10), abs=0.3)
            for losses in result.train_loss.values()
        )


class TestPenalties:
    def test_minima_are_those_of_a_fine_grid(self):
        w = np.array(np.meshgrid(np.linspace(-1, 7, 161), np.linspace(-1, 7, 161)))
        loss = (w[0] - 3) ** 2 + 4 * (w[1] - 6) ** 2
        np.testing.assert_allclose(l1_against_l2.loss(w), loss)
        for penalty, end in (
            (w[0] ** 2 + w[1] ** 2, l1_against_l2.run().l2[-1]),
            (10 * (abs(w[0]) + abs(w[1])), l1_against_l2.run().l1[-1]),
        ):
            lowest = np.unravel_index(np.argmin(loss + penalty), loss.shape)
            np.testing.assert_allclose(end, w[:, lowest[0], lowest[1]], atol=0.026)

    def test_without_a_penalty_shrinking_is_gradient_descent(self):
        np.testing.assert_allclose(l1_against_l2.shrinking_descent(0.0)[-1], [3, 6], atol=1e-6)

    def test_steps_along_the_slope_of_l1_leap_over_0(self):
        w1 = result_of(l1_against_l2).l1_slope[-100:, 0]
        assert w1.min() < 0 < w1.max()
        assert (l1_against_l2.run().l1[1:, 0] == 0).any()


class TestBatchNormGradientCheck:
    def test_errors_are_those_of_a_check_that_can_fail(self):
        result = result_of(batch_norm_gradient_check)
        assert len(result.mean_error) == 10
        assert max(result.mean_error.values()) < 1e-7
        assert min(result.largest[key] for key in result.largest if key not in ("b1", "b2")) > 1e-3
        # Of one image, the scores and their bias are all that is left.
        assert [key for key, value in result.largest_of_one_image.items() if value > 0] == ["b3"]

    def test_a_wrong_gradient_is_seen(self, monkeypatch):
        script = batch_norm_gradient_check
        right = script.MultiLayerNet.gradient

        def wrong(self, x, t):
            return {key: 1.001 * grad for key, grad in right(self, x, t).items()}

        monkeypatch.setattr(script.MultiLayerNet, "gradient", wrong)
        result = script.run(script.Config(hidden_size=4), 0, DIGITS)
        seen = [key for key, error in result.mean_error.items() if error > 1e-7]
        assert {"W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "W3", "b3"} <= {*seen}


class TestComparisons:
    def test_all_optimizers_start_from_the_same_weights_and_batch(self):
        loss = result_of(optimizer_compare_mnist).train_loss
        assert len(loss) == 6
        assert len({losses[0] for losses in loss.values()}) == 1
        assert len({losses[-1] for losses in loss.values()}) == 6

    @pytest.mark.parametrize("script", [weight_init_compare, optimizer_compare_mnist], ids=short)
    def test_same_seed_same_training(self, script):
        config = script.Config(iters_num=3)
        assert script.run(config, 7, DIGITS) == script.run(config, 7, DIGITS)
        assert script.run(config, 7, DIGITS) != script.run(config, 8, DIGITS)

    def test_the_first_losses_tell_the_initial_weights(self):
        first = {
            key: losses[0] for key, losses in result_of(weight_init_compare).train_loss.items()
        }
        assert first["std 0.01"] == pytest.approx(np.log(10), abs=1e-4)
        assert first["He"] > first["Xavier"] > np.log(10)

    def test_iterations_to_low_are_all_of_them_where_it_never_is(self):
        count = optimizer_compare_mnist.iterations_to_low
        result = optimizer_compare_mnist.Result(
            {"never": [1.0] * 40, "at 20": [1.0] * 20 + [0.0] * 20}
        )
        assert count(result, "never") == 40
        assert 20 <= count(result, "at 20") <= 24
