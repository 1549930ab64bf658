"""One convolution, computed in many ways, and the time of each."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ch07_cnn import seven_loops
from ch07_cnn.seven_loops import IM2COL, IN_PYTHON, experiment
from dlbasics.experiment import LEFT_OUT
from dlbasics.layers import Convolution

LOOPS = {**seven_loops.CHANNELS_FIRST, **seven_loops.CHANNELS_LAST}
BRIEF = {"images": 1, "channels": 1, "filters": 2, "rounds": 3}


@pytest.fixture
def without_compiler(monkeypatch):
    """The loops run as Python code, in the place of compiled ones."""
    monkeypatch.setitem(sys.modules, "numba", SimpleNamespace(njit=lambda loops: loops))


@pytest.mark.parametrize("name", [*seven_loops.BY_NUMPY, *LOOPS])
def test_each_way_computes_what_the_layer_computes(name, without_compiler):
    """The sizes all differ here, so that none can stand for another."""
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((2, 3, 6, 9)), rng.standard_normal((5, 3, 4, 2))
    found = (seven_loops.by_numpy(x, W) | seven_loops.compiled(x, W))[name]()
    np.testing.assert_allclose(found, Convolution(W, None).forward(x), rtol=1e-12, atol=1e-12)


def test_a_wrong_number_in_any_way_shows(without_compiler, monkeypatch):
    assert {*experiment.run(**BRIEF).differences.values()} == {0}
    right = seven_loops.four_pixels

    def wrong(x, W):
        y = right(x, W)
        y[0, 3, 5, 1] += 7
        return y

    monkeypatch.setitem(seven_loops.CHANNELS_LAST, "compiled, the same for four pixels", wrong)
    result = experiment.run(**BRIEF)
    assert [name for name, value in result.differences.items() if value] == [*LOOPS][-1:]
    assert experiment.claims[0].value(result) == 7


def test_a_time_is_the_median_without_the_first_call_which_compiles(monkeypatch):
    """By a clock that ticks once at each look, and more often in each call of a function."""
    ticks = [0]

    def clock():
        ticks[0] += 1
        return float(ticks[0])

    def njit(loops):
        calls = iter([1_000, 10, 500, 20])

        def function(x, W):
            ticks[0] += next(calls)
            return loops(x, W)

        return function

    monkeypatch.setitem(sys.modules, "numba", SimpleNamespace(njit=njit))
    monkeypatch.setattr(seven_loops, "time", SimpleNamespace(perf_counter=clock))
    seconds = experiment.run(**BRIEF).seconds
    by_numpy = dict.fromkeys([IN_PYTHON, *seven_loops.BY_NUMPY], 1)
    assert seconds == by_numpy | dict.fromkeys(LOOPS, 21)


@pytest.mark.extra
def test_compiled_loops_compute_the_same_numbers():
    pytest.importorskip("numba")
    result = experiment.run(images=2, channels=3, filters=5, rounds=1)
    assert [*result.differences] == [*result.seconds]
    assert result.differences.keys() == {IN_PYTHON, *seven_loops.BY_NUMPY, *LOOPS}
    assert {*result.differences.values()} == {0}


def test_without_numba_the_compiled_loops_are_left_out(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "numba", None)
    result = experiment.run(**BRIEF)
    assert capsys.readouterr().out.count("\n") == 1
    assert result.seconds.keys() == {IN_PYTHON, *seven_loops.BY_NUMPY}
    left_out = [claim for claim in experiment.claims if claim.value(result) is LEFT_OUT]
    assert [claim.text.partition(": ")[2] for claim in left_out] == [*LOOPS]
    (axes,) = seven_loops.plot(result)["time"].axes
    assert len(axes.texts) == 4


def test_claims_and_figure_show_the_times():
    seconds = {IN_PYTHON: 2.468, IM2COL: 0.002, "compiled, a row innermost": 0.0013}
    result = seven_loops.Result({IN_PYTHON: 1.0, IM2COL: 3.0}, seconds)
    found = {claim.text.partition(": ")[2]: claim.value(result) for claim in experiment.claims}
    assert found.pop("") == 3
    assert found[IN_PYTHON] == 1200
    assert found["compiled, a row innermost"] == 0.65
    assert [value for value in found.values() if value is not LEFT_OUT] == [1200, 0.65]
    (axes,) = seven_loops.plot(result)["time"].axes
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == [
        "2,500 ms, 1,200 times im2col",
        "2 ms",
        "1.3 ms, 0.65 times im2col",
    ]
    points = [line.get_xdata()[0] for line in axes.lines[1:]]
    assert points == pytest.approx([2468, 2, 1.3])
