"""Figures in one style."""

import numpy as np
import pytest

from dlbasics import plotting


@pytest.fixture
def figure():
    return plotting.curves({"a": [1, 2], "b": [2, 1]}, xlabel="x", ylabel="y")


def test_show_hands_the_figures_to_pyplot(figure, monkeypatch):
    import matplotlib.pyplot as plt

    plt.close("all")
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
    with pytest.raises(TypeError, match="accuracy must be True or False"):
        plotting.curves({"a": [1, 2]}, xlabel="x", ylabel="y", accuracy=wrong)
    with pytest.raises(TypeError, match="numbers must be a dict of numbers"):
        plotting.bars(wrong, xlabel="x")
    with pytest.raises(TypeError, match="axes must be axes of matplotlib"):
        plotting.accuracy_axis(wrong)
    with pytest.raises(TypeError, match="axis must be an axis of matplotlib, such as"):
        plotting.log_axis(wrong)
    for name in ("rows", "columns", "width", "height"):
        with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
            plotting.subplots(**{name: -1 if wrong == 2 else wrong})
    assert not [*tmp_path.iterdir()]


def test_a_curve_of_one_point_can_be_seen():
    axes = plotting.curves({"a": [0.25], "b": [0.5]}, x=[3], xlabel="x", ylabel="y").axes[0]
    assert [line.get_marker() for line in axes.lines] == ["o", "s"]
    assert [text.get_text() for text in axes.get_legend().texts] == ["a: 0.25", "b: 0.5"]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low < tick < high] == [3]


def test_curves_without_a_point_say_so():
    axes = plotting.curves({"a": [], "b": []}, xlabel="x", ylabel="y", accuracy=True).axes[0]
    assert [text.get_text() for text in axes.texts] == ["no numbers yet"]
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == 0
    assert not plotting.curves({}, xlabel="x", ylabel="y").axes[0].texts


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        ([0.015, 0.4], ["0.02", "0.05", "0.1", "0.2", "0.5"]),
        ([1e-3, 2.0, 1e3], ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
        ([2.0], ["0.5", "1", "2", "5", "10"]),
    ],
)
def test_a_logarithmic_axis_has_plain_numbers(y, labels):
    figure, axes = plotting.subplots()
    axes.plot(y, "o")
    plotting.log_axis(axes.yaxis)
    plotting.png(figure)
    assert axes.get_yscale() == "log" and axes.get_xscale() == "linear"
    low, high = axes.get_ylim()
    ticks = axes.yaxis.get_major_ticks()
    seen = [t.label1.get_text() for t in ticks if low < t.get_loc() < high]
    assert set(seen) <= set(labels) and len(seen) >= min(3, len(labels))
    assert not any(tick.label1.get_text() for tick in axes.yaxis.get_minor_ticks())


def test_bars_begin_at_0_and_show_their_numbers():
    axes = plotting.bars({"a": 0.25, "b": 0.5}, xlabel="x").axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.25", "0.5"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.5]
    assert axes.get_xlim()[0] == 0 and axes.get_xlabel() == "x"
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first bar is on top
    assert not plotting.bars({}, xlabel="x").axes[0].patches


@pytest.mark.parametrize(
    ("curves", "low", "begin", "end"),
    [
        ([[0.1, 0.9], [0.2, 1.0]], None, 0, 1.05),
        ([[0.3, 0.97], [0.5, 0.9]], None, 0, 1.0185),
        ([[0.6, 0.97]], None, 0.55, 0.991),
        ([[0.955, 0.975], [0.96, np.nan]], None, 0.95, 0.97625),
        ([[0.9012], [0.9034]], None, 0.9, 0.90357),
        ([[1.0, 1.0]], None, 0.995, 1.00025),
        ([[np.nan]], None, 0, 1.05),
        ([], None, 0, 1.05),
        ([[0.1, 0.95], [0.2, 0.97]], 0.9, 0.9, 0.9735),
        ([[0.1, 0.95], [0.2, 0.8]], 0.9, 0, 0.9975),  # a curve would vanish
    ],
)
def test_an_accuracy_axis_shows_the_differences(curves, low, begin, end):
    _, axes = plotting.subplots()
    plotting.draw_curves(axes, {str(i): y for i, y in enumerate(curves)})
    plotting.accuracy_axis(axes, "test accuracy", low=low)
    np.testing.assert_allclose(axes.get_ylim(), (begin, end), atol=1e-9)
    cut = f" (axis from {begin})" if begin else ""
    assert axes.get_ylabel() == f"test accuracy{cut}"
    assert all(tick <= 1 for tick in axes.get_yticks() if tick < end)


