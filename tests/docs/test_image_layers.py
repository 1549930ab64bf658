"""docs/layers: the pages of convolution, im2col, pooling and the other layers for images."""

import re
from itertools import chain
from textwrap import indent
from unittest.mock import patch

import numpy as np
import pytest

from ch05_backprop.nodes import OPERATIONS
from dlbasics import (
    AveragePooling,
    Convolution,
    Flatten,
    LocalResponseNorm,
    Pooling,
)
from tests.ch05.helpers import check_formulas
from tests.ch05.test_graph_drawing import test_nothing_overlaps as check_nothing_overlaps
from tests.ch05.test_nodes import (
    test_derivatives_are_those_of_central_differences as check_derivatives,
)
from tests.docs.pages import HEADINGS, LAYERS, blocks, drawing_program, functions
from tests.helpers import ROOT

with patch.dict(OPERATIONS):  # the program adds nodes, which chapter 5's tests must not find
    draw_images = drawing_program("draw_images")
    NODES = dict(OPERATIONS)

GRAPHS, PICTURES = draw_images.GRAPHS, draw_images.PICTURES
PAGES = ["convolution", "im2col", "local_response_norm", "pooling", "reshape", "residual"]


@pytest.fixture(autouse=True)
def nodes():
    with patch.dict(OPERATIONS, NODES):
        yield


