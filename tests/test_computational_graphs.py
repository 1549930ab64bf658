"""The computational graphs of chapter 5: what flows through them, and that they can be read."""

import re

import numpy as np
import pytest

from ch05_backprop import computational_graphs
from ch05_backprop.computational_graphs import (
    AFFINE_BATCH,
    APPLES,
    BATCH_NORM,
    CLAIMS,
    FIGURES,
    SIGMOID,
    Config,
)
from ch05_backprop.graph import Graph, Input, Node
from ch05_backprop.graph_drawing import draw
from dlbasics import experiment
from dlbasics.layers import Affine, BatchNorm, Sigmoid, SoftmaxWithLoss

GRAPHS = list({id(figure.graph): figure.graph for figure in FIGURES.values()}.values())
FORMULAS = {
    "exp": np.exp,
    "log": np.log,
    "mean": np.mean,
    "outer": np.outer,
    "Σ": lambda x: np.sum(x, axis=0),
}


@pytest.fixture(scope="module")
def result():
    return computational_graphs.run(Config())


def test_all_claims_hold(result):
    verdicts = experiment.judge(CLAIMS, result)
    assert all(verdict.holds for verdict in verdicts), verdicts


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title)
def test_derivatives_are_those_of_central_differences(graph):
    flow, h = graph.run(), 1e-5
    outputs = graph.outputs
    for i, edge in enumerate(graph.inputs):
        value = np.asarray(edge.value, float)
        numerical = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            ends = []
            for step in (h, -h):
                moved = value.copy()
                moved[index] += step
                inputs = list(graph.inputs)
                inputs[i] = Input(edge.name, moved[()], edge.at)
                values = Graph(graph.title, inputs, graph.nodes).run().values
                ends.append(
                    sum(np.sum(values[name] * graph.upstream.get(name, 1.0)) for name in outputs)
                )
            numerical[index] = (ends[0] - ends[1]) / (2 * h)
        found = flow.derivatives[edge.name]
        assert np.shape(found) == value.shape
        np.testing.assert_allclose(found, numerical, rtol=1e-6, atol=1e-6, err_msg=edge.name)


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title)
def test_the_formulas_are_what_flows(graph):
    flow = graph.run()
    names = FORMULAS | flow.values | dict(graph.symbols)
    names["g"] = flow.derivatives[graph.outputs[0]]
    for formulas, found in (
        (graph.values, flow.values),
        (graph.derivatives, flow.derivatives),
    ):
        for edge, formula in formulas.items():
            expected = eval(formula, {"__builtins__": {}}, names)
            np.testing.assert_allclose(
                found[edge], expected, rtol=1e-6, atol=1e-12, err_msg=f"{edge}: {formula}"
            )


def test_sigmoid_step_by_step_is_the_layer():
    layer, flow = Sigmoid(), SIGMOID.run()
    assert layer.forward(np.array([np.log(4)])) == pytest.approx(flow.values["y"])
    assert layer.backward(np.array([2.0])) == pytest.approx(flow.derivatives["x"])


def test_affine_of_a_batch_is_the_layer():
    X, W, B = (edge.value.astype(float) for edge in AFFINE_BATCH.inputs)
    layer, flow = Affine(W, B), AFFINE_BATCH.run()
    np.testing.assert_allclose(layer.forward(X), flow.values["Y"])
    np.testing.assert_allclose(
        layer.backward(AFFINE_BATCH.upstream["Y"].astype(float)), flow.derivatives["X"]
    )
    np.testing.assert_allclose(layer.dW, flow.derivatives["W"])
    np.testing.assert_allclose(layer.db, flow.derivatives["B"])


def test_batch_normalization_is_the_layer():
    x = BATCH_NORM.inputs[0].value[:, None]
    layer, flow = BatchNorm(np.array([1.5]), np.array([0.6])), BATCH_NORM.run()
    np.testing.assert_allclose(layer.forward(x)[:, 0], flow.values["y"], rtol=1e-12)
    dx = layer.backward(BATCH_NORM.upstream["y"][:, None])
    np.testing.assert_allclose(dx[:, 0], flow.derivatives["x"], rtol=1e-9)
    np.testing.assert_allclose(layer.dgamma, flow.derivatives["γ"])
    np.testing.assert_allclose(layer.dbeta, flow.derivatives["β"])


@pytest.mark.parametrize("name", ["figure_5_33", "figure_A_1"])
def test_softmax_with_loss_is_the_layer(result, name):
    layer, flow = SoftmaxWithLoss(), result.flows[name]
    loss = layer.forward(np.log([[3.0, 2.0, 5.0]]), np.array([1]))
    assert loss == pytest.approx(flow.values["L"])
    found = [[flow.derivatives[f"a{k}"] for k in (1, 2, 3)]]
    np.testing.assert_allclose(layer.backward(), found, atol=1e-12)


def test_an_edge_that_is_needed_twice_must_branch():
    inputs = [Input("x", 2.0, (0, 0))]
    with pytest.raises(ValueError, match=r"takes 'x'.* \(branch it\)"):
        Graph("square", inputs, [Node("×", ["x", "x"], ["y"], (1, 0))])
    branched = Graph(
        "square",
        inputs,
        [
            Node("branch", ["x"], ["x1", "x2"], (1, 0)),
            Node("×", ["x1", "x2"], ["y"], (2, 0)),
        ],
    )
    assert branched.run().derivatives["x"] == 4.0


def test_edges_have_one_start_and_must_exist():
    x = Input("x", 2.0, (0, 0))
    with pytest.raises(ValueError, match=r"edges \['x'\] are given more than once"):
        Graph("twice", [x, x], [])
    with pytest.raises(ValueError, match="takes 'z', which no input"):
        Graph("missing", [x], [Node("exp", ["z"], ["y"], (1, 0))])


def test_unknown_figures_are_refused():
    with pytest.raises(ValueError, match=r"only must name figures.*'figure_9_9'"):
        Config(only=("figure_9_9",))


def corners(text):
    """The four corners of a text as it stands, turned, in pixels."""
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
    """Whether two convex shapes, in pixels, meet: no straight line runs between them."""
    edges = np.concatenate([np.roll(shape, -1, axis=0) - shape for shape in (first, second)])
    normals = np.stack([-edges[:, 1], edges[:, 0]])
    normals /= np.hypot(*normals)
    a, b = first @ normals, second @ normals
    apart = (a.max(axis=0) < b.min(axis=0) + margin) | (b.max(axis=0) < a.min(axis=0) + margin)
    return not apart.any()


def drawn_shapes(axes):
    """Texts, frames of nodes and arrows, in pixels."""
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


def test_formulas_are_drawn_as_one_writes_them():
    texts = [text.get_text() for text in draw(SIGMOID, SIGMOID.run()).axes[0].texts]
    assert "∂L/∂y · y² · exp(−x)\n0.32" in texts
    assert not any(re.search(r"\*|-|\bg\b", text) for text in texts)
