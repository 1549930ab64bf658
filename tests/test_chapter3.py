"""The claims of chapter 3's scripts, and what their functions do."""

import itertools
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

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
from dlbasics import MultiLayerNet, load_arrays, softmax
from dlbasics.experiment import judge, load_data

FILE = Path(neuralnet_mnist.__file__).with_name("sample_weight.npz")
SHAPES = {
    "W1": (784, 50),
    "b1": (50,),
    "W2": (50, 100),
    "b2": (100,),
    "W3": (100, 10),
    "b3": (10,),
}


def check_all(script, result, count):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) == count
    assert [verdict for verdict in verdicts if not verdict.holds] == []


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", quick=True)


@pytest.fixture(scope="module")
def recognised(mnist):
    return neuralnet_mnist.run(neuralnet_mnist.Config(repeats=2), mnist)


@pytest.mark.parametrize(
    ("script", "count"),
    [
        (activation_functions, 3),
        (matrix_products, 11),
        (three_layer_net, 3),
        (softmax_overflow, 8),
    ],
)
def test_claims_hold(script, count):
    check_all(script, script.run(), count)


# Activation functions


def test_graphs_run_from_minus_5_to_5():
    result = activation_functions.run()
    assert (result.x[0], result.x[-1]) == (-5, 5)
    assert [*result.y] == ["step", "sigmoid", "ReLU", "tanh"]
    middle = len(result.x) // 2
    assert result.x[middle] == 0
    assert [result.y[name][middle] for name in result.y] == [0, 0.5, 0, 0]
    assert [result.y[name][-1] for name in result.y] == pytest.approx(
        [1, 1 / (1 + math.exp(-5)), 5, math.tanh(5)]
    )


def test_figures_have_the_books_axes():
    figures = activation_functions.plot(activation_functions.run())
    limits = {name: figure.axes[0].get_ylim() for name, figure in figures.items()}
    assert limits == {
        "figure_3_6": (-0.1, 1.1),
        "figure_3_7": (-0.1, 1.1),
        "figure_3_8": (-0.1, 1.1),
        "figure_3_9": (-1, 5.5),
        "tanh": (-1.1, 1.1),
    }
    lines = figures["figure_3_8"].axes[0].lines
    assert [line.get_linestyle() for line in lines] == ["-", "--"]
    assert set(lines[1].get_ydata()) == {0, 1}


def test_figures_draw_the_functions_that_they_name():
    formulas = {
        "step(x)": lambda x: np.heaviside(x, 0),
        "sigmoid(x)": lambda x: 1 / (1 + np.exp(-x)),
        "ReLU(x)": lambda x: np.maximum(x, 0),
        "tanh(x)": lambda x: 2 / (1 + np.exp(-2 * x)) - 1,
    }
    figures = activation_functions.plot(activation_functions.run())
    for name, label in (
        ("figure_3_6", "step(x)"),
        ("figure_3_7", "sigmoid(x)"),
        ("figure_3_9", "ReLU(x)"),
        ("tanh", "tanh(x)"),
    ):
        (axes,) = figures[name].axes
        assert axes.get_ylabel() == label
        x, y = axes.lines[0].get_data()
        np.testing.assert_allclose(y, formulas[label](x), atol=1e-14)
    for line in figures["figure_3_8"].axes[0].lines:
        x, y = line.get_data()
        np.testing.assert_allclose(y, formulas[f"{line.get_label()}(x)"](x), atol=1e-14)


# Matrix products


def test_only_shapes_that_do_not_fit_are_an_error():
    assert matrix_products.misfit(np.ones((2, 3)), np.ones((3, 2))) == "no error"
    assert matrix_products.misfit(np.ones((2, 3)), np.ones((2, 2))) == "ValueError"


# The three-layer network


def test_forward_of_a_batch_is_that_of_its_rows():
    network = three_layer_net.init_network()
    x = np.array([[1.0, 0.5], [-2.0, 3.0], [0.0, 0.0]])
    y = three_layer_net.forward(network, x)
    assert y.shape == (3, 2)
    for row, expected in zip(x, y, strict=True):
        np.testing.assert_allclose(three_layer_net.forward(network, row), expected, rtol=1e-14)


