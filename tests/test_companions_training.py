"""What Takenawa's lecture says of training: inputs, learning rate, early stopping, ensembles."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques import (
    dataset_normalization,
    early_stopping,
    ensemble,
    label_noise,
    learning_rate_decay,
)
from ch06_techniques.dataset_normalization import normalized
from ch06_techniques.early_stopping import with_wrong_labels
from dlbasics._internal.checks import as_rng
from dlbasics.experiment import LEFT_OUT, judge, load_data
from dlbasics.functions import softmax
from dlbasics.networks import MultiLayerNet
from dlbasics.trainer import Trainer

DIGITS = load_data("digits", quick=True)
NAN = float("nan")
BOUNDS = {
    dataset_normalization: [
        ((2.0, 25.0), [(2.0, 5.0), (0.0, 1.0), (2.1, 25.0), (NAN, 25.0)]),
        (0.113, [0.9, 0.0, NAN]),
        ([0.929, 0.954], [[0.95, 0.95], [0.954, 0.929], [0.8, 0.95], [NAN, 0.95], [0.92, NAN]]),
        ([0.954, 0.914], [[0.95, 0.945], [0.9, 0.95], [0.9, 0.1], [NAN, 0.9], [0.95, NAN]]),
    ],
    learning_rate_decay: [
        ([0.367, 0.444], [[0.444, 0.367], [NAN, 0.4], [0.4, NAN]]),
        ([0.0412, 0.0215], [[0.04, 0.04], [0.04, 0.035], [0.04, 0], [NAN, 0.02], [0.04, NAN]]),
        (
            [0.9739, 0.9758, 0.9774],
            [[0.978, 0.975, 0.977], [0.97, 0.978, 0.977], [0.97, 0.97, NAN], [NAN, 0.97, 0.96]],
        ),
    ],
    early_stopping: [
        (0.986, [0.8, 1.1, NAN]),
        ([0.919, 0.84], [[0.919, 0.9], [0.84, 0.919], [NAN, 0.8], [0.9, NAN]]),
        ([14, 6], [[14, 14], [60, 6], [6, 14]]),
        ([0.84, 0.915], [[0.84, 0.85], [0.915, 0.84], [NAN, 0.9], [0.8, NAN]]),
    ],
    label_noise: [
        (
            [0.943, 0.84, 0.66, 0.461, 0.24],
            [[0.9, 0.8, 0.82, 0.4, 0.2], [0.94, 0.9, 0.8, 0.7, 0.6], [0.9, 0.2], [NAN] * 5],
        ),
        (
            [0.94, 0.908, 0.892, 0.82, 0.478],
            [[0.94, 0.84, 0.66, 0.46, 0.24], [0.8, 0.9, 0.89, 0.82, 0.47], [0.94], [NAN] * 5],
        ),
        ([0.943, 0.954], [[0.954, 0.943], [0.95, 0.95], [NAN, 0.9], [0.9, NAN]]),
        ([0.66, 0.645], [[0.66, 0.9], [0.66, 0.72], [0.9, 0.66], [NAN, 0.6], [0.66, NAN]]),
    ],
    ensemble: [
        ([0.9722, 0.9783], [[0.9722, 0.973], [0.9783, 0.9722], [NAN, 0.97], [0.97, NAN]]),
        ([0.973, 0.9783], [[0.9783, 0.973], [0.97, 0.97], [NAN, 0.97], [0.97, NAN]]),
        (
            [0.9722, 0.9756, 0.9771, 0.9775, 0.9783],
            [
                [0.9722, 0.9771, 0.9756, 0.9775, 0.977],
                [0.9722, 0.9723, 0.9724, 0.9725, 0.9783],
                [0.9722, 0.9701, 0.9771, 0.9775, 0.9783],
                [NAN] * 5,
            ],
        ),
    ],
}


@pytest.mark.parametrize("script", BOUNDS, ids=lambda script: script.__name__)
def test_claims_know_right_values_from_wrong_ones(script):
    for claim, (right, wrong) in zip(script.CLAIMS, BOUNDS[script], strict=True):
        assert claim.holds(right), claim.text
        assert [value for value in wrong if claim.holds(value)] == [], claim.text


RESULTS = {
    dataset_normalization: (
        dataset_normalization.Result(
            [np.zeros(2), np.array([-1.0, 1.0]), np.array([-3.0, 7.0])],
            {},
            {"from 0 to 255": 0.1, "from 0 to 1": 0.2, "normalized": 0.3, "wanted": 0.4},
        ),
        [(2, 25), 0.1, [0.2, 0.3], [0.3, 0.4]],
    ),
    learning_rate_decay: (
        learning_rate_decay.Result(
            1,
            {"high": [0.5, 0.3], "low": [0.6, 0.4], "lowered": [0.7, 0.2]},
            {"high": [0.1], "low": [0.2], "lowered": [0.3]},
        ),
        [[0.5, 0.6], [0.7, 0.2], [0.1, 0.2, 0.3]],
    ),
    early_stopping: (
        early_stopping.Result(
            early_stopping.Trained([0.01, 0.02], [0.03, 0.04], [0.06, 0.05], 0.07),
            early_stopping.Trained([0.11] * 3, [0.12, 0.14, 0.13], [0.15, 0.18, 0.16], 0.17),
        ),
        [0.02, [0.06, 0.05], [3, 2], [0.07, 0.17]],
    ),
    label_noise: (
        label_noise.Result(
            (0.0, 0.4),
            dict(zip(label_noise.KINDS, np.arange(8).reshape(4, 2).tolist(), strict=True)),
        ),
        [[0, 1], [4, 5], [0, 2], [1, 3]],
    ),
    ensemble: (
        ensemble.Result([[0.1, 0.3, 0.5], [0.6, 0.7, 0.8], [0.9]]),
        [[0.3, 0.9], [0.5, 0.9], [0.3, 0.7, 0.9]],
    ),
}


@pytest.mark.parametrize("script", RESULTS, ids=lambda script: script.__name__)
def test_claims_read_the_numbers_they_name(script):
    result, wanted = RESULTS[script]
    for claim, value in zip(script.CLAIMS, wanted, strict=True):
        np.testing.assert_allclose(claim.value(result), value, err_msg=claim.text)


def failed_on_mnist(script, mnist):
    result = script.run(script.Config(), np.random.default_rng(0), mnist)
    verdicts = judge(script.CLAIMS, result)
    assert len(verdicts) > 0
    return [verdict for verdict in verdicts if not verdict.holds]


def test_every_claim_of_dataset_normalization_on_mnist(mnist):
    assert failed_on_mnist(dataset_normalization, mnist) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [learning_rate_decay, early_stopping, label_noise, ensemble],
    ids=lambda script: script.__name__,
)
def test_every_claim_of_the_longer_ones_on_mnist(script, mnist):
    assert failed_on_mnist(script, mnist) == []


# Dataset normalization


@pytest.mark.parametrize("mean, variance", [(0, 1), (2, 25), (-3, 0.5)])
def test_normalized_numbers_have_the_mean_and_the_variance(mean, variance):
    x = np.random.default_rng(0).random((50, 3))
    y = normalized(x, x, mean, variance)
    assert y.mean() == pytest.approx(mean, abs=1e-12)
    assert y.var() == pytest.approx(variance)
    np.testing.assert_allclose(np.diff(y[0]) / np.diff(x[0]), math.sqrt(variance) / x.std())


def test_images_that_are_tested_are_changed_as_those_that_are_learned(monkeypatch):
    """By mean and variance of all training images, though only some are learned."""
    seen, draws = [], set()

    class Network:
        def accuracy(self, x, t):
            seen[-1].append(x)
            return 0.5

    def train(x, data, config, rng):
        seen.append([x])
        draws.add(as_rng(rng).random())
        return Network(), [1.0]

    monkeypatch.setattr(dataset_normalization, "train", train)
    config = dataset_normalization.Config(train_size=100)
    result = dataset_normalization.run(config, 0, DIGITS)
    x, x_test = DIGITS.x_train, DIGITS.x_test
    assert x.dtype == np.float32
    changes = [
        lambda a: 255 * a,
        lambda a: a,
        lambda a: (a - x.mean()) / x.std(),
        lambda a: 5 * (a - x.mean()) / x.std() + 2,
    ]
    for (learned, tested), change in zip(seen, changes, strict=True):
        assert learned.dtype == tested.dtype == np.float32
        np.testing.assert_allclose(learned, change(x[:100]), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(tested, change(x_test), rtol=1e-4, atol=1e-5)
    assert result.test_acc == dict.fromkeys(result.train_loss, 0.5)
    assert len(draws) == 1, "not the same weights and batches for all"


def test_all_inputs_train_the_same_network_on_the_same_batches():
    config = dataset_normalization.Config(train_size=250, epochs=2)
    x = DIGITS.x_train[:250]
    one, losses = dataset_normalization.train(x, DIGITS, config, 3)
    other, others = dataset_normalization.train(x, DIGITS, config, 3)
    assert len(losses) == 2 * 3
    assert losses == others
    for key, param in one.params.items():
        np.testing.assert_array_equal(param, other.params[key])


def test_figure_shows_the_numbers_and_the_losses():
    config = dataset_normalization.Config(count=500, train_size=300)
    result = dataset_normalization.run(config, 0, DIGITS)
    drawn, normal, wanted = result.numbers
    assert len(drawn) == 500
    assert 0 <= drawn.min() < 0.05 < 0.95 < drawn.max() < 1
    np.testing.assert_allclose(5 * normal + 2, wanted)
    histogram, loss = dataset_normalization.plot(result)["numbers_and_loss"].axes
    texts = [text.get_text() for text in histogram.get_legend().texts]
    assert texts[1:] == ["mean 0.00, variance 1.00", "mean 2.00, variance 25.00"]
    assert len(loss.lines) == len(result.train_loss) + 1


# Lowering the learning rate


def test_the_rate_is_lowered_in_the_middle(monkeypatch):
    rates, losses, right = [], [], Trainer.train

    def train(self):
        assert len(self.x_train) == 250
        np.testing.assert_array_equal(self.x_test, DIGITS.x_test)
        history = right(self)
        rates.append(history.lr)
        losses.append(np.reshape(history.train_loss, (4, 3)).mean(axis=1))
        return history

    monkeypatch.setattr(Trainer, "train", train)
    config = learning_rate_decay.Config(train_size=250, epochs=4)
    result = learning_rate_decay.run(config, 0, DIGITS)
    assert result.lowered_after == 2
    high, low, lowered = rates
    assert high == [1.0] * 12
    assert low == pytest.approx([0.1] * 12)
    assert lowered == pytest.approx([1.0] * 6 + [0.1] * 6)
    np.testing.assert_allclose([*result.train_loss.values()], losses)
    for curves in (result.train_loss, result.test_acc):
        assert curves["high"][:2] == curves["lowered"][:2]
        assert curves["high"][2:] != curves["lowered"][2:]
        assert curves["low"] != curves["high"]


@pytest.mark.parametrize("epochs, high", [(1, 1), (3, 2), (5, 3)])
def test_the_rate_is_lowered_once_in_an_odd_number_of_epochs(epochs, high, monkeypatch):
    lowered, right = [], Trainer.train

    def train(self):
        lowered[:] = right(self).lr
        return self.history

    monkeypatch.setattr(Trainer, "train", train)
    config = learning_rate_decay.Config(train_size=100, epochs=epochs)
    assert learning_rate_decay.run(config, 0, DIGITS).lowered_after == high
    assert lowered == pytest.approx([1.0] * high + [0.1] * (epochs - high))


def test_losses_around_the_step_and_accuracies_at_the_end():
    curves = {name: [*range(i, i + 6)] for i, name in enumerate(("high", "low", "lowered"))}
    result = learning_rate_decay.Result(3, curves, curves)
    assert learning_rate_decay.around_the_step(result) == [4, 5]
    assert learning_rate_decay.at_the_end(result) == [3, 4, 5]
    loss, accuracy = learning_rate_decay.plot(result)["loss_and_accuracy"].axes
    for axes in (loss, accuracy):
        np.testing.assert_array_equal(axes.lines[1].get_xydata()[0], [1, 1])
        assert axes.lines[3].get_xdata()[0] == 3.5


# Early stopping


def test_wrong_labels_are_other_classes_each_as_often():
    t = np.repeat(np.arange(10), 2_000).astype(np.uint8)
    noisy = with_wrong_labels(t, 0.3, 0)
    assert noisy.dtype == t.dtype
    wrong = noisy != t
    assert wrong.mean() == pytest.approx(0.3, abs=0.01)
    counts = np.bincount((noisy[wrong].astype(int) - t[wrong]) % 10, minlength=10)
    np.testing.assert_allclose(counts[1:] / wrong.sum(), 1 / 9, atol=0.01)
    np.testing.assert_array_equal(with_wrong_labels(t, 0, 0), t)
    assert (with_wrong_labels(t, 1, 0) != t).all()


SHORT = early_stopping.Config(size=300, hidden_size=30, epochs=15, patience=2)


@pytest.fixture(scope="module")
def stopped():
    return early_stopping.run(SHORT, 0, DIGITS)


def test_both_trainings_are_one_until_the_stop(stopped):
    last = len(stopped.stopped.test_acc)
    best = early_stopping.best_epoch(stopped.stopped)
    assert len(stopped.on_and_on.test_acc) == SHORT.epochs
    assert last == best + SHORT.patience < SHORT.epochs
    for name in ("train_acc", "validation_acc", "test_acc"):
        both = [getattr(trained, name) for trained in (stopped.on_and_on, stopped.stopped)]
        assert both[0][:last] == both[1]


def test_the_stopped_network_has_its_best_weights_and_the_other_its_last(stopped):
    best = early_stopping.best_epoch(stopped.stopped)
    assert stopped.stopped.final_acc == stopped.stopped.test_acc[best - 1]
    assert stopped.on_and_on.final_acc == stopped.on_and_on.test_acc[-1]
    (axes,) = early_stopping.plot(stopped)["accuracy"].axes
    for line, name in zip(axes.lines[:3], ("train_acc", "validation_acc", "test_acc"), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), getattr(stopped.on_and_on, name))
    assert [line.get_xdata()[0] for line in axes.lines[3:]] == [best, best + SHORT.patience]


def test_both_trainings_get_the_same_wrong_labels(monkeypatch):
    seen = []

    def train(t, data, config, rng, patience):
        wrong = (t != DIGITS.t_train[: len(t)]).mean()
        seen.append((len(t), wrong, patience, as_rng(rng).random()))

    monkeypatch.setattr(early_stopping, "train", train)
    early_stopping.run(early_stopping.Config(wrong=0.4, size=1_000), 0, DIGITS)
    (size, wrong, _, draw), _ = seen
    assert size == 1_000
    assert wrong == pytest.approx(0.4, abs=0.05)
    assert seen == [(size, wrong, patience, draw) for patience in (None, 8)]


def test_what_is_held_back_is_not_learned_and_has_labels_as_bad(monkeypatch):
    seen = []

    class Watched(Trainer):
        def __init__(self, *args, **options):
            seen.append(args)
            super().__init__(*args, **options)
            assert self.optimizer.lr == 0.004

    monkeypatch.setattr(early_stopping, "Trainer", Watched)
    t = with_wrong_labels(DIGITS.t_train[:300], 0.2, 0)
    config = replace(SHORT, epochs=2, learning_rate=0.004)
    early_stopping.train(t, DIGITS, config, 0, smoothing=0.3)
    ((_, x_train, t_train, x_validation, t_validation),) = seen
    assert len(x_train) == 250
    rows = np.vstack([x_train, x_validation])
    labels = [*t_train.argmax(axis=1), *t_validation]
    # The same images with the labels t, in another order.
    order, wanted = np.lexsort(rows.T), np.lexsort(DIGITS.x_train[:300].T)
    np.testing.assert_array_equal(rows[order], DIGITS.x_train[:300][wanted])
    np.testing.assert_array_equal(np.array(labels)[order], t[wanted])
    np.testing.assert_allclose(np.unique(t_train), [0.03, 0.73], rtol=1e-6)


# Label noise


def test_every_kind_of_training_gets_the_labels_of_its_share(monkeypatch):
    seen = []

    def train(t, data, config, rng, patience, smoothing):
        seen.append((t, as_rng(rng).random(), patience, smoothing))
        accuracy = len(seen) / 100
        return early_stopping.Trained([], [], [], accuracy)

    monkeypatch.setattr(early_stopping, "train", train)
    config = label_noise.Config(shares=(0.0, 0.5), size=1_000)
    result = label_noise.run(config, 0, DIGITS)
    kinds = [(None, 0), (None, 0.2), (8, 0), (8, 0.2)]
    assert [kind[2:] for kind in seen] == kinds * 2
    for first, of_share, share in ((0, seen[:4], 0), (4, seen[4:], 0.5)):
        for t, draw, _, _ in of_share:
            assert draw == seen[first][1], "not the same weights and batches for all"
            np.testing.assert_array_equal(t, seen[first][0])
            assert (t != DIGITS.t_train[:1_000]).mean() == pytest.approx(share, abs=0.06)
    assert [*result.test_acc.values()] == [[0.01, 0.05], [0.02, 0.06], [0.03, 0.07], [0.04, 0.08]]
    assert label_noise.after_all_epochs(result, 0.5) == [0.05, 0.06]
    assert label_noise.after_all_epochs(result, 0.4) is LEFT_OUT
    (axes,) = label_noise.plot(result)["accuracy"].axes
    np.testing.assert_array_equal(axes.lines[3].get_xydata(), [[0, 0.04], [0.5, 0.08]])


# Ensembles


def test_networks_together_say_the_class_of_the_highest_mean_probability():
    sure, unsure = np.array([[0.9, 0.1]]), np.array([[0.3, 0.7]])
    t = np.array([0])
    assert ensemble.accuracy((sure,), t) == 1
    assert ensemble.accuracy((unsure,), t) == 0
    assert ensemble.accuracy((sure, unsure), t) == 1
    assert ensemble.accuracy((sure, unsure, unsure, unsure, unsure), t) == 0


def test_every_choice_of_networks_is_tested(monkeypatch):
    networks = []
    right = ensemble.train

    def train(data, config, rng):
        networks.append(right(data, config, rng))
        return networks[-1]

    monkeypatch.setattr(ensemble, "train", train)
    config = ensemble.Config(networks=3, train_size=500, epochs=1)
    result = ensemble.run(config, 0, DIGITS)
    assert [len(accuracies) for accuracies in result.test_acc] == [3, 3, 1]
    alone = [network.accuracy(DIGITS.x_test, DIGITS.t_test) for network in networks]
    assert result.test_acc[0] == pytest.approx(alone)
    assert len({*alone}) > 1
    each = [softmax(network.predict(DIGITS.x_test)) for network in networks]
    for count, choices in ((2, [(0, 1), (0, 2), (1, 2)]), (3, [(0, 1, 2)])):
        together = [sum(each[i] for i in chosen).argmax(axis=1) for chosen in choices]
        wanted = [np.mean(said == DIGITS.t_test) for said in together]
        assert result.test_acc[count - 1] == pytest.approx(wanted)
    assert ensemble.means(result)[0] == pytest.approx(np.mean(alone))
    assert all(isinstance(network, MultiLayerNet) for network in networks)
    (axes,) = ensemble.plot(result)["accuracy"].axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), result.test_acc[1])
    np.testing.assert_array_equal(axes.lines[3].get_ydata(), ensemble.means(result))
