import numpy as np
import pytest

from ch05_backprop.graph import Graph, Input, Node
from tests.ch05.helpers import GRAPHS, check_formulas

X, EXP = Input("x", 2.0, (0, 0)), Node("exp", ["x"], ["y"], (1, 0))


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title)
def test_the_formulas_give_what_flows(graph):
    check_formulas(graph)


def test_a_row_that_numpy_repeats_gets_the_sum_of_the_derivatives():
    graph = Graph(
        "repeat",
        [Input("A", np.ones((2, 3)), (0, 1)), Input("b", np.arange(3.0), (0, 0))],
        [Node("+", ["A", "b"], ["y"], (1, 0))],
        upstream={"y": np.arange(6.0).reshape(2, 3)},
    )
    np.testing.assert_array_equal(graph.run().derivatives["b"], [3.0, 5.0, 7.0])


def test_an_edge_that_two_nodes_take_must_branch():
    branch = Node("branch", ["x"], ["x1", "x2"], (1, 0))
    square = Graph("square", [X], [branch, Node("×", ["x1", "x2"], ["y"], (2, 0))])
    assert square.run().derivatives["x"] == 4.0
    with pytest.raises(ValueError, match=r"takes 'x'.* \(branch it\)"):
        Graph("square", [X], [Node("×", ["x", "x"], ["y"], (1, 0))])


@pytest.mark.parametrize(
    "inputs, nodes, options, message",
    [
        ([X, X], [], {}, r"edges \['x'\] are given more than once"),
        ([X], [Node("exp", ["z"], ["y"], (1, 0))], {}, "takes 'z', which no input"),
        ([X], [Node("sin", ["x"], ["y"], (1, 0))], {}, "there is no operation 'sin'"),
        ([X], [EXP], {"upstream": {"Y": 5}}, r"must name edges, .* got \['Y'\]"),
        ([X], [EXP], {"values": {"z": "x"}}, r"must name edges, .* got \['z'\]"),
        ([X], [EXP], {"breaks": {"z": (0, 0)}}, r"must name edges, .* got \['z'\]"),
        ([X], [EXP], {"upstream": {"x": 1}}, r"and upstream outputs, got \['x'\]"),
        ([X, Input("u", 1.0, (0, 1))], [EXP], {}, r"no node takes the inputs \['u'\]"),
    ],
)
def test_wrong_graphs_are_refused(inputs, nodes, options, message):
    with pytest.raises(ValueError, match=message):
        Graph("wrong", inputs, nodes, **options)
