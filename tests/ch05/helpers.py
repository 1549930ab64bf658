"""What the tests of several scripts of chapter 5 share."""

from typing import Any

import numpy as np

from ch05_backprop.computational_graphs import FIGURES
from ch05_backprop.exercises import EXERCISES
from ch05_backprop.graph import Graph
from tests.docs.pages import drawing_program

GRAPHS = [figure.graph for figure in FIGURES.values()]
GRAPHS += [*EXERCISES.values(), *drawing_program("draw_dense").GRAPHS.values()]
GRAPHS = list({id(graph): graph for graph in GRAPHS}.values())
FORMULAS = {
    "exp": np.exp,
    "log": np.log,
    "mean": np.mean,
    "outer": np.outer,
    "Σ": lambda x: np.sum(x, axis=0),
}


def curves(axes: Any) -> dict[str, list[float]]:
    """Return what each line shows, by its label."""
    return {line.get_label(): [*line.get_ydata()] for line in axes.lines}


def check_formulas(graph: Graph) -> None:
    """Compare the formulas of a graph with the values and derivatives that flow through it."""
    flow = graph.run()
    names = FORMULAS | flow.values | dict(graph.symbols)
    names["g"] = flow.derivatives[graph.outputs[0]]
    for formulas, found in ((graph.values, flow.values), (graph.derivatives, flow.derivatives)):
        for edge, formula in formulas.items():
            expected = eval(formula.rpartition("= ")[2], {"__builtins__": {}}, names)
            np.testing.assert_allclose(
                found[edge], expected, rtol=1e-6, atol=1e-12, err_msg=f"{edge}: {formula}"
            )
