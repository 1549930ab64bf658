"""The share of the time that each layer takes."""

from types import SimpleNamespace

import pytest

from ch08_deep import where_time_goes
from ch08_deep.where_time_goes import experiment
from dlbasics._internal.fast import convolution
from dlbasics.layers import Pooling
from tests.helpers import few_digits

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
    wanted = {"Conv": 0.5, "Relu": 0.3, "Pool": 0.1, "Affine": 0.1}
    assert shares == pytest.approx(wanted)
    values = [claim.value(where_time_goes.Result(TIMES)) for claim in experiment.claims]
    assert values == [pytest.approx([0.5, 0.3]), pytest.approx([0.75, 0.25])]


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_a_slow_layer_is_seen_where_it_is_slow(way, monkeypatch):
    """By a clock that ticks once at each look, and a hundred times in the slow pass."""
    ticks = [0]

    def clock():
        ticks[0] += 1
        return float(ticks[0])

    right = getattr(Pooling, way)

    def slow(self, *args):
        ticks[0] += 100
        return right(self, *args)

    monkeypatch.setattr(where_time_goes, "time", SimpleNamespace(perf_counter=clock))
    monkeypatch.setattr(Pooling, way, slow)
    result = experiment.run(data=few_digits(), batch_size=5, repeats=2)
    for passes in result.seconds.values():
        assert list(passes["forward"]) == list(passes["backward"])
        for name, seconds in passes.items():
            slow_ones = {layer for layer, value in seconds.items() if value == 101}
            pooling = {layer for layer in seconds if layer.startswith("Pool")}
            assert slow_ones == (pooling if name == way else set())
            assert {value for layer, value in seconds.items() if layer not in slow_ones} == {1}


def test_the_first_layers_dx_is_not_part_of_the_time(monkeypatch):
    def backward(self, dout):
        raise AssertionError("the first layer needs no dx")

    network = where_time_goes.SimpleConvNet(rng=0)
    monkeypatch.setattr(convolution, "backward", backward)
    x, t = few_digits().x_train[:5].reshape(-1, 1, 28, 28), few_digits().t_train[:5]
    seconds = where_time_goes.layer_seconds(network, x, t, 1, iter)
    assert all(value > 0 for times in seconds.values() for value in times.values())


def test_figure_8_14_has_two_bars_for_each_layer_from_the_first_layer_down():
    panels = where_time_goes.plot(where_time_goes.Result(TIMES))["figure_8_14"].axes
    for axes, (network, both) in zip(panels, TIMES.items(), strict=True):
        shares = [v / sum(seconds.values()) for seconds in both.values() for v in seconds.values()]
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(shares)
        assert [text.get_text() for text in axes.texts] == [f"{share:.0%}" for share in shares]
        assert [label.get_text() for label in axes.get_yticklabels()] == list(both["forward"])
        assert axes.yaxis_inverted()
        assert axes.get_title().startswith(f"{network}: forward ")
    assert panels[0].get_xlim() == panels[1].get_xlim()
    texts = [text.get_text() for text in panels[1].get_legend().get_texts()]
    assert texts == ["forward", "backward"]
