"""A network in three precisions."""

import numpy as np
import pytest

from ch08_deep import half_float_network, train_deepnet
from ch08_deep.half_float_network import experiment
from dlbasics.layers import Convolution
from dlbasics.networks import DeepConvNet
from tests.helpers import failed, few_digits


@pytest.fixture(scope="module")
def result():
    return experiment.run(data=few_digits(), images=5)


def test_every_layer_computes_in_the_precision_asked_for(monkeypatch):
    seen = []
    right = Convolution.forward

    def forward(self, x, train_flg=True):
        y = right(self, x, train_flg)
        seen.append((x.dtype, self.W.dtype, y.dtype))
        return y

    monkeypatch.setattr(Convolution, "forward", forward)
    result = experiment.run(data=few_digits(), images=5)
    wanted = [(np.dtype(name),) * 3 for name in half_float_network.DTYPES for _ in range(6)]
    assert seen == wanted
    assert [y.dtype for y in result.scores.values()] == [dtype for dtype, _, _ in wanted[::6]]


def test_a_network_that_stays_in_float32_is_seen(monkeypatch):
    monkeypatch.setattr(train_deepnet.DeepConvNet, "astype", lambda network, dtype: network)
    monkeypatch.setattr(half_float_network, "trained_network", DeepConvNet)
    result = experiment.run(data=few_digits(), images=5)
    texts = [claim.text for claim in experiment.claims]
    assert {*texts[2:]} <= {verdict.text for verdict in failed(experiment.claims, result)}


def test_what_is_said_of_precisions_follows_from_the_scores(result):
    t = few_digits().t_test[:5]
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


def test_the_figure_of_precisions_has_accuracy_error_time_and_memory(result):
    panels = half_float_network.plot(result)["precisions"].axes
    shown = (result.accuracy, result.error, result.seconds, result.megabytes)
    for axes, values, unit in zip(panels, shown, (1, 1, 1e3, 1), strict=True):
        heights = [bar.get_height() for bar in axes.patches]
        assert heights == pytest.approx([unit * value for value in values.values()])
