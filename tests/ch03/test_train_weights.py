from dataclasses import replace

import numpy as np
import pytest

from ch03_forward import neuralnet_mnist, train_weights
from dlbasics import load_arrays
from tests.ch03.helpers import FILE, SHAPES
from tests.helpers import few_digits

DIGITS = few_digits()


def test_accuracies_are_those_of_training_and_of_test_images():
    other = replace(DIGITS, t_test=(DIGITS.t_test + 1) % 10)
    result = train_weights.experiment.run(data=other, epochs=2, batch_size=50)
    for acc, x, t in (
        (result.train_acc, other.x_train, other.t_train),
        (result.test_acc, other.x_test, other.t_test),
    ):
        named = neuralnet_mnist.classify_batches(result.params, x, 100)
        assert acc[-1] == pytest.approx(np.mean(named == t), abs=1e-3)
    assert result.train_acc[-1] > result.test_acc[-1] + 0.5
    assert {key: array.shape for key, array in result.params.items()} == SHAPES


def test_weight_decay_makes_the_weights_smaller():
    def squares(**decay):
        params = train_weights.experiment.run(data=DIGITS, epochs=1, **decay).params
        return sum(np.sum(params[key] ** 2) for key in ("W1", "W2", "W3"))

    small, large = squares(weight_decay_lambda=0.1), squares()
    assert small < 0.9 * large


@pytest.mark.parametrize(("batch_size", "batches"), [(300, 7), (1999, 1)])  # of 2,000 images
def test_the_rate_falls_in_a_straight_line_to_0(monkeypatch, batch_size, batches):
    rates = []

    class Watched(train_weights.Adam):
        def update(self, params, grads):
            rates.append(self.lr)
            super().update(params, grads)

    monkeypatch.setattr(train_weights, "Adam", Watched)
    train_weights.experiment.run(data=DIGITS, epochs=2, batch_size=batch_size)
    np.testing.assert_allclose(rates, 0.003 * np.arange(2 * batches, 0, -1) / (2 * batches))


def test_weights_are_judged_wherever_they_are_written(tmp_path):
    """`Experiment` judges runs whose settings equal the default ones."""
    assert train_weights.Config(weights=str(tmp_path / "w.npz")) == train_weights.Config()
    for path in (tmp_path / "nowhere" / "w.npz", tmp_path):
        with pytest.raises(ValueError, match="weights must be a file in a folder that exists"):
            train_weights.Config(weights=str(path))


def test_weights_are_written_where_told_and_nowhere_else(monkeypatch, tmp_path):
    before = FILE.read_bytes()
    monkeypatch.chdir(tmp_path)
    trained = train_weights.experiment.run(data=DIGITS, epochs=1)
    assert [*tmp_path.iterdir()] == []
    train_weights.experiment.run(data=DIGITS, epochs=1, weights="mine.npz")
    written = load_arrays(tmp_path / "mine.npz")
    assert written.keys() == SHAPES.keys()
    for key, array in trained.params.items():
        np.testing.assert_array_equal(written[key], array)
    assert FILE.read_bytes() == before


@pytest.mark.slow
def test_training_on_mnist_gives_weights_like_the_files(mnist):
    result = train_weights.experiment.run(data=mnist)
    ours, file = (
        np.mean(neuralnet_mnist.classify_batches(params, mnist.x_test, 100) == mnist.t_test)
        for params in (result.params, load_arrays(FILE))
    )
    assert ours == pytest.approx(file, abs=0.003)
