"""Listings of chapter 2 as a reader types them."""

from tests.listings.helpers import check, run

GATES = """
from dlbasics.functions import *

def gate(w1, w2, b):
    return lambda x1, x2: int(np.sum(np.array([w1, w2]) * np.array([x1, x2])) + b > 0)

AND, NAND, OR = gate(0.5, 0.5, -0.7), gate(-0.5, -0.5, 0.7), gate(0.5, 0.5, -0.2)

def XOR(x1, x2):
    return AND(NAND(x1, x2), OR(x1, x2))

inputs = [(0, 0), (1, 0), (0, 1), (1, 1)]
"""


def test_gates():
    found = run(GATES)
    for gate, outputs in {"AND": [0, 0, 0, 1], "NAND": [1, 1, 1, 0], "OR": [0, 1, 1, 1]}.items():
        check(found, {f"[{gate}(*x) for x in inputs]": outputs})
    check(found, {"[XOR(*x) for x in inputs]": [0, 1, 1, 0]})
