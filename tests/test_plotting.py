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


@pytest.mark.parametrize("wrong", [None, 2, "x", [], {1}, object()])
def test_what_is_no_figure_no_axes_or_no_curves_is_an_error(wrong, figure, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "get_backend", lambda: "qtagg")
    for call in (
        lambda: plotting.mark(wrong, "words"),
        lambda: plotting.save(wrong, tmp_path / "figure.png"),
        lambda: plotting.show([wrong]),
    ):
        with pytest.raises(TypeError, match="figure must be a figure of matplotlib"):
            call()
    with pytest.raises(TypeError, match="axes must be axes of matplotlib"):
        plotting.draw_curves(wrong, {"a": [1, 2]})
    with pytest.raises(TypeError, match="series must be a dict of curves"):
        plotting.curves(wrong, xlabel="x", ylabel="y")
    with pytest.raises(ValueError, match=r"series must hold curves, .* got others for \['a'\]"):
        plotting.curves({"a": 5, "b": [1, 2]}, xlabel="x", ylabel="y")
    with pytest.raises(TypeError, match="markers must be True or False"):
        plotting.curves({"a": [1, 2]}, xlabel="x", ylabel="y", markers=wrong)
    for name in ("rows", "columns", "width", "height"):
        with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
            plotting.subplots(**{name: -1 if wrong == 2 else wrong})
    assert not [*tmp_path.iterdir()]
