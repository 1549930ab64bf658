"""Going Deeper (chapter 8): every test image that the trained network takes for another digit.

The weights are those of train_deepnet.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ch03_forward.show_mnist import img_show
from ch08_deep.train_deepnet import trained_network
from dlbasics import experiment
from dlbasics.experiment import Claim, Data
from dlbasics.functions import softmax
from dlbasics.typing import Array

COLUMNS, SHOWN = 10, 80
"""The figure has so many columns, and at most so many images, the most confident ones."""


@dataclass(frozen=True)
class Result:
    """The errors, the most confident first.

    index (E,): where an image stands among the test images;  images (E, 784);  labels (E,);
    guesses (E,), and the probability that the network gives them, confidence (E,);
    second (E,): the class that it finds next likely;  sure: its mean confidence where it is right.
    """

    index: Array
    images: Array
    labels: Array
    guesses: Array
    confidence: Array
    second: Array
    sure: float


def run(data: Data | None = None) -> Result:
    data = data or experiment.load_data()
    return errors(softmax(trained_network().predict(data.x_test.reshape(-1, 1, 28, 28))), data)


def errors(y: Array, data: Data) -> Result:
    """What is wrong in probabilities y (N, 10) of the test images, the most confident first."""
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
    if shown < len(result.index):
        figure.suptitle(f"the {shown} most confident of {len(result.index)} errors")
    return {"figure_8_2": figure}


# As in train_deepnet.py: two standard errors above the book's 62.
CLAIMS = [
    Claim("errors among 10,000 test images", 62, lambda r: len(r.index), lambda v: 0 < v <= 78),
    Claim(
        "mean confidence, where wrong and where right",
        "lower where wrong",
        lambda result: [float(result.confidence.mean()), result.sure],
        lambda v: v[0] < v[1] - 0.1,
        digits=3,
    ),
    Claim(
        "share of errors where the label is the second guess",
        "most",
        lambda result: float(np.mean(result.second == result.labels)),
        lambda v: v > 0.5,
        digits=2,
    ),
]

if __name__ == "__main__":
    experiment.main(__doc__, run, plot, claims=CLAIMS)
