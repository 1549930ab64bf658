"""Activation Function Layers, and Affine and Softmax Layers (chapter 5): the book's small examples.

The mask of Relu, the bias of Affine, forward and backward, and what SoftmaxWithLoss passes back.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics import experiment
from dlbasics.experiment import Claim
from dlbasics.layers import Affine, Relu, SoftmaxWithLoss
from dlbasics.typing import Array


@dataclass(frozen=True)
class Result:
    relu_mask: Array
    y_of_one_sample: Array
    y_of_a_batch: Array
    db: Array
    dx_unsure: Array
    dx_sure: Array


def run() -> Result:
    relu = Relu()
    relu.forward(np.array([[1.0, -0.5], [-2.0, 3.0]]))

    # The products: X W is (0, 0, 0) and (10, 10, 10), to which the bias is added row by row.
    b = np.array([1.0, 2.0, 3.0])
    affine = Affine(np.full((1, 3), 10.0), b)
    y_of_one_sample = affine.forward(np.array([1.0]))
    y_of_a_batch = affine.forward(np.array([[0.0], [1.0]]))
    affine.backward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))

    return Result(
        relu_mask=relu.mask,
        y_of_one_sample=y_of_one_sample,
        y_of_a_batch=y_of_a_batch,
        db=affine.db,
        dx_unsure=difference([0.3, 0.2, 0.5], [0, 1, 0]),
        dx_sure=difference([0.01, 0.99, 0.0], [0, 1, 0]),
    )


def difference(y: list[float], t: list[int]) -> Array:
    """What SoftmaxWithLoss passes back for scores whose softmax is y: y - t.

    A probability of 0 belongs to a score of minus infinity.
    """
    with np.errstate(divide="ignore"):
        scores = np.log(y)
    layer = SoftmaxWithLoss()
    layer.forward(scores, np.array(t))
    return layer.backward()


CLAIMS = [
    Claim.same(
        "mask of Relu for ((1, -0.5), (-2, 3))",
        [[False, True], [True, False]],
        lambda r: r.relu_mask,
    ),
    Claim.same("(10, 10, 10) with the bias (1, 2, 3)", [11, 12, 13], lambda r: r.y_of_one_sample),
    Claim.same(
        "((0, 0, 0), (10, 10, 10)) with the bias",
        [[1, 2, 3], [11, 12, 13]],
        lambda r: r.y_of_a_batch,
    ),
    Claim.same("dB of ((1, 2, 3), (4, 5, 6))", [5, 7, 9], lambda r: r.db),
    Claim.same(
        "softmax with loss, y = (0.3, 0.2, 0.5), t = (0, 1, 0)",
        [0.3, -0.8, 0.5],
        lambda r: r.dx_unsure,
        atol=1e-12,
    ),
    Claim.same(
        "softmax with loss, y = (0.01, 0.99, 0)",
        [0.01, -0.01, 0.0],
        lambda r: r.dx_sure,
        atol=1e-12,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, claims=CLAIMS)
