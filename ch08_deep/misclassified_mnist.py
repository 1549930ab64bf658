"""*Deeper Networks* (chapter 8): every test image that the trained network gets wrong.

The network has the weights of train_deepnet.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch08_deep.train_deepnet import trained_network
from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Record
from dlbasics.metrics import WorstErrors, worst_errors


@dataclass(frozen=True)
class Result(Record):
    """The errors, the most confident first.

    Args:
        errors: What the network gets wrong.
        images: All test images, (N, 784).
        second: The class with the second highest probability, for each error.
        sure: The network's mean confidence where it is right.
    """

    errors: WorstErrors
    images: np.ndarray
    second: np.ndarray
    sure: float


def run(data: Data) -> Result:
    y = trained_network().predict_proba(data.x_test.reshape(-1, 1, 28, 28))
    errors = worst_errors(data.t_test, y)
    second = np.argsort(y[errors.index], axis=1)[:, -2]
    sure = np.delete(y.max(axis=1), errors.index).mean()
    return Result(errors, data.x_test, second, float(sure))


def plot(result: Result) -> dict[str, Any]:
    return {"figure_8_2": result.errors.plot(result.images)}


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        Claim.between(
            "errors among 10,000 test images",
            62,
            lambda r: len(r.errors),
            1,
            78,
            why="two standard errors above the text's number",
        ),
        Claim(
            "mean confidence, where wrong and where right",
            None,
            lambda r: [float(r.errors.confidence.mean()), r.sure] if len(r.errors) else LEFT_OUT,
            lambda v: v[0] < v[1] - 0.1,
            condition="the first is more than 0.1 lower",
            why="a tenth is plainly less sure",
            digits=3,
        ),
        Claim.between(
            "share of errors where the label is the second guess",
            None,
            lambda r: float(np.mean(r.second == r.errors.labels)) if len(r.errors) else LEFT_OUT,
            0.5,
            1,
            why="a near miss is the rule: more than every second",
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
