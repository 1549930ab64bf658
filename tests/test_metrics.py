"""What a network gets wrong: the confusion matrix and the worst errors."""

import numpy as np
import pytest

from dlbasics import TwoLayerNet
from dlbasics.metrics import confusion_matrix, worst_errors
from tests.helpers import labelled, normal

T, GUESSES = np.array([0, 1, 2, 2, 1, 0, 2]), np.array([0, 2, 2, 2, 1, 1, 0])
MATRIX = [[1, 1, 0], [0, 1, 1], [1, 0, 2]]
SCORES = np.eye(3)[GUESSES] - 0.5


@pytest.mark.parametrize("y", [GUESSES, GUESSES[:, np.newaxis], SCORES, SCORES * 10, [*GUESSES]])
@pytest.mark.parametrize("t", [T, T.astype(np.uint8), np.eye(3)[T], T.tolist()])
def test_rows_are_labels_and_columns_guesses(t, y):
    found = confusion_matrix(t, y)
    assert found.tolist() == MATRIX
    assert found.dtype == np.int64 and found.flags.writeable


def test_the_number_of_classes():
    assert confusion_matrix([0, 1], [1, 1]).shape == (2, 2)
    assert confusion_matrix([0, 1], [1, 1], 4).shape == (4, 4)
    assert confusion_matrix([0, 1], np.eye(5)[[0, 1]]).shape == (5, 5)
    assert confusion_matrix(np.array([True, False]), [1, 1]).tolist() == [[0, 1], [0, 1]]
    assert confusion_matrix(np.array([250, 0], np.uint8), np.array([0, 250], np.uint8))[250, 0] == 1


def test_of_images_each_place_counts():
    scores = normal(2, 3, 4, 5)
    t = np.random.default_rng(0).integers(0, 3, (2, 4, 5))
    by_rows = confusion_matrix(t.ravel(), scores.argmax(axis=1).ravel())
    np.testing.assert_array_equal(confusion_matrix(t, scores), by_rows)
    assert by_rows.sum() == 40


def test_the_diagonal_is_the_accuracy():
    network, (x, t) = TwoLayerNet(6, 5, 3, 0.5, rng=0), labelled(50)
    for y in (network.predict(x), network.predict_proba(x)):
        assert np.trace(confusion_matrix(t, y)) / 50 == network.accuracy(x, t)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((T, GUESSES[:-1]), ValueError, r"t and y must .* same samples, got \(7,\) and \(6,\)"),
        (([], []), ValueError, "t must be integer classes"),
        ((T, SCORES[:, :1]), ValueError, r"y must be integer classes .* got float64 of shape"),
        ((T, normal(7)), ValueError, r"y must be integer classes .* got float64 of shape \(7,\)"),
        ((T - 1, GUESSES), ValueError, "t must hold classes from 0 to 2, got -1 to 1"),
        ((T, GUESSES, 2), ValueError, "t must hold classes from 0 to 1, got 0 to 2"),
        ((np.zeros(7, int), GUESSES, 2), ValueError, "y must hold classes from 0 to 1, got 0 to 2"),
        ((T, GUESSES, 0), ValueError, "num_classes must be at least 1"),
        ((["a"], ["b"]), TypeError, "t must hold real numbers"),
    ],
)
def test_what_makes_no_matrix(arguments, error, message):
    with pytest.raises(error, match=message):
        confusion_matrix(*arguments)


Y = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.05, 0.95], [0.2, 0.8]])
LABELS = np.array([0, 0, 1, 0, 0])


@pytest.mark.parametrize("t", [LABELS, LABELS[:, np.newaxis], np.eye(2)[LABELS]])
def test_the_most_confident_error_is_the_first(t):
    errors = worst_errors(t, Y)
    assert errors.index.tolist() == [3, 1, 4, 2]  # in their order where equal
    assert errors.labels.tolist() == [0, 0, 0, 1]
    assert errors.guesses.tolist() == [1, 1, 1, 0]
    assert errors.confidence.tolist() == [0.95, 0.8, 0.8, 0.6]
    assert len(errors) == 4


@pytest.mark.parametrize(
    ("t", "y", "message"),
    [
        (LABELS, 3 * Y, "y must be probabilities .* as predict_proba returns them"),
        (LABELS, -Y, "y must be probabilities"),
        (LABELS, Y[:, 0], r"y must be probabilities .* got shape \(5,\)"),
        (LABELS, np.full((5, 2), np.nan), "y must be probabilities"),
        (LABELS[:4], Y, r"t must be 5 labels, one for each row of y, got \(4,\)"),
        (LABELS * 0.5, Y, "t must be integer classes"),
        (LABELS + 1, Y, "t must hold classes from 0 to 1, got 1 to 2"),
    ],
)
def test_what_has_no_errors_to_find(t, y, message):
    with pytest.raises(ValueError, match=message):
        worst_errors(t, y)


class TestPlot:
    images = np.random.default_rng(0).random((5, 3, 4))
    errors = worst_errors(LABELS, Y)

    def shown(self, figure):
        return [axes for axes in figure.axes if axes.images]

    def test_it_shows_the_image_with_label_guess_and_confidence(self):
        figure = self.errors.plot(self.images, names=["cat", "dog"])
        titles = [axes.get_title() for axes in self.shown(figure)]
        assert titles == [
            "label cat\nguess dog, 95%",
            "label cat\nguess dog, 80%",
            "label cat\nguess dog, 80%",
            "label dog\nguess cat, 60%",
        ]
        for axes, index in zip(self.shown(figure), [3, 1, 4, 2], strict=True):
            np.testing.assert_array_equal(axes.images[0].get_array(), self.images[index])
        assert figure.get_suptitle() == ""

    @pytest.mark.parametrize(
        ("most", "count", "title"), [(2, 2, "the 2 most confident of 4 errors"), (4, 4, "")]
    )
    def test_it_shows_so_many_at_most(self, most, count, title):
        figure = self.errors.plot(self.images, most=most, columns=3)
        assert len(self.shown(figure)) == count
        assert figure.get_suptitle() == title
        assert len(figure.axes) == -(-count // 3) * 3

    def test_without_errors_it_says_so(self):
        figure = worst_errors(Y.argmax(axis=1), Y).plot(self.images)
        assert figure.get_suptitle() == "no errors" and not self.shown(figure)

    def test_images_of_the_errors_alone_are_refused(self):
        with pytest.raises(ValueError, match="x must hold all images that the network had, got"):
            self.errors.plot(self.images[:3])
        with pytest.raises(ValueError, match="most must be at least 1"):
            self.errors.plot(self.images, most=0)
        with pytest.raises(ValueError, match="names must be 2 texts, one for each class, got"):
            self.errors.plot(self.images, names=["cat"])
