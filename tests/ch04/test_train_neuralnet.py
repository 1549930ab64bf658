"""The scripts of chapter 4: their claims, and what they compute beside them.

At the end: no claim of chapters 2 to 4 holds whatever comes.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ch02_perceptron import adders, gates, learning_rule, regions
from ch03_forward import (
    activation_functions,
    linear_layers,
    matrix_products,
    neuralnet_mnist,
    show_mnist,
    softmax_overflow,
    three_layer_net,
    train_weights,
)
from ch04_training import (
    accuracy_staircase,
    gradient_descent,
    gradient_field,
    loss_functions,
    numerical_differentiation,
    rounding_error,
    simple_net,
    step_and_sigmoid,
    train_neuralnet,
)
from ch04_training.two_layer_net import TwoLayerNet
from dlbasics import SGD, Affine, Network, Sigmoid, one_hot
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result

WITHOUT_DATA = [
    gradient_descent,
    gradient_field,
    loss_functions,
    numerical_differentiation,
    rounding_error,
    simple_net,
    step_and_sigmoid,
]
DIGITS = load_data("digits", quick=True)
QUICK = accuracy_staircase.Config(hidden_size=10, iters_num=100, points=101)


def short(script):
    return script.__name__.rpartition(".")[2]


@pytest.mark.parametrize("script", WITHOUT_DATA, ids=short)
def test_every_claim_holds(script):
    verdicts = judge(script.CLAIMS, script.run())
    assert len(verdicts) > 0
    assert [verdict for verdict in verdicts if not verdict.holds] == []


def test_every_claim_of_the_staircase_holds_on_mnist(mnist):
    result = accuracy_staircase.run(accuracy_staircase.Config(), np.random.default_rng(0), mnist)
    verdicts = judge(accuracy_staircase.CLAIMS, result)
    assert [verdict for verdict in verdicts if not verdict.holds] == []


@pytest.mark.slow
def test_every_claim_of_training_holds_on_mnist(mnist):
    result = train_neuralnet.run(train_neuralnet.Config(), np.random.default_rng(0), mnist)
    verdicts = judge(train_neuralnet.CLAIMS, result)
    assert [verdict for verdict in verdicts if not verdict.holds] == []
    assert len(result.train_loss) == 10_000
    assert result.epochs == [*range(17), pytest.approx(16.67, abs=0.01)]


def test_all_figures_of_the_chapter_are_drawn(tmp_path):
    config = train_neuralnet.Config(iters_num=2)
    drawn = {
        accuracy_staircase: accuracy_staircase.run(QUICK, 0, DIGITS),
        train_neuralnet: train_neuralnet.run(config, 0, DIGITS),
    }
    drawn |= {script: script.run() for script in WITHOUT_DATA}
    names = set()
    for script, result in drawn.items():
        save_result(result, {}, tmp_path / "result.json")
        if script is not simple_net:
            names |= {*script.plot(result)}
    assert names == {f"figure_4_{i}" for i in range(3, 13)} | {
        "accuracy_and_loss",
        "error_against_h",
        "learning_rates",
        "losses",
    }


class TestLossFunctions:
    def test_losses_against_the_probability_of_the_right_digit(self):
        result = loss_functions.run()
        i = np.searchsorted(result.x, 0.5)
        p = result.x[i]
        assert p == pytest.approx(0.5, abs=0.001)
        assert result.cross_entropy[i] == pytest.approx(-np.log(p))
        assert result.squared_error[i] == pytest.approx(0.5 * (1 - p) ** 2 * (1 + 1 / 9))
        assert result.cross_entropy[-1] == pytest.approx(0, abs=1e-12)
        assert result.squared_error[-1] == pytest.approx(0, abs=1e-12)

    def test_a_batch_has_the_mean_of_its_samples(self):
        result = loss_functions.run()
        assert result.batch_of_rows == pytest.approx(-(np.log(0.6) + np.log(0.1)) / 2)

    def test_figure_4_3_has_the_books_axes(self):
        (axes,) = loss_functions.plot(loss_functions.run())["figure_4_3"].axes
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1), (-5, 0))
        x, y = axes.lines[0].get_data()
        np.testing.assert_allclose(np.exp(y), x)


class TestStaircase:
    def test_each_step_is_a_whole_number_of_images(self):
        result = accuracy_staircase.run(QUICK, 0, DIGITS)
        counts = result.accuracy * QUICK.images
        np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
        assert len(np.unique(result.accuracy)) >= 3

    def test_the_weight_moves_around_where_training_left_it(self):
        result = accuracy_staircase.run(QUICK, 0, DIGITS)
        rng = np.random.default_rng(0)
        network = accuracy_staircase.trained_network(QUICK, rng, DIGITS)
        x, t = DIGITS.x_test[:100], DIGITS.t_test[:100]
        assert abs(result.trained) == np.abs(network.params["W2"]).max()
        assert result.weight[50] == pytest.approx(result.trained)
        assert result.loss[50] == pytest.approx(network.loss(x, t))
        assert result.accuracy[50] == network.accuracy(x, t)

    def test_the_slope_of_the_loss_is_that_of_its_curve(self):
        config = accuracy_staircase.Config(iters_num=50, points=401, reach=1.0)
        result = accuracy_staircase.run(config, 0, DIGITS)
        slope = np.gradient(result.loss, result.weight)
        np.testing.assert_allclose(result.loss_slope[1:-1], slope[1:-1], rtol=1e-3, atol=1e-6)

    def test_the_panels_show_accuracy_and_loss(self):
        result = accuracy_staircase.run(QUICK, 0, DIGITS)
        panels = accuracy_staircase.plot(result)["accuracy_and_loss"].axes
        for axes, label, y in zip(
            panels, ("accuracy", "loss"), (result.accuracy, result.loss), strict=True
        ):
            assert axes.get_ylabel() == label
            np.testing.assert_array_equal(axes.lines[0].get_data(), (result.weight, y))

    def test_one_place_has_no_neighbours(self):
        with pytest.raises(ValueError, match=r"points must be at least 2, .*, got 1"):
            accuracy_staircase.Config(points=1)


class TestStepAndSigmoid:
    def test_tangents_of_figure_4_4_have_the_slopes_of_the_functions(self):
        step, sigmoid = step_and_sigmoid.plot(step_and_sigmoid.run())["figure_4_4"].axes
        for axes, y, slope in (
            (step, lambda x: np.heaviside(x, 0), lambda x: 0 * x),
            (
                sigmoid,
                lambda x: 1 / (1 + np.exp(-x)),
                lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
            ),
        ):
            graph, *others = (line.get_xydata() for line in axes.lines)
            np.testing.assert_allclose(graph[:, 1], y(graph[:, 0]), atol=1e-12)
            tangents = [(a, b) for line in others if len(line) == 2 for a, b in [line]]
            places = np.array([(a[0] + b[0]) / 2 for a, b in tangents])
            np.testing.assert_allclose(places, [-3, -1, 1, 3])
            slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in tangents]
            np.testing.assert_allclose(slopes, slope(places), atol=1e-8)
            np.testing.assert_allclose([(a[1] + b[1]) / 2 for a, b in tangents], y(places))

    def test_the_step_has_a_slope_at_its_jump_alone(self):
        result = step_and_sigmoid.run()
        (jump,) = np.flatnonzero(result.slope["step function"])
        assert result.x[jump] == pytest.approx(0, abs=1e-12)

    def test_the_slope_of_the_sigmoid_is_y_times_1_minus_y(self):
        result = step_and_sigmoid.run()
        y = 1 / (1 + np.exp(-result.x))
        np.testing.assert_allclose(result.slope["sigmoid"], y * (1 - y), atol=1e-9)
        y = result.y_at_places["sigmoid"]
        np.testing.assert_allclose(result.slope_at_places["sigmoid"], y * (1 - y), atol=1e-9)


class TestNumericalDifferentiation:
    def test_a_tangent_touches_the_parabola_once_and_lies_below_it(self):
        result = numerical_differentiation.run()
        for place, tangent in zip(result.places, result.tangents, strict=True):
            # x is (place + d), and the parabola is 0.01 d^2 above its tangent.
            np.testing.assert_allclose(
                result.y - tangent, 0.01 * (result.x - place) ** 2, atol=1e-10
            )

    def test_figure_4_7_draws_the_tangents(self):
        result = numerical_differentiation.run()
        panels = numerical_differentiation.plot(result)["figure_4_7"].axes
        for axes, at, slope in zip(panels, (5, 10), (0.2, 0.3), strict=True):
            (x, y), (along, tangent) = (line.get_data() for line in axes.lines[:2])
            np.testing.assert_allclose(y, 0.01 * x**2 + 0.1 * x)
            expected = 0.01 * at**2 + 0.1 * at + slope * (along - at)
            np.testing.assert_allclose(tangent, expected, atol=1e-9)

    def test_figure_4_6_runs_from_0_to_20(self):
        result = numerical_differentiation.run()
        assert (result.x[0], result.x[-1]) == (0, pytest.approx(20))
        assert result.y[-1] == pytest.approx(6)


class TestRoundingError:
    def test_differences_of_a_square(self):
        assert rounding_error.forward_difference(np.square, 3.0, 0.5) == 6.5  # 2x + h
        assert rounding_error.central_difference(np.square, 3.0, 0.5) == 6.0

    @pytest.mark.parametrize("kind", ["forward", "central"])
    def test_differences_keep_float32(self, kind):
        x, h = np.float32([1, 2]), np.float32(0.01)
        assert rounding_error.DIFFERENCES[kind](np.exp, x, h).dtype == np.float32

    @pytest.mark.parametrize("kind, high, power", [("forward", 1e-2, 1), ("central", 1e-1, 2)])
    def test_a_tenth_of_h_has_a_tenth_or_a_hundredth_of_the_error(self, kind, high, power):
        above, below = rounding_error.errors(kind, "float64", np.array([high, high / 10]))
        assert above / below == pytest.approx(10**power, rel=0.02)

    @pytest.mark.parametrize("dtype, h", [("float32", 1e-6), ("float64", 1e-13)])
    def test_rounding_grows_as_h_falls(self, dtype, h):
        near, far = rounding_error.errors("central", dtype, np.array([h, 100 * h]))
        assert 10 < near / far < 1000

    def test_the_error_is_that_of_the_truth(self):
        """Forward differences of exp: exactly (e^h - 1) / h - 1, relative to the truth."""
        (error,) = rounding_error.errors("forward", "float64", np.array([0.5]))
        assert error == pytest.approx((np.exp(0.5) - 1) / 0.5 - 1)


class TestGradientField:
    def test_surface_and_gradients(self):
        result = gradient_field.run()
        np.testing.assert_allclose(result.surface, result.grid[0] ** 2 + result.grid[1] ** 2)
        np.testing.assert_allclose(result.gradients, 2 * result.places, atol=1e-8)
        assert result.surface.max() == pytest.approx(18)

    def test_the_surface_of_figure_4_8_opens_upwards(self):
        (axes,) = gradient_field.plot(gradient_field.run())["figure_4_8"].axes
        assert axes.xy_dataLim.extents.tolist() == [-3, -3, 3, 3]
        assert axes.zz_dataLim.intervalx.tolist() == [0, 18]

    def test_arrows_point_at_the_minimum(self):
        result = gradient_field.run()
        (axes,) = gradient_field.plot(result)["figure_4_9"].axes
        arrows = axes.collections[0]
        np.testing.assert_allclose(arrows.get_offsets(), result.places)
        np.testing.assert_allclose(np.stack([arrows.U, arrows.V], 1), -2 * result.places, atol=1e-8)


class TestGradientDescent:
    def test_each_step_of_lr_01_takes_a_fifth_of_the_distance(self):
        result = gradient_descent.run()
        expected = np.outer(0.8 ** np.arange(21), (-3, 4))
        np.testing.assert_allclose(result.path, expected, atol=1e-9)

    @pytest.mark.parametrize("lr, factor", [(0.01, 0.98), (1.0, 1.0), (1.1, 1.2)])
    def test_a_step_multiplies_the_distance_by_1_minus_2_lr(self, lr, factor):
        result = gradient_descent.run()
        distance = result.distances[result.learning_rates.index(lr)]
        np.testing.assert_allclose(distance, 5 * factor ** np.arange(51), rtol=1e-6)

    def test_figure_4_10_has_circles_and_the_path(self):
        result = gradient_descent.run()
        (axes,) = gradient_descent.plot(result)["figure_4_10"].axes
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), result.path)
        (circles,) = axes.collections
        for radius, path in zip(range(1, 7), circles.get_paths(), strict=True):
            np.testing.assert_allclose(np.hypot(*path.vertices.T), radius, rtol=1e-3)

    def test_the_start_stays_where_it_is(self):
        gradient_descent.run()
        assert gradient_descent.INIT_X.tolist() == [-3, 4]


class TestSimpleNet:
    def test_the_gradient_is_x_times_y_minus_t(self):
        result = simple_net.run()
        y = np.exp(result.p) / np.exp(result.p).sum()
        expected = np.outer([0.6, 0.9], y - [0, 0, 1])
        np.testing.assert_allclose(result.dW, expected, atol=1e-9)
        assert result.loss == pytest.approx(-np.log(y[2]))

    def test_weights_are_drawn_or_given(self):
        assert simple_net.simpleNet().W.shape == (2, 3)
        first, again, other = (simple_net.simpleNet(rng=seed).W for seed in (1, 1, 2))
        assert (first == again).all()
        assert (first != other).all()
        W = np.zeros((2, 3))
        net = simple_net.simpleNet(W)
        assert net.W is W
        assert net.loss(np.array([0.6, 0.9]), 2) == pytest.approx(np.log(3))


class TestTwoLayerNet:
    @pytest.fixture
    def batch(self):
        rng = np.random.default_rng(1)
        return rng.random((4, 6)), np.array([0, 2, 1, 2])

    def test_parameters(self):
        net = TwoLayerNet(200, 100, 10, rng=0)
        shapes = {key: param.shape for key, param in net.params.items()}
        assert shapes == {"W1": (200, 100), "b1": (100,), "W2": (100, 10), "b2": (10,)}
        assert all(param.dtype == np.float64 for param in net.params.values())
        assert net.params["W1"].std() == pytest.approx(0.01, rel=0.05)
        assert not net.params["b1"].any()
        assert not net.params["b2"].any()
        wide = TwoLayerNet(200, 100, 10, weight_init_std=1, rng=0)
        np.testing.assert_allclose(wide.params["W2"], 100 * net.params["W2"])

    def test_is_the_network_of_layers(self, batch):
        x, t = batch
        net = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0)
        W1, b1, W2, b2 = net.params.values()
        b1 += 0.3
        b2 -= [0.1, 0.2, 0.3]
        network = Network([Affine(W1, b1), Sigmoid(), Affine(W2, b2)])
        grads, expected = net.gradient(x, t), network.gradient(x, t)
        assert net.last_loss == pytest.approx(network.last_loss)
        assert net.loss(x, t) == pytest.approx(network.last_loss)
        assert {*grads} == {"W1", "b1", "W2", "b2"}
        for key, grad in grads.items():
            np.testing.assert_allclose(grad, expected[key], atol=1e-12)
        np.testing.assert_allclose(net.predict(x).sum(axis=1), 1)
        assert (net.predict(x).argmax(axis=1) == network.predict(x).argmax(axis=1)).all()

    def test_numerical_gradients_are_those_of_backpropagation(self, batch):
        x, t = batch
        net = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0)
        before = {key: param.copy() for key, param in net.params.items()}
        numerical = net.numerical_gradient(x, t)
        assert net.last_loss == net.loss(x, t)
        backprop = net.gradient(x, t)
        for key in ("W1", "b1", "W2", "b2"):
            np.testing.assert_allclose(numerical[key], backprop[key], atol=1e-8)
            assert (net.params[key] == before[key]).all()

    @pytest.mark.parametrize("form", ["rows", "column"])
    def test_labels_in_any_form(self, batch, form):
        x, t = batch
        net = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0)
        other = one_hot(t, 3) if form == "rows" else t[:, np.newaxis]
        assert net.loss(x, other) == pytest.approx(net.loss(x, t))
        assert net.accuracy(x, other) == net.accuracy(x, t)
        for key, grad in net.gradient(x, other).items():
            np.testing.assert_allclose(grad, net.gradient(x, t)[key])

    def test_accuracy_is_the_share_of_right_answers(self):
        net = TwoLayerNet(3, 3, 3)
        net.params["W1"][...] = 20 * np.eye(3)
        net.params["W2"][...] = 20 * np.eye(3)
        assert net.accuracy(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 0])) == 0.75

    def test_our_optimizers_take_its_parameters(self, batch):
        x, t = batch
        net, optimizer = TwoLayerNet(6, 5, 3, weight_init_std=1, rng=0), SGD(0.5)
        before = net.loss(x, t)
        for _ in range(300):
            optimizer.update(net.params, net.gradient(x, t))
        assert net.loss(x, t) < before / 2

    @pytest.mark.parametrize("t", [np.array([0, 1]), np.array([0, 1, 2, 3]), np.zeros((4, 2))])
    def test_labels_that_do_not_fit_are_refused(self, batch, t):
        net = TwoLayerNet(6, 5, 3, rng=0)
        for method in (net.loss, net.accuracy, net.gradient, net.numerical_gradient):
            with pytest.raises(ValueError, match="t must"):
                method(batch[0], t)

    def test_gradient_and_accuracy_ask_for_a_batch(self, batch):
        net = TwoLayerNet(6, 5, 3, rng=0)
        for method in (net.accuracy, net.gradient):
            with pytest.raises(ValueError, match=r"x must be a batch.*got one with y \(3,\)"):
                method(batch[0][0], 1)


class TestTraining:
    TINY = train_neuralnet.Config(hidden_size=2, iters_num=4, batch_size=2, learning_rate=1.0)
    NUMERICAL = train_neuralnet.Config(
        hidden_size=2, iters_num=4, batch_size=2, learning_rate=1.0, gradient="numerical"
    )

    def test_numerical_gradients_take_the_same_path(self):
        numerical = train_neuralnet.run(self.NUMERICAL, 0, DIGITS)
        backprop = train_neuralnet.run(self.TINY, 0, DIGITS)
        np.testing.assert_allclose(numerical.train_loss, backprop.train_loss, rtol=1e-8)
        assert numerical.test_acc == backprop.test_acc
        assert numerical.train_loss != backprop.train_loss  # they did differ in their gradients
        assert backprop.train_loss[0] == pytest.approx(np.log(10), abs=0.02)
        assert len({*backprop.train_loss}) == 4

    def test_a_thousand_iterations_on_mnist(self, mnist):
        config = train_neuralnet.Config(iters_num=1_000)
        result = train_neuralnet.run(config, np.random.default_rng(0), mnist)
        assert np.mean(result.train_loss[:100]) > 2.2
        assert np.mean(result.train_loss[-100:]) < 0.7
        assert result.epochs == [0, 1, pytest.approx(1.67, abs=0.01)]
        assert result.test_acc[0] < 0.2
        assert result.test_acc[-1] > 0.83
        assert abs(result.train_acc[-1] - result.test_acc[-1]) < 0.02
        assert result.gradient_difference < 1e-8

    def test_an_epoch_that_batches_do_not_divide_counts_its_last_batch(self):
        config = train_neuralnet.Config(hidden_size=2, iters_num=40, batch_size=128)
        result = train_neuralnet.run(config, 0, DIGITS)
        assert result.epochs == [0, 1, 2, 2.5]

    def test_accuracies_are_those_of_training_and_of_test_images(self):
        network = TwoLayerNet(784, 5, 10, weight_init_std=0.1, rng=0)
        named = network.predict(DIGITS.x_test).argmax(axis=1)
        data = replace(DIGITS, t_test=named)
        result = train_neuralnet.Result([], [], [], [], 0.0)
        train_neuralnet.evaluate(network, data, 2.5, result)
        right = network.predict(data.x_train).argmax(axis=1) == data.t_train
        assert result.train_acc == [pytest.approx(np.mean(right))]
        assert result.train_acc[0] < 0.5
        assert (result.test_acc, result.epochs) == ([1], [2.5])

    @pytest.mark.parametrize("key", ["W1", "b1", "W2", "b2"])
    def test_the_gradient_difference_tells_a_wrong_gradient(self, key, monkeypatch):
        class Wrong(TwoLayerNet):
            def gradient(self, x, t):
                grads = super().gradient(x, t)
                grads[key] = 1.01 * grads[key]
                return grads

        assert train_neuralnet.gradient_difference(DIGITS) < 1e-8
        monkeypatch.setattr(train_neuralnet, "TwoLayerNet", Wrong)
        assert train_neuralnet.gradient_difference(DIGITS) > 1e-6

    def test_same_seed_same_training(self):
        first, again = (train_neuralnet.run(self.TINY, 3, DIGITS) for _ in range(2))
        assert first == again

    def test_the_time_is_said_before_numerical_training_begins(self, capsys, monkeypatch):
        def stop(*given):
            raise KeyboardInterrupt

        monkeypatch.setattr(train_neuralnet, "run", stop)
        with pytest.raises(KeyboardInterrupt):
            train_neuralnet.run_after_warning(self.NUMERICAL, 0, DIGITS, iter)
        said = capsys.readouterr().out
        assert "one numerical gradient, 3,200 losses, takes about" in said
        assert "4 iterations take about" in said
        assert "--gradient backprop" in said

    def test_nothing_is_said_before_backpropagation(self, capsys):
        result = train_neuralnet.run_after_warning(self.TINY, 0, DIGITS, iter)
        assert result == train_neuralnet.run(self.TINY, 0, DIGITS)
        assert capsys.readouterr().out == ""

    def test_the_expected_time_is_what_was_measured_times_the_parameters(self, monkeypatch):
        monkeypatch.setattr(train_neuralnet, "seconds", lambda call: 0.05)
        said = train_neuralnet.expected_time(train_neuralnet.Config(), DIGITS)
        # 39,760 parameters at 0.05 s for the 10 of b2: 198.8 s, 10,000 times.
        assert "79,520 losses, takes about 3 minutes: 10,000 iterations take about 23 days" in said
        assert "the same gradients: about 8 minutes" in said

    def test_a_wide_network_is_measured_no_longer(self, monkeypatch):
        losses = []

        class Counting(TwoLayerNet):
            def loss(self, x, t):
                losses.append(1)
                return super().loss(x, t)

        monkeypatch.setattr(train_neuralnet, "TwoLayerNet", Counting)
        train_neuralnet.expected_time(train_neuralnet.Config(hidden_size=300), DIGITS)
        assert len(losses) == 20

    @pytest.mark.parametrize(
        "duration, words",
        [
            (0.0123, "0.012 s"),
            (7.0, "7 s"),
            (119.0, "119 s"),
            (120.0, "2 minutes"),
            (7_200.0, "2 hours"),
            (260_000.0, "3 days"),
        ],
    )
    def test_durations_in_words(self, duration, words):
        assert train_neuralnet.in_words(duration) == words

    def test_figure_4_11_shows_all_iterations_and_the_first_thousand(self):
        losses = [*np.linspace(2.3, 0.2, 1_500)]
        result = train_neuralnet.Result(losses, [0.0, 1.0], [0.1, 0.9], [0.1, 0.9], 0.0)
        figures = train_neuralnet.plot(result)
        for axes, count in zip(figures["figure_4_11"].axes, (1_500, 1_000), strict=True):
            assert axes.lines[0].get_ydata().tolist() == losses[:count]
            assert axes.get_ylim()[0] == 0
            assert axes.get_ylim()[1] > 2.3
        (axes,) = figures["figure_4_12"].axes
        assert [line.get_label() for line in axes.lines] == ["training", "test"]

    @pytest.mark.parametrize("count", [1, 150, 1_000])
    def test_figure_4_11_of_a_short_run_shows_it_once(self, count):
        result = train_neuralnet.Result([5.0] * count, [0.0, 1.0], [0.1, 0.9], [0.1, 0.9], 0.0)
        (axes,) = train_neuralnet.plot(result)["figure_4_11"].axes
        assert len(axes.lines[0].get_xdata()) == count
        assert axes.get_ylim()[0] == 0
        assert axes.get_ylim()[1] > 5


RUNS = {
    accuracy_staircase: lambda: accuracy_staircase.run(QUICK, 0, DIGITS),
    adders: lambda: adders.run(adders.Config(bits=2)),
    learning_rule: lambda: learning_rule.run(learning_rule.Config()),
    linear_layers: lambda: linear_layers.run(linear_layers.Config(), 0),
    neuralnet_mnist: lambda: neuralnet_mnist.run(neuralnet_mnist.Config(repeats=1), DIGITS),
    regions: lambda: regions.run(regions.Config(angles=8, offsets=9)),
    show_mnist: lambda: show_mnist.run(DIGITS),
    train_neuralnet: lambda: train_neuralnet.run(TestTraining.TINY, 0, DIGITS),
    train_weights: lambda: train_weights.run(train_weights.Config(epochs=1), 0, DIGITS),
}
RUNS |= {
    script: script.run
    for script in (
        *WITHOUT_DATA,
        activation_functions,
        gates,
        matrix_products,
        softmax_overflow,
        three_layer_net,
    )
}


@cache
def result_of(script):
    return RUNS[script]()


@pytest.mark.parametrize(
    ("script", "claim"),
    [
        pytest.param(script, claim, id=f"{short(script)}: {claim.text}")
        for script in RUNS
        for claim in script.CLAIMS
        if claim.text != "a (2, 3) by a (2, 2) matrix"  # the name of an error, no number
    ],
)
def test_no_claim_of_chapters_2_to_4_holds_whatever_comes(script, claim):
    value = np.array(claim.value(result_of(script)), dtype=float)
    # The naive softmax is meant to be nan; anything else must not be.
    nowhere = np.where(np.isnan(value), 0, np.nan)
    assert not claim.holds(nowhere.tolist())
    value = np.nan_to_num(value)
    away = 1_000 * np.arange(1, value.size + 1).reshape(value.shape) * (1 + np.abs(value))
    far = [claim.holds((value + sign * away).tolist()) for sign in (1, -1)]
    assert not all(far)