def test_forward_worked_out_with_pencil_and_paper():
    """Without weights the input does not matter: sigmoid(0) = 1/2 times the ones of W3, plus b3."""
    network = {key: np.zeros_like(w) for key, w in three_layer_net.init_network().items()}
    network["W3"] += [1, 10]
    network["b3"] += [0.25, -1]
    assert three_layer_net.forward(network, np.array([7.0, -7.0])).tolist() == [1.25, 9]


# Softmax


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
    result = softmax_overflow.run()
    expected = 1 / (1 + math.exp(-1) + math.exp(-2))
    for name, limit in (("float16", 11), ("float32", 88), ("float64", 709)):
        curves = result.curves[name]
        assert np.ptp(curves["shifted"]) == 0
        assert curves["shifted"][0] == pytest.approx(expected, abs=1e-3)
        assert curves["naive"].dtype == curves["shifted"].dtype == np.dtype(name)
        right = np.abs(curves["naive"] - expected) < 2e-3
        assert right[curves["c"] < limit - 0.7].all()
        assert np.isnan(curves["naive"][curves["c"] > limit + 1]).all()
        assert curves["c"][-1] > 1.1 * limit


# Linear layers


@pytest.mark.parametrize("seed", range(5))
def test_linear_layers_collapse_for_any_seed(seed):
    check_all(linear_layers, linear_layers.run(linear_layers.Config(), seed), 5)


def test_outputs_of_one_to_three_layers_are_drawn(monkeypatch):
    made = []

    def recorded(sizes, rng):
        made.append(affine_layers(sizes, rng))
        return made[-1]

    affine_layers = linear_layers.affine_layers
    monkeypatch.setattr(linear_layers, "affine_layers", recorded)
    result = linear_layers.run(linear_layers.Config(), 0)
    names = ["1 layer", "2 layers", "3 layers"]
    networks = dict(zip(names, made[1:], strict=True))
    between = {
        "activation: linear": lambda a: a,
        "activation: sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "activation: ReLU": lambda a: np.maximum(a, 0),
    }
    panels = linear_layers.plot(result)["one_input"].axes
    assert [axes.get_title() for axes in panels] == [*between]
    for axes in panels:
        assert [line.get_label() for line in axes.lines] == names
        for line in axes.lines:
            x, y = line.get_data()
            first, *others = networks[line.get_label()]
            a = np.outer(x, first.W) + first.b
            for layer in others:
                a = between[axes.get_title()](a) @ layer.W + layer.b
            np.testing.assert_allclose(y, a[:, 0], rtol=1e-9, atol=1e-9)


def test_the_one_layer_has_the_product_of_the_weights():
    layers = linear_layers.affine_layers([2, 3, 4, 5], np.random.default_rng(0))
    one = linear_layers.collapsed(layers)
    assert one.W.shape == (2, 5)
    at_zero = np.zeros((1, 2))
    for layer in layers:
        at_zero = layer.forward(at_zero)
    np.testing.assert_allclose(one.b, at_zero[0], rtol=1e-12)


def test_distance_from_a_line_is_a_share_of_the_range():
    x = np.linspace(-1, 1, 101)
    assert linear_layers.distance_from_line(x, 3 * x - 5) < 1e-14
    # |x| from 0 to 1: the best line is flat at about 1/2.
    assert linear_layers.distance_from_line(x, 7 * np.abs(x)) == pytest.approx(0.5, abs=0.01)


# MNIST


def test_first_images_of_mnist(mnist):
    result = show_mnist.run(mnist)
    check_all(show_mnist, result, 7)
    assert result.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    figures = show_mnist.plot(result)
    (axes,) = figures["first_image"].axes
    assert axes.get_title() == "label 5"
    np.testing.assert_array_equal(axes.images[0].get_array(), mnist.x_train[0].reshape(28, 28))
    sheet = figures["first_fifty"].axes
    assert len(sheet) == 50
    assert [axes.get_title() for axes in sheet[:3]] == ["5", "0", "4"]


