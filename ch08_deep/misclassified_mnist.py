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
        # As in train_deepnet.py: two standard errors above the book's 62.
        Claim(
            "errors among 10,000 test images", 62, lambda r: len(r.errors), lambda v: 0 < v <= 78
        ),
        Claim(
            "mean confidence, where wrong and where right",
            "lower where wrong",
            lambda r: [float(r.errors.confidence.mean()), r.sure] if len(r.errors) else LEFT_OUT,
            lambda v: v[0] < v[1] - 0.1,
            digits=3,
        ),
        Claim(
            "share of errors where the label is the second guess",
            "most",
            lambda r: float(np.mean(r.second == r.errors.labels)) if len(r.errors) else LEFT_OUT,
            lambda v: v > 0.5,
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
