"""Figures that a notebook shows as pictures, in a kernel that has not loaded pyplot."""

import copy
import pickle
import struct
import subprocess
import sys

import pytest

from dlbasics import plotting
from dlbasics._internal.figures import Figures
from dlbasics.experiment import Experiment
from dlbasics.history import History

PNG = b"\x89PNG\r\n\x1a\n"


def figure():
    return plotting.curves({"a": [1, 2]}, xlabel="x", ylabel="y")


def test_a_figure_is_a_picture():
    assert figure()._repr_png_().startswith(PNG)
    picture = plotting.png(figure())
    assert picture == figure()._repr_png_()
    assert struct.unpack(">II", picture[16:24]) == (600, 400)


def test_figures_by_name_are_a_dict_and_a_list_of_pictures():
    figures = Figures({"first": figure(), "a <b>": figure()})
    assert isinstance(figures, dict) and [*figures] == ["first", "a <b>"]
    html = figures._repr_html_()
    assert html.count("<img src='data:image/png;base64,iVBOR") == 2
    assert "<div>first<br>" in html and "<div>a &lt;b&gt;<br>" in html
    assert Figures()._repr_html_() == ""
    for again in (copy.copy(figures), pickle.loads(pickle.dumps(Figures(a=1)))):  # noqa: S301
        assert type(again) is Figures


def test_what_returns_figures_returns_such_ones():
    assert type(History([1.0], [0.1]).plot()) is Figures
    script = Experiment("T", lambda: {}, lambda result: {"a": figure()})
    assert type(script.plot({})) is type(Experiment("T", lambda: {}).plot({})) is Figures


@pytest.mark.long
def test_a_kernel_without_pyplot_shows_them():
    code = """
import sys
from dlbasics import History
history = History([1.0, 0.5], [0.1, 0.1], [0.5], [0.5], [1.0])
assert history.plot()["loss"]._repr_png_()[1:4] == b"PNG"
assert "<img" in history.plot()._repr_html_() and "<img" in history._repr_html_()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