def test_recognition_claims_on_mnist(recognised):
    check_all(neuralnet_mnist, recognised, 11)
    assert recognised.accuracy >= 0.97


def test_samples_shown_of_mnist(recognised, mnist):
    first, wrong = recognised.first, recognised.wrong
    assert first.labels.tolist() == mnist.t_test[:5].tolist()
    assert first.predicted.tolist() == [7, 2, 1, 0, 4]
    assert len(wrong.labels) == 5
    assert (wrong.predicted != wrong.labels).all()
    assert ((wrong.probability > 0.1) & (wrong.probability <= 1)).all()


def test_batches_of_any_size_classify_alike(digits):
    network = neuralnet_mnist.init_network()
    x = digits.x_test[:25]
    alone = neuralnet_mnist.classify(network, x)
    assert alone.shape == (25,)
    for batch_size in (1, 7, 25, 100):
        batches = neuralnet_mnist.classify_batches(network, x, batch_size)
        assert batches.tolist() == alone.tolist()


def test_predict_gives_probabilities_of_the_network_in_layers(digits):
    network = neuralnet_mnist.init_network()
    y = neuralnet_mnist.predict(network, digits.x_test)
    layers = MultiLayerNet(784, [50, 100], 10, activation="sigmoid")
    layers.params = network
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, softmax(layers.predict(digits.x_test)), atol=1e-6)
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-6)


def test_recognition_of_fewer_images_than_a_batch(digits):
    few = replace(digits, x_test=digits.x_test[:30], t_test=digits.t_test[:30])
    result = neuralnet_mnist.run(neuralnet_mnist.Config(repeats=1), few)
    assert [*result.seconds] == [1, 2, 5, 10, 20, 30]
    assert result.gain == result.seconds[1] / result.seconds[30]


def test_seconds_are_those_of_an_image(digits, monkeypatch):
    """By a clock that only batches move on: a second each, and 100 once, which the median hides."""
    now, calls = 0, itertools.count()

    def batches(network, x, size):
        nonlocal now
        now += math.ceil(len(x) / size) + 100 * (next(calls) == 1)
        return classify_batches(network, x, size)

    classify_batches = neuralnet_mnist.classify_batches
    monkeypatch.setattr(neuralnet_mnist, "classify_batches", batches)
    monkeypatch.setattr(neuralnet_mnist, "time", SimpleNamespace(perf_counter=lambda: now))
    few = replace(digits, x_test=digits.x_test[:30], t_test=digits.t_test[:30])
    result = neuralnet_mnist.run(neuralnet_mnist.Config(batch_size=7, repeats=3), few)
    counts = {1: 30, 2: 15, 5: 6, 7: 5, 10: 3, 20: 2, 30: 1}
    assert result.seconds == pytest.approx({size: n / 30 for size, n in counts.items()})
    assert result.gain == pytest.approx(30 / 5)
    (axes,) = neuralnet_mnist.plot(result)["batches"].axes
    assert axes.get_ylabel() == "microseconds an image"
    drawn = [(size, pytest.approx(n / 30 * 1e6)) for size, n in counts.items()]
    assert [tuple(point) for point in axes.lines[0].get_xydata()] == drawn


def test_a_row_of_wrong_samples_may_be_short(digits):
    network = neuralnet_mnist.init_network()
    named = neuralnet_mnist.classify(network, digits.x_test[:30])
    named[0] = (named[0] + 1) % 10
    right = replace(digits, x_test=digits.x_test[:30], t_test=named)
    result = neuralnet_mnist.run(neuralnet_mnist.Config(repeats=1), right)
    assert len(result.wrong.labels) == 1
    axes = neuralnet_mnist.plot(result)["samples"].axes
    assert [bool(ax.images) for ax in axes] == [True] * 6 + [False] * 4
    assert axes[0].get_title().startswith(f"label {named[0]}\npredicted {(named[0] - 1) % 10}, ")


# The weights


