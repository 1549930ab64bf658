import numpy as np
import pytest

from ch05_backprop.graph import Graph, Input
from ch05_backprop.nodes import OPERATIONS
from tests.ch05.helpers import GRAPHS


def test_every_operation_is_in_a_graph_whose_derivatives_are_checked():
    assert {node.operation for graph in GRAPHS for node in graph.nodes} == {*OPERATIONS, "branch"}


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.title)
def test_derivatives_are_those_of_central_differences(graph):
    derivatives, h = graph.run().derivatives, 1e-5
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
                    sum(
                        np.sum(values[name] * graph.upstream.get(name, 1)) for name in graph.outputs
                    )
                )
            numerical[index] = (ends[0] - ends[1]) / (2 * h)
        found = derivatives[edge.name]
        assert np.shape(found) == value.shape
        np.testing.assert_allclose(found, numerical, rtol=1e-6, atol=1e-6, err_msg=edge.name)
