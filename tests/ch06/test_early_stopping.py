"""Chapter 6, early_stopping.py: wrong labels, the stop, and the weights that are kept."""

from dataclasses import replace

import numpy as np
import pytest

from ch06_techniques import early_stopping
from ch06_techniques.early_stopping import Result, best_epoch, experiment, with_wrong_labels
from dlbasics.trainer import Trainer
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits

SHORT = {"size": 300, "hidden_size": 30, "epochs": 15, "patience": 2}


def test_claims_read_the_numbers_they_name():
    result = Result(
        early_stopping.Trained([0.01, 0.02], [0.03, 0.04], [0.06, 0.05], 0.07),
        early_stopping.Trained([0.11] * 3, [0.12, 0.14, 0.13], [0.15, 0.18, 0.16], 0.17),
    )
    assert_values(experiment.claims, result, 0.02, [0.06, 0.05], [3, 2], [0.07, 0.17])


def test_wrong_labels_are_other_classes_each_as_often():
    t = np.repeat(np.arange(10), 2_000).astype(np.uint8)

    def wrong_labels(share):
        return with_wrong_labels(t, share, np.random.default_rng(0))

    noisy = wrong_labels(0.3)
    assert noisy.dtype == t.dtype
    wrong = noisy != t
    assert wrong.mean() == pytest.approx(0.3, abs=0.01)
    counts = np.bincount((noisy[wrong].astype(int) - t[wrong]) % 10, minlength=10)
    np.testing.assert_allclose(counts[1:] / wrong.sum(), 1 / 9, atol=0.01)
    np.testing.assert_array_equal(wrong_labels(0), t)
    assert (wrong_labels(1) != t).all()


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), **SHORT)


def test_both_trainings_are_one_until_the_stop(result):
    last = len(result.stopped.test_acc)
    assert len(result.without_stop.test_acc) == 15
    assert last == best_epoch(result.stopped) + 2 < 15
    for name in ("train_acc", "validation_acc", "test_acc"):
        without_stop, stopped = (getattr(t, name) for t in (result.without_stop, result.stopped))
        assert without_stop[:last] == stopped


def test_the_stopped_network_has_its_best_weights_and_the_other_its_last(result):
    best = best_epoch(result.stopped)
    assert result.stopped.final_acc == result.stopped.test_acc[best - 1]
    assert result.without_stop.final_acc == result.without_stop.test_acc[-1]
    (axes,) = experiment.plot(result)["accuracy"].axes
    for line, name in zip(axes.lines[:3], ("train_acc", "validation_acc", "test_acc"), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), getattr(result.without_stop, name))
    assert [line.get_xdata()[0] for line in axes.lines[3:]] == [best, best + 2]


def test_both_trainings_get_the_same_wrong_labels(monkeypatch):
    seen = []

    def train(t, data, config, rng, patience):
        wrong = (t != few_digits().t_train[: len(t)]).mean()
        seen.append((len(t), wrong, patience, rng.random()))

    monkeypatch.setattr(early_stopping, "train", train)
    experiment.run(data=few_digits(), wrong=0.4, size=1_000)
    (size, wrong, _, draw), _ = seen
    assert size == 1_000
    assert wrong == pytest.approx(0.4, abs=0.05)
    assert seen == [(size, wrong, patience, draw) for patience in (None, 8)]


def test_validation_images_are_not_learned_and_have_wrong_labels_too(monkeypatch):
    seen = []

    class Watched(Trainer):
        def __init__(self, *args, **options):
            seen.append(args)
            super().__init__(*args, **options)
            assert self.optimizer.lr == 0.004

    monkeypatch.setattr(early_stopping, "Trainer", Watched)
    images = few_digits().x_train[:300]
    t = with_wrong_labels(few_digits().t_train[:300], 0.2, np.random.default_rng(0))
    config = replace(early_stopping.Config(**SHORT), epochs=2, learning_rate=0.004)
    early_stopping.train(
        t, few_digits(), config, np.random.default_rng(0), patience=None, smoothing=0.3
    )
    ((_, x_train, t_train, x_validation, t_validation),) = seen
    assert len(x_train) == 250
    rows = np.vstack([x_train, x_validation])
    labels = np.array([*t_train.argmax(axis=1), *t_validation])
    # The same images with the labels t, in another order.
    order, wanted = np.lexsort(rows.T), np.lexsort(images.T)
    np.testing.assert_array_equal(rows[order], images[wanted])
    np.testing.assert_array_equal(labels[order], t[wanted])
    np.testing.assert_allclose(np.unique(t_train), [0.03, 0.73], rtol=1e-6)
