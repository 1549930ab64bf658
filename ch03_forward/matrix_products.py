"""Calculating Multidimensional Arrays (chapter 3): shapes and matrix products.

The products that the book prints, one whose shapes do not fit, and the product in a network that
has neither biases nor an activation function.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.typing import Array


@dataclass(frozen=True)
class Result:
    """The products, the shapes, and in `misfit` the error that (2, 3) by (2, 2) ends with."""

    square: Array
    rectangular: Array
    matrix_by_vector: Array
    network: Array
    shapes: dict[str, tuple[int, ...]]
    misfit: str


def run() -> Result:
    # Multidimensional arrays: one dimension, and two.
    row = np.array([1, 2, 3, 4])
    matrix = np.array([[1, 2], [3, 4], [5, 6]])

    # Matrix multiplication: element (i, j) is the product of row i of A and column j of B.
    square = np.dot(np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]]))
    A = np.array([[1, 2, 3], [4, 5, 6]])
    rectangular = np.dot(A, matrix)
    matrix_by_vector = np.dot(matrix, np.array([7, 8]))

    # Two inputs, three outputs: Y = X W.
    X = np.array([1, 2])
    W = np.array([[1, 3, 5], [2, 4, 6]])
    Y = np.dot(X, W)

    shapes = {
        "(1, 2, 3, 4)": row.shape,
        "((1, 2), (3, 4), (5, 6))": matrix.shape,
        "a (2, 3) by a (3, 2) matrix": rectangular.shape,
        "a (3, 2) matrix by a vector (2)": matrix_by_vector.shape,
        "W": W.shape,
        "Y": Y.shape,
    }
    C = np.array([[1, 2], [3, 4]])
    return Result(square, rectangular, matrix_by_vector, Y, shapes, misfit(A, C))


def misfit(A: Array, B: Array) -> str:
    """The error of the product A B, or 'no error': A must have as many columns as B has rows."""
    try:
        np.dot(A, B)
    except ValueError as error:
        return type(error).__name__
    return "no error"


def shape_claim(name: str, book: tuple[int, ...]) -> Claim:
    """That `shapes` of the result has the book's shape under `name`."""
    return Claim.same(f"shape of {name}", book, lambda result: result.shapes[name], any_data=True)


CLAIMS = [
    shape_claim("(1, 2, 3, 4)", (4,)),
    shape_claim("((1, 2), (3, 4), (5, 6))", (3, 2)),
    Claim.same(
        "((1, 2), (3, 4)) by ((5, 6), (7, 8))", ((19, 22), (43, 50)), lambda result: result.square
    ),
    Claim.same(
        "((1, 2, 3), (4, 5, 6)) by ((1, 2), (3, 4), (5, 6))",
        ((22, 28), (49, 64)),
        lambda result: result.rectangular,
    ),
    shape_claim("a (2, 3) by a (3, 2) matrix", (2, 2)),
    Claim(
        "a (2, 3) by a (2, 2) matrix",
        "ValueError",
        lambda result: result.misfit,
        lambda v: v == "ValueError",
    ),
    Claim.same(
        "((1, 2), (3, 4), (5, 6)) by (7, 8)",
        (23, 53, 83),
        lambda result: result.matrix_by_vector,
    ),
    shape_claim("a (3, 2) matrix by a vector (2)", (3,)),
    shape_claim("W", (2, 3)),
    Claim.same("Y = X W", (5, 11, 17), lambda result: result.network),
    shape_claim("Y", (3,)),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, claims=CLAIMS)