def test_panels_get_the_same_axis_and_bars_begin_at_0():
    _, grid = plotting.subplots(2, 2)
    for axes, y in zip(grid.flat, (0.9, 0.95, 0.96, 0.97), strict=True):
        axes.plot([y, y + 0.01])
    plotting.accuracy_axis(grid)
    assert len({axes.get_ylim() for axes in grid.flat}) == 1
    assert [axes.get_ylabel() for axes in grid.flat] == ["accuracy (axis from 0.895)", ""] * 2
    plotting.accuracy_axis(grid[0, 1])
    assert grid[0, 1].get_ylabel() == "accuracy (axis from 0.945)"
    grid[0, 0].bar([0], [0.9])
    plotting.accuracy_axis(grid)
    assert grid[1, 1].get_ylim()[0] == 0 and grid[0, 0].get_ylabel() == "accuracy"


FORMS = {
    "(N, H, W)": ((3, 4, 5), lambda x: x),
    "(N, 1, H, W)": ((3, 1, 4, 5), lambda x: x[:, 0]),
    "(N, 3, H, W)": ((3, 3, 4, 5), lambda x: x.transpose(0, 2, 3, 1)),
    "(N, D)": ((3, 16), lambda x: x.reshape(3, 4, 4)),
}


@pytest.mark.parametrize(("shape", "as_shown"), FORMS.values(), ids=FORMS)
def test_a_gallery_shows_each_image(shape, as_shown):
    x = np.random.default_rng(0).random(shape)
    figure = plotting.gallery(x, ["a", "b", "c"], columns=2, title="letters")
    shown = [axes for axes in figure.axes if axes.images]
    assert len(figure.axes) == 4 and figure.get_suptitle() == "letters"
    assert [axes.get_title() for axes in shown] == ["a", "b", "c"]
    for axes, image in zip(shown, as_shown(x), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
        assert axes.images[0].get_clim() == (0, 1)


@pytest.mark.parametrize(
    ("low", "high", "black", "white"),
    [(0, 1, 0, 1), (0, 200, 0, 255), (0.25, 0.5, 0, 1), (-2, 2, -2, 2), (10, 1000, 10, 1000)],
)
def test_what_is_black_and_what_is_white(low, high, black, white):
    x = np.linspace(low, high, 16).reshape(1, 4, 4)
    (axes,) = plotting.gallery(x, columns=1).axes
    found = axes.images[0].get_array()
    np.testing.assert_allclose(found, (x[0] - black) / (white - black), atol=1e-12)


def test_a_gallery_of_constant_or_no_images_is_one_too():
    for x in (np.full((1, 2, 2), -3.0), np.empty((0, 2, 2)), np.empty((0, 784))):
        assert len(plotting.gallery(x).axes) == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.ones((2, 5))}, r"images must have shape .* got \(2, 5\)"),
        ({"images": np.ones((2, 2, 4, 4))}, r"images must have shape .* got \(2, 2, 4, 4\)"),
        ({"images": np.ones(4)}, r"images must have shape .* got \(4,\)"),
        ({"titles": ["a"]}, "titles must be 2 texts, one for each image, got"),
        ({"titles": "ab"}, "titles must be 2 texts, one for each image, got 'ab'"),
        ({"titles": np.array([3, 5])}, "titles must be 2 texts, one for each image, got array"),
        ({"columns": 0}, "columns must be at least 1"),
    ],
)
def test_what_makes_no_gallery(changes, message):
    with pytest.raises(ValueError, match=message):
        plotting.gallery(**{"images": np.ones((2, 4, 4)), **changes})


@pytest.mark.parametrize("names", [None, ["zero", "one", "two"]])
def test_a_confusion_matrix_shows_counts_and_shares(names):
    matrix = np.array([[1, 3, 0], [0, 0, 0], [1000, 0, 1000]])
    figure = plotting.confusion_matrix(matrix, names)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == [*"130000", "1,000", "0", "1,000"]
    assert [text.get_position() for text in axes.texts][:2] == [(0, 0), (1, 0)]  # x is the guess
    shares = [[0.25, 0.75, 0], [0, 0, 0], [0.5, 0, 0.5]]
    np.testing.assert_array_equal(axes.images[0].get_array(), shares)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == (names or ["0", "1", "2"])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("guess", "label")
    plotting.mark(figure, "words")


def test_a_large_confusion_matrix_has_no_numbers():
    assert not plotting.confusion_matrix(np.eye(40)).axes[0].texts


@pytest.mark.parametrize(
    ("matrix", "names", "message"),
    [
        (np.ones((2, 3)), None, r"matrix must have shape \(K, K\), got \(2, 3\)"),
        (3, None, r"matrix must have shape \(K, K\), got \(\)"),
        (np.ones((0, 0)), None, r"matrix must have shape \(K, K\), got \(0, 0\)"),
        (np.eye(2), ["a"], "names must be 2 texts, one for each class, got"),
        (np.eye(2), "ab", "names must be 2 texts, one for each class, got 'ab'"),
    ],
)
def test_what_is_no_confusion_matrix(matrix, names, message):
    with pytest.raises(ValueError, match=message):
        plotting.confusion_matrix(matrix, names)
