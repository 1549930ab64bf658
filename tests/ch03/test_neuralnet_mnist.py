import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ch03_forward import neuralnet_mnist
from dlbasics import MultiLayerNet, softmax
from tests.ch03.helpers import FILE, SHAPES
from tests.helpers import few_digits

DIGITS = few_digits()
FEW = replace(DIGITS, x_test=DIGITS.x_test[:30], t_test=DIGITS.t_test[:30])


def test_samples_shown_of_mnist(mnist):
    result = neuralnet_mnist.experiment.run(data=mnist, repeats=1)
    assert result.accuracy >= 0.97
    first, wrong = result.first, result.wrong
    assert first.labels.tolist() == mnist.t_test[:5].tolist()
    assert first.predicted.tolist() == [7, 2, 1, 0, 4]
    assert len(wrong.labels) == 5
    assert (wrong.predicted != wrong.labels).all()
    assert ((wrong.probability > 0.1) & (wrong.probability <= 1)).all()


def test_batches_of_any_size_classify_alike():
    network = neuralnet_mnist.init_network()
    x = FEW.x_test[:25]
    alone = neuralnet_mnist.classify(network, x)
    assert alone.shape == (25,)
    for batch_size in (1, 7, 25, 100):
        batches = neuralnet_mnist.classify_batches(network, x, batch_size)
        assert batches.tolist() == alone.tolist()


def test_predict_gives_probabilities_of_the_network_in_layers():
    network = neuralnet_mnist.init_network()
    y = neuralnet_mnist.predict(network, DIGITS.x_test)
    layers = MultiLayerNet(784, [50, 100], 10, activation="sigmoid")
    layers.params = network
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, softmax(layers.predict(DIGITS.x_test)), atol=1e-6)
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("batch_size, batches_of_that", [(7, 5), (100, 1)])
def test_seconds_are_those_of_an_image(batch_size, batches_of_that, monkeypatch):
    """The clock moves on by a second for each batch, and once by 100, which the median hides.

    A batch of 100 images has no more than the 30 that there are.
    """
    now, calls = 0, itertools.count()

    def batches(network, x, size):
        nonlocal now
        now += math.ceil(len(x) / size) + 100 * (next(calls) == 1)
        return classify_batches(network, x, size)

    classify_batches = neuralnet_mnist.classify_batches
    monkeypatch.setattr(neuralnet_mnist, "classify_batches", batches)
    monkeypatch.setattr(neuralnet_mnist, "time", SimpleNamespace(perf_counter=lambda: now))
    result = neuralnet_mnist.experiment.run(data=FEW, batch_size=batch_size, repeats=3)
    counts = {1: 30, 2: 15, 5: 6, 7: 5, 10: 3, 20: 2, 30: 1}
    if batch_size == 100:
        del counts[7]
    assert result.seconds == pytest.approx({size: n / 30 for size, n in counts.items()})
    assert result.gain == pytest.approx(30 / batches_of_that)
    (axes,) = neuralnet_mnist.plot(result)["batches"].axes
    drawn = [(size, pytest.approx(n / 30 * 1e6)) for size, n in counts.items()]
    assert [tuple(point) for point in axes.lines[0].get_xydata()] == drawn


def test_a_row_of_wrong_samples_may_be_short():
    network = neuralnet_mnist.init_network()
    named = neuralnet_mnist.classify(network, FEW.x_test)
    named[0] = (named[0] + 1) % 10
    result = neuralnet_mnist.experiment.run(data=replace(FEW, t_test=named), repeats=1)
    assert len(result.wrong.labels) == 1
    axes = neuralnet_mnist.plot(result)["samples"].axes
    assert [bool(ax.images) for ax in axes] == [True] * 6 + [False] * 4
    assert axes[0].get_title().startswith(f"label {named[0]}\npredicted {(named[0] - 1) % 10}, ")


def test_the_weights_are_a_small_dict_of_float32_whatever_the_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    network = neuralnet_mnist.init_network()
    assert type(network) is dict
    assert {key: array.shape for key, array in network.items()} == SHAPES
    assert {array.dtype for array in network.values()} == {np.dtype(np.float32)}
    assert FILE.stat().st_size < 200_000