def test_the_weights_are_small_and_as_the_listings_want_them(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    network = neuralnet_mnist.init_network()
    assert type(network) is dict
    assert {key: array.shape for key, array in network.items()} == SHAPES
    assert {array.dtype for array in network.values()} == {np.dtype(np.float32)}
    assert FILE.stat().st_size < 200_000


def test_training_learns_in_a_few_epochs_and_repeats_itself(digits):
    config = train_weights.Config(epochs=8, batch_size=50)
    first, again = (train_weights.run(config, 7, digits) for _ in range(2))
    assert first.test_acc == again.test_acc
    assert len(first.test_acc) == len(first.train_acc) == 8
    assert first.test_acc[-1] > 0.75
    assert {key: array.shape for key, array in first.params.items()} == SHAPES
    for key, array in first.params.items():
        np.testing.assert_array_equal(array, again.params[key])


def test_accuracies_are_those_of_training_and_of_test_images(digits):
    other = replace(digits, t_test=(digits.t_test + 1) % 10)
    result = train_weights.run(train_weights.Config(epochs=2, batch_size=50), 7, other)
    for acc, x, t in (
        (result.train_acc, other.x_train, other.t_train),
        (result.test_acc, other.x_test, other.t_test),
    ):
        named = neuralnet_mnist.classify_batches(result.params, x, 100)
        assert acc[-1] == pytest.approx(np.mean(named == t), abs=1e-3)
    assert result.train_acc[-1] > result.test_acc[-1] + 0.5


def test_weight_decay_makes_the_weights_smaller(digits):
    def size(weight_decay_lambda):
        config = train_weights.Config(epochs=1, weight_decay_lambda=weight_decay_lambda)
        params = train_weights.run(config, 7, digits).params
        return sum(np.sum(params[key] ** 2) for key in ("W1", "W2", "W3"))

    assert size(0.1) < 0.9 * size(1e-4)


def test_the_rate_falls_in_a_straight_line_to_0(digits, monkeypatch):
    rates = []

    class Watched(train_weights.Adam):
        def update(self, params, grads):
            rates.append(self.lr)
            super().update(params, grads)

    monkeypatch.setattr(train_weights, "Adam", Watched)
    train_weights.run(train_weights.Config(epochs=2, batch_size=300), 0, digits)
    np.testing.assert_allclose(rates, 0.003 * np.arange(14, 0, -1) / 14)  # 2 epochs of 7 batches


def test_weights_are_judged_wherever_they_are_written(tmp_path):
    """The file's name is no setting of the experiment: see `as_in_the_book` in experiment.main."""
    assert train_weights.Config(weights=str(tmp_path / "w.npz")) == train_weights.Config()
    with pytest.raises(ValueError, match="weights must be a file in a folder that exists"):
        train_weights.Config(weights=str(tmp_path / "nowhere" / "w.npz"))
    with pytest.raises(ValueError, match="weights must be a file in a folder that exists"):
        train_weights.Config(weights=str(tmp_path))


def test_quick_script_leaves_the_weights_and_writes_them_where_told(tmp_path):
    before = FILE.read_bytes()
    script = str(FILE.with_name("train_weights.py"))
    for weights in ([], ["--weights", "mine.npz"]):
        command = [sys.executable, "-W", "error", script, "--quick", "--data", "digits", *weights]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        assert (tmp_path / "mine.npz").exists() == bool(weights)
    written = load_arrays(tmp_path / "mine.npz")
    trained = train_weights.run(train_weights.Config(epochs=1), 0, load_data("digits", quick=True))
    assert written.keys() == SHAPES.keys()
    for key, array in trained.params.items():
        np.testing.assert_allclose(written[key], array, atol=1e-5)
    assert FILE.read_bytes() == before


@pytest.mark.slow
def test_training_on_mnist_gives_weights_like_the_files(mnist):
    result = train_weights.run(train_weights.Config(), 0, mnist)
    check_all(train_weights, result, 1)
    ours = np.mean(
        neuralnet_mnist.classify_batches(result.params, mnist.x_test, 100) == mnist.t_test
    )
    file = np.mean(
        neuralnet_mnist.classify_batches(load_arrays(FILE), mnist.x_test, 100) == mnist.t_test
    )
    assert ours == pytest.approx(file, abs=0.003)
