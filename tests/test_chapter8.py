"""The scripts of chapter 8: their claims, and what they compute."""

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ch07_cnn import train_convnet
from ch08_deep import (
    augmentation_samples,
    best,
    depth_and_skips,
    half_float_network,
    misclassified_mnist,
    small_filters,
    train_deepnet,
    where_time_goes,
)
from ch08_deep.augmentation_samples import KINDS, Config, Result, plot, run
from dlbasics import augmentation
from dlbasics._internal.fast import convolution
from dlbasics.experiment import judge, load_data
from dlbasics.experiment.results import save_result
from dlbasics.functions import softmax
from dlbasics.layers import BatchNorm, Convolution, Pooling, Relu, Residual
from dlbasics.network import Network
from dlbasics.networks import DeepConvNet
from dlbasics.storage import load_arrays
from dlbasics.trainer import Trainer

DIGITS = load_data("digits", quick=True)
RESULT = run(Config(), 0, DIGITS)
NAN = float("nan")


def failed(script, result):
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict.text for verdict in verdicts if not verdict.holds]


def first_images(data, count):
    return replace(data, x_test=data.x_test[:count], t_test=data.t_test[:count])


# What the book says, on real MNIST


def test_a_deep_network_learns_within_thirty_iterations_on_mnist(mnist):
    config = train_deepnet.Config(epochs=1, train_size=3_000)
    result = train_deepnet.run(config, np.random.default_rng(0), first_images(mnist, 500))
    assert 0.5 < result.final_acc == result.test_acc[-1] < 1


def test_claims_on_the_errors_of_the_committed_network_hold_on_mnist(mnist):
    result = misclassified_mnist.run(mnist)
    assert failed(misclassified_mnist, result) == []
    assert np.array_equal(result.images, mnist.x_test[result.index])
    assert np.array_equal(result.labels, mnist.t_test[result.index])


def test_claims_on_half_precision_hold_for_the_first_images_of_mnist(mnist):
    result = half_float_network.run(half_float_network.Config(images=50), mnist)
    assert failed(half_float_network, result) == []


def test_small_filters_learn_as_well_as_large_ones_on_mnist(mnist):
    config = small_filters.Config(train_size=3_000, epochs=1, networks=1, learning_rate=0.01)
    result = small_filters.run(config, 0, first_images(mnist, 500))
    accuracies = [result.test_acc[kind][0] for kind in small_filters.KINDS]
    assert 0.8 < min(accuracies) <= max(accuracies) < min(accuracies) + 0.1


def test_skips_help_networks_of_34_layers_on_mnist(mnist):
    config = depth_and_skips.Config(blocks=(1, 16), train_size=1_500, epochs=2)
    result = depth_and_skips.run(config, 0, first_images(mnist, 500))
    assert result.parameters["plain"] == result.parameters["residual"]
    assert result.loss["residual"][-1] < 0.75 * result.loss["plain"][-1]
    assert result.test_acc["residual"][-1] > result.test_acc["plain"][-1] + 0.1


def test_convolutions_take_most_of_the_time_on_mnist(mnist):
    result = where_time_goes.run(where_time_goes.Config(repeats=10), 0, mnist)
    # SimpleConvNet's pooling takes nearly as long, and longer where memory is slow or busy.
    assert set(failed(where_time_goes, result)) <= {where_time_goes.CLAIMS[0].text}


@pytest.mark.slow
@pytest.mark.parametrize("script", [depth_and_skips, small_filters, train_deepnet, where_time_goes])
def test_every_claim_of_chapter_8_holds_as_the_scripts_have_it_on_mnist(script, mnist):
    assert failed(script, script.run(script.Config(), np.random.default_rng(0), mnist)) == []


@pytest.mark.slow
def test_half_precision_changes_no_class_of_a_thousand_images_on_mnist(mnist):
    result = half_float_network.run(half_float_network.Config(), mnist)
    assert failed(half_float_network, result) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_claims_on_depth_hold_with_other_seeds_on_mnist(seed, mnist):
    result = depth_and_skips.run(depth_and_skips.Config(), seed, mnist)
    assert failed(depth_and_skips, result) == []


# What a claim takes to hold

