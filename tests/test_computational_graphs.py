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
from ch05_backprop.exercises import EXERCISES
from ch05_backprop.graph import Graph, Input, Node
from ch05_backprop.graph_drawing import BACKWARD, draw
from dlbasics import experiment
from dlbasics.layers import Affine, BatchNorm, Sigmoid, SoftmaxWithLoss

GRAPHS = list({id(figure.graph): figure.graph for figure in FIGURES.values()}.values())
GRAPHS += EXERCISES.values()
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
            expected = eval(formula.rpartition("= ")[2], {"__builtins__": {}}, names)
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


def drawn(name):
    """The title, the black and the red labels, sorted, and where the red arrows begin and end."""
    result = computational_graphs.run(Config(only=(name,)))
    (axes,) = computational_graphs.plot(result)[name].axes
    *texts, title = [text for text in axes.texts if text.get_text()]
    names = {text.get_text() for text in texts if text.get_fontsize() == 10}
    labels = [text for text in texts if text.get_fontsize() == 9]
    red = [text.get_text() for text in labels if text.get_color() == BACKWARD]
    black = [text.get_text() for text in labels if text.get_color() == "black"]
    ways = [line.get_xydata() for line in axes.lines if line.get_color() == BACKWARD]
    heads = [text.xy for text in axes.texts if not text.get_text() and text.arrow_patch is not None]
    assert all(any(np.allclose(way[-1], head) for head in heads) for way in ways)
    assert {"×", "x", "a₁", "apple", "X", "number of apples"} & names
    return title.get_text(), sorted(black), sorted(red), ways


def test_figure_5_5_shows_one_way_back():
    title, black, red, ways = drawn("figure_5_5")
    assert title == "Buying two apples, tax included: a yen more for an apple"
    assert black == ["1.1", "100", "2", "200", "220"]
    assert red == ["1", "1.1", "2.2"]
    assert all(way[-1][0] < way[0][0] for way in ways), "derivatives flow to the left"


def test_figure_5_15_is_an_exercise():
    title, black, red, _ = drawn("figure_5_15")
    assert title.endswith("fill in the brackets")
    assert [text for text in black if "(" not in text] == ["1.1", "100", "150", "2", "3"]
    assert len(black) == len(red) == 9
    assert {text.replace(" ", "") for text in red} == {"()"}


def test_figures_5_19_to_5_23_go_one_step_further_each():
    reds = [drawn(f"figure_5_{number}")[2] for number in range(19, 24)]
    assert [len(red) for red in reds] == [0, 2, 3, 4, 5]
    assert reds[1] == ["∂L/∂y\n2", "−∂L/∂y · y²\n−1.28"]
    assert set(reds[4]) - set(reds[3]) == {"∂L/∂y · y² · exp(−x)\n0.32"}


def test_figure_5_30_shows_matrices_row_by_row():
    _, black, red, _ = drawn("figure_5_30")
    assert "X · W\n(5, 11, 17)\n(11, 25, 39)" in black
    assert "Xᵀ · ∂L/∂Y\n(1, 6, 2)\n(2, 8, 2)" in red
    assert "∂L/∂Y · Wᵀ\n(−4, −4)\n(11, 14)" in red


def test_figures_a_6_to_a_11_go_back_through_softmax_step_by_step():
    reds = [drawn(f"figure_A_{number}")[2] for number in range(6, 12)]
    new = [set(after) - set(before) for before, after in zip([[], *reds], reds, strict=False)]
    assert new == [
        {"−t₁ / y₁\n0", "−t₂ / y₂\n−5", "−t₃ / y₃\n0"},
        {"−t₁ · S\n0", "−t₂ · S\n−10", "−t₃ · S\n0"},
        {"−S · (t₁ + t₂ + t₃)\n−10", "(t₁ + t₂ + t₃) / S\n0.1"},
        {"1 / S\n0.1"},
        {"−t₁ / exp(a₁)\n0", "−t₂ / exp(a₂)\n−0.5", "−t₃ / exp(a₃)\n0"},
        {"1 / S − t₁ / exp(a₁)\n0.1", "1 / S − t₂ / exp(a₂)\n−0.4", "1 / S − t₃ / exp(a₃)\n0.1"}
        | {"y₁ − t₁\n0.3", "y₂ − t₂\n−0.8", "y₃ − t₃\n0.5"},
    ]


def test_misspelt_graphs_are_refused():
    x, node = Input("x", 2.0, (0, 0)), Node("exp", ["x"], ["y"], (1, 0))
    with pytest.raises(ValueError, match="there is no operation 'sin'"):
        Graph("sine", [x], [Node("sin", ["x"], ["y"], (1, 0))])
    for wrong in ({"upstream": {"Y": 5}}, {"values": {"z": "x"}}, {"upstream": {"x": 1}}):
        with pytest.raises(ValueError, match="are no edges, or not at the end"):
            Graph("wrong", [x], [node], **wrong)
    with pytest.raises(ValueError, match=r"no node takes the inputs \['u'\]"):
        Graph("unused", [x, Input("u", 1.0, (0, 1))], [node])


def test_a_row_that_is_repeated_gets_the_sum():
    graph = Graph(
        "repeat",
        [Input("A", np.ones((2, 3)), (0, 1)), Input("b", np.arange(3.0), (0, 0))],
        [Node("+", ["A", "b"], ["y"], (1, 0))],
        upstream={"y": np.arange(6.0).reshape(2, 3)},
    )
    np.testing.assert_array_equal(graph.run().derivatives["b"], [3.0, 5.0, 7.0])
