"""Going Deeper (chapter 8): every test image that the trained network takes for another digit.

The network has the weights of train_deepnet.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch03_forward.show_mnist import img_show
from ch08_deep.train_deepnet import trained_network
from dlbasics.experiment import LEFT_OUT, Claim, Data, Experiment, Record
from dlbasics.functions import softmax

COLUMNS, SHOWN = 10, 80
"""The columns of the figure, and how many of the most confident errors it shows at most."""


@dataclass(frozen=True)
class Result(Record):
    """The E errors, the most confident first.

    Args:
        index: The index of each image among the test images, (E,).
        images: The images, (E, 784).
        labels: The labels, (E,).
        guesses: The class that the network chooses, (E,).
        confidence: The probability that the network gives to that class, (E,).
        second: The class with the second highest probability, (E,).
        sure: The network's mean confidence where it is right.
    """

    index: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    guesses: np.ndarray
    confidence: np.ndarray
    second: np.ndarray
    sure: float


def run(data: Data) -> Result:
    scores = trained_network().predict(data.x_test.reshape(-1, 1, 28, 28))
    return errors(softmax(scores), data)


def errors(y: np.ndarray, data: Data) -> Result:
    """Return the errors in probabilities y (N, 10) of the test images, the most confident first."""
    guesses, confidence = y.argmax(axis=1), y.max(axis=1)
    wrong = np.flatnonzero(guesses != data.t_test)
    index = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return Result(
        index=index,
        images=data.x_test[index],
        labels=data.t_test[index],
        guesses=guesses[index],
        confidence=confidence[index],
        second=np.argsort(y[index], axis=1)[:, -2],
        sure=float(np.delete(confidence, wrong).mean()),
    )


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    shown = min(len(result.index), SHOWN)
    rows = max(1, -(-shown // COLUMNS))
    figure, grid = plotting.subplots(rows, COLUMNS, width=1.1, height=1.45, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for i, axes in enumerate(grid.flat[:shown]):
        guess = f"guess {result.guesses[i]}, {result.confidence[i]:.0%}"
        img_show(axes, result.images[i], f"label {result.labels[i]}\n{guess}")
        axes.title.set_fontsize(8)
    if not shown:
        figure.suptitle("no errors")
    elif shown < len(result.index):
        figure.suptitle(f"the {shown} most confident of {len(result.index)} errors")
    return {"figure_8_2": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    claims=[
        # As in train_deepnet.py: two standard errors above the book's 62.
        Claim("errors among 10,000 test images", 62, lambda r: len(r.index), lambda v: 0 < v <= 78),
        Claim(
            "mean confidence, where wrong and where right",
            "lower where wrong",
            lambda r: [float(r.confidence.mean()), r.sure] if len(r.index) else LEFT_OUT,
            lambda v: v[0] < v[1] - 0.1,
            digits=3,
        ),
        Claim(
            "share of errors where the label is the second guess",
            "most",
            lambda r: float(np.mean(r.second == r.labels)) if len(r.index) else LEFT_OUT,
            lambda v: v > 0.5,
            digits=2,
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
