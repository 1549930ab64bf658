"""*Implementing the Affine and Softmax Layers* (chapter 5): small examples, and that of Relu.

The examples show the mask of Relu, how Affine adds its bias and sums the bias's gradient, and what
SoftmaxWithLoss passes back.
"""

from dataclasses import dataclass

import numpy as np

from dlbasics.experiment import Claim, Experiment, Record
from dlbasics.layers import Affine, Relu, SoftmaxWithLoss


@dataclass(frozen=True)
class Result(Record):
    """What the layers compute.

    Args:
        relu_mask: Where the input of Relu is 0 or less, (2, 2).
        y_of_one_sample: The output of Affine for one sample, (3,).
        y_of_a_batch: The output of Affine for two samples, (2, 3).
        db: The gradient of the bias of Affine, (3,).
        dx_unsure: What SoftmaxWithLoss passes back if it gives the right class 0.2, (3,).
        dx_sure: What SoftmaxWithLoss passes back if it gives the right class 0.99, (3,).
    """

    relu_mask: np.ndarray
    y_of_one_sample: np.ndarray
    y_of_a_batch: np.ndarray
    db: np.ndarray
    dx_unsure: np.ndarray
    dx_sure: np.ndarray


def run() -> Result:
    relu = Relu()
    relu.forward(np.array([[1.0, -0.5], [-2.0, 3.0]]))

    # The products X W are (0, 0, 0) and (10, 10, 10).  Affine adds the bias to each row.
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


def difference(y: list[float], t: list[int]) -> np.ndarray:
    """Return what SoftmaxWithLoss passes back for scores whose softmax is y.  It should be y - t.

    The score of a probability of 0 is minus infinity.
    """
    with np.errstate(divide="ignore"):
        scores = np.log(y)
    layer = SoftmaxWithLoss()
    layer.forward(scores, np.array(t))
    return layer.backward()


experiment = Experiment(
    __doc__,
    run,
    claims=[
        Claim.same(
            "mask of Relu for ((1, -0.5), (-2, 3))",
            [[False, True], [True, False]],
            lambda r: r.relu_mask,
        ),
        Claim.same(
            "(10, 10, 10) plus the bias (1, 2, 3)", [11, 12, 13], lambda r: r.y_of_one_sample
        ),
        Claim.same(
            "((0, 0, 0), (10, 10, 10)) plus the bias (1, 2, 3)",
            [[1, 2, 3], [11, 12, 13]],
            lambda r: r.y_of_a_batch,
        ),
        Claim.same("dB for dY = ((1, 2, 3), (4, 5, 6))", [5, 7, 9], lambda r: r.db),
        Claim.same(
            "dX of softmax with loss, y = (0.3, 0.2, 0.5), t = (0, 1, 0)",
            [0.3, -0.8, 0.5],
            lambda r: r.dx_unsure,
            atol=1e-12,
            why="the logarithm and softmax round",
        ),
        Claim.same(
            "dX of softmax with loss, y = (0.01, 0.99, 0), t = (0, 1, 0)",
            [0.01, -0.01, 0.0],
            lambda r: r.dx_sure,
            atol=1e-12,
            why="the logarithm and softmax round",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
