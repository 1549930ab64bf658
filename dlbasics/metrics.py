"""What a trained network gets wrong: which classes it mixes up, and its worst errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbasics._internal.checks import Array, as_array, as_count, as_float, as_texts
from dlbasics._internal.reprs import Record

__all__ = ["WorstErrors", "confusion_matrix", "np", "worst_errors"]


def confusion_matrix(t: Any, y: Any, num_classes: int | None = None) -> Array:
    """Count the samples of each class by the class that the network chose, (K, K).

    Row i and column j hold the number of samples of class i that it took for class j.  What is
    right stands on the diagonal.  `plotting.confusion_matrix` draws it.

    Args:
        t: The labels: integer classes (N,), or rows (N, K).
        y: What the network says: scores or probabilities (N, K), or the classes themselves, (N,).
            For scores of images, (N, K, H, W), each place counts; the labels are (N, H, W).
        num_classes: The number of classes, K.  None stands for the length of the rows, or, if there
            are none, for the largest class plus 1.

    Raises:
        ValueError: If t and y do not belong together, or a class is not from 0 to K - 1.

    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    (t, width_t), (y, width_y) = _classes(t, "t"), _classes(y, "y")
    if t.shape != y.shape or not t.size:
        raise ValueError(f"t and y must belong to the same samples, got {t.shape} and {y.shape}")
    largest = max(int(t.max()), int(y.max()))
    K = max(width_t, width_y, 0 if width_t or width_y else largest + 1)
    if num_classes is not None:
        K = as_count(num_classes, "num_classes")
    _check_range("t", t, K)
    _check_range("y", y, K)
    pairs = t.astype(np.int64).ravel() * K + y.ravel()
    return np.bincount(pairs, minlength=K * K).reshape(K, K)


@dataclass(frozen=True, eq=False)
class WorstErrors(Record):
    """The E samples that a network takes for another class, the most confident errors first.

    Attributes:
        index: The index of each one among all samples, (E,).
        labels: Their classes, (E,).
        guesses: The classes that the network chooses, (E,).
        confidence: The probabilities that the network gives to these, (E,).
        num_classes: The number of classes, K.
    """

    index: Array
    labels: Array
    guesses: Array
    confidence: Array
    num_classes: int

    def __len__(self) -> int:
        return len(self.index)

    def plot(
        self, x: Array, *, most: int = 80, columns: int = 10, names: Sequence[str] | None = None
    ) -> Any:
        """Return a figure with the images of the worst errors, with label, guess and confidence.

        Args:
            x: All N images, in the order in which the network had them: (N, H, W), (N, C, H, W)
                with one channel or three, or rows (N, D) of square images.
            most: The largest number of images to show.
            columns: The number of images beside each other.
            names: The names of the classes, by default their numbers.
        """
        from dlbasics import plotting

        x, most = as_array(x), as_count(most, "most")
        if x.ndim < 2 or len(x) <= self.index.max(initial=0):
            raise ValueError(f"x must hold all images that the network had, got shape {x.shape}")
        K, shown = self.num_classes, slice(min(len(self), most))
        names = [*map(str, range(K))] if names is None else as_texts(names, "names", K, "class")
        each = zip(self.labels[shown], self.guesses[shown], self.confidence[shown], strict=True)
        titles = [f"label {names[t]}\nguess {names[k]}, {sure:.0%}" for t, k, sure in each]
        title = "" if len(self) else "no errors"
        if most < len(self):
            title = f"the {most} most confident of {len(self)} errors"
        images = x[self.index[shown]]
        return plotting.gallery(images, titles, columns=columns, title=title)


def worst_errors(t: Any, y: Any) -> WorstErrors:
    """Return the samples that a network takes for another class, the most confident errors first.

    `worst_errors(t_test, network.predict_proba(x_test)).plot(x_test)` shows them.

    Args:
        t: The labels: integer classes (N,), or rows (N, K).
        y: The probabilities of the classes, (N, K).

    Raises:
        ValueError: If t and y do not belong together, or y does not hold probabilities.
    """
    y = as_float(y, "y")
    if y.ndim != 2 or y.shape[1] < 2 or not (y.min(initial=0) >= 0 and y.max(initial=0) <= 1.001):
        raise ValueError(
            "y must be probabilities (N, K) from 0 to 1, as predict_proba returns them, got shape "
            f"{y.shape}"
        )
    labels, _ = _classes(t, "t")
    if labels.shape != y.shape[:1]:
        raise ValueError(f"t must be {len(y)} labels, one for each row of y, got {np.shape(t)}")
    _check_range("t", labels, y.shape[1])
    guesses, confidence = y.argmax(axis=1), y.max(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    index = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return WorstErrors(index, labels[index], guesses[index], confidence[index], y.shape[1])


def _check_range(name: str, classes: Array, K: int) -> None:
    if classes.size and (classes.min() < 0 or classes.max() >= K):
        raise ValueError(
            f"{name} must hold classes from 0 to {K - 1}, got {classes.min()} to {classes.max()}"
        )


def _classes(values: Any, name: str) -> tuple[Array, int]:
    """Return the class of each sample or place, and the length of the rows; 0 if there are none."""
    values = as_array(values, name)
    if values.ndim in (2, 4) and values.shape[1] > 1:
        return values.argmax(axis=1), values.shape[1]
    classes = values[:, 0] if values.ndim == 2 and values.shape[1] else values
    if classes.ndim not in (1, 3) or classes.dtype.kind not in "iub":
        raise ValueError(
            f"{name} must be integer classes (N,) or rows (N, K), got {values.dtype} of shape "
            f"{values.shape}; for probabilities of label 1, y > 0.5 makes classes"
        )
    return classes.astype(np.int64), 0