BOUNDS = {
    best: [
        (0.996, [0.995, NAN]),
        (0.997, [0.996, NAN]),
        ([40, 30], [[40, 40], [30, 40], [NAN, 30], [40, NAN]]),
    ],
    train_deepnet: [(0.993, [0.992, NAN])],
    misclassified_mnist: [
        (70, [79, 0, NAN]),
        ([0.7, 0.9], [[0.9, 0.95], [0.95, 0.9], [NAN, 0.9], [0.9, NAN]]),
        (0.6, [0.5, NAN]),
    ],
    half_float_network: [
        ([0.993, 0.993, 0.992], [[0.993, 0.993, 0.99], [0.9] * 3, [NAN] * 3, [0.99, 0.99, NAN]]),
        ([0, 1], [[1, 0], [0, 2], [NAN, NAN]]),
        (
            ["float64", "float32", "float16"],
            [["float64"] * 3, ["float64", "float32", "float32"], ["float64", "float32"]],
        ),
        ([3e-7, 1e-3], [[0, 1e-3], [3e-7, 3e-7], [1e-4, 1e-3], [3e-7, 0.1], [NAN, NAN]]),
    ],
    small_filters: [
        ([25, 18], [[25, 25], [18, 25], [NAN, NAN]]),
        ([5, 5], [[5, 3], [7, 7], [NAN, NAN]]),
        ([0.97, 0.97], [[0.97, 0.955], [0.5, 0.97], [NAN, 0.97], [0.97, NAN]]),
        ([49, 27], [[49, 49], [27, 49], [NAN, NAN]]),
        ([7, 7], [[7, 5], [5, 5], [NAN, NAN]]),
        ([0.97, 0.97], [[0.97, 0.955], [0.5, 0.97], [NAN, 0.97], [0.97, NAN]]),
    ],
    depth_and_skips: [
        ([30_000, 30_000], [[30_000, 30_001], [10, 10], [NAN, NAN]]),
        ([0.4, 2.0], [[0.4, 0.5], [2, 0.4], [NAN, 2], [0.4, NAN]]),
        ([2, 0.4], [[2, 0.6], [-0.1, 0.1], [NAN, 0.4], [2, NAN]]),
        ([0.3, 0.9], [[0.9, 0.95], [0.9, 0.3], [NAN, 0.9], [0.3, NAN]]),
    ],
    where_time_goes: [([0.5, 0.3], [[0.3, 0.5], [0.4, 0.4], [NAN, 0.3], [0.5, NAN]])] * 2,
}


def name_of(script):
    return script.__name__.rpartition(".")[2]


@pytest.mark.parametrize("script", BOUNDS, ids=name_of)
def test_claims_of_chapter_8_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


# Training, and the committed weights


@pytest.fixture
def trainers(monkeypatch):
    """The Trainers that train_deepnet makes."""
    made = []

    class Recorded(Trainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(train_convnet, "Trainer", Recorded)
    return made


def test_the_deep_network_is_trained_with_the_books_settings(trainers, tmp_path):
    data = first_images(DIGITS, 100)
    config = train_deepnet.Config(epochs=2, train_size=250, weights=str(tmp_path / "w.npz"))
    result = train_deepnet.run(config, 0, data)
    (trainer,) = trainers
    network = trainer.network
    assert isinstance(network, DeepConvNet)
    assert trainer.optimizer.__class__.__name__ == "Adam"
    assert (trainer.optimizer.lr, trainer.batch_size, trainer.current_iter) == (0.001, 100, 6)
    assert trainer.evaluate_sample_num_per_epoch == 1_000
    assert trainer.x_train.shape == (250, 1, 28, 28)
    assert np.array_equal(trainer.x_train.reshape(250, 784), DIGITS.x_train[:250])
    assert result.train_acc == trainer.train_acc_list
    assert len(result.test_acc) == 2
    assert result.final_acc == network.accuracy(trainer.x_test, data.t_test)

    book = train_deepnet.Config()
    assert (book.epochs, book.batch_size, book.learning_rate) == (20, 100, 0.001)
    stored = load_arrays(tmp_path / "w.npz")
    for key, param in network.params.items():
        assert stored[key].dtype == np.float16
        assert np.array_equal(stored[key], param.astype(np.float16))


def test_the_committed_weights_are_small_and_used_in_float32():
    assert train_deepnet.WEIGHTS.stat().st_size < 300_000
    stored = load_arrays(train_deepnet.WEIGHTS)
    for key, param in train_deepnet.trained_network().params.items():
        assert stored[key].dtype == np.float16
        assert param.dtype == np.float32
        assert np.array_equal(param, stored[key])


def test_the_figure_of_the_training_shows_both_accuracies():
    result = train_deepnet.Result([0.1, 0.3], [0.2, 0.4], 0.9912)
    (axes,) = train_deepnet.plot(result)["accuracy"].axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.1, 0.3], [0.2, 0.4]]
    assert [text.get_text() for text in axes.get_legend().texts] == ["training", "test"]
    assert "99.12%" in axes.get_title()


