"""Chapter 6, dataset_normalization.py: the change of inputs, and what learns from them."""

import math

import numpy as np
import pytest

from ch06_techniques import dataset_normalization
from ch06_techniques.dataset_normalization import Result, experiment, normalized
from tests.ch06.helpers import assert_values
from tests.helpers import few_digits


def test_inputs_of_mean_0_and_variance_1_are_best_for_5_000_images_of_mnist(mnist):
    result = experiment.run(data=mnist, train_size=5_000)
    as_bytes, shares, normal, large = result.test_acc.values()
    assert as_bytes < 0.2 < large < shares - 0.2
    assert 0.8 < shares < normal - 0.02


def test_claims_read_the_numbers_they_name():
    numbers = [np.zeros(2), np.array([-1.0, 1.0]), np.array([-3.0, 7.0])]
    test_acc = {"from 0 to 255": 0.1, "from 0 to 1": 0.2, "normalized": 0.3, "wanted": 0.4}
    result = Result(numbers, {}, test_acc)
    assert_values(experiment.claims, result, (2, 25), 0.1, [0.2, 0.3], [0.3, 0.4])


@pytest.mark.parametrize("mean, variance", [(0, 1), (2, 25), (-3, 0.5)])
def test_normalized_numbers_have_the_mean_and_the_variance(mean, variance):
    x = np.random.default_rng(0).random((50, 3))
    y = normalized(x, x, mean, variance)
    assert y.mean() == pytest.approx(mean, abs=1e-12)
    assert y.var() == pytest.approx(variance)
    np.testing.assert_allclose(np.diff(y[0]) / np.diff(x[0]), math.sqrt(variance) / x.std())


def test_test_images_are_changed_as_training_images_are(monkeypatch):
    """With the mean and the variance of all training images, though only some are learned."""
    seen, draws = [], set()

    class Network:
        def accuracy(self, x, t):
            seen[-1].append(x)
            return 0.5

    def train(x, data, config, rng):
        seen.append([x])
        draws.add(rng.random())
        return Network(), [1.0]

    monkeypatch.setattr(dataset_normalization, "train", train)
    result = experiment.run(data=few_digits(), train_size=100)
    x, x_test = few_digits().x_train, few_digits().x_test
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


def test_figure_states_the_mean_and_the_variance_of_the_numbers():
    result = experiment.run(data=few_digits(), count=500, train_size=250, epochs=2)
    assert [len(losses) for losses in result.train_loss.values()] == [2 * 3] * 4
    drawn, normal, wanted = result.numbers
    assert len(drawn) == 500
    assert 0 <= drawn.min() < 0.05 < 0.95 < drawn.max() < 1
    np.testing.assert_allclose(5 * normal + 2, wanted)
    histogram, _ = experiment.plot(result)["numbers_and_loss"].axes
    texts = [text.get_text() for text in histogram.get_legend().texts]
    assert texts[1:] == ["mean 0.00, variance 1.00", "mean 2.00, variance 25.00"]
