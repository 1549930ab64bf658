import re

import numpy as np
import pytest

from ch05_backprop.computational_graphs import APPLES, SIGMOID
from ch05_backprop.graph import Graph, Input, Node
from ch05_backprop.graph_drawing import draw
from tests.ch05.helpers import GRAPHS

pytestmark = pytest.mark.long


def corners(text):
    """Return the four corners of a text, which may be rotated, in pixels."""
    angle = text.get_rotation()
    text.set_rotation(0)
    box = text.get_window_extent()
    text.set_rotation(angle)
    anchor = text.axes.transData.transform(text.get_position())
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shape = np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    return (shape - anchor) @ matrix.T + anchor


def overlap(first, second, margin=1.0):
    """Return whether two convex shapes, in pixels, meet: no straight line separates them."""
    edges = np.concatenate([np.roll(shape, -1, axis=0) - shape for shape in (first, second)])
    normals = np.stack([-edges[:, 1], edges[:, 0]])
    normals /= np.hypot(*normals)
    a, b = first @ normals, second @ normals
    apart = (a.max(axis=0) < b.min(axis=0) + margin) | (b.max(axis=0) < a.min(axis=0) + margin)
    return not apart.any()


def drawn_shapes(axes):
    """Return texts, frames of nodes and arrows, in pixels."""
    to_pixels, dpi = axes.transData.transform, axes.figure.dpi
    texts = {(i, text.get_text()): corners(text) for i, text in enumerate(axes.texts)}
    texts = {key: shape for key, shape in texts.items() if key[1]}
    circle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    nodes = [to_pixels(patch.get_xy()[:-1]) for patch in axes.patches]
    arrows = []
    for line in axes.lines:
        points = to_pixels(line.get_xydata())
        if line.get_marker() == "o":
            radius = line.get_markersize() / 2 * dpi / 72
            nodes.append(points[0] + radius * np.column_stack([np.cos(circle), np.sin(circle)]))
        else:
            arrows += [points[i : i + 2] for i in range(len(points) - 1)]
    return texts, nodes, arrows


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title)
def test_nothing_overlaps(graph):
    """With all derivatives; a figure that shows fewer of them has less to overlap."""
    figure = draw(graph, graph.run())
    texts, nodes, arrows = drawn_shapes(figure.axes[0])
    width, height = figure.get_size_inches() * figure.dpi
    assert width < 11.4 * figure.dpi, "a page shows it so small that nobody can read it"
    operations = [node.operation for node in graph.nodes]
    for key, text in texts.items():
        assert text.min() >= 0
        assert (text.max(axis=0) <= (width, height)).all(), f"{key} is cut off"
        for other, shape in texts.items():
            assert key <= other or not overlap(text, shape), f"{key} overlaps {other}"
        assert not any(overlap(text, arrow) for arrow in arrows), f"{key} lies on an arrow"
        touched = sum(overlap(text, node) for node in nodes)
        assert touched == (key[1] in operations), f"{key} lies on a node"


def test_the_check_for_overlaps_sees_them():
    axes = draw(APPLES, APPLES.run()).axes[0]
    (place,) = [text.get_position() for text in axes.texts if text.get_text() == "220"]
    axes.text(*place, "on it", rotation=30)
    texts, nodes, arrows = drawn_shapes(axes)
    shapes = {key[1]: shape for key, shape in texts.items()}
    assert overlap(shapes["220"], shapes["on it"])
    assert not overlap(shapes["220"], shapes["200"])
    assert len(nodes) == 2
    assert len(arrows) == 2 * 5
    across = np.array([shapes["220"][0] - 5, shapes["220"][2] + 5])
    assert overlap(shapes["220"], across)


def test_formulas_are_drawn_as_people_write_them():
    texts = [text.get_text() for text in draw(SIGMOID, SIGMOID.run()).axes[0].texts]
    assert "∂L/∂y · y² · exp(−x)\n0.32" in texts
    assert not any(re.search(r"\*|-|\bg\b", text) for text in texts)


def test_an_edge_that_breaks_off_begins_again_with_its_name():
    nodes = [Node("exp", ["x"], ["p"], (2, 0)), Node("x²", ["p"], ["y"], (2, -2))]
    graph = Graph("two rows", [Input("x", 0.0, (0, 0))], nodes, breaks={"p": (0.3, -2)})
    axes = draw(graph, graph.run()).axes[0]
    routes = [line.get_xydata().round(1).tolist() for line in axes.lines]
    assert [[2.2, 0.0], [3.3, 0.0]] in routes
    assert [[0.3, -2.0], [1.8, -2.0]] in routes
    (name,) = [text for text in axes.texts if text.get_text() == "p"]
    assert name.get_position() == pytest.approx((0.24, -2))