# Errors, and half precision


@cache
def errors_on_digits():
    return misclassified_mnist.run(DIGITS)


def test_errors_are_all_there_the_most_confident_first():
    result = errors_on_digits()
    y = softmax(train_deepnet.trained_network().predict(DIGITS.x_test.reshape(-1, 1, 28, 28)))
    wrong = {i for i in range(len(y)) if y[i].argmax() != DIGITS.t_test[i]}
    assert len(wrong) >= 10
    assert set(result.index.tolist()) == wrong
    assert (np.diff(result.confidence) <= 0).all()
    assert (result.guesses != result.labels).all()
    for i, index in enumerate(result.index):
        assert (result.labels[i], result.guesses[i]) == (DIGITS.t_test[index], y[index].argmax())
        assert result.confidence[i] == y[index].max()
        assert np.sum(y[index] > y[index, result.second[i]]) == 1
        assert np.array_equal(result.images[i], DIGITS.x_test[index])
    right = [y[i].max() for i in range(len(y)) if i not in wrong]
    assert result.sure == pytest.approx(np.mean(right))


@pytest.mark.parametrize("count", [0, 3, 8, 1_000])
def test_figure_8_2_shows_errors_with_label_guess_and_confidence(count, monkeypatch):
    monkeypatch.setattr(misclassified_mnist, "COLUMNS", 5)
    monkeypatch.setattr(misclassified_mnist, "SHOWN", 8)
    names = ("index", "images", "labels", "guesses", "confidence", "second")
    all_errors = errors_on_digits()
    result = replace(all_errors, **{name: getattr(all_errors, name)[:count] for name in names})
    figure = misclassified_mnist.plot(result)["figure_8_2"]
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == min(len(result.index), misclassified_mnist.SHOWN)
    for i, axes in enumerate(shown):
        assert np.array_equal(np.ravel(axes.images[0].get_array()), result.images[i])
        label, guess = f"label {result.labels[i]}", f"guess {result.guesses[i]}"
        assert axes.get_title() == f"{label}\n{guess}, {result.confidence[i]:.0%}"
    assert (figure.get_suptitle() != "") == (len(result.index) > len(shown))


@cache
def precisions():
    return half_float_network.run(half_float_network.Config(images=5), DIGITS)


def test_every_layer_computes_in_the_precision_asked_for(monkeypatch):
    seen = []
    right = Convolution.forward

    def forward(self, x, train_flg=True):
        y = right(self, x, train_flg)
        seen.append((x.dtype, self.W.dtype, y.dtype))
        return y

    monkeypatch.setattr(Convolution, "forward", forward)
    result = half_float_network.run(half_float_network.Config(images=5), DIGITS)
    wanted = [(np.dtype(name),) * 3 for name in half_float_network.DTYPES for _ in range(6)]
    assert seen == wanted
    assert [y.dtype for y in result.scores.values()] == [dtype for dtype, _, _ in wanted[::6]]


def test_a_network_that_stays_in_float32_is_seen(monkeypatch):
    monkeypatch.setattr(train_deepnet.DeepConvNet, "astype", lambda network, dtype: network)
    monkeypatch.setattr(half_float_network, "trained_network", DeepConvNet)
    result = half_float_network.run(half_float_network.Config(images=5), DIGITS)
    texts = [claim.text for claim in half_float_network.CLAIMS]
    assert set(texts[2:]) <= set(failed(half_float_network, result))


