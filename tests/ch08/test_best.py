"""An ensemble that reads more digits than the book's networks."""

from dataclasses import replace

import numpy as np
import pytest

from ch08_deep import best
from ch08_deep.best import experiment
from dlbasics import augmentation
from dlbasics.functions import softmax
from dlbasics.trainer import Trainer
from tests.helpers import few_digits, first_test_images

pytestmark = pytest.mark.long

BRIEF = best.Config(networks=2, epochs=2, batch_size=50, processes=1)


def brief(config=BRIEF, train=300, test=100):
    data = replace(
        few_digits(), x_train=few_digits().x_train[:train], t_train=few_digits().t_train[:train]
    )
    return best.run(config, first_test_images(data, test), np.random.default_rng(0), iter)


@pytest.fixture(scope="module")
def result():
    return brief()


def test_best_has_accuracies_of_each_network_and_of_all_together(result):
    assert [len(losses) for losses in result.train_loss] == [2, 2]
    assert result.train_loss[0] != result.train_loss[1]
    assert len(result.test_acc) == 2
    assert all(0.15 < accuracy <= 1 for accuracy in result.test_acc)
    wrong = len(result.errors.index)
    assert result.ensemble_acc == pytest.approx(1 - wrong / 100)
    assert np.array_equal(result.errors.labels, few_digits().t_test[result.errors.index])
    assert np.all(result.errors.guesses != result.errors.labels)


def test_best_gives_the_same_in_processes(result):
    again = brief(replace(BRIEF, processes=2))
    assert again.train_loss == result.train_loss
    assert again.test_acc == result.test_acc
    assert np.array_equal(again.errors.confidence, result.errors.confidence)


def test_the_ensemble_is_the_mean_of_probabilities(monkeypatch):
    """Two networks that are sure of other classes, the second one more so."""
    probabilities = iter(
        softmax(scores) for scores in (np.eye(10)[[0, 1]] * 2, np.eye(10)[[3, 1]] * 4)
    )
    monkeypatch.setattr(best, "train", lambda *_: ([1.0], next(probabilities)))
    data = replace(few_digits(), x_test=few_digits().x_test[:2], t_test=np.array([0, 1]))
    result = best.run(BRIEF, data, np.random.default_rng(0), iter)
    assert result.test_acc == [1.0, 0.5]
    assert result.ensemble_acc == 0.5
    assert result.errors.guesses.tolist() == [3]
    share = np.exp([4.0, 2, 0])
    expected = (share[0] / (share[0] + 9) + 1 / (share[1] + 9)) / 2
    assert result.errors.confidence[0] == pytest.approx(expected)


def test_with_a_validation_size_no_test_image_is_looked_at():
    unseen = replace(few_digits(), x_test=np.full((3, 784), np.nan), t_test=np.full(3, 77))
    data = best.validation_data(unseen, 500)
    assert len(data.x_train) == len(data.t_train) == len(few_digits().x_train) - 500
    rows = np.concatenate([data.x_train, data.x_test])
    order = np.lexsort(rows.T[::-1])
    own = np.lexsort(few_digits().x_train.T[::-1])
    assert np.array_equal(rows[order], few_digits().x_train[own])
    labels = np.concatenate([data.t_train, data.t_test])
    assert np.array_equal(labels[order], few_digits().t_train[own])
    assert np.array_equal(data.x_test, best.validation_data(few_digits(), 500).x_test)
    settings = {"networks": 1, "epochs": 1, "batch_size": 50, "validation_size": 1_900}
    result = experiment.run(data=unseen, processes=1, **settings)
    assert set(result.errors.labels) <= set(range(10))
    for size in (-1, len(few_digits().x_train)):
        with pytest.raises(ValueError, match="validation_size must be below 2000"):
            best.validation_data(few_digits(), size)


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
        experiment.run(**{name: wrong})


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
    brief(replace(config, degrees=3, share=0.2, pixels=1, alpha=0.25), train=500)
    (trainer,) = made
    assert trainer.sampling == "epoch"
    assert trainer.optimizer.__class__.__name__ == "Adam"
    assert trainer.history.lr[0] == pytest.approx(0.02 * 0.1)
    assert trainer.history.lr[-1] < trainer.history.lr[-2] < 0.02
    np.testing.assert_allclose(trainer.t_train.max(axis=1), 0.82, rtol=1e-6)
    (dropout,) = (x for x in trainer.network.layers.values() if x.kind == "Dropout")
    assert dropout.dropout_ratio == 0.4
    assert len(warps) == 5
    amounts = {"degrees": 3, "share": 0.2, "pixels": 1, "alpha": 0.25}
    assert all(given.items() >= amounts.items() for given in warps)


def test_figures_of_best(result):
    figures = best.plot(result)
    (axes,) = figures["loss"].axes
    assert [list(line.get_ydata()) for line in axes.lines] == result.train_loss
    assert f"{np.mean(result.test_acc):.2%}" in axes.get_title()
    assert f"{result.ensemble_acc:.2%}" in axes.get_title()
