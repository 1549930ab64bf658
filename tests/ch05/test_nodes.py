import numpy as np
import pytest

from ch05_backprop.graph import Graph, Input, Node
from ch05_backprop.nodes import OPERATIONS
from tests.ch05.helpers import check_derivatives

SHAPES = {
    "+": [(), (), ()],
    "×": [(), ()],
    "−": [(), ()],
    "dot": [(2, 3), (3, 4)],
    "mean": [(5,)],
    "Softmax": [(), (), ()],
    "Cross\nentropy\nerror": [()] * 6,
}


OF_POSITIVE_NUMBERS = ("√", "log", "Cross\nentropy\nerror")
CASES = [(operation, 1) for operation in (*OPERATIONS, "branch")]
CASES += [(operation, -1) for operation, _ in CASES if operation not in OF_POSITIVE_NUMBERS]


@pytest.mark.parametrize("operation, sign", CASES)
def test_derivatives_are_those_of_central_differences(operation, sign):
    rng = np.random.default_rng(0)
    shapes = SHAPES.get(operation, [()])
    inputs = [
        Input(f"x{i}", sign * rng.uniform(0.5, 2, shape), (0, i)) for i, shape in enumerate(shapes)
    ]
    gives = ["y1", "y2", "y3"] if operation in ("Softmax", "branch") else ["y"]
    node = Node(operation, [edge.name for edge in inputs], gives, (1, 0))
    shape = np.shape(Graph("values", inputs, [node]).run().values["y"]) if gives == ["y"] else ()
    upstream = {name: rng.standard_normal(shape) for name in gives}
    check_derivatives(Graph(operation, inputs, [node], upstream=upstream))
