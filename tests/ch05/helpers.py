"""What the tests of several scripts of chapter 5 share."""

from typing import Any

import numpy as np

from ch05_backprop.computational_graphs import FIGURES
from ch05_backprop.exercises import EXERCISES
from ch05_backprop.graph import Graph, Input

GRAPHS = list({id(figure.graph): figure.graph for figure in FIGURES.values()}.values())
GRAPHS += EXERCISES.values()


def curves(axes: Any) -> dict[str, list[float]]:
    """Return what each line shows, by its label."""
    return {line.get_label(): [*line.get_ydata()] for line in axes.lines}


def check_derivatives(graph: Graph, h: float = 1e-5) -> None:
    """Compare the derivatives at the inputs of a graph with central differences."""
    derivatives = graph.run().derivatives
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