def text_of(page):
    return (LAYERS / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_have_the_same_headings(page):
    text = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    own = {"Windows become rows", "Why the product is the convolution", "What it costs"}
    assert [h for h in re.findall(r"^## (.*)$", text, re.MULTILINE) if h not in own] == HEADINGS


@pytest.mark.parametrize("page", PAGES)
def test_the_code_on_a_page_is_that_of_the_library(page):
    compared = 0
    for path, code in re.findall(
        r"^<!-- not run: these lines are from (\S+) -->\n```python\n(.*?)^```$",
        text_of(page),
        re.MULTILINE | re.DOTALL,
    ):
        program = (ROOT / path).read_text(encoding="utf-8")
        ours = functions(program)
        shown = functions(code)
        for name, text in shown.items():
            assert text in [ours[key] for key in ours if f".{key}".endswith(f".{name}")], name
        if not shown:
            assert indent(code, "    ") in program, code
        compared += 1
    assert compared == sum(not block.runs for block in blocks(LAYERS / f"{page}.md")) > 0


def test_every_picture_is_shown_and_every_picture_that_is_shown_is_drawn():
    shown = [
        name for page in PAGES for name in re.findall(r"\]\(figures/(\w+).png\)", text_of(page))
    ]
    assert sorted(shown) == sorted(PICTURES)


def test_every_picture_is_there_and_small():
    for name in PICTURES:
        assert 0 < (LAYERS / "figures" / f"{name}.png").stat().st_size <= 60_000


@pytest.mark.long
def test_the_command_draws_every_picture(tmp_path):
    pytest.importorskip("PIL")
    draw_images.draw_all(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == PICTURES.keys()


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_right_and_nothing_in_it_overlaps(name):
    check_formulas(GRAPHS[name])
    check_derivatives(GRAPHS[name])
    check_nothing_overlaps(GRAPHS[name])


@pytest.mark.parametrize("name", sorted(PICTURES.keys() - GRAPHS.keys()))
def test_no_text_of_a_drawing_overlaps_another_or_is_cut_off(name):
    figure = PICTURES[name]()
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    low, high = np.array([box.min for box in boxes]), np.array([box.max for box in boxes])
    assert low.min() >= 0
    assert (high <= figure.get_size_inches() * figure.dpi).all()
    begins_before = (low[:, np.newaxis] + 1 < high).all(axis=2)
    first, second = np.nonzero(np.triu(begins_before & begins_before.T, 1))
    assert [(texts[i], texts[j]) for i, j in zip(first, second, strict=True)] == []


def numbers_in_frames(name):
    """Return for each color the numbers in each of its frames, in the order of drawing."""
    (axes,) = PICTURES[name]().axes
    numbers = {}
    for text in axes.texts:
        if re.fullmatch(r"-?[\d.]+", text.get_text()):
            numbers[text.get_position()] = float(text.get_text())
    found = {color: [] for color in draw_images.COLORS}
    for line in axes.lines:
        (left, top), (right, bottom) = line.get_xydata().min(axis=0), line.get_xydata().max(axis=0)
        inside = [(y, x) for x, y in numbers if left < x < right and top < y < bottom]
        if line.get_color() in found:
            found[line.get_color()].append([numbers[x, y] for y, x in sorted(inside)])
    return found


@pytest.mark.parametrize(
    ("name", "count"),
    {
        "im2col_one_channel": 1,
        "im2col_channels": 2,
        "im2col_batch": 2,
        "im2col_stride": 1,
        "im2col_pad": 1,
        "im2col_rows_to_images": 2,
        "im2col_col2im": 1,
    }.items(),
)
def test_windows_and_rows_of_a_color_hold_the_same_numbers(name, count):
    """The first `count` frames of a color, which is a window's, are what the others are made of."""
    frames = numbers_in_frames(name)
    for color, each in frames.items():
        first, others = [*chain(*each[:count])], [*chain(*each[count:])]
        assert first == others != [], color
    assert len({str(each) for each in frames.values()}) == len(draw_images.COLORS)


def test_col2im_is_the_sum_of_the_windows_and_x_times_their_number():
    (axes,) = PICTURES["im2col_col2im"]().axes
    numbers = [float(t.get_text()) for t in axes.texts if t.get_text().isdigit()]
    rows, windows, rest = numbers[:16], numbers[16:32], np.reshape(numbers[32:], (4, 3, 3))
    total, x, counts, again = rest
    assert rows == windows
    np.testing.assert_array_equal(x.ravel(), np.arange(1, 10))
    np.testing.assert_array_equal(total, x * counts)
    np.testing.assert_array_equal(total, again)
    assert total.sum() == sum(rows)


def test_the_shaded_pixels_are_those_of_the_column():
    (axes,) = PICTURES["im2col_columns_at_once"]().axes
    numbers = {
        text.get_position(): float(text.get_text())
        for text in axes.texts
        if text.get_text().isdigit()
    }
    shaded = {}
    for patch_ in axes.patches:
        middle = patch_.get_xy()[:4].mean(axis=0)
        shaded.setdefault(patch_.get_facecolor(), []).append(numbers[tuple(middle)])
    assert len(shaded) == 4
    for each in shaded.values():
        assert each[:4] == each[4:]


@pytest.mark.parametrize("name", ["convolution_gradients", "convolution_stride"])
def test_the_marked_pixel_is_the_sum_over_the_marked_window(name):
    marked = numbers_in_frames(name)[draw_images.COLORS[1]]
    assert len(marked) in (3, 6)
    for window, weights, (pixel,) in zip(marked[::3], marked[1::3], marked[2::3], strict=True):
        assert np.dot(window, weights) == pixel


@pytest.mark.parametrize("name, reduce", [("pooling_max", max), ("pooling_average", np.mean)])
def test_a_pooled_pixel_has_the_color_of_its_window(name, reduce):
    for window, (y,), dwindow, (dout,) in numbers_in_frames(name).values():
        assert reduce(window) == y
        assert sum(dwindow) == dout


def batch(values):
    return np.array(values, float)[np.newaxis]


LAYER_OF = {
    "convolution_graph": lambda v: Convolution(batch(batch(v["W"])), np.array(v["b"], float)),
    "convolution_small": lambda v: Convolution(
        np.array([v["w1"], v["w2"]], float).reshape(1, 1, 1, 2), None
    ),
    "pooling_max_graph": lambda v: Pooling(2, 2),
    "pooling_average_graph": lambda v: AveragePooling(2, 2),
    "local_response_norm_graph": lambda v: LocalResponseNorm(3, v[draw_images.ALPHA], 0.5, v["k"]),
    "reshape_graph": lambda v: Flatten(),
}
"""For a graph: the layer that computes the same, made from the values of the graph's edges."""


@pytest.mark.parametrize("name", LAYER_OF)
def test_a_graph_is_the_layer(name):
    flow, graph = GRAPHS[name].run(), GRAPHS[name]
    layer = LAYER_OF[name](flow.values)
    pixels = sorted(edge.name for edge in graph.inputs if edge.name.startswith("x"))
    shape = {
        "convolution_graph": (1, 1, 4, 4),
        "convolution_small": (1, 1, 1, 3),
        "local_response_norm_graph": (1, 5, 1, 1),
        "reshape_graph": (1, 2, 2, 2),
    }.get(name, (1, 1, 2, 2))
    x = np.array([flow.values[pixel] for pixel in pixels], float).reshape(shape)
    y = layer.forward(x)
    np.testing.assert_allclose(y.ravel(), np.ravel([flow.values[end] for end in graph.outputs]))
    dout = np.array([flow.derivatives[end] for end in graph.outputs], float).reshape(y.shape)
    dx = layer.backward(dout)
    np.testing.assert_allclose(dx.ravel(), np.ravel([flow.derivatives[pixel] for pixel in pixels]))
