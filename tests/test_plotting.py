"""Figures in one style."""

import pytest

from dlbasics import plotting


@pytest.fixture
def figure():
    return plotting.curves({"a": [1, 2], "b": [2, 1]}, xlabel="x", ylabel="y")


def test_show_hands_the_figures_to_pyplot(figure, monkeypatch):
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "get_backend", lambda: "qtagg")
    monkeypatch.setattr(plt, "show", lambda: shown.extend(map(plt.figure, plt.get_fignums())))
    assert plotting.show([figure])
    assert shown == [figure]
    plt.close("all")


def test_a_mark_stands_below_everything_else(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    plotting.mark(figure, "some words")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    words = [t for t in figure.texts if t.get_text() == "some words"]
    assert len(words) == 1
    box = words[0].get_window_extent(renderer)
    axes = figure.axes[0].get_tightbbox(renderer)
    assert box.y1 <= axes.y0
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert box.y0 >= 0


def test_a_mark_takes_no_room_from_the_figure(figure):
    height = figure.get_figheight()
    plotting.mark(figure, "some words")
    assert figure.get_figheight() > height + 0.2
