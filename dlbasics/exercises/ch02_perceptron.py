"""The checks of chapter 2's notebook."""

from collections.abc import Callable
from itertools import product

from dlbasics.exercises.verdict import exercise, expect


@exercise
def nand(answer: Callable[[int, int], int]) -> str:
    """Check NAND(x1, x2): 0 only if both are 1."""
    for x1, x2 in product((0, 1), repeat=2):
        expect(answer(x1, x2), int(not (x1 and x2)), f"NAND({x1}, {x2})")
    return "your NAND has all four rows of the table"
