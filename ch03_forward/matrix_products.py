"""*Calculating Multidimensional Arrays* (chapter 3): shapes and matrix products.

The script computes the products that the book prints, tries one whose shapes do not fit, and
computes the product in a network without biases and activation function.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record

SHAPES = {
    "(1, 2, 3, 4)": (4,),
    "((1, 2), (3, 4), (5, 6))": (3, 2),
    "a (2, 3) by a (3, 2) matrix": (2, 2),
    "a (3, 2) matrix by a vector (2)": (3,),
    "W": (2, 3),
    "Y": (3,),
}
"""The shapes that the book prints, or that its figures 3.12 to 3.14 show."""


@dataclass(frozen=True)
class Result(Record):
    """The products and shapes that the book prints.

    Args:
        square: The product of two (2, 2) matrices.
        rectangular: The product of a (2, 3) matrix and a (3, 2) matrix.
        matrix_by_vector: The product of a (3, 2) matrix and a vector of 2 elements.
        network: The output Y = X W of a network with two inputs and three outputs.
        shapes: The shapes of arrays and products, by name.
        misfit: The name of the error that the product of a (2, 3) and a (2, 2) matrix raises.
    """

    square: np.ndarray
    rectangular: np.ndarray
    matrix_by_vector: np.ndarray
    network: np.ndarray
    shapes: dict[str, tuple[int, ...]]
    misfit: str


def run() -> Result:
    # One array has one dimension, the other has two.
    row = np.array([1, 2, 3, 4])
    matrix = np.array([[1, 2], [3, 4], [5, 6]])

    # Element (i, j) of A B is the product of row i of A and column j of B.
    square = np.dot(np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]]))
    A = np.array([[1, 2, 3], [4, 5, 6]])
    rectangular = np.dot(A, matrix)
    matrix_by_vector = np.dot(matrix, np.array([7, 8]))

    # A network with two inputs and three outputs computes Y = X W.
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


def misfit(A: np.ndarray, B: np.ndarray) -> str:
    """Return the name of the error that A B raises, or 'no error'.

    A must have as many columns as B has rows.
    """
    try:
        np.dot(A, B)
    except ValueError as error:
        return type(error).__name__
    return "no error"


def shapes_claim(of_what: str, book: dict[str, tuple[int, ...]]) -> Claim:
    """Return the claim that the result's `shapes` has the book's shapes under their names."""
    return Claim.same(
        f"shapes of {of_what}: those that differ from the book's",
        0,
        lambda result: sum(result.shapes[name] != shape for name, shape in book.items()),
        printed=False,
        any_data=True,
    )


experiment = Experiment(
    __doc__,
    run,
    claims=[
        shapes_claim("arrays and products", SHAPES),
        Claim.same(
            "((1, 2), (3, 4)) by ((5, 6), (7, 8))",
            ((19, 22), (43, 50)),
            lambda result: result.square,
        ),
        Claim.same(
            "((1, 2, 3), (4, 5, 6)) by ((1, 2), (3, 4), (5, 6))",
            ((22, 28), (49, 64)),
            lambda result: result.rectangular,
        ),
        Claim(
            "a (2, 3) by a (2, 2) matrix",
            "ValueError",
            lambda result: result.misfit,
            lambda v: v == "ValueError",
            condition="equal",
            printed=True,
        ),
        Claim.same(
            "((1, 2), (3, 4), (5, 6)) by (7, 8)",
            (23, 53, 83),
            lambda result: result.matrix_by_vector,
        ),
        Claim.same("Y = X W", (5, 11, 17), lambda result: result.network),
    ],
)

if __name__ == "__main__":
    experiment.main()
