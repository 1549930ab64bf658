"""*Softmax-with-Loss Layer* (chapter 5): scores, and what softmax makes of them.

In the book's figure 5.31 a network of Affine and ReLU layers gives an image of a 2 ten scores.  The
text prints two of them, 5.3 for the digit 0 and 10.1 for 2, and their probabilities.  The script
computes these, then trains such a network for a while and shows the scores of its first 2.  The
largest score is the largest probability, so inference needs no softmax.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dlbasics.data import minibatches
from dlbasics.experiment import Claim, Data, Experiment, Record
from dlbasics.functions import softmax
from dlbasics.networks import MultiLayerNet
from dlbasics.optimizers import Adam

OTHERS = 1.0
"""The score of the eight digits whose scores the book does not print."""


@dataclass(frozen=True)
class Config:
    """The training of the network 784-50-100-10.

    Args:
        epochs: The number of epochs, passes over all training images.
        batch_size: The number of images in a mini-batch.
        learning_rate: The learning rate of Adam, about how far a weight moves in an update.
    """

    epochs: int = 1
    batch_size: int = 100
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Result(Record):
    """Scores and probabilities.

    Args:
        books: The probabilities of the book's scores; eight of these are OTHERS.
        range_of_others: The smallest and the largest score of the eight others, if all are equal,
            for which the probabilities of 0 and 2 are the printed ones.
        image: The first test image of a 2, (784,).
        scores: Its ten scores.
        probabilities: Its ten probabilities.
        same_answers: The share of test images for which the largest score and the largest
            probability belong to the same digit.
        test_acc: The accuracy of the network on the test images.
    """

    books: np.ndarray
    range_of_others: tuple[float, float]
    image: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray
    same_answers: float
    test_acc: float


def run(config: Config, data: Data, rng: Generator) -> Result:
    network, optimizer = MultiLayerNet(784, [50, 100], 10, rng=rng), Adam(config.learning_rate)
    for _ in range(config.epochs):
        for x, t in minibatches(data.x_train, data.t_train, config.batch_size, rng=rng):
            optimizer.update(network.params, network.gradient(x, t))
    image = data.x_test[data.t_test == 2][0]
    scores = network.predict(data.x_test)
    answers = scores.argmax(axis=1)
    return Result(
        books=books_probabilities(OTHERS),
        range_of_others=range_of_others(),
        image=image,
        scores=network.predict(image),
        probabilities=softmax(network.predict(image)),
        same_answers=float(np.mean(softmax(scores).argmax(axis=1) == answers)),
        test_acc=float(np.mean(answers == data.t_test)),
    )


def books_probabilities(others: float) -> np.ndarray:
    """Return the probabilities of 5.3 for 0, 10.1 for 2, and `others` for the other digits."""
    scores = np.full(10, others)
    scores[[0, 2]] = 5.3, 10.1
    return softmax(scores)


def range_of_others() -> tuple[float, float]:
    """Find the other scores for which the probabilities of 0 and 2 round to the printed ones."""
    candidates = np.arange(-1_000, 1_000) / 100
    found = [
        other
        for other in candidates.tolist()
        if np.array_equal(np.round(books_probabilities(other)[[0, 2]], 3), [0.008, 0.991])
    ]
    return min(found), max(found)


def plot(result: Result) -> dict[str, Any]:
    from dlbasics import plotting

    figure, (picture, scores, probabilities) = plotting.subplots(
        1, 3, width=3.0, height=3.0, gridspec_kw={"width_ratios": [0.5, 1, 1]}
    )
    picture.imshow(result.image.reshape(28, 28), cmap="gray")
    picture.axis("off")
    for axes, values, label in (
        (scores, result.scores, "score"),
        (probabilities, result.probabilities, "probability"),
    ):
        bars = axes.barh(range(10), values)
        axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=2, fontsize=8)
        axes.set(xlabel=label, yticks=range(10))
        axes.margins(x=0.25)
        axes.invert_yaxis()
    scores.set_ylabel("digit")
    return {"figure_5_31": figure}


experiment = Experiment(
    __doc__,
    run,
    plot,
    Config,
    claims=[
        Claim.same(
            "probabilities of the scores 5.3 (digit 0) and 10.1 (digit 2), if the others are 1",
            [0.008, 0.991],
            lambda result: result.books[[0, 2]],
            atol=5e-4,
            why="the book prints three digits",
            digits=3,
            any_data=True,
        ),
        Claim.same(
            "smallest and largest score of the others that give these probabilities",
            [0.05, 1.42],
            lambda result: result.range_of_others,
            atol=0.011,
            why="the search has steps of 0.01",
            printed=False,
            digits=3,
            any_data=True,
        ),
        Claim(
            "our network, first 2 of the test images: largest score, its digit, probability",
            [10.1, 2, 0.991],
            lambda result: [
                result.scores.max(),
                int(result.scores.argmax()),
                result.probabilities.max(),
            ],
            lambda v: v[0] >= 3 and v[1] == 2 and 0.8 <= v[2] <= 1,
            "the digit 2, a score of at least 3, a probability from 0.8 to 1",
            "scores depend on the seed; a margin below every seed measured",
            digits=3,
        ),
        Claim.same(
            "sum of the ten probabilities",
            1.0,
            lambda result: float(result.probabilities.sum()),
            atol=1e-5,
            why="float32 rounds in the seventh digit",
            any_data=True,
        ),
        Claim.same(
            "share of test images with the same answer by scores and by probabilities",
            1.0,
            lambda result: result.same_answers,
            atol=1e-4,
            why="one image of 10,000: two scores may be so near that softmax rounds them to one",
            printed=False,
            any_data=True,
        ),
        Claim.between(
            "test accuracy of our network",
            None,
            lambda result: result.test_acc,
            low=0.92,
            high=1,
            why="it learns for one epoch; a margin below every seed measured",
        ),
    ],
)

if __name__ == "__main__":
    experiment.main()