def test_what_is_said_of_precisions_follows_from_the_scores():
    result, t = precisions(), DIGITS.t_test[:5]
    exact = result.scores["float64"]
    for dtype, y in result.scores.items():
        assert y.shape == (5, 10)
        assert result.accuracy[dtype] == np.mean(y.argmax(axis=1) == t)
        assert result.unlike[dtype] == np.sum(y.argmax(axis=1) != exact.argmax(axis=1))
        assert result.error[dtype] == np.max(np.abs(y - exact)) / np.max(np.abs(exact))
        assert result.slower[dtype] == result.seconds[dtype] / result.seconds["float32"]
    assert result.error["float64"] == 0
    assert result.megabytes["float16"] == pytest.approx(result.megabytes["float64"] / 4)
    assert result.megabytes["float32"] == pytest.approx(123_450 * 4 / 1e6, rel=0.01)


def test_the_figure_of_precisions_has_accuracy_time_and_memory():
    result = precisions()
    panels = half_float_network.plot(result)["precisions"].axes
    for axes, values, unit in zip(
        panels, (result.accuracy, result.seconds, result.megabytes), (1, 1e3, 1), strict=True
    ):
        heights = [bar.get_height() for bar in axes.patches]
        assert heights == pytest.approx([unit * value for value in values.values()])
        assert axes.get_ylim()[0] == 0


# Better than the book

BRIEF = best.Config(networks=2, epochs=2, batch_size=50, processes=1)


def brief(config=BRIEF, seed=0, train=300, test=150):
    data = replace(DIGITS, x_train=DIGITS.x_train[:train], t_train=DIGITS.t_train[:train])
    return best.run(config, seed, first_images(data, test))


@cache
def brief_result():
    return brief()


def test_best_has_accuracies_of_each_network_and_of_all_together():
    result = brief_result()
    assert [len(losses) for losses in result.train_loss] == [2, 2]
    assert result.train_loss[0] != result.train_loss[1]
    assert len(result.test_acc) == 2
    assert all(0.15 < accuracy <= 1 for accuracy in result.test_acc)
    wrong = len(result.errors.index)
    assert result.ensemble_acc == pytest.approx(1 - wrong / 150)
    assert np.array_equal(result.errors.labels, DIGITS.t_test[result.errors.index])
    assert np.all(result.errors.guesses != result.errors.labels)


def test_best_gives_the_same_with_the_same_seed_and_in_processes():
    first, other = brief_result(), brief(seed=1)
    again = brief(replace(BRIEF, processes=2))
    assert first.train_loss == again.train_loss != other.train_loss
    assert first.test_acc == again.test_acc
    assert np.array_equal(first.errors.confidence, again.errors.confidence)


def test_the_ensemble_is_the_mean_of_probabilities(monkeypatch):
    """Two networks that are sure of other classes, the second one more so."""
    probabilities = iter(
        softmax(scores) for scores in (np.eye(10)[[0, 1]] * 2, np.eye(10)[[3, 1]] * 4)
    )
    monkeypatch.setattr(best, "train", lambda *_: ([1.0], next(probabilities)))
    data = replace(DIGITS, x_test=DIGITS.x_test[:2], t_test=np.array([0, 1]))
    result = best.run(BRIEF, 0, data)
    assert result.test_acc == [1.0, 0.5]
    assert result.ensemble_acc == 0.5
    assert result.errors.guesses.tolist() == [3]
    share = np.exp([4.0, 2, 0])
    expected = (share[0] / (share[0] + 9) + 1 / (share[1] + 9)) / 2
    assert result.errors.confidence[0] == pytest.approx(expected)


def test_with_a_validation_size_no_test_image_is_looked_at():
    unseen = replace(DIGITS, x_test=np.full((3, 784), np.nan), t_test=np.full(3, 77))
    data = best.validation_data(unseen, 500)
    assert len(data.x_train) == len(data.t_train) == len(DIGITS.x_train) - 500
    rows = np.concatenate([data.x_train, data.x_test])
    order = np.lexsort(rows.T[::-1])
    own = np.lexsort(DIGITS.x_train.T[::-1])
    assert np.array_equal(rows[order], DIGITS.x_train[own])
    labels = np.concatenate([data.t_train, data.t_test])
    assert np.array_equal(labels[order], DIGITS.t_train[own])
    assert np.array_equal(data.x_test, best.validation_data(DIGITS, 500).x_test)
    result = best.run(replace(BRIEF, networks=1, epochs=1, validation_size=1_800), 0, unseen)
    assert set(result.errors.labels) <= set(range(10))
    for size in (-1, len(DIGITS.x_train)):
        with pytest.raises(ValueError, match="validation_size must be below 2000"):
            best.validation_data(DIGITS, size)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("networks", 0),
        ("epochs", 0),
        ("batch_size", 0),
        ("processes", 0),
        ("degrees", -1),
        ("share", -0.1),
        ("pixels", np.inf),
        ("alpha", -1),
        ("label_smoothing", 1),
        ("dropout_ratio", 3),
        ("average_decay", 1.0),
        ("validation_size", -5),
    ],
)
def test_settings_of_best_that_make_no_sense_are_named(name, wrong):
    with pytest.raises(ValueError, match=f"{name} must be"):
        best.Config(**{name: wrong})


def test_best_trains_with_what_its_settings_say(monkeypatch):
    made, warps = [], []

    class Recorded(Trainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    def warp(x, **given):
        warps.append(given)
        return augmentation.warp(x, **given)

    monkeypatch.setattr(best, "Trainer", Recorded)
    monkeypatch.setattr(best, "warp", warp)
    config = best.Config(networks=1, epochs=1, processes=1, learning_rate=0.02)
    config = replace(config, label_smoothing=0.2, dropout_ratio=0.4)
    brief(replace(config, degrees=3, share=0.2, pixels=1, alpha=0.25), train=1_000)
    (trainer,) = made
    assert trainer.sampling == "epoch"
    assert trainer.optimizer.__class__.__name__ == "Adam"
    assert trainer.history.lr[0] == pytest.approx(0.02 * 0.1)
    assert trainer.history.lr[-1] < trainer.history.lr[-2] < 0.02
    np.testing.assert_allclose(trainer.t_train.max(axis=1), 0.82, rtol=1e-6)
    (dropout,) = (x for x in trainer.network.layers.values() if x.kind == "Dropout")
    assert dropout.dropout_ratio == 0.4
    assert len(warps) == 10
    amounts = {"degrees": 3, "share": 0.2, "pixels": 1, "alpha": 0.25}
    assert all(given.items() >= amounts.items() for given in warps)


def test_figures_of_best():
    result = brief_result()
    figures = best.plot(result)
    (axes,) = figures["loss"].axes
    assert [list(line.get_ydata()) for line in axes.lines] == result.train_loss
    assert f"{np.mean(result.test_acc):.2%}" in axes.get_title()
    assert f"{result.ensemble_acc:.2%}" in axes.get_title()
    shown = [axes for axes in figures["errors"].axes if axes.images]
    assert len(shown) == min(len(result.errors.index), misclassified_mnist.SHOWN)


@pytest.mark.slow
def test_better_than_the_book_on_mnist(mnist):
    assert failed(best, best.run(best.Config(), np.random.default_rng(0), mnist)) == []


# Small filters


@pytest.mark.parametrize("kind", small_filters.KINDS)
def test_ways_are_what_a_pixel_changes_of_the_output(kind):
    """All weights are 1, so that a pixel that is 1 higher changes the output by its ways."""
    sizes, side = small_filters.KINDS[kind], small_filters.SIDE

    def middle(x):
        for size in sizes:
            x = np.pad(x, size // 2)
            x = np.array(
                [[x[i : i + size, j : j + size].sum() for j in range(side)] for i in range(side)]
            )
        return x[side // 2, side // 2]

    changes = [middle(pixel.reshape(side, side)) for pixel in np.eye(side * side)]
    ways = small_filters.ways_to_the_middle(sizes)
    assert len(ways) == len(sizes) + 1
    assert np.array_equal(ways[0].ravel(), changes)
    assert [small_filters.width(level) for level in ways] == [
        1 + sum(size - 1 for size in sizes[i:]) for i in range(len(sizes) + 1)
    ]


def test_networks_of_small_filters_differ_in_these_filters_alone(monkeypatch):
    made = []

    class Recorded(Network):
        def __init__(self, layers, **kwargs):
            super().__init__(layers, **kwargs)
            made.append(self)
            self.first = {key: param.copy() for key, param in self.params.items()}
            self.batches = []

        def gradient(self, x, t):
            self.batches.append(t.copy())
            return super().gradient(x, t)

    monkeypatch.setattr(small_filters, "Network", Recorded)
    config = small_filters.Config(filter_num=3, train_size=250, epochs=2, networks=2)
    data = first_images(DIGITS, 100)
    result = small_filters.run(config, 0, data)
    assert len(made) == 8
    for i, network in enumerate(made):
        kind = list(small_filters.KINDS)[i % 4]
        filters = [layer.W for layer in network.layers.values() if isinstance(layer, Convolution)]
        sizes = [W.shape[2:] for W in filters[1:]]
        assert sizes == [(size, size) for size in small_filters.KINDS[kind]]
        assert result.parameters[kind] == sum(W.size for W in filters[1:]) / 9
        assert np.array_equal(network.first["W1"], made[i // 4 * 4].first["W1"])
        assert sum(isinstance(layer, Relu) for layer in network.layers.values()) == len(filters)
        assert [len(t) for t in network.batches] == [100, 100, 50] * 2
        x_test = data.x_test.reshape(-1, 1, 28, 28)
        assert result.test_acc[kind][i // 4] == network.accuracy(x_test, data.t_test)
    assert not np.array_equal(made[0].first["W1"], made[4].first["W1"])


def test_figures_of_small_filters_show_what_was_found():
    ways = {k: small_filters.ways_to_the_middle(sizes) for k, sizes in small_filters.KINDS.items()}
    parameters = dict(zip(ways, (25, 18, 49, 27), strict=True))
    test_acc = {kind: [0.9 + i / 100, 0.92 + i / 100] for i, kind in enumerate(ways)}
    figures = small_filters.plot(small_filters.Result(parameters, ways, {}, test_acc))
    for name, kinds in (
        ("figure_8_5", ["one 5 x 5"]),
        ("figure_8_6", ["two 3 x 3"]),
        ("seven", ["one 7 x 7", "three 3 x 3"]),
    ):
        panels = [axes for axes in figures[name].axes if axes.images]
        levels = [level for kind in kinds for level in ways[kind]]
        for axes, level in zip(panels, levels, strict=True):
            assert np.array_equal(axes.images[0].get_array(), level)
            width = small_filters.width(level)
            assert axes.get_title().endswith(f"\n{width} x {width} pixels")
            assert len(axes.texts) == np.count_nonzero(level)
    (axes,) = figures["accuracy"].axes
    points, means = axes.lines[:-1], axes.lines[-1]
    assert [list(line.get_ydata()) for line in points] == [*test_acc.values()]
    assert list(means.get_ydata()) == pytest.approx([np.mean(acc) for acc in test_acc.values()])
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        f"{kind}\n{count} weights" for kind, count in parameters.items()
    ]


# Depth and skips


@pytest.mark.parametrize("blocks", [1, 3])
def test_plain_and_residual_networks_differ_in_the_skips_alone(blocks):
    plain, residual = (depth_and_skips.make_network(blocks, 4, skips, 0) for skips in (False, True))
    one, other = ([*network.params.values()] for network in (plain, residual))
    assert len(one) == len(other)
    assert all(map(np.array_equal, one, other))
    inner = [layer for top in residual.layers.values() for layer in top.walk()]
    skips = [layer for layer in inner if isinstance(layer, Residual)]
    assert len(skips) == blocks
    kinds = [layer.kind for layer in inner if layer not in skips]
    assert kinds == [layer.kind for layer in plain.layers.values()]
    with_weights = [kind for kind in kinds if kind in ("Conv", "Affine")]
    assert len(with_weights) == 2 * blocks + 2
    assert kinds.count(BatchNorm.kind) == 2 * blocks
    assert plain.layers["Affine1"].W.shape == (4 * 7 * 7, 10)


def test_depth_and_skips_trains_both_kinds_from_the_same_weights_on_the_same_batches(monkeypatch):
    trained = []
    right = Network.gradient

    def gradient(self, x, t):
        if not trained or trained[-1][0] is not self:
            trained.append((self, [], [], [param.copy() for param in self.params.values()]))
        grads = right(self, x, t)
        trained[-1][1].append(x.copy())
        trained[-1][2].append(self.last_loss)
        return grads

    monkeypatch.setattr(Network, "gradient", gradient)
    config = depth_and_skips.Config(blocks=(1, 2), filter_num=2, train_size=250, epochs=2)
    result = depth_and_skips.run(config, 0, DIGITS)
    assert result.depths == [4, 6]
    x_test = DIGITS.x_test[:1_000].reshape(-1, 1, 28, 28)
    for i, (network, batches, losses, first) in enumerate(trained):
        kind, depth = ("plain", "residual")[i % 2], i // 2
        assert all(map(np.array_equal, batches, trained[0][1]))
        assert all(map(np.array_equal, first, trained[i // 2 * 2][3]))
        assert [x.shape for x in batches] == [(n, 1, 28, 28) for n in (100, 100, 50)] * 2
        assert result.loss[kind][depth] == pytest.approx(np.mean(losses[3:]))
        assert result.test_acc[kind][depth] == network.accuracy(x_test, DIGITS.t_test[:1_000])
        count = sum(param.size for param in network.params.values())
        assert result.parameters[kind][depth] == count
    assert len(trained) == 4
    assert depth_and_skips.run(config, 0, DIGITS) == result


def test_figure_8_12_shows_loss_and_accuracy_against_depth():
    loss = {"plain": [0.4, 0.5, 2.0], "residual": [0.4, 0.3, 0.2]}
    test_acc = {"plain": [0.9, 0.8, 0.3], "residual": [0.9, 0.91, 0.92]}
    result = depth_and_skips.Result([4, 10, 20], {}, loss, test_acc)
    panels = depth_and_skips.plot(result)["figure_8_12"].axes
    for axes, values in zip(panels, (loss, test_acc), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        assert {name: list(line.get_ydata()) for name, line in lines.items()} == values
        assert all(list(line.get_xdata()) == [4, 10, 20] for line in lines.values())
        assert axes.get_ylim()[0] == 0


# Where the time goes

TIMES = {
    "SimpleConvNet": {
        "forward": {"Conv1": 0.5, "Relu1": 0.2, "Pool1": 0.1, "Affine1": 0.1, "Relu2": 0.1},
        "backward": {"Conv1": 0.2, "Relu1": 0.1, "Pool1": 0.6, "Affine1": 0.05, "Relu2": 0.05},
    },
    "DeepConvNet": {
        "forward": {"Conv1": 1.0, "Conv2": 2.0, "Dropout1": 1.0},
        "backward": {"Conv1": 3.0, "Conv2": 4.0, "Dropout1": 1.0},
    },
}


def test_shares_add_up_the_layers_of_a_kind():
    shares = where_time_goes.shares(TIMES["SimpleConvNet"]["forward"])
    wanted = {"Conv": 0.5, "Relu": 0.3, "Pool": 0.1, "Affine": 0.1, "Dropout": 0}
    assert shares == pytest.approx(wanted)
    values = [claim.value(where_time_goes.Result(TIMES)) for claim in where_time_goes.CLAIMS]
    assert values == [pytest.approx([0.5, 0.3]), pytest.approx([0.75, 0.25])]


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_a_slow_layer_is_seen_where_it_is_slow(way, monkeypatch):
    right = getattr(Pooling, way)

    def slow(self, *args):
        time.sleep(0.1)
        return right(self, *args)

    monkeypatch.setattr(Pooling, way, slow)
    config = where_time_goes.Config(batch_size=5, repeats=3)
    result = where_time_goes.run(config, 0, DIGITS)
    for passes in result.seconds.values():
        assert list(passes["forward"]) == list(passes["backward"])
        for name, seconds in passes.items():
            share = where_time_goes.shares(seconds)["Pool"]
            assert (share > 0.8) == (name == way)
            assert (seconds["Pool1"] >= 0.1) == (name == way)
    if way == "forward":
        assert len(failed(where_time_goes, result)) == 2


def test_the_first_layers_dx_is_not_part_of_the_time(monkeypatch):
    def backward(self, dout):
        raise AssertionError("the first layer needs no dx")

    network = where_time_goes.SimpleConvNet(rng=0)
    monkeypatch.setattr(convolution, "backward", backward)
    x, t = DIGITS.x_train[:5].reshape(-1, 1, 28, 28), DIGITS.t_train[:5]
    seconds = where_time_goes.layer_seconds(network, x, t, 1, iter)
    assert all(value > 0 for times in seconds.values() for value in times.values())


def test_figure_8_14_has_a_bar_of_shares_for_each_pass():
    (axes,) = where_time_goes.plot(where_time_goes.Result(TIMES))["figure_8_14"].axes
    widths = [bar.get_width() for bar in axes.patches]
    passes = [seconds for both in TIMES.values() for seconds in both.values()]
    wanted = [v / sum(seconds.values()) for seconds in passes for v in seconds.values()]
    assert widths == pytest.approx(wanted)
    layers = [(name, v / sum(s.values())) for s in passes for name, v in s.items()]
    texts = [f"{name}\n{share:.0%}" for name, share in layers if share > 0.045]
    assert [text.get_text() for text in axes.texts] == texts
    labels = [label.get_text().split(",")[0] for label in axes.get_yticklabels()]
    assert labels == [f"{name}\n{way}" for name in TIMES for way in ("forward", "backward")]


# Augmentation


@pytest.mark.parametrize("seed", range(3))
def test_every_claim_on_augmentation_holds(seed):
    assert failed(augmentation_samples, run(Config(), seed, DIGITS)) == []


def test_every_claim_on_augmentation_holds_on_mnist(mnist):
    result = run(Config(), np.random.default_rng(0), mnist)
    assert failed(augmentation_samples, result) == []
    assert np.array_equal(result.image.ravel(), mnist.x_test[0])  # a 7


@pytest.mark.parametrize("claim", augmentation_samples.CLAIMS, ids=lambda claim: claim.text)
def test_no_claim_on_augmentation_holds_whatever_comes(claim):
    value = np.array(claim.value(RESULT), dtype=float)
    assert not claim.holds((value * np.nan).tolist())
    assert not any(claim.holds((value + away).tolist()) for away in (-0.01, 0.01))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_changes_by_nothing_is_seen(kind, monkeypatch):
    right = getattr(augmentation, kind)

    def wrong(x, **given):
        return right(x, **given) * np.float32(0.99)

    monkeypatch.setattr(augmentation, kind, wrong)
    assert failed(augmentation_samples, run(Config(), 0, DIGITS)) == [
        augmentation_samples.CLAIMS[0].text
    ]


def test_every_kind_of_augmentation_is_shown():
    assert sorted(KINDS) == sorted(augmentation.__all__)
    assert list(RESULT.samples) == list(KINDS)


def test_samples_are_what_each_function_makes_of_the_image():
    rng = np.random.default_rng(0)
    x = np.tile(RESULT.image, (8, 1, 1, 1))
    for kind, amounts in KINDS.items():
        made = getattr(augmentation, kind)(x, rng=rng, **amounts)
        assert np.array_equal(RESULT.samples[kind], made[:, 0])
        assert RESULT.samples[kind].shape == (8, 28, 28)
        assert len({sample.tobytes() for sample in made}) >= (2 if kind == "flip" else 5)


def test_the_image_is_the_first_of_its_digit():
    for digit in (0, 7):
        image = run(Config(digit, samples=1), 0, DIGITS).image
        (found,) = np.flatnonzero((DIGITS.x_test == image.ravel()).all(axis=1))
        assert DIGITS.t_test[found] == digit
        assert digit not in DIGITS.t_test[:found]
    with pytest.raises(ValueError, match="digit must be from 0 to 9, got 10"):
        Config(digit=10)


def test_figure_8_4_shows_the_image_and_its_most_changed_samples():
    image = np.zeros((28, 28))
    samples = {kind: np.stack([image + i / 50 for i in (1, 3, 2)]) for kind in KINDS}
    samples["shift"] *= 2
    panels = plot(Result(image, samples, 0))["figure_8_4"].axes
    assert [axes.get_title() for axes in panels] == ["the image", "rotated", "shifted"]
    for axes, value in zip(panels, (0, 0.06, 0.12), strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), image + value)
        assert axes.images[0].get_clim() == (0, 1)


def test_the_sheet_has_a_row_of_samples_for_each_kind(tmp_path):
    rows = plot(RESULT)["kinds"].axes
    for axes, (kind, samples) in zip(rows, RESULT.samples.items(), strict=True):
        assert axes.get_title(loc="left").startswith(f"{kind}(x, ")
        shown = np.asarray(axes.images[0].get_array()).reshape(28, 8, 30).swapaxes(0, 1)
        assert np.array_equal(shown[:, :, :28], samples)
    save_result(RESULT, {}, tmp_path / "result.json")


def test_same_seed_same_samples():
    again, other = run(Config(), 0, DIGITS), run(Config(), 1, DIGITS)
    for kind, samples in RESULT.samples.items():
        assert np.array_equal(again.samples[kind], samples)
        assert not np.array_equal(other.samples[kind], samples)
